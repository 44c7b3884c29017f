"""The hotel scenario through the command line: a healthy endpoint agrees, a broken one is caught by name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.kit import command
from tests.kit.shortened import shortened

if TYPE_CHECKING:
    from pathlib import Path

REQUESTS = 300


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The scenario with the first requests of its capture only, so that nothing waits for the others."""
    return shortened("hotel_cancellation", tmp_path, requests=REQUESTS)


def replayed(file: Path) -> dict[str, Any]:
    """The report of a run, parity only."""
    results = file.parent / "results"
    done = command.run("run", file, "--phase", "parity", "--first", REQUESTS, "--quiet", "--results", results)
    assert done.code in {10, 20}, done.out + done.err
    return command.report_of(command.only_run(results))


@pytest.mark.timeout(120)
def test_the_healthy_endpoint_is_at_parity(folder: Path) -> None:
    """Features, scores and decisions agree with the offline pipeline and the champion on all requests."""
    report = replayed(folder / "scenario.toml")
    parity = command.rulings(report)
    assert {parity[gate] for gate in ("feature_parity", "score_parity", "decision_flips")} == {"PASS"}
    assert [gate["gate"] for gate in report["gates"] if gate["ruling"] == "FAIL"] == []
    assert report["findings"] == []


@pytest.mark.timeout(120)
def test_bugs_of_the_catalogue_are_a_no_go_that_names_their_features(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The variable BUGS switches two on; feature parity fails, and the findings are these two features."""
    bugs = ("scale:adr,factor=100,segment=hotel=City Hotel", "stale:agent_bookings_30d,days=30")
    monkeypatch.setenv("BUGS", ";".join(bugs))
    report = replayed(folder / "bugs.toml")
    assert report["decision"]["word"] == "NO-GO"
    assert command.rulings(report)["feature_parity"] == "FAIL"
    found = [name for finding in report["findings"] for name in finding["fields"]]
    assert sorted(found) == ["adr", "agent_bookings_30d"]
