"""The gap of each metric in parts, the ladder's beside the Shapley share of what can be replayed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from msgspec.structs import replace

from harness.diagnosis.exhibits.numbers import of_interval
from harness.diagnosis.influence import NAMES
from harness.diagnosis.ladder import harm
from harness.diagnosis.rungs import CONCEPT, SEEN, UNSEEN
from harness.diagnosis.samples import LEAKS, OFFLINE, REPEATED, REPORTED, UNTIMELY
from harness.metrics import METRICS
from harness.records import GapPart, MetricGap, Number, RungValue

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from harness.diagnosis.ladder import Ladder, MetricLadder, Part
    from harness.diagnosis.shapley import Share

#: what the step from a report without its rows to production's rows holds
HOLDOUT_STEPS = (REPEATED, UNTIMELY, LEAKS, SEEN, CONCEPT, UNSEEN)


def better(metric: str) -> Literal["higher", "lower", "neither"]:
    """Which direction of a metric is better; F1 is not in the table of metrics."""
    return METRICS[metric].better if metric in METRICS else "higher"


def gaps(ladder: Ladder, shares: Sequence[Share]) -> tuple[MetricGap, ...]:
    """All eight metrics in the order of the room."""
    by = {(share.metric, share.toggle): share for share in shares}
    return tuple(_gap(ladder.metrics[name], by) for name in NAMES)


def _gap(ladder: MetricLadder, shares: Mapping[tuple[str, str], Share]) -> MetricGap:
    return MetricGap(
        metric=ladder.metric,
        better=better(ladder.metric),
        rungs=tuple(RungValue(step=step, value=value) for step, value in ladder.rungs),
        parts=tuple(
            _part(part, shares.get((ladder.metric, part.step)), metric=ladder.metric) for part in ladder.parts
        ),
        gap=None if ladder.gap is None else of_interval(ladder.gap),
        outside=ladder.outside,
        why_not=ladder.why_not,
    )


def _part(part: Part, share: Share | None, *, metric: str) -> GapPart:
    return GapPart(
        step=part.step,
        value=None if part.value is None else of_interval(part.value),
        harm=None if part.value is None else harm(metric, part),
        share=None if share is None else of_interval(share.share),
        interaction=share is not None and share.interaction,
        includes=part.includes,
        why_not=part.why_not,
    )


def as_given(gap: MetricGap, reported: float | None) -> MetricGap:
    """The same from the reported number on, where no holdout was given to split what lies beneath it.

    All steps of the holdout are then in the one to production's rows; a number as given has no interval.
    """
    if reported is None or not gap.rungs or gap.rungs[0].step != OFFLINE:
        return gap
    first, last = gap.rungs[0].value, gap.rungs[-1].value
    sign = {"higher": 1.0, "lower": -1.0, "neither": 1.0}[gap.better]
    lost = reported - first
    whole = GapPart(
        step=OFFLINE,
        value=Number(value=lost),
        harm=abs(lost) if gap.better == "neither" else sign * lost,
        includes=HOLDOUT_STEPS,
    )
    return replace(
        gap,
        rungs=(RungValue(step=REPORTED, value=reported), *gap.rungs),
        parts=(whole, *(part for part in gap.parts if part.step not in {REPORTED, OFFLINE})),
        gap=Number(value=reported - last),
        why_not="",
    )


def reasoned(gap: MetricGap, reasons: Mapping[str, str]) -> MetricGap:
    """The same with these reasons at steps that were not computed."""
    parts = (
        replace(part, why_not=reasons[part.step]) if part.why_not and part.step in reasons else part
        for part in gap.parts
    )
    return replace(gap, parts=tuple(parts))
