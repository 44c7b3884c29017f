"""The tables of a diagnosis as plain text cells, so that every rendering shows the same words and numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.report import diagnosis_story as story
from harness.report import words
from harness.report.diagnosis_words import (
    SIGNS,
    between,
    cell,
    change,
    change_bounds,
    effect,
    gain,
    level,
    metric,
    part_notes,
    rows_a_day,
    signed,
    status,
    step,
)
from harness.report.tables import Column, Table

if TYPE_CHECKING:
    from collections.abc import Mapping

    from harness.records import Diagnosis, GapPart, MetricGap, Number, Remedy, Volume
    from harness.records import Table as Given
    from harness.report.tables import Kind

_NUMBERS = ("number", "signed", "share", "count", "p")


def overview(found: Diagnosis) -> Table:
    """Every step by every metric: the change, ▾ where worse, ▴ where better; first and last row levels."""
    gaps = [gap for gap in found.metrics if story.ends(gap)]
    heads = [f"{metric(gap.metric)}#" for gap in gaps]
    rows = [
        ("Reported", *(level(gap.rungs[0].value) for gap in gaps)),
        *((step(key), *(_change_of(gap, key) for gap in gaps)) for key in story.steps(found)),
        ("Production", *(level(gap.rungs[-1].value) for gap in gaps)),
    ]
    return Table("All metrics side by side", _columns("Step", *heads), tuple(rows) if gaps else ())


def _change_of(gap: MetricGap, key: str) -> str:
    part = next((part for part in gap.parts if part.step == key), None)
    changed = change(part.value) if part else None
    if part is None or part.value is None or changed is None:
        return words.NONE
    return f"{signed(changed)}{SIGNS.get(effect(gap, part.value), '')}"


def parts(found: Diagnosis, gap: MetricGap) -> Table:
    """A row a part: level after, change, intervals alone and with all others, Shapley share; notes beside."""
    levels = _levels(gap)
    rows = [_start(gap), *(_part(found, gap, part=part, after=after) for part, after in levels), *_whole(gap)]
    notes = [words.sentence(gap.why_not), *(part_notes(part) for part, _ in levels), *[""] * len(_whole(gap))]
    heads = ("Level after#", "Change#", "95 % interval#", "95 %, all at once#", "Shapley share#", "Evidence")
    return Table(f"Parts of {metric(gap.metric)}", _columns("Step", *heads), tuple(rows), tuple(notes))


def noted(table: Table) -> list[str]:
    """What is to be known of each row, where there is something: "served features: Interaction: …"."""
    return [f"{row[0]}: {note}" for row, note in zip(table.rows, table.notes, strict=True) if note]


def parts_short(found: Diagnosis, gap: MetricGap, *, most: int, roomy: bool) -> Table:
    """The computed parts in order, beyond so many the largest only; all at once where there is room."""
    kept = {id(stair.part) for stair in story.stairs(gap, most=most + 1)}
    rows = [
        (*row[:2], _change_of(gap, part.step), *row[3:])
        for part, after in _levels(gap)
        if id(part) in kept
        for row in [_part(found, gap, part=part, after=after)]
    ]
    places = (0, 1, 2, 3, 4, 6) if roomy else (0, 1, 2, 3, 6)
    columns = parts(found, gap).columns
    return Table(
        f"Parts of {metric(gap.metric)}",
        tuple(columns[k] for k in places),
        tuple(tuple(row[k] for k in places) for row in (_start(gap), *rows, *_whole(gap))),
    )


def _start(gap: MetricGap) -> tuple[str, ...]:
    first = gap.rungs[0] if gap.rungs else None
    name = step(first.step) if first else "no level could be computed"
    return (name, level(first.value if first else None), *[words.NONE] * 5)


def _whole(gap: MetricGap) -> list[tuple[str, ...]]:
    """The row of the gap, where it is known."""
    if gap.gap is None:
        return []
    end = level(gap.rungs[-1].value) if gap.rungs else words.NONE
    alone, every = change_bounds(gap.gap), change_bounds(gap.gap, together=True)
    return [("the gap", end, _said(gap, gap.gap), between(alone), between(every), *[words.NONE] * 2)]


def _levels(gap: MetricGap) -> list[tuple[GapPart, float | None]]:
    """Each part with the level after it, None where it was not computed."""
    at = gap.rungs[0].value if gap.rungs else None
    rows: list[tuple[GapPart, float | None]] = []
    for part in gap.parts:
        if part.value is not None and at is not None:
            at -= part.value.value
        rows.append((part, at if part.value is not None else None))
    return rows


def _part(found: Diagnosis, gap: MetricGap, *, part: GapPart, after: float | None) -> tuple[str, ...]:
    value = part.value
    return (
        step(part.step),
        level(after),
        _said(gap, value),
        between(change_bounds(value)) if value else words.NONE,
        between(change_bounds(value, together=True)) if value else words.NONE,
        _share(part),
        ", ".join(story.proofs(found, part.step)) or words.NONE,
    )


def _said(gap: MetricGap, number: Number | None) -> str:
    return words.NONE if number is None else f"{signed(-number.value)} {effect(gap, number)}".rstrip()


def _share(part: GapPart) -> str:
    if part.share is None:
        return words.NONE
    bounds = change_bounds(part.share)
    return f"{signed(change(part.share))}{f' ({between(bounds)})' if bounds else ''}"


def given(table: Given) -> Table:
    """A table of evidence, its cells written as their columns say."""
    return Table(
        words.printable(table.title),
        tuple(Column(words.printable(c.name), _kind(c.form)) for c in table.columns),
        tuple(tuple(map(cell, row, table.columns)) for row in table.rows),
    )


def _kind(form: str) -> Kind:
    return "number" if form in _NUMBERS else "time" if form == "time" else "text"


def worth(found: Diagnosis, *, most: int) -> Table:
    """The first remedies for somebody who has a minute: what each gives back and what it costs."""
    gap = story.main_gap(found)
    name = gap.metric if gap else ""
    rows = tuple(_worth(remedy, name) for remedy in story.computed(found)[:most])
    heads = (f"{metric(name) or 'Metric'}, change#", "Of 100 flagged, right#", "Flagged a day#")
    return Table("What it would give back, and cost", _columns("Do this", *heads, "Limits"), rows)


def worth_short(found: Diagnosis, *, most: int) -> Table:
    """The same for a narrow screen: without how many of a hundred are right."""
    table, kept = worth(found, most=most), (0, 1, 3, 4)
    return Table(
        table.title,
        tuple(table.columns[k] for k in kept),
        tuple(tuple(row[k] for k in kept) for row in table.rows),
    )


def _worth(remedy: Remedy, name: str) -> tuple[str, ...]:
    right = story.hundreds(remedy, "precision")
    volume = remedy.volume
    return (
        words.clipped(remedy.action, 160),
        gain(remedy.gains.get(name)),
        " → ".join(right) or words.NONE,
        f"{rows_a_day(volume.now)} → {rows_a_day(volume.then)}" if volume else words.NONE,
        status(remedy.guardrail),
    )


def remedies(found: Diagnosis) -> Table:
    """Every replayed remedy: each metric then minus now with its interval, rows flagged, the guardrail."""
    done = story.computed(found)
    named = dict.fromkeys([gap.metric for gap in found.metrics])
    named |= dict.fromkeys(name for remedy in done for name in remedy.gains)
    ordered = [name for name in named if any(name in remedy.gains for remedy in done)]
    heads = (f"{metric(name)}#" for name in ordered)
    columns = _columns("Remedy", *heads, "Flagged a day#", "Busy day#", "Limit a day#", "Guardrail")
    rows = (
        (
            f"R{place}. {words.printable(remedy.action)}",
            *(gain(remedy.gains.get(name)) for name in ordered),
            *_flagged(remedy.volume),
            status(remedy.guardrail),
        )
        for place, remedy in enumerate(done, start=1)
    )
    return Table("Then minus now", columns, tuple(rows))


def _flagged(volume: Volume | None) -> tuple[str, str, str]:
    if volume is None:
        return (words.NONE,) * 3
    return (
        f"{rows_a_day(volume.now)} → {rows_a_day(volume.then)}",
        f"{rows_a_day(volume.busy_now)} → {rows_a_day(volume.busy_then)}",
        words.NONE if volume.limit is None else rows_a_day(volume.limit),
    )


def causes(found: Diagnosis) -> Table:
    """The usual causes: what was checked, with what result, and what would change it."""
    rows = (
        (status(c.found), *map(words.sentence, (c.name, c.check, c.result, c.would_change)))
        for c in found.causes
    )
    return Table(
        "The usual causes", _columns("Found", "Cause", "Check", "Result", "What would change it"), tuple(rows)
    )


def likely(found: Diagnosis) -> Table:
    """The causes that fit the table of metrics alone, best first."""
    rows = (
        (
            words.sentence(c.name),
            words.number(c.score),
            "; ".join(map(words.sentence, c.because)) or words.NONE,
            words.sentence(c.next_measurement),
        )
        for c in found.likely
    )
    return Table(
        "What fits the table of metrics alone",
        _columns("Cause", "Score#", "Because", "Measure next"),
        tuple(rows),
    )


def ledger(found: Diagnosis) -> Table:
    """The rows of either side and what became of them."""
    return _facts("Rows", "count#", values={name: words.count(n) for name, n in found.counts.items()})


def thresholds(found: Diagnosis) -> Table:
    """The cut-offs by name."""
    return _facts(
        "Thresholds", "value#", values={name: words.number(x) for name, x in found.thresholds.items()}
    )


def digests(found: Diagnosis) -> Table:
    """What the inputs were, by digest."""
    return _facts("Digests", "value", values={name: words.printable(x) for name, x in found.digests.items()})


def _facts(title: str, head: str, *, values: Mapping[str, str]) -> Table:
    return Table(title, _columns("name", head), tuple((words.printable(k), v) for k, v in values.items()))


def _columns(*heads: str) -> tuple[Column, ...]:
    """Columns from headings; `#` at the end marks a number."""
    return tuple(Column(head[:-1], "number") if head.endswith("#") else Column(head) for head in heads)
