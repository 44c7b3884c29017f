"""A pass that queues, stops itself, or has only a part left to send: still one end for each request."""

import time
from collections import Counter
from itertools import pairwise
from pathlib import Path

import msgspec
import numpy as np
import pytest

from harness.errors import HarnessError
from harness.records import Attempt, CapturedRequest, State
from harness.replay.arm import Reply, Try
from harness.replay.breaker import Breaker
from harness.replay.engine import Options
from harness.replay.resume import remaining
from harness.replay.schedule import Constant, Phase, Poisson, Saturate
from tests.kit.fake_arm import LATENCY, Done, FakeArm, journal, run

QUEUE = msgspec.structs.replace(LATENCY, overload="queue")
PARITY = Phase(name="parity", pace=Saturate(connections=3))
SEQS = np.arange(100, 200, dtype=np.int64)


class Failing(FakeArm):
    """Answers 500 to everything."""

    def answer(self, done: Done, *, times: int = 1) -> None:
        """A server error, called back so many times."""
        self.in_flight -= 1
        for _ in range(times):
            done(
                Reply(tries=(Try(state=State.HTTP_ERROR, status=500, submit_ns=1, written_ns=2, done_ns=3),))
            )


@pytest.mark.parametrize("rule", ["turn", "at_once", "twice"])
def test_in_a_queue_requests_wait_for_a_place_and_none_is_shed(tmp_path: Path, rule: str) -> None:
    """At most two are in flight, all are sent in order, and each keeps the time it was due at."""
    arm = FakeArm(turns=40, rules=dict.fromkeys(range(100, 150), rule))
    counts = run(arm, n=50, folder=tmp_path, phase=QUEUE, options=Options(max_inflight=2))
    assert counts.states == {"fake": {State.OK: 50}}
    assert arm.most <= 2
    assert arm.submitted == list(range(100, 150))
    due = [one.due_ns or 0 for one in sorted(journal(tmp_path, arm), key=lambda one: one.seq)]
    assert set(np.diff(due).tolist()) == {1_000_000}


def test_what_still_queues_when_the_time_is_up_was_not_sent(tmp_path: Path) -> None:
    """Two hang, the others never had a place."""
    stuck = FakeArm(rules=dict.fromkeys(range(100, 120), "never"))
    counts = run(
        stuck, n=20, folder=tmp_path, phase=QUEUE, options=Options(max_inflight=2, max_seconds=0.2, drain_s=0)
    )
    assert counts.states == {"fake": {State.ABANDONED: 2, State.NOT_SENT: 18}}
    assert counts.stopped == "the time limit of 0.2 s"
    assert {one.detail for one in journal(tmp_path, stuck)} == {
        "stopped while in flight (the time limit of 0.2 s)",
        "stopped before it was sent (the time limit of 0.2 s)",
    }


@pytest.mark.parametrize("phase", [LATENCY, PARITY, Phase(name="poisson", pace=Poisson(rate=5000))])
def test_a_target_in_trouble_stops_the_phase_for_all(tmp_path: Path, phase: Phase) -> None:
    """After five errors in a row nothing more is sent to either arm; every row is accounted for."""
    bad, good = Failing("bad"), FakeArm("good")
    options = Options(breaker=Breaker(consecutive=5), drain_s=0.2)
    counts = run(bad, good, n=2000, folder=tmp_path, phase=phase, options=options)
    assert counts.stopped == "circuit breaker: 5 errors of bad in a row"
    for arm in (bad, good):
        rows = journal(tmp_path, arm)
        assert sorted(one.seq for one in rows) == list(range(100, 2100))
        assert Counter(one.state for one in rows)[State.NOT_SENT] > 1000
    assert counts.states["bad"][State.HTTP_ERROR] >= 5


def test_without_a_breaker_a_failing_target_is_replayed_whole(tmp_path: Path) -> None:
    """The default of the engine; the scenario's own default is the run's to pass."""
    counts = run(Failing("bad"), n=500, folder=tmp_path, phase=PARITY)
    assert (counts.states, counts.stopped) == ({"bad": {State.HTTP_ERROR: 500}}, "")


def test_only_what_is_left_is_sent_and_the_sums_hold(tmp_path: Path) -> None:
    """To each arm its own part; what was answered before is counted apart, and its rows are not repeated."""
    arms = (FakeArm("a"), FakeArm("b"))
    only = {"a": SEQS % 10 == 0, "b": SEQS >= 150}
    counts = run(*arms, n=100, folder=tmp_path, phase=PARITY, options=Options(only=only))
    assert counts.states == {"a": {State.OK: 10}, "b": {State.OK: 50}}
    assert (counts.requests, counts.already) == (100, {"a": 90, "b": 50})
    assert [one.seq for one in journal(tmp_path, arms[0])] == list(range(100, 200, 10))
    assert [one.seq for one in journal(tmp_path, arms[1])] == list(range(150, 200))


def test_a_stopped_closed_loop_resumes_to_one_outcome_each(tmp_path: Path) -> None:
    """Stopped by the breaker, resumed against a target that is well again: every request ends once."""
    run(Failing("a"), n=100, folder=tmp_path, phase=PARITY, options=Options(breaker=Breaker(consecutive=20)))
    well = FakeArm("a")
    left = remaining(journal(tmp_path, well), PARITY, seqs=SEQS, targets=["a"])
    assert left is not None
    counts = run(well, n=100, folder=tmp_path, phase=left.phase, options=Options(only=left.only))
    assert counts.already["a"] + counts.states["a"][State.OK] == 100
    assert remaining(journal(tmp_path, well), PARITY, seqs=SEQS, targets=["a"]) is None


def test_with_nothing_left_nothing_happens(tmp_path: Path) -> None:
    """An empty mask sends no request."""
    arm = FakeArm("a")
    counts = run(arm, n=100, folder=tmp_path, phase=PARITY, options=Options(only={"a": SEQS < 0}))
    assert (arm.submitted, counts.already, counts.states) == ([], {"a": 100}, {"a": {}})


@pytest.mark.parametrize("arms", ["apart", "together"])
def test_arms_apart_take_turns_on_the_same_schedule(tmp_path: Path, arms: str) -> None:
    """The second arm gets nothing before the first has everything, and both have the same gaps."""
    sent: list[str] = []
    pair = (FakeArm("a"), FakeArm("b"))
    for arm in pair:
        arm.on_submit = lambda _, name=arm.name: sent.append(name)  # type: ignore[misc]  # bound by its default
    phase = msgspec.structs.replace(LATENCY, arms=arms)
    counts = run(*pair, n=30, folder=tmp_path, phase=phase)
    assert counts.states == {"a": {State.OK: 30}, "b": {State.OK: 30}}
    turns = sum(one != two for one, two in pairwise(sent))
    assert (turns == 1, counts.apart) == (arms == "apart", arms == "apart")
    for arm in pair:
        due = [one.due_ns or 0 for one in sorted(journal(tmp_path, arm), key=lambda one: one.seq)]
        assert set(np.diff(due).tolist()) == {1_000_000}


def test_apart_the_second_arm_of_a_stopped_phase_was_not_sent_to(tmp_path: Path) -> None:
    """Its rows say so, and whose trouble it was."""
    arms = (Failing("a"), Failing("b"))
    counts = run(*arms, n=200, folder=tmp_path, options=Options(apart=True, breaker=Breaker(consecutive=5)))
    unsent = [name for name, states in counts.states.items() if states == {State.NOT_SENT: 200}]
    assert len(unsent) == 1
    rows = journal(tmp_path, next(arm for arm in arms if arm.name in unsent))
    assert {one.detail.partition(" (")[2] for one in rows} == {counts.stopped + ")"}


def test_a_capture_that_cannot_be_read_stops_the_phase(tmp_path: Path) -> None:
    """While the clock runs or the loop goes on, and every request has a row all the same."""

    class Broken:
        def seqs(self, rows: np.ndarray) -> np.ndarray:
            return rows

        def read(self, rows: np.ndarray) -> list[CapturedRequest]:
            if rows[0] >= 10_000:
                raise HarnessError("unreadable")
            return [CapturedRequest(seq=row, request_id=str(row), ts_ns=0) for row in rows.tolist()]

    for phase in (PARITY, Phase(name="fast", pace=Constant(rate=3300))):
        arm = FakeArm(phase.name, rules=dict.fromkeys(range(20_000), "at_once"))
        with pytest.raises(HarnessError, match="unreadable"):
            run(arm, n=20_000, folder=tmp_path, phase=phase, source=Broken())
        rows = journal(tmp_path, arm)
        assert sorted(one.seq for one in rows) == list(range(20_000))
        assert {one.state for one in rows} == {State.OK, State.NOT_SENT}


def test_wall_clock_time_is_not_looked_at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A clock that somebody sets back, or that is broken, changes nothing: another one paces and stamps."""

    def stepped() -> float:
        raise AssertionError

    monkeypatch.setattr(time, "time", stepped)
    monkeypatch.setattr(time, "time_ns", stepped)
    arm = FakeArm()
    counts = run(arm, n=50, folder=tmp_path)
    rows: list[Attempt] = journal(tmp_path, arm)
    monkeypatch.undo()
    assert counts.states == {"fake": {State.OK: 50}}
    assert set(np.diff(sorted(one.due_ns or 0 for one in rows)).tolist()) == {1_000_000}
