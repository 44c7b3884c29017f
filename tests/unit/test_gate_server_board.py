"""The board: verdicts by build from a folder that others write into, and what is started for whom."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from harness.gate_server import Board, Evaluations, Limits, Standing
from harness.gate_server.board import FRESH_S
from tests.kit import gate
from tests.kit.written_runs import write_run

NOW = datetime(2026, 11, 22, 6, 20, tzinfo=UTC)


def ask(
    results: Path,
    question: Callable[[Board], Awaitable[Standing]],
    *,
    scenarios: tuple[str, ...] = ("shop",),
    now: datetime = NOW,
) -> Standing:
    """What a board says whose evaluations never end by themselves."""

    async def main() -> Standing:
        stand_in = gate.program(results.parent / "stand_in")
        listed = {name: results / f"{name}.toml" for name in scenarios}
        work = Evaluations(listed, results, limits=Limits(queue=0), program=stand_in)
        try:
            return await question(Board(results, work, now=lambda: now))
        finally:
            await work.close()

    return asyncio.run(main())


@pytest.fixture
def results(tmp_path: Path) -> Path:
    """A results folder with a GO of b1 in the shop."""
    write_run(tmp_path / "results", "GO", build="b1")
    return tmp_path / "results"


def test_an_unknown_build_starts_an_evaluation_and_a_known_one_does_not(results: Path) -> None:
    """What is pending is said to be; merely asking starts nothing."""
    assert ask(results, lambda board: board.ensure("b1")).state == "pass"
    assert ask(results, lambda board: board.standing("b2")).state == "unknown"
    found = ask(results, lambda board: board.ensure("b2"))
    assert (found.state, found.reason) == ("pending", "the evaluation is under way")


def test_while_a_build_is_evaluated_again_its_old_verdict_is_not_given(results: Path) -> None:
    """The new evaluation may say otherwise."""
    run = write_run(results, None, build="b1", minute=1)

    async def twice(board: Board) -> Standing:
        assert (await board.standing("b1")).again
        await board.ensure("b1")
        shutil.rmtree(run.root)
        return await board.standing("b1")

    assert ask(results, twice, now=NOW + timedelta(hours=2)).reason.startswith("the evaluation is ")


def test_too_many_evaluations_leave_a_build_unknown_with_the_reason(results: Path) -> None:
    """Never a pass because nobody had the time to look."""

    async def crowd(board: Board) -> Standing:
        await board.ensure("b2")
        return await board.ensure("b3")

    found = ask(results, crowd)
    assert (found.state, found.reason) == (
        "unknown",
        "no run of this build; 1 evaluation under way or waiting already",
    )


@pytest.mark.parametrize(
    ("scenarios", "named", "state"),
    [
        pytest.param((), "", "fail", id="none listed: the worst of all"),
        pytest.param((), "shop", "pass", id="none listed, one named"),
        pytest.param(("shop",), "", "pass", id="one listed is meant"),
        pytest.param(("hotel",), "", "fail", id="the other listed is meant"),
        pytest.param(("shop", "hotel"), "", "unknown", id="several listed: it must be named"),
        pytest.param(("shop", "hotel"), "shop", "pass", id="several listed, one named"),
        pytest.param(("shop",), "nowhere", "unknown", id="no such scenario"),
        pytest.param(("shop",), "../shop", "unknown", id="no path is a scenario"),
    ],
)
def test_which_scenario_is_meant(scenarios: tuple[str, ...], named: str, state: str, results: Path) -> None:
    """What is left open never lets a build pass that another scenario fails."""
    write_run(results, "NO-GO", build="b1", scenario="hotel")
    assert ask(results, lambda board: board.standing("b1", named), scenarios=scenarios).state == state
    assert ask(results, lambda board: board.ensure("b1", named), scenarios=scenarios).state == state


def test_a_folder_that_went_away_gives_no_verdict(results: Path) -> None:
    """And no error either."""
    shutil.rmtree(results)
    assert ask(results, lambda board: board.standing("b1")).state == "unknown"


def test_the_folder_is_read_again_after_a_second(results: Path) -> None:
    """Until then answers come from memory."""
    clock = [0.0]

    async def main() -> list[str]:
        work = Evaluations({}, results, limits=Limits())
        board = Board(results, work, clock=lambda: clock[0], now=lambda: NOW)
        before = await board.standing("b1", "shop")
        write_run(results, "NO-GO", build="b1", minute=1)
        meanwhile = await board.standing("b1", "shop")
        clock[0] = FRESH_S
        after = await board.standing("b1", "shop")
        return [one.word for one in (before, meanwhile, after)]

    assert asyncio.run(main()) == ["GO", "GO", "NO-GO"]


def test_reports_are_the_newest_of_each_scenario_and_damaged_ones_are_left_out(results: Path) -> None:
    """For metrics; a scrape fails for none of them."""
    write_run(results, "WAIT", minute=1)
    write_run(results, "NO-GO", scenario="hotel")
    spoiled = write_run(results, "GO", scenario="cab")

    async def main() -> list[tuple[str, str]]:
        board = Board(results, Evaluations({}, results, limits=Limits()))
        await board.refresh()
        spoiled.report.write_bytes(b"{}")
        return sorted((r.scenario, r.decision.word) for r in await board.reports())

    assert asyncio.run(main()) == [("hotel", "NO-GO"), ("shop", "WAIT")]


@pytest.mark.parametrize("content", [b"", b"\xff\xfe", b'{"schema": 1}', b'{"schema": 1, "scenario": "x"}'])
def test_a_later_run_that_lost_its_identity_hides_an_older_verdict(content: bytes, results: Path) -> None:
    """Its folder says of which scenario it is and when it began, so that the older GO is not given."""
    run = write_run(results, "NO-GO", build="b1", minute=1)
    (run.root / "run.json").write_bytes(content)
    found = ask(results, lambda board: board.standing("b1", "shop"))
    assert (found.state, found.run_id) == ("inconclusive", run.root.name)
    assert "latest run cannot be read" in found.reason
