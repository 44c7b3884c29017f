"""The parts of a diagnosed gap as a table; their picture is on the page of the diagnosis."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.report import words
from harness.report.tables import Column, Table

if TYPE_CHECKING:
    from harness.records import MetricGap
    from harness.records import Number as Estimated


def parts(metric: MetricGap) -> Table:
    """Each step with what it takes of the metric and its interval; the parts add up to the gap."""
    rows = [(part.step, _number(part.value, part.why_not)) for part in metric.parts]
    return Table(
        f"The gap in {words.clipped(metric.metric)}",
        (Column("Step"), Column("Change", "number"), Column("95 % interval", "number")),
        tuple(
            (words.clipped(step.replace("_", " ")), *cells)
            for step, cells in [*rows, ("in all", _number(metric.gap, metric.why_not))]
        ),
    )


def _number(found: Estimated | None, why_not: str) -> tuple[str, str]:
    if found is None:
        return (words.sentence(why_not) or words.NONE, words.NONE)
    if found.lower is None or found.upper is None:
        return (words.number(found.value), words.NONE)
    return (words.number(found.value), f"{words.number(found.lower)} to {words.number(found.upper)}")
