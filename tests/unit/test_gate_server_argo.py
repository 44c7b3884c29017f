"""The object that Argo Rollouts' conditions are written over."""

from __future__ import annotations

import json

import pytest

from harness.gate_server import Standing
from harness.gate_server.argo import told
from harness.gate_server.standing import State


@pytest.mark.parametrize(
    ("state", "verdict", "score"),
    [
        ("pass", "pass", 100),
        ("fail", "fail", 0),
        ("inconclusive", "inconclusive", 50),
        ("pending", "inconclusive", 50),
        ("unknown", "inconclusive", 50),
    ],
)
def test_both_conditions_of_a_template_can_be_told_apart(state: State, verdict: str, score: int) -> None:
    """One for success, one for failure; what fits neither pauses the rollout."""
    body = json.loads(told(Standing(state=state, reason="r"), "").model_dump_json(by_alias=True))
    assert (body["verdict"], body["score"]) == (verdict, score)
    assert (body["pass"], body["fail"]) == (verdict == "pass", verdict == "fail")
    assert body["state"] == state
    assert body["report_url"] == ""


def test_the_report_is_linked_where_it_is_served() -> None:
    """Names go into the URL quoted."""
    standing = Standing(state="fail", reason="r", scenario="a b/../c", run_id="r?1", compared=7)
    body = told(standing, "https://x.example/r/")
    assert body.report_url == "https://x.example/r/a%20b%2F..%2Fc/r%3F1/report.html"
    assert body.n == 7


def test_the_largest_measurement_is_a_few_kilobytes() -> None:
    """Argo keeps it in the AnalysisRun."""
    longest = Standing(
        state="fail", reason="\U0001f600" * 240, scenario="s" * 200, build="b" * 200, run_id="r" * 40
    )
    assert len(told(longest, "https://x.example").model_dump_json()) < 4096
