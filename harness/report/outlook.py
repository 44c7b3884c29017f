"""What is still to come: when an open test will decide, how late labels are, where the harm is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.report import words
from harness.report.tables import Column, Table

if TYPE_CHECKING:
    from harness.records import MetricRow, QualitySummary, SegmentRow


def ahead_line(quality: QualitySummary) -> str:
    """When the test decides, were all to go on so: "At this rate a decision (PASS) …"; else nothing."""
    found = quality.ahead
    last = quality.looks[-1] if quality.looks else None
    if found is None or last is None:
        return ""
    more = words.counted(max(found.requests - last.n, 0), "more request")
    units = words.counted(max(found.units - last.units, 0), "more unit")
    when = "" if found.days is None else f", about {words.number(max(found.days, 0.0))} days"
    rate = f"about {more} of {units}{when}"
    return f"At this rate a decision ({found.toward}) in {rate}, were the estimate to stay."


def maturity_line(quality: QualitySummary) -> str:
    """How far the labels are, in one line: "7,122 captured → … → 2,681 compared · 421 not matured yet"."""
    counts = quality.counts
    steps = [
        f"{counts[name]:,} {name}"
        for name in ("captured", "in scope", "matured", "compared")
        if name in counts
    ]
    waiting = counts.get("not matured", 0)
    until = quality.delays.mature_until if quality.delays else ""
    return words.joined(
        (
            " → ".join(steps),
            f"{waiting:,} not matured yet",
            f"mature up to {words.moment(until)}" if until else "",
        ),
        " · ",
    )


def differences(quality: QualitySummary) -> Table:
    """Each metric: both builds, the difference with its interval, and what it says."""
    rows = [row for row in quality.metrics if row.difference is not None]
    return Table(
        "Champion and challenger, metric by metric",
        (
            Column("Metric"),
            Column("Better"),
            *(Column(head, "number") for head in ("Champion", "Challenger", "Difference", "95 % interval")),
            Column("Says"),
        ),
        tuple(
            (
                words.clipped(row.metric.replace("_", " ")),
                {"higher": "higher", "lower": "lower"}.get(row.direction, words.NONE),
                words.number(row.arms.get("champion")),
                words.number(row.arms.get("challenger")),
                words.number(e.value),
                f"{words.number(e.lower)} to {words.number(e.upper)}",
                _says(row),
            )
            for row in rows
            if (e := row.difference) is not None
        ),
    )


def _says(row: MetricRow) -> str:
    """Better, worse, or not told apart by this interval alone."""
    e = row.difference
    if e is None or e.lower is None or e.upper is None or e.lower <= 0.0 <= e.upper:
        return "same" if e is not None and e.lower == e.upper == 0.0 else "not told apart"
    if row.direction == "neither":
        return "higher" if e.lower > 0.0 else "lower"
    return "better" if (e.lower > 0.0) == (row.direction == "higher") else "worse"


def _of_traffic(row: SegmentRow) -> str:
    return f", {words.percent(row.share)} of traffic" if row.share else ""


def segments(quality: QualitySummary) -> str:
    """The harm by segment as a forest; nothing where no segment has units enough."""
    from harness.report import marks

    rows = [
        (f"{words.clipped(row.segment)} {words.clipped(row.level)}{_of_traffic(row)}", row.harm)
        for row in quality.segments
    ]
    if not rows:
        return ""
    goals = [(0.0, "worse →")]
    if not quality.superiority and quality.margin is not None:
        goals.append((quality.margin, "margin"))
    return marks.forest(rows, goals=goals)
