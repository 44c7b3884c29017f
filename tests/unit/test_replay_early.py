"""Counts that decide while a phase runs: when they do, and how the engine ends what is left."""

from __future__ import annotations

import pickle
from collections import Counter
from pathlib import Path

import pytest

from harness.records import State
from harness.replay.arm import Reply, Try
from harness.replay.early import Limit, Tally
from harness.replay.engine import Options
from harness.replay.resume import is_final
from harness.replay.schedule import Constant, Phase, Poisson, Saturate
from tests.kit.fake_arm import LATENCY, MS, Done, FakeArm, journal, run

ERRORS = Limit(gate="errors", count=3)
SLOW = Limit(gate="latency_p95", count=2, budget_ns=100 * MS, max_lag_ns=10 * MS, max_lost=0)


def answer(state: State = State.OK, *, ms: float = 5.0, lag_ms: float = 0.1) -> Try:
    """An answer to a request that was due at 0."""
    return Try(state=state, written_ns=round(lag_ms * MS), done_ns=round(ms * MS))


def gates(*tries: Try, limits: tuple[Limit, ...] = (ERRORS, SLOW), lost: int = 0) -> list[str]:
    """What the tally says after each answer."""
    tally = Tally(limits)
    return [tally.note(one, due_ns=0, lost=lost) for one in tries]


@pytest.mark.parametrize(
    ("tries", "said"),
    [
        ([answer()] * 9, [""] * 9),
        ([answer(ms=100), answer(ms=100.1), answer(ms=101)], ["", "", "latency_p95"]),
        ([answer(State.TIMEOUT), answer(ms=200)], ["", "latency_p95"]),
        ([answer(State.SHED)] * 9, [""] * 9),
    ],
)
def test_failed_and_slow_requests_are_counted(tries: list[Try], said: list[str]) -> None:
    """The budget itself is in time, and what the harness lost is no failure."""
    assert gates(*tries) == said


def test_only_failures_count_towards_errors() -> None:
    """Slow answers do not, and where nothing is due nothing is slow but what failed."""
    assert gates(*[answer(ms=900)] * 9, limits=(ERRORS,)) == [""] * 9
    tally = Tally((ERRORS, SLOW))
    tries = [answer(ms=900)] * 3 + [answer(State.HTTP_ERROR)] * 3
    said = [tally.note(one, due_ns=None, lost=0) for one in tries]
    assert said == ["", "", "", "", "latency_p95", "errors"]


@pytest.mark.parametrize(
    ("lags", "lost", "said"), [([0.1, 0.1], 0, "latency_p95"), ([0.1, 11.0], 0, ""), ([0.1, 0.1], 1, "")]
)
def test_a_harness_that_is_late_or_loses_requests_decides_nothing(
    lags: list[float], lost: int, said: str
) -> None:
    """The gate would be void; errors are not about time."""
    tries = [answer(ms=500, lag_ms=lag) for lag in lags]
    assert gates(*tries, limits=(SLOW,), lost=lost)[-1] == said
    late = [answer(State.HTTP_ERROR, lag_ms=50)] * 3
    assert gates(*late, limits=(ERRORS,), lost=9)[-1] == "errors"


@pytest.mark.parametrize(
    ("n", "late", "said"), [(99, 1, ""), (100, 1, "latency_p95"), (100, 2, ""), (250, 2, "latency_p95")]
)
def test_the_harness_is_late_by_the_p99_of_its_lags(n: int, late: int, said: str) -> None:
    """Nearest rank: one lag of 100 may be beyond the limit, one of 99 not; at the limit itself is in time."""
    tries = [answer(lag_ms=10.0)] * (n - late - 2) + [answer(lag_ms=11.0)] * late + [answer(ms=500)] * 2
    assert gates(*tries, limits=(SLOW,))[-1] == said


def test_what_is_kept_does_not_grow_with_the_answers() -> None:
    """It is asked on the sending path: counts, not a list of every lag."""
    tally = Tally((SLOW,))
    sizes = []
    for n in (10, 10_000):
        for _ in range(n):
            tally.note(answer(lag_ms=50), due_ns=0, lost=0)
        sizes.append(len(pickle.dumps(vars(tally))))
    assert sizes[1] < sizes[0] + 50


class Failing(FakeArm):
    """Answers 500 to everything."""

    def answer(self, done: Done, *, times: int = 1) -> None:
        """A server error, called back so many times."""
        self.in_flight -= 1
        for _ in range(times):
            done(
                Reply(tries=(Try(state=State.HTTP_ERROR, status=500, submit_ns=1, written_ns=2, done_ns=3),))
            )


PHASES = [
    LATENCY,
    Phase(name="queue", pace=Constant(rate=5000), overload="queue"),
    Phase(name="poisson", pace=Poisson(rate=5000)),
    Phase(name="parity", pace=Saturate(connections=3)),
]


@pytest.mark.parametrize("phase", PHASES, ids=lambda phase: phase.name)
@pytest.mark.parametrize("rule", ["turn", "at_once", "twice"])
def test_the_rest_of_a_decided_phase_is_not_needed(tmp_path: Path, phase: Phase, rule: str) -> None:
    """Nothing more is offered to either arm, what is in flight ends by itself, and every row has one end."""
    rules = dict.fromkeys(range(100, 2100), rule)
    bad, good = Failing("bad", rules=rules), FakeArm("good", rules=rules)
    options = Options(early={"bad": (ERRORS,)}, max_inflight=4, drain_s=0)
    counts = run(bad, good, n=2000, folder=tmp_path, phase=phase, options=options)
    assert (counts.decided, counts.stopped) == ("errors", "")
    for arm in (bad, good):
        rows = journal(tmp_path, arm)
        assert len({one.seq for one in rows}) == len(rows) == 2000
        states = Counter(one.state for one in rows)
        assert states == counts.states[arm.name]
        assert states[State.NOT_NEEDED] > 1500
        assert states[State.ABANDONED] == states[State.NOT_SENT] == 0
        assert {one.detail for one in rows if one.state is State.NOT_NEEDED} == {"FAIL of errors was certain"}
    assert counts.states["bad"][State.HTTP_ERROR] >= 3


def test_answers_that_are_slow_to_come_are_waited_for(tmp_path: Path) -> None:
    """What is in flight at the stop is no loss of the harness: it ends as it would have."""
    rules = {100 + k: "at_once" for k in range(3)}
    arm = Failing("bad", turns=300, rules=rules)
    options = Options(early={"bad": (ERRORS,)}, drain_s=0)
    counts = run(
        arm, n=500, folder=tmp_path, phase=Phase(name="p", pace=Saturate(connections=3)), options=options
    )
    assert set(counts.states["bad"]) == {State.HTTP_ERROR, State.NOT_NEEDED}


def test_arms_apart_are_both_left_alone(tmp_path: Path) -> None:
    """The arm whose turn never came was not needed either."""
    arms = [Failing("bad"), Failing("worse")]
    options = Options(early={"bad": (ERRORS,), "worse": (ERRORS,)}, apart=True)
    counts = run(*arms, n=50, folder=tmp_path, options=options)
    sent = [len(arm.submitted) for arm in arms]
    assert min(sent) == 0
    assert max(states.get(State.NOT_NEEDED, 0) for states in counts.states.values()) == 50


def test_a_phase_that_is_not_decided_is_sent_whole(tmp_path: Path) -> None:
    """Two failures of three that would decide: nothing is spared."""
    arm = FakeArm("fine")
    counts = run(arm, n=60, folder=tmp_path, options=Options(early={"fine": (ERRORS, SLOW)}))
    assert (counts.decided, counts.states) == ("", {"fine": {State.OK: 60}})


def test_a_run_that_was_cut_sends_what_an_early_stop_left(tmp_path: Path) -> None:
    """Not needed then is not final: a resumed phase may decide anew."""
    run(Failing("bad"), n=60, folder=tmp_path, options=Options(early={"bad": (ERRORS,)}))
    rows = journal(tmp_path, Failing("bad"))
    assert {one.state: is_final(one) for one in rows} == {State.HTTP_ERROR: True, State.NOT_NEEDED: False}
