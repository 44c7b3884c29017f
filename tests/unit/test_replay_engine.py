"""The engine against arms of our own: every request ends in exactly one state at each of them."""

import gc
import os
import signal
import time
from collections import Counter
from functools import partial
from pathlib import Path

import anyio.lowlevel
import numpy as np
import pytest

from harness.errors import HarnessError, Interrupted, TargetUnreachable
from harness.records import CapturedRequest, State
from harness.replay.arm import Reply, Try
from harness.replay.clock import run_async
from harness.replay.engine import Options, Progress, replay
from harness.replay.journal import Journal
from harness.replay.schedule import Phase, Saturate, plan
from tests.kit.fake_arm import LATENCY, MS, Done, FakeArm, captured, journal, run


@pytest.mark.parametrize("phase", [LATENCY, Phase(name="parity", pace=Saturate(connections=2))])
def test_every_request_goes_to_every_arm_once(tmp_path: Path, phase: Phase) -> None:
    """Open and closed loop alike: one journal line a request and arm, with the capture's own seq."""
    arms = (FakeArm("a"), FakeArm("b"))
    counts = run(*arms, n=40, folder=tmp_path, phase=phase)
    assert counts.states == {"a": {State.OK: 40}, "b": {State.OK: 40}}
    for arm in arms:
        assert sorted(one.seq for one in journal(tmp_path, arm)) == list(range(100, 140))
        assert arm.submitted == list(range(100, 140))
        assert arm.closed == 1


def test_the_clock_stamps_what_was_due_and_the_loop_does_not(tmp_path: Path) -> None:
    """Due times lie as far apart as recorded; a closed loop has none."""
    arm = FakeArm()
    run(arm, n=5, folder=tmp_path)
    due = [one.due_ns or 0 for one in journal(tmp_path, arm)]
    assert np.diff(due).tolist() == [MS] * 4
    loop = FakeArm("loop")
    run(loop, n=5, folder=tmp_path, phase=Phase(name="parity"))
    assert {one.due_ns for one in journal(tmp_path, loop)} == {None}


def test_nothing_is_sent_before_it_is_due(tmp_path: Path) -> None:
    """The timer may wake late, never early."""
    arm = FakeArm()
    times: list[int] = []
    arm.on_submit = lambda _: times.append(time.monotonic_ns())
    run(arm, n=20, folder=tmp_path)
    due = [one.due_ns or 0 for one in sorted(journal(tmp_path, arm), key=lambda one: one.seq)]
    assert all(sent >= wanted for sent, wanted in zip(times, due, strict=True))


def _note(seen: list[tuple[int, str]], name: str, seq: int) -> None:
    seen.append((seq, name))


def test_the_order_of_arms_is_shuffled_by_the_seed(tmp_path: Path) -> None:
    """Neither arm always comes first, and the same seed gives the same order."""

    def first(seed: int) -> list[str]:
        seen: list[tuple[int, str]] = []
        arms = (FakeArm("a"), FakeArm("b"))
        for arm in arms:
            arm.on_submit = partial(_note, seen, arm.name)
        run(*arms, n=60, folder=tmp_path, phase=Phase(name="p"), options=Options(seed=seed))
        return [name for _, name in sorted(dict(reversed(seen)).items())]

    assert 10 < first(1).count("a") < 50
    assert first(1) == first(1) != first(2)


@pytest.mark.parametrize("rule", ["at_once", "turn", "twice"])
def test_a_closed_loop_keeps_its_connections_full_and_no_fuller(tmp_path: Path, rule: str) -> None:
    """However an arm calls back, even within submit or twice, no request is lost, doubled or nested."""
    arm = FakeArm(turns=3, rules=dict.fromkeys(range(100, 3100), rule))
    counts = run(arm, n=3000, folder=tmp_path, phase=Phase(name="p", pace=Saturate(connections=4)))
    assert counts.states == {"fake": {State.OK: 3000}}
    assert counts.peak_in_flight == {"fake": 1 if rule == "at_once" else 4}
    assert len(journal(tmp_path, arm)) == 3000


def test_above_the_bound_requests_are_shed_and_the_clock_goes_on(tmp_path: Path) -> None:
    """An arm that never answers holds its two requests; the rest is SHED, due but never tried."""
    stuck = FakeArm("stuck", rules=dict.fromkeys(range(100, 130), "never"))
    well = FakeArm("well", rules=dict.fromkeys(range(100, 130), "at_once"))
    with pytest.raises(Interrupted):
        _interrupted_after(well, 129, stuck, folder=tmp_path)
    states = Counter(one.state for one in journal(tmp_path, stuck))
    assert states == {State.SHED: 28, State.ABANDONED: 2}
    assert {one.attempt for one in journal(tmp_path, stuck) if one.state is State.SHED} == {0}
    assert Counter(one.state for one in journal(tmp_path, well)) == {State.OK: 30}


def _interrupted_after(arm: FakeArm, seq: int, *others: FakeArm, folder: Path) -> None:
    """Replay 30 requests, two in flight at most, and be told to stop at the submission of one."""

    def stop(submitted: int) -> None:
        if submitted == seq:
            os.kill(os.getpid(), signal.SIGTERM)

    arm.on_submit = stop
    run(arm, *others, n=30, folder=folder, options=Options(max_inflight=2, drain_s=0.05))


def test_the_default_bound_is_four_times_the_planned_peak(tmp_path: Path) -> None:
    """300 requests within a second may all be in flight: none is shed."""
    arm = FakeArm(turns=2000)
    counts = run(arm, n=300, folder=tmp_path)
    assert counts.states == {"fake": {State.OK: 300}}


@pytest.mark.parametrize("phase", [LATENCY, Phase(name="parity", pace=Saturate(connections=5))])
def test_interrupted_it_drains_and_accounts_for_everything(tmp_path: Path, phase: Phase) -> None:
    """SIGINT in the middle: answered, abandoned and not sent add up, each row once, and 130 is raised."""
    arm = FakeArm("a", rules={103: "never"})
    arm.on_submit = lambda seq: os.kill(os.getpid(), signal.SIGINT) if seq == 120 else None
    with pytest.raises(Interrupted, match="SIGINT") as caught:
        run(arm, n=2000, folder=tmp_path, phase=phase, options=Options(drain_s=0.05))
    assert caught.value.exit_code == 130
    attempts = journal(tmp_path, arm)
    states = Counter(one.state for one in attempts)
    assert sorted(one.seq for one in attempts) == list(range(100, 2100))
    assert states[State.ABANDONED] == 1
    assert states[State.OK] >= 19
    assert states[State.NOT_SENT] > 1000
    assert arm.closed == 1


def test_a_request_that_must_not_be_sent_is_a_row(tmp_path: Path) -> None:
    """It ends NOT_SENT with its reason at that arm alone, and the others are sent."""
    arms = (FakeArm("a", rules={101: "refused"}), FakeArm("b"))
    counts = run(*arms, n=3, folder=tmp_path, phase=Phase(name="p"))
    assert counts.states == {"a": {State.OK: 2, State.NOT_SENT: 1}, "b": {State.OK: 3}}
    refused = [one for one in journal(tmp_path, arms[0]) if one.state is State.NOT_SENT]
    assert [(one.seq, one.attempt, one.detail) for one in refused] == [(101, 0, "must not be sent")]


def test_both_tries_of_a_retried_request_are_written(tmp_path: Path) -> None:
    """The first try stays on record; the last one is the state."""

    class Stale(FakeArm):
        def answer(self, done: Done, *, times: int = 1) -> None:
            assert times == 1
            lost = Try(state=State.CONNECTION_ERROR, detail="stale keep-alive")
            done(Reply(tries=(lost, Try(state=State.OK))))

    arm = Stale()
    counts = run(arm, n=1, folder=tmp_path)
    assert (counts.retried, counts.states) == ({"fake": 1}, {"fake": {State.OK: 1}})
    assert [(one.attempt, one.state) for one in journal(tmp_path, arm)] == [
        (1, State.CONNECTION_ERROR),
        (2, State.OK),
    ]


def test_a_target_that_is_down_ends_the_phase_before_anything_is_sent(tmp_path: Path) -> None:
    """Arms are opened first, all are closed, and no row is written."""

    class Down(FakeArm):
        async def open(self, connections: int) -> None:
            raise TargetUnreachable("down", found=connections)

    well, down = FakeArm("well"), Down("down")
    with pytest.raises(TargetUnreachable):
        run(well, down, n=5, folder=tmp_path)
    assert (well.submitted, well.closed, down.closed) == ([], 1, 1)
    assert journal(tmp_path, well) == []


def test_arms_are_warmed_for_their_pace(tmp_path: Path) -> None:
    """The arm's own number for an open loop, the pace's for a closed one."""
    arm = FakeArm()
    run(arm, n=1, folder=tmp_path)
    run(arm, n=1, folder=tmp_path, phase=Phase(name="p", pace=Saturate(connections=7)))
    assert arm.opened == [3, 7]


def test_features_are_asked_for_where_the_phase_says_so(tmp_path: Path) -> None:
    """The phase's word reaches `prepare`."""
    seen: list[bool] = []

    class Asked(FakeArm):
        def prepare(self, request: CapturedRequest, *, features: bool) -> bytes:
            seen.append(features)
            return super().prepare(request, features=features)

    run(Asked(), n=1, folder=tmp_path)
    run(Asked(), n=1, folder=tmp_path, phase=Phase(name="p"))
    assert seen == [False, True]


def test_no_garbage_is_collected_while_the_clock_runs(tmp_path: Path) -> None:
    """The collector is off in an open loop, on in a closed one, and on again afterwards."""
    seen: list[bool] = []
    arm = FakeArm()
    arm.on_submit = lambda _: seen.append(gc.isenabled())
    run(arm, n=2, folder=tmp_path)
    run(arm, n=2, folder=tmp_path, phase=Phase(name="p"))
    assert seen == [False, False, True, True]
    assert gc.isenabled()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
@pytest.mark.parametrize("phase", [LATENCY, Phase(name="parity")])
def test_a_journal_that_fails_stops_the_phase(phase: Phase) -> None:
    """Nothing is worth sending that cannot be written down."""
    requests, arm = captured(3), FakeArm(rules={102: "never"})
    schedule = plan(np.array([r.ts_ns for r in requests], np.int64), phase, resolution_ns=1, seed=0)
    full = Journal(Path("/dev/full"))
    with pytest.raises(HarnessError, match="journal cannot be written"):
        run_async(lambda: replay(schedule, requests, arms=[arm], phase=phase, journals={"fake": full}))
    with pytest.raises(HarnessError):
        full.close()


def test_an_empty_slice_is_a_phase_with_nothing_in_it(tmp_path: Path) -> None:
    """No requests, no rows, no error."""
    assert run(FakeArm(), n=0, folder=tmp_path).requests == 0


def test_arms_need_journals_and_names_of_their_own(tmp_path: Path) -> None:
    """Two arms of one name would count each other's rows."""
    with pytest.raises(HarnessError, match="journal of its own"):
        run(FakeArm(), FakeArm(), n=1, folder=tmp_path)


def test_progress_ends_with_the_whole_count(tmp_path: Path) -> None:
    """The last report says that everything is done."""
    seen: list[Progress] = []
    run(FakeArm(), n=30, folder=tmp_path, options=Options(on_progress=seen.append, progress_s=0.005))
    assert (seen[-1].done, seen[-1].total, seen[-1].in_flight, seen[-1].failed) == (30, 30, 0, 0)
    assert len(seen) > 1


def test_results_and_errors_come_through_the_starter() -> None:
    """`run_async` returns what the function returns and raises what it raises, unwrapped."""

    async def fail(error: Exception) -> None:
        await anyio.lowlevel.checkpoint()
        raise error

    async def double(number: int) -> int:
        await anyio.lowlevel.checkpoint()
        return 2 * number

    assert run_async(double, 21) == 42
    with pytest.raises(TargetUnreachable):
        run_async(fail, TargetUnreachable("down"))
