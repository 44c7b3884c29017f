"""The p95 ruling over several declared passes of the same arrivals: all of them together, or none."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.stats import SlowShareTest, judge_passes
from harness.stats.passes import MIN_PASSES_FOR_VARIANCE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.evidence import Evidence
    from harness.records import LatencySummary, PhaseNote, Ruling

#: what more passes are evidence of
CLAIM = (
    "a new pass is new evidence about the noise of service and host on the same arrivals, never about other "
    "requests"
)


@dataclass(frozen=True)
class Series:
    """The passes of one target over one phase: how many were declared, those that ran, those that did not."""

    target: str
    phase: str
    planned: int
    ran: tuple[LatencySummary, ...]
    skipped: tuple[PhaseNote, ...]


@dataclass(frozen=True)
class Joint:
    """The ruling on slow counts of n requests a pass, and the limits that decided, of one pass or of all."""

    ruling: Ruling
    inflation: float
    within: int | None
    over: int | None


def repeated(evidence: Evidence) -> tuple[Series, ...]:
    """Each phase with several passes, by target; the build under test is among them though none ran."""
    notes = [note for note in evidence.phases if note.open_loop and note.passes > 1]
    found = []
    for phase in dict.fromkeys(note.series for note in notes):
        mine = [note for note in notes if note.series == phase]
        names = {note.phase for note in mine}
        for target in mine[0].targets:
            ran = tuple(s for s in evidence.latency if s.target == target and s.phase in names)
            if ran or target == evidence.under_test:
                skipped = tuple(note for note in mine if not note.ran)
                found.append(Series(target, phase, mine[0].passes, ran=ran, skipped=skipped))
    return tuple(found)


def apart(evidence: Evidence) -> frozenset[str]:
    """The passes that are judged together with others, by name."""
    return frozenset(note.phase for note in evidence.phases if note.open_loop and note.passes > 1)


def left_out(evidence: Evidence) -> tuple[PhaseNote, ...]:
    """The open-loop phases of one pass that the build under test should have been sent and was not."""
    return tuple(
        note
        for note in evidence.phases
        if note.open_loop and not note.ran and evidence.under_test in note.targets and note.passes == 1
    )


def planned(evidence: Evidence) -> int:
    """How many phases of the build under test are judged, all passes of one together, run or not."""
    mine, together = evidence.under_test, apart(evidence)
    single = sum(s.judged and s.target == mine and s.phase not in together for s in evidence.latency)
    return single + len(left_out(evidence)) + sum(each.target == mine for each in repeated(evidence))


def rule_together(
    slow: Sequence[int], n: Sequence[int], *, passes: int, rules: tuple[SlowShareTest, SlowShareTest]
) -> Joint:
    """FAIL where the passes prove to be over, PASS where all that were declared prove to be within.

    `rules` are those of one pass, of being within and of being over, each at its whole level. Known: 3, 5, 2,
    4 and 6 of 630 pass at .05; 60, 75, 50, 66 and 80 fail; 3, 50 and 50 stay open, for two are not within.
    """
    within, over = (judge_passes(slow, n, planned=passes, rule=rule) for rule in rules)
    ruling: Ruling = "UNDECIDED"
    if over.ruling == "over":
        ruling = "FAIL"
    elif within.ruling == "within":
        ruling = "PASS"
    size = sum(n) if pooled(passes) > 1 else min(n)
    least, most = judged_by(slow, n, passes=passes, rules=rules)
    return Joint(ruling, over.inflation, least.largest_within(size), most.smallest_over(size))


def judged_by(
    slow: Sequence[int], n: Sequence[int], *, passes: int, rules: tuple[SlowShareTest, SlowShareTest]
) -> tuple[SlowShareTest, SlowShareTest]:
    """The tests that such passes are put to, of one pass or of all pooled: within, and over.

    Below 5 passes each has to be within at the whole level, and one that is over at its part of it fails.
    """
    within, over = (judge_passes(slow, n, planned=passes, rule=rule) for rule in rules)
    return (
        SlowShareTest(limit=rules[0].limit, alpha=within.alpha_within, inflation=within.inflation),
        SlowShareTest(limit=rules[1].limit, alpha=over.alpha_over, inflation=over.inflation),
    )


def pooled(passes: int) -> int:
    """How many passes are judged in one: all from 5 on, whose own variance is known; else each alone."""
    return passes if passes >= MIN_PASSES_FOR_VARIANCE else 1


def in_force(
    rules: tuple[SlowShareTest, SlowShareTest], size: int, *, passes: int
) -> tuple[SlowShareTest, SlowShareTest]:
    """The tests of a phase with so many passes of `size`, if they vary no more than by chance."""
    return judged_by([0] * passes, [max(1, size)] * passes, passes=passes, rules=rules)
