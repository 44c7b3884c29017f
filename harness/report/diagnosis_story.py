"""The order and the sentences of a diagnosis, shared by its renderings: nothing here knows a format."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.diagnosis import summary
from harness.diagnosis.terms import LEAK
from harness.report import words
from harness.report.diagnosis_words import (
    direction,
    level,
    metric,
    per_hundred,
    plain_step,
    signed,
    step,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.records import Diagnosis, Exhibit, GapPart, MetricGap, Remedy

REPORTED, LEAKY_COLUMNS, OFFLINE = "reported", "leaky_columns", "production_offline"
NO_METRICS = "No metric could be computed on both sides, so there is no gap to split."
NO_REMEDIES = "No remedy could be replayed."
NO_EXHIBITS = "No evidence was gathered."
NO_SUMMARY = "The gap was looked at; what was found is below."
NOTHING_MISSING = "Nothing was missing: every check ran."
NO_STEP = "On no step in particular"
NOT_COUNTED = "How often this holdout has decided something was not counted."
OVERVIEW_NOTE = (
    "Change at each step, in pipeline order; ▾ worse and ▴ better where the 95 % interval excludes 0. "
    "First and last row are levels. – was not computed."
)
REMEDIES_NOTE = (
    "Each is done alone and replayed on the same rows: then minus now, with its 95 % interval. "
    "One that is judged on fewer rows than the others says so."
)
LIKELY_NOTE = "Ranked by a score that is no probability; the table of metrics is all it read."
OWN_INTERVAL = "the part itself"
_PROMISES = {
    "precision": "Of 100 flagged, right",
    "recall": "Of 100 to find, found",
    "predicted_positive_rate": "Of 100 cases, flagged",
}


@dataclass(frozen=True)
class Stair:
    """A computed step of a waterfall: the metric before it and after it; None stands for several steps."""

    part: GapPart | None
    before: float
    after: float
    count: int = 1

    @property
    def change(self) -> float:
        """After minus before."""
        return self.after - self.before


@dataclass(frozen=True)
class Evidence:
    """Exhibits that are evidence first of all for one step; "" for none in particular."""

    step: str
    exhibits: tuple[tuple[str, Exhibit], ...]


def masthead(found: Diagnosis) -> str:
    """Which diagnosis this is, in one line."""
    who = " served by ".join(filter(None, (found.model, found.served_by)))
    parts = (found.scenario, f"run {found.run_id}", f"as of {words.moment(found.as_of)}", who)
    return words.printable(words.joined(parts, " · "))


def main_gap(found: Diagnosis) -> MetricGap | None:
    """The metric that the page for everybody shows."""
    return summary.main_gap(found.metrics)


def stairs(gap: MetricGap, *, most: int) -> list[Stair]:
    """The computed parts in order from level to level; beyond `most`, the smallest are one last stair."""
    computed = [part for part in gap.parts if part.value is not None]
    largest = sorted(computed, key=lambda part: -abs(_value(part)))
    kept = set(map(id, largest if len(largest) <= most else largest[: most - 1]))
    at, found = (gap.rungs[0].value if gap.rungs else 0.0), []
    for part in computed:
        if id(part) in kept:
            found.append(Stair(part, at, at - _value(part)))
            at = found[-1].after
    rest = [part for part in computed if id(part) not in kept]
    return [*found, Stair(None, at, at - sum(map(_value, rest)), len(rest))] if rest else found


def _value(part: GapPart) -> float:
    return part.value.value if part.value is not None else 0.0


def ends(gap: MetricGap) -> tuple[float, float] | None:
    """The metric on its first rung and on its last."""
    return (gap.rungs[0].value, gap.rungs[-1].value) if len(gap.rungs) > 1 else None


def worst(gap: MetricGap) -> GapPart | None:
    """The part that did most harm; where no direction is better, the largest."""
    computed = [part for part in gap.parts if part.value is not None]
    return max(computed, key=_harm, default=None)


def _harm(part: GapPart) -> float:
    return abs(_value(part)) if part.harm is None else part.harm


def gap_sentence(gap: MetricGap, *, plain: bool = False) -> str:
    """From where to where the metric went, and the step that cost most of it."""
    between = ends(gap)
    if between is None:
        return f"{metric(gap.metric)}: no gap can be computed"
    first, last = between
    went = direction(gap, last - first)
    given = " (as given)" if gap.parts and gap.parts[0].step == OFFLINE else ""
    said = (
        f"{metric(gap.metric)} went from {level(first)}{given} to {level(last)}{f', {went}' if went else ''}"
    )
    part = worst(gap)
    if part is None or (gap.better != "neither" and _harm(part) <= 0):
        return said
    name = plain_step(part.step) if plain else step(part.step)
    if part.includes:
        held = words.listed([plain_step(key) if plain else step(key) for key in part.includes], 6)
        name = f"{name} with what was not computed apart: {held}"
    largest = "largest part" if gap.better == "neither" else "largest loss"
    return f"{said}; {largest}: {name} ({signed(-_value(part))})"


def outside_line(gap: MetricGap, *, plain: bool = False) -> str:
    """Which steps no part includes; nothing where there is none."""
    if not gap.outside:
        return ""
    if plain:
        return f"Not counted in it: {words.listed([plain_step(key) for key in gap.outside], 6)}."
    names = words.listed([step(key) for key in gap.outside], 12)
    return f"In no part: {names}. In these the last level is not yet production."


def promises(found: Diagnosis) -> list[tuple[str, str, str]]:
    """What was promised and what happens, of a hundred cases: (what, promised, now)."""
    known = {gap.metric: ends(gap) for gap in found.metrics if summary.reaches_production(gap)}
    return [
        (said, per_hundred(between[0]), per_hundred(between[1]))
        for name, said in _PROMISES.items()
        if (between := known.get(name)) and all(0.0 <= value <= 1.0 for value in between)
    ]


def numbered(exhibits: Sequence[Exhibit]) -> dict[str, Exhibit]:
    """The exhibits by the name they are quoted by: E1, E2, … in their order."""
    return {f"E{place}": exhibit for place, exhibit in enumerate(exhibits, start=1)}


def evidence(found: Diagnosis) -> list[Evidence]:
    """Every exhibit once, under the first step of the ladder that it is evidence for, in pipeline order."""
    order = steps(found)
    groups: dict[str, list[tuple[str, Exhibit]]] = {}
    for name, exhibit in numbered(found.exhibits).items():
        first = min(exhibit.steps, key=lambda key: _place(key, order), default="")
        groups.setdefault(first, []).append((name, exhibit))
    ordered = sorted(groups, key=lambda key: _place(key, order))
    return [Evidence(key, tuple(groups[key])) for key in ordered]


def _place(key: str, order: list[str]) -> int:
    """Where a step stands: the reported holdout first, leaky columns at the first of them, no step last."""
    if key == REPORTED:
        return -1
    if key == LEAKY_COLUMNS:
        return next((k for k, known in enumerate(order) if known.startswith(LEAK)), 0)
    return order.index(key) if key in order else len(order) + (not key)


def group_title(group: Evidence) -> str:
    """The step of a group, and what it says in plain words."""
    if not group.step:
        return NO_STEP
    name, plain = step(group.step), plain_step(group.step)
    name = name[:1].upper() + name[1:]
    return name if group.step.startswith(LEAK) or plain == step(group.step) else f"{name}: {plain}"


def steps(found: Diagnosis) -> list[str]:
    """Every step of any metric, in pipeline order."""
    return list(dict.fromkeys(part.step for gap in found.metrics for part in gap.parts))


def proofs(found: Diagnosis, key: str) -> list[str]:
    """The names of the exhibits that are evidence for a step, those on all leaky columns for each of them."""
    meant = {key, LEAKY_COLUMNS} if key.startswith(LEAK) else {key}
    return [name for name, exhibit in numbered(found.exhibits).items() if meant & set(exhibit.steps)]


@dataclass(frozen=True)
class Indexed:
    """A step, its change of the main metric, the exhibits on it, and what there is where there is none."""

    step: str
    change: str
    names: tuple[str, ...]
    without: str


def index(found: Diagnosis) -> list[Indexed]:
    """Where the evidence for each step stands, in pipeline order."""
    main = main_gap(found)
    parts = {part.step: part for part in main.parts} if main else {}
    rows = []
    for key in steps(found):
        part = parts.get(key)
        there = part is not None and part.value is not None
        rows.append(
            Indexed(
                key,
                signed(-_value(part)) if part is not None and there else words.NONE,
                tuple(proofs(found, key)),
                OWN_INTERVAL if there else "none: not computed",
            )
        )
    return rows


def computed(found: Diagnosis) -> list[Remedy]:
    """The remedies that were replayed, in the order they were ranked."""
    return [remedy for remedy in found.remedies if not remedy.why_not]


def not_computed(found: Diagnosis) -> list[Remedy]:
    """The remedies that could not be replayed."""
    return [remedy for remedy in found.remedies if remedy.why_not]


def hundreds(remedy: Remedy, name: str) -> tuple[str, ...]:
    """A share of a hundred now and then, or nothing where the remedy does not say."""
    now, then = remedy.now.get(name), remedy.then.get(name)
    return () if now is None or then is None else (per_hundred(now), per_hundred(then))


def remedy_note(remedy: Remedy) -> str:
    """What kind of change it is, on how many rows it was replayed, what it keeps or breaks, and its note."""
    rows = f"replayed on {words.counted(remedy.rows, 'row')}" if remedy.rows else ""
    limit = f"limits {remedy.guardrail}"
    if remedy.guardrail_why:
        limit += f": {words.sentence(remedy.guardrail_why)}"
    said = words.joined((f"changes the {remedy.kind}", rows, limit), "; ").rstrip(".")
    return f"{said}. {words.sentence(remedy.note)}".rstrip()


def uses_line(found: Diagnosis) -> str:
    """How often the holdout has decided something; nothing where nobody counted."""
    uses = found.holdout_uses
    if uses is None:
        return ""
    times = words.counted(uses.uses, "decision")
    when = f" from {words.moment(uses.first)} to {words.moment(uses.last)}" if uses.uses > 1 else ""
    said = f"Holdout {words.clipped(uses.holdout)} was used for {times}{when}"
    if uses.optimism is None:
        return f"{said}; by how much its best result flatters is not known."
    return f"{said}; its best result may flatter by up to {words.number(uses.optimism)}."
