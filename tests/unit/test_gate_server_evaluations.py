"""Evaluations in the background: once each, few at a time, and no process outlives the server."""

from __future__ import annotations

import asyncio
import fcntl
import os
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from harness.gate_server import Evaluations, Job, Limits
from tests.kit import gate

A, B, C = (Job("shop", build) for build in "abc")


def evaluations(here: Path, limits: Limits, *, clock: Callable[[], float] = lambda: 0.0) -> Evaluations:
    """Of one scenario, by a stand-in that waits in `here`."""
    scenarios = {"shop": here / "scenario.toml"}
    return Evaluations(
        scenarios, here / "results", limits=limits, program=gate.program(here), clock=clock, public=("h",)
    )


async def until(holds: Callable[[], bool]) -> None:
    """Waits for what must come."""
    async with asyncio.timeout(20):
        while not holds():  # noqa: ASYNC110  -- other processes set no event of ours
            await asyncio.sleep(0.005)


def run(test: Callable[[], Awaitable[None]]) -> None:
    """A coroutine to its end."""

    async def main() -> None:
        await test()

    asyncio.run(main())


def started(here: Path) -> list[str]:
    """The arguments of every process that was started."""
    log = here / "started"
    return log.read_text(encoding="utf-8").splitlines() if log.exists() else []


def end(here: Path, code: int) -> None:
    """Every stand-in ends with a code."""
    (here / "staged").write_text(str(code), encoding="utf-8")
    (here / "staged").rename(here / "code")


def test_a_build_is_evaluated_once_by_the_listed_file(tmp_path: Path) -> None:
    """However often it is asked for; the build is one argument, the file comes from the list."""

    async def test() -> None:
        work = evaluations(tmp_path, Limits())
        assert [work.start(A), work.start(A)] == ["", ""]
        await until(lambda: bool(started(tmp_path)))
        assert work.state(A) == "running"
        end(tmp_path, 10)
        await until(lambda: work.finished == 1)
        assert (work.state(A), work.broken(A)) == ("", "")

    run(test)
    scenario, results = tmp_path / "scenario.toml", tmp_path / "results"
    assert started(tmp_path) == [f"run --results {results} --build=a --quiet --allow-public h -- {scenario}"]


def test_few_run_at_a_time_and_few_wait(tmp_path: Path) -> None:
    """What is too many is refused with its reason."""

    async def test() -> None:
        work = evaluations(tmp_path, Limits(concurrency=1, queue=1))
        assert [work.start(A), work.start(B)] == ["", ""]
        assert work.start(C) == "2 evaluations under way or waiting already"
        await until(lambda: bool(started(tmp_path)))
        assert [work.state(job) for job in (A, B, C)] == ["running", "waiting", ""]
        assert len(started(tmp_path)) == 1
        end(tmp_path, 0)
        await until(lambda: work.finished == 2)

    run(test)
    assert len(started(tmp_path)) == 2


def test_a_scenario_that_is_not_listed_is_not_run(tmp_path: Path) -> None:
    """A request names no path."""

    async def test() -> None:
        work = evaluations(tmp_path, Limits())
        for name in ("other", "", "../scenario.toml", str(tmp_path / "scenario.toml")):
            assert work.start(Job(name, "b")) == "the server was given no such scenario to run"

    run(test)
    assert started(tmp_path) == []


@pytest.mark.parametrize("code", [1, 2, 64, 69, 70, 130])
def test_an_evaluation_without_a_verdict_is_told_and_tried_again_later(code: int, tmp_path: Path) -> None:
    """Its last line of complaint is the reason; at once it would only fail again."""
    now = [0.0]

    async def test() -> None:
        end(tmp_path, code)
        work = evaluations(tmp_path, Limits(again_after_s=60), clock=lambda: now[0])
        work.start(A)
        await until(lambda: work.finished == 1)
        assert work.broken(A) == "error: it went wrong"
        assert work.start(A) == "its last evaluation came to no verdict: error: it went wrong"
        now[0] = 61
        assert work.start(A) == ""
        await until(lambda: work.finished == 2)

    run(test)


def test_one_that_takes_too_long_is_stopped(tmp_path: Path) -> None:
    """And said to have been."""

    async def test() -> None:
        work = evaluations(tmp_path, Limits(seconds=0.05))
        work.start(A)
        await until(lambda: work.finished == 1)
        assert work.broken(A) == "it took longer than 0.05 s"

    run(test)


LEAVING = """\
import fcntl, pathlib, subprocess, sys
left = "import fcntl, sys, time; file = open(sys.argv[1], 'a'); fcntl.flock(file, 2); print(flush=True); "
left += "time.sleep(60)"
here = pathlib.Path(__file__).parent
child = subprocess.Popen([sys.executable, "-c", left, str(here / "lock")], stdout=subprocess.PIPE)
child.stdout.readline()
print("error: it went wrong", file=sys.stderr)
sys.exit(int((here / "code").read_text()))
"""


@pytest.mark.parametrize(("code", "why"), [(0, ""), (70, "error: it went wrong")])
def test_what_an_evaluation_leaves_behind_holds_no_place_and_is_ended(
    code: int, why: str, tmp_path: Path
) -> None:
    """Even where it keeps the evaluation's own complaints open: the evaluation has ended all the same."""
    here = gate.program(tmp_path)
    (tmp_path / "stand_in.py").write_text(LEAVING, encoding="utf-8")
    end(tmp_path, code)

    async def test() -> None:
        work = Evaluations({"shop": tmp_path}, tmp_path, limits=Limits(), program=here)
        work.start(A)
        await until(lambda: work.finished == 1)
        assert work.broken(A) == why
        with (tmp_path / "lock").open("a") as lock:
            await until(lambda: _locked(lock.fileno()))

    run(test)


def _locked(file: int) -> bool:
    """Whether the lock is ours, as nobody else is left that holds it."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def test_a_program_that_cannot_be_started_is_told(tmp_path: Path) -> None:
    """And ends nothing else."""

    async def test() -> None:
        work = Evaluations(
            {"shop": tmp_path}, tmp_path, limits=Limits(), program=(str(tmp_path / "nowhere"),)
        )
        work.start(A)
        await until(lambda: work.finished == 1)
        assert work.broken(A) == "it cannot be started: No such file or directory"

    run(test)


def test_nothing_runs_or_waits_after_closing(tmp_path: Path) -> None:
    """Processes that were started are gone, and those that waited never start."""
    here = gate.program(tmp_path)
    text = (tmp_path / "stand_in.py").read_text(encoding="utf-8")
    pid = "import os\n(pathlib.Path(__file__).parent / 'pid').write_text(str(os.getpid()))\n"
    (tmp_path / "stand_in.py").write_text(text.replace("here =", f"{pid}here ="), encoding="utf-8")

    async def test() -> None:
        work = Evaluations({"shop": tmp_path}, tmp_path, limits=Limits(), program=here)
        work.start(A)
        work.start(B)
        await until(lambda: bool(started(tmp_path)))
        await work.close()
        assert (work.state(A), work.state(B)) == ("", "")

    run(test)
    assert len(started(tmp_path)) == 1
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "pid").read_text(encoding="utf-8")), 0)
