"""Kayenta's contract as Argo Rollouts and Spinnaker read it: complete, and a score against the thresholds."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from harness.gate_server import Standing
from harness.gate_server.kayenta import Execution, executed, execution_id, known
from harness.gate_server.standing import State


def read(score: int, passing: int, marginal: int) -> str:
    """As Argo Rollouts reads a score (metricproviders/kayenta)."""
    return "Successful" if score >= passing else "Inconclusive" if score >= marginal else "Failed"


@given(
    state=st.sampled_from(("pass", "fail", "inconclusive")),
    thresholds=st.tuples(st.integers(1, 99), st.integers(2, 100)).filter(lambda t: t[0] < t[1]),
)
def test_under_any_thresholds_a_standing_is_read_as_what_it_is(
    state: State, thresholds: tuple[int, int]
) -> None:
    """Those that the server lets through."""
    marginal, passing = thresholds
    found = executed(Standing(state=state, reason="r"), marginal=marginal)
    assert found.result is not None
    outcome = read(found.result.judgeResult.score.score, passing, marginal)
    assert outcome == {"pass": "Successful", "fail": "Failed", "inconclusive": "Inconclusive"}[state]


@pytest.mark.parametrize("state", ["pending", "unknown"])
def test_what_is_not_there_yet_is_not_complete(state: State) -> None:
    """Without a score, which could be read."""
    found = executed(Standing(state=state, reason="r"), marginal=75)
    assert (found.complete, found.result) == (False, None)


def body(passing: object = 95, marginal: object = 75, *builds: str) -> dict[str, Any]:
    """The body that Argo Rollouts sends, with a scope for each build."""
    side = {"region": "us-west-2", "step": 60, "start": "2026-11-22T06:00:00Z", "end": "2026-11-22T07:00:00Z"}
    scopes = {
        f"scope{k}": {
            "controlScope": {"scope": "app=shop and hash=xxxx", **side},
            "experimentScope": {"scope": build, **side},
        }
        for k, build in enumerate(builds or ("b1",))
    }
    return {"scopes": scopes, "thresholds": {"pass": passing, "marginal": marginal}}


@pytest.mark.parametrize(
    "given_body",
    [
        pytest.param(body(0, 0), id="a failure would reach the pass"),
        pytest.param(body(95, 0), id="a failure would be marginal"),
        pytest.param(body(75, 75), id="what waits would pass"),
        pytest.param(body(50, 75), id="upside down"),
        pytest.param(body(0.9, 0.5), id="shares for per cents"),
        pytest.param(body(101, 75), id="out of reach"),
        pytest.param(body("NaN", 75), id="no number"),
        pytest.param(body(95, "NaN"), id="no marginal number"),
        pytest.param(body(95, 75, "b1", "b2"), id="two builds"),
        pytest.param(body(95, 75, "app=shop and hash=xxxx"), id="a query for a build"),
        pytest.param({"scopes": {}, "thresholds": {"pass": 95, "marginal": 75}}, id="no scope"),
        pytest.param({"thresholds": {"pass": 95, "marginal": 75}}, id="no scopes"),
        pytest.param({"scopes": body()["scopes"]}, id="no thresholds"),
    ],
)
def test_what_could_be_read_as_a_pass_by_mistake_is_refused(given_body: dict[str, Any]) -> None:
    """Before anything is started."""
    try:
        refused = Execution.model_validate(given_body).contradiction()
    except ValidationError as error:
        refused = str(error)
    assert refused


@pytest.mark.parametrize("given_body", [body(), body("95", "75"), body(95.0, 75.5), body(95, 75, "b1", "b1")])
def test_the_bodies_of_argo_and_spinnaker_are_read(given_body: dict[str, Any]) -> None:
    """Whole numbers, or texts of them."""
    execution = Execution.model_validate(given_body)
    assert (execution.build(), execution.contradiction()) == ("b1", "")


@given(st.text(max_size=60), st.integers(1, 99))
def test_an_execution_is_known_by_its_id_alone(scenario: str, marginal: int) -> None:
    """And fits into a path."""
    name = execution_id(scenario, "sha256:ab/c", marginal=marginal)
    of = known(name)
    assert of is not None
    assert (of.scenario, of.build, of.marginal) == (scenario, "sha256:ab/c", marginal)
    assert not set(name) & set("/+=? ")


@pytest.mark.parametrize(
    "raw", [b"", b"{}", b"[]", b'["s"]', b'["s","--flag",75]', b'["s","b",0]', b'["s","b",100]', b"[" * 900]
)
def test_an_id_that_was_never_given_is_not_known(raw: bytes) -> None:
    """Whatever was made up."""
    assert known(base64.urlsafe_b64encode(raw).decode().rstrip("=")) is None
    assert known("%%%") is None
    assert known("é") is None
