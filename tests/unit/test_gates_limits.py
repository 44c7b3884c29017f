"""The limits of latency_p95 as a function of n: the very counts that its verdicts name."""

from __future__ import annotations

import msgspec
import pytest

from harness.evidence import Levels
from harness.gates import LatencyP95, slow_limits
from harness.records import PhaseNote, SlowLimits
from harness.stats import SlowShareTest
from tests.kit.some_evidence import evidence, lag, latency, nothing, phase

EVEN = Levels(go=0.05, nogo=0.05)


def passes(planned: int, *, ran: int) -> tuple[PhaseNote, ...]:
    """The passes of phase rush."""
    names = ["rush", *(f"rush.{k}" for k in range(2, planned + 1))]
    return tuple(
        msgspec.structs.replace(phase(name, ran=k < ran), series="rush", passes=planned)
        for k, name in enumerate(names)
    )


def only(found: tuple[SlowLimits, ...]) -> SlowLimits:
    """The one phase's limits."""
    (one,) = found
    return one


def test_the_limits_at_the_count_of_a_pass_are_those_of_its_verdict() -> None:
    """Of 632: 11 within, 54 over; no count of 200 is within; every arm's count stands beside them."""
    both = tuple(
        latency(target, requests=632, over_budget=slow, send_lag=lag(0.3, n=632))
        for target, slow in (("champion", 3), ("challenger", 70))
    )
    found = only(slow_limits(LatencyP95(), evidence(latency=both), levels=EVEN))
    assert (dict(found.within)[632], dict(found.over)[632]) == (11, 54)
    assert min(n for n, _ in found.within) >= 263
    assert [(c.target, c.n, c.slow) for c in found.seen] == [("champion", 632, 3), ("challenger", 632, 70)]
    assert max(n for n, _ in found.over) == 790
    for line in (found.within, found.over):
        assert [k for _, k in line] == sorted(k for _, k in line)


@pytest.mark.parametrize(("planned", "count", "n"), [(2, 2, 632), (5, 1, 5 * 632)])
def test_passes_are_drawn_as_they_are_judged(planned: int, count: int, n: int) -> None:
    """Each alone, within at the whole α and over at its part of it, or all of them pooled."""
    names = [note.phase for note in passes(planned, ran=planned)]
    timed = tuple(
        latency(phase=name, requests=632, over_budget=4, send_lag=lag(0.3, n=632)) for name in names
    )
    given = evidence(latency=timed, phases=passes(planned, ran=planned))
    found = only(slow_limits(LatencyP95(), given, levels=EVEN))
    assert [(c.n, c.slow) for c in found.seen] == [(n, 4 * planned // count)] * count
    (verdict,) = LatencyP95().judge(given, EVEN)
    assert (
        f"at most {dict(found.within)[n]:,} slow are within, {dict(found.over)[n]:,} or more"
        in verdict.reason
    )
    if planned == 2:
        assert (dict(found.within)[n], dict(found.over)[n]) == (
            11,
            SlowShareTest(alpha=0.025).smallest_over(n),
        )


def test_what_was_not_timed_is_not_drawn() -> None:
    """No phase, a closed loop, all lost, or fewer passes than were declared."""
    assert slow_limits(LatencyP95(), nothing(), levels=EVEN) == ()
    for timed in (latency(judged=False), latency(lost=1000)):
        assert slow_limits(LatencyP95(), evidence(latency=(timed,)), levels=EVEN) == ()
    some = evidence(latency=(latency(),), phases=passes(3, ran=1))
    assert slow_limits(LatencyP95(), some, levels=EVEN) == ()
