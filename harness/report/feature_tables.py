"""A finding's evidence and the features that differ, as a page shows them: what decides first."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from harness.report import marks, words
from harness.report.tables import Column, Table, differing, pair_name

if TYPE_CHECKING:
    from collections.abc import Iterator

    from harness.records import FieldSummary, Finding, PairSummary, Report

#: small multiples of a pair and of a finding
MOST_DRAWN, MOST_OF_FINDING = 24, 6
#: rows of a table: what a page can hold and a reader will read; report.json holds all
MOST_ROWS = 200
#: rows in view before a fold
FEW = 12
_NAME = 60


@dataclass(frozen=True)
class Drawn:
    """One small multiple: the field, its rate in words, and its bars over time."""

    name: str
    told: str
    svg: str


@dataclass(frozen=True)
class Multiples:
    """Fields over one time axis and one scale: what stands under them, and the pictures."""

    caption: str
    drawn: tuple[Drawn, ...]


def features(pair: PairSummary) -> Table:
    """Each feature that differs: how often with its interval, what it does, since when."""
    heads = ("Differ", "Rate", "95 % interval", "Score damage", "Flips alone")
    return Table(
        f"Features of {pair_name(pair)}",
        (
            Column("Feature", "code"),
            *(Column(head, "number") for head in heads),
            Column("First seen", "time"),
            Column("Kind"),
        ),
        tuple(
            (
                words.clipped(field.field, _NAME),
                words.count(field.mismatches),
                words.percent(field.rate),
                interval(field),
                words.number(field.damage.mean_abs if field.damage else None),
                words.count(field.damage.flips) if field.damage else words.NONE,
                words.moment(field.first_seen),
                words.tally(field.kinds, 3),
            )
            for field in differing(pair)
        ),
    )


def cut(table: Table, most: int = MOST_ROWS, *, rest: str = "all in report.json") -> Table:
    """The first rows of a long table, its title saying how many of how many, and where the rest is."""
    if len(table.rows) <= most:
        return table
    title = f"{table.title} (the first {most} of {len(table.rows):,}, {rest})"
    return replace(table, title=title, rows=table.rows[:most])


def interval(field: FieldSummary) -> str:
    """Both bounds of the rate, or a dash where a report has none."""
    if field.lower is None or field.upper is None:
        return words.NONE
    return f"{words.percent(field.lower)} to {words.percent(field.upper)}"


def traffic(report: Report) -> Table:
    """What differs by its share of the requests, which is exact, and of the traffic, with its bound."""
    heads = ("Differ", "Of", "Share of these", "Share of the traffic", "At most (95 %)")
    return Table(
        "Shares of the traffic",
        (Column("Pair"), Column("What", "code"), *(Column(head, "number") for head in heads)),
        tuple(row for pair in report.pairs for row in _weighed(pair)),
    )


def exemplars(report: Report, finding: Finding) -> Table:
    """The first requests of a finding with both sides."""
    left = finding.left or next((p.left for p in report.pairs if p.right == finding.arm), "reference")
    return Table(
        "Requests that show it",
        (
            Column("Request", "code"),
            Column(words.clipped(left, _NAME), "code"),
            Column(words.clipped(finding.arm, _NAME), "code"),
        ),
        tuple(
            (words.clipped(e.request_id), words.clipped(e.left), words.clipped(e.right))
            for e in finding.exemplars[:3]
        ),
    )


def places(finding: Finding) -> Table:
    """Where in the traffic a finding gathers, and how rare it is elsewhere."""
    heads = ("Requests", "Differ there", "Rate there", "Rate elsewhere", "Share of all")
    return Table(
        "Where it gathers",
        (Column("Where", "code"), *(Column(head, "number") for head in heads)),
        tuple(
            (
                words.clipped(" and ".join(place.conditions), 120),
                words.count(place.requests),
                words.count(place.mismatching),
                words.percent(place.rate),
                words.percent(place.elsewhere),
                words.percent(place.share),
            )
            for place in finding.places
        ),
    )


def onset(finding: Finding) -> str:
    """Since and until when, with the interval of the time: "since … (95 %: … to …)"; else nothing."""
    found = finding.onset
    if found is None:
        return ""
    ends = (("since", found.start), ("until", found.end))
    told = [
        f"{word} {words.moment(at.at)} (95 %: {words.moment(at.lower)} to {words.moment(at.upper)})"
        for word, at in ends
        if at is not None
    ]
    rates = f"{words.percent(found.during)} of requests within, {words.percent(found.otherwise)} outside"
    return f"{words.listed(told) or 'over the whole capture'}: {rates}"


def multiples(pair: PairSummary, names: tuple[str, ...] = (), *, most: int = MOST_DRAWN) -> Multiples | None:
    """The share that mismatches over time of some fields (all that differ); None where there is no time."""
    time = pair.time
    fields = [f for f in differing(pair) if f.by_time and (not names or f.field in names)]
    if time is None or not fields:
        return None
    shares = {f.field: marks.shares(f, time) for f in fields[:most]}
    top = max((value for values in shares.values() for value in values if value), default=1.0)
    cut = f"; the {most} most frequent of {len(fields)} drawn" if len(fields) > most else ""
    return Multiples(
        caption=(
            f"Share of requests that differ, each from 0 to {words.percent(top)}, in "
            f"{words.counted(len(time.compared), 'bin')} of {_span(time.step_s)} from "
            f"{words.moment(time.start)}{cut}."
        ),
        drawn=tuple(
            Drawn(
                name=words.clipped(f.field, _NAME),
                told=f"{words.percent(f.rate)} ({interval(f)})"
                if f.upper is not None
                else words.percent(f.rate),
                svg=marks.spark(shares[f.field], top=top, described=_over_time(f, shares[f.field])),
            )
            for f in fields[:most]
        ),
    )


def same_as(report: Report, pair: PairSummary) -> str:
    """The arm against which an earlier pair showed the very same by feature; else nothing."""
    mine = [(f.field, f.mismatches, f.by_time) for f in differing(pair)]
    for other in report.pairs:
        if other is pair or not mine:
            return ""
        if other.right == pair.right and mine == [
            (f.field, f.mismatches, f.by_time) for f in differing(other)
        ]:
            return words.clipped(other.left)
    return ""


def told_apart(report: Report, pair: PairSummary) -> bool:
    """Whether a pair's features belong together on one scale: not where one finding draws them all."""
    mine = [f.fields for f in report.findings if f.arm == pair.right and f.left in {"", pair.left}]
    return len(mine) != 1 or not {f.field for f in differing(pair)} <= set(mine[0])


def of_finding(report: Report, finding: Finding) -> Multiples | None:
    """The fields of a finding over time, where its pair was kept with times."""
    left = finding.left
    pair = next(
        (p for p in report.pairs if p.right == finding.arm and left in {"", p.left}),
        None,
    )
    return multiples(pair, finding.fields, most=MOST_OF_FINDING) if pair else None


def _over_time(field: FieldSummary, shares: list[float | None]) -> str:
    known = [value for value in shares if value is not None]
    touched = sum(value > 0 for value in known)
    return (
        f"{words.clipped(field.field, _NAME)} over time: differs in {touched} of "
        f"{words.counted(len(known), 'bin')}, at most {words.percent(max(known, default=0.0))}"
    )


def _span(seconds: float) -> str:
    for unit, size in (("day", 86_400.0), ("hour", 3_600.0), ("minute", 60.0)):
        if seconds >= size:
            return f"{words.number(seconds / size)} {unit}s"
    return f"{seconds:g} s"


def _weighed(pair: PairSummary) -> Iterator[tuple[str, ...]]:
    found = pair.traffic
    if not found:
        return
    name = pair_name(pair)
    for what, one in (("any feature", found.features), ("score", found.scores), ("decision", found.flips)):
        if one is not None and one.count is not None:
            bound = words.percent(one.upper)
            yield (name, what, *_counts(one.count, one.n), words.percent(one.value), bound)
    for field in differing(pair):
        if field.field in found.fields:
            weighed = words.percent(found.fields[field.field])
            name_of = words.clipped(field.field, _NAME)
            yield (name, name_of, *_counts(field.mismatches, field.compared), weighed, words.NONE)


def _counts(hit: int, of: int) -> tuple[str, str, str]:
    return words.count(hit), words.count(of), words.percent(hit / of if of else None)
