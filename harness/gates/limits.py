"""What decides latency_p95 at any number of requests, for the picture of it beside what was seen."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from harness.gates.passes import apart, judged_by, planned, pooled, repeated
from harness.records import SlowCount, SlowLimits

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.evidence import Evidence, Levels
    from harness.gates.latency import LatencyP95
    from harness.records import LatencySummary
    from harness.stats import SlowShareTest

#: how far beyond the largest pass the limits are drawn, and at how many places
_BEYOND = 1.25
_PLACES = 60


def slow_limits(gate: LatencyP95, evidence: Evidence, *, levels: Levels) -> tuple[SlowLimits, ...]:
    """The limits of every judged phase that ran; those of several passes by the build under test's own."""
    several = repeated(evidence)
    together = apart(evidence)
    alone = [s for s in evidence.latency if s.judged and s.phase not in together and s.requests > s.lost]
    rules = gate.tests(levels, passes=planned(evidence))
    found = [
        _limits(phase, rules, seen=[_count(s) for s in alone if s.phase == phase])
        for phase in dict.fromkeys(s.phase for s in alone)
    ]
    for each in several:
        if each.target == evidence.under_test and len(each.ran) == each.planned:
            seen = [_count(s) for s in each.ran]
            tests = judged_by([c.slow for c in seen], [c.n for c in seen], passes=each.planned, rules=rules)
            shown = [_pooled(seen)] if pooled(each.planned) > 1 else seen
            found.append(_limits(each.phase, tests, seen=shown))
    return tuple(found)


def _count(summary: LatencySummary) -> SlowCount:
    n = summary.requests - summary.lost
    return SlowCount(target=summary.target, name=summary.phase, n=n, slow=summary.over_budget)


def _pooled(seen: Sequence[SlowCount]) -> SlowCount:
    return SlowCount(
        target=seen[0].target,
        name=f"{len(seen)} passes together",
        n=sum(each.n for each in seen),
        slow=sum(each.slow for each in seen),
    )


def _limits(
    phase: str, rules: tuple[SlowShareTest, SlowShareTest], *, seen: Sequence[SlowCount]
) -> SlowLimits:
    top = max(each.n for each in seen)
    places = np.unique([*np.linspace(1, _BEYOND * top, _PLACES).astype(int), *(each.n for each in seen)])
    within = [(n, most) for n in places.tolist() if (most := rules[0].largest_within(n)) is not None]
    over = [(n, fewest) for n in places.tolist() if (fewest := rules[1].smallest_over(n)) is not None]
    return SlowLimits(phase=phase, within=tuple(within), over=tuple(over), seen=tuple(seen))
