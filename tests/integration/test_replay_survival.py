"""What a replay survives: faults under load, signals, kills at random moments, a disk that is full."""

import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from harness.records import CapturedRequest, Outcome, State
from harness.replay.breaker import Breaker
from harness.replay.clock import run_async
from harness.replay.engine import Options, ReplayCounts, replay
from harness.replay.journal import Journal, read_journal
from harness.replay.resume import is_final
from harness.replay.schedule import Constant, Pace, Phase, Saturate, plan
from replayers.faulty import Faulty
from replayers.http import HttpArm, HttpTarget
from tests.kit import kill_resume

N = 400
OPEN = Constant(rate=1000)
SATURATE = Saturate(connections=4)


async def sent(faulty: Faulty, folder: Path, *, pace: Pace, options: Options | None = None) -> list[Outcome]:
    """One phase against the stub, as outcomes."""
    phase = Phase(name="p", pace=pace)
    requests = [CapturedRequest(seq=k, request_id=f"r{k}", ts_ns=k, body=b'{"a": %d}' % k) for k in range(N)]
    schedule = plan(np.arange(N, dtype=np.int64), phase, resolution_ns=1, seed=0)
    arm = HttpArm(HttpTarget(url=faulty.url, timeout_s=0.3, connections=8), name="t", run_id="run-1")
    with Journal(folder / "j") as journal:
        counts: ReplayCounts = await replay(
            schedule, requests, arms=[arm], phase=phase, journals={"t": journal}, options=options
        )
    last = {one.seq: one for one in read_journal(folder / "j")}
    assert sorted(last) == list(range(N))
    assert counts.stopped or all(is_final(one) for one in last.values())
    return [arm.parse(one) for one in last.values()]


@pytest.mark.parametrize("pace", [OPEN, SATURATE])
def test_one_error_in_a_hundred_is_exactly_that(tmp_path: Path, pace: Pace) -> None:
    """Four of 400 are errors, the breaker of the scenario's defaults is silent, and nobody else notices."""

    async def main() -> None:
        async with Faulty(every={100: "500"}) as faulty:
            outcomes = await sent(faulty, tmp_path, pace=pace, options=Options(breaker=Breaker()))
        assert Counter(o.state for o in outcomes) == {State.OK: N - 4, State.HTTP_ERROR: 4}

    run_async(main)


def test_a_freeze_of_the_server_is_in_the_latencies_and_in_no_loss(tmp_path: Path) -> None:
    """All that came due meanwhile waits until the thaw, measured from when it was due."""

    async def main() -> None:
        async with Faulty(every={200: "freeze:150"}) as faulty:
            outcomes = await sent(faulty, tmp_path, pace=OPEN)
        assert {o.state for o in outcomes} == {State.OK}
        waits_ms = [((o.done_ns or 0) - (o.due_ns or 0)) / 1e6 for o in outcomes]
        assert max(waits_ms) >= 150
        assert sum(wait >= 50 for wait in waits_ms) >= 100

    run_async(main)


def test_a_hundred_megabytes_are_not_read(tmp_path: Path) -> None:
    """The answer is a bad body once it is over the limit; the journal stays small."""

    async def main() -> None:
        async with Faulty(every={200: "huge:100000000"}) as faulty:
            outcomes = await sent(faulty, tmp_path, pace=SATURATE)
        assert Counter(o.state for o in outcomes) == {State.OK: N - 2, State.BAD_BODY: 2}

    run_async(main)
    assert (tmp_path / "j").stat().st_size < 1_000_000


@pytest.mark.parametrize("pace", [OPEN, SATURATE])
@pytest.mark.parametrize("behaviour", ["500", "reset", "half"])
def test_a_target_that_is_down_is_left_alone(tmp_path: Path, pace: Pace, behaviour: str) -> None:
    """After ten errors in a row nothing more is sent: the target has seen a small part of the capture."""

    async def main() -> None:
        async with Faulty(behaviour=behaviour) as faulty:
            outcomes = await sent(
                faulty, tmp_path, pace=pace, options=Options(breaker=Breaker(consecutive=10), drain_s=0.1)
            )
            states = Counter(o.state for o in outcomes)
            assert states[State.NOT_SENT] > 0
            # a request that meets a dead connection is sent once more
            assert len(faulty.seen) <= 2 * (N - states[State.NOT_SENT])
        assert any("circuit breaker: " in o.detail for o in outcomes if o.state is State.NOT_SENT)

    run_async(main)


@pytest.mark.parametrize("which", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_drains_and_resuming_finishes(tmp_path: Path, which: signal.Signals) -> None:
    """Exit 130, a row for every request, and after the resume one outcome each."""
    with kill_resume.stub() as url:
        child = kill_resume.start(url, tmp_path, 3000)
        await_lines(child, tmp_path, at_least=300)
        child.send_signal(which)
        assert child.wait() == 130
        rows = list(read_journal(kill_resume.journal_of(tmp_path, "champion")))
        assert {one.seq for one in rows} == set(range(3000))
        assert any(one.state is State.NOT_SENT for one in rows)
        assert kill_resume.start(url, tmp_path, 3000).wait() == 0
    assert kill_resume.wrong(tmp_path, 3000) == 0


def await_lines(child: "subprocess.Popen[bytes]", folder: Path, *, at_least: int) -> None:
    """The child has journalled so many outcomes, or has ended."""
    journal = kill_resume.journal_of(folder, "champion")
    while child.poll() is None and kill_resume.lines(journal) < at_least:
        time.sleep(0.002)


def test_killed_at_random_moments_nothing_is_lost_or_doubled(tmp_path: Path) -> None:
    """By SIGKILL, and then resumed; the benchmark does it at twenty points."""
    assert kill_resume.lost_or_doubled(tmp_path, points=3, requests=1000, seed=7) == 0


@pytest.mark.skipif(sys.platform == "win32", reason="needs RLIMIT_FSIZE")
def test_a_full_disk_ends_the_run_with_its_reason_and_resuming_finishes(tmp_path: Path) -> None:
    """Exit 70 and one clear line; once there is room again, one outcome each."""
    with kill_resume.stub() as url:
        child = kill_resume.start(url, tmp_path, 3000, file_limit=150_000)
        _, complaint = child.communicate()
        assert child.returncode == 70
        assert b"the journal cannot be written; found File too large. Free space on the disk" in complaint
        assert complaint.count(b"\n") == 1
        assert kill_resume.lines(kill_resume.journal_of(tmp_path, "champion")) > 0
        assert kill_resume.start(url, tmp_path, 3000).wait() == 0
    assert kill_resume.wrong(tmp_path, 3000) == 0
