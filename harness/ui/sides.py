"""Two runs side by side: what got better, what got worse, what is new and what is gone; a pure function."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from harness.report import story, words

if TYPE_CHECKING:
    from collections.abc import Iterable

    from harness.records import Finding, Report, Verdict

Change = Literal["better", "worse", "same", "other", "new", "gone", "after", "before"]
_RANK = {"FAIL": 0, "UNDECIDED": 1, "PASS": 2}
_WORDS = {"NO-GO": 0, "INVALID": 1, "WAIT": 2, "GO": 3}
_ORDERED: tuple[Change, ...] = ("worse", "new", "better", "gone", "other", "after", "before", "same")
_ORDER = {change: place for place, change in enumerate(_ORDERED)}
_SAME_CAPTURE = "capture"


@dataclass(frozen=True)
class GateRow:
    """One gate on one arm in both runs, where it stood in them."""

    gate: str
    arm: str
    left: Verdict | None
    right: Verdict | None

    @property
    def change(self) -> Change:
        """Which way its ruling went; `after` and `before` say that only one run has it."""
        if self.left is None or self.right is None:
            return "after" if self.left is None else "before"
        return _sign(_RANK[self.right.ruling] - _RANK[self.left.ruling])


@dataclass(frozen=True)
class FindingRow:
    """One bug in both runs: the same arm, the same cause, and a field in common."""

    left: Finding | None
    right: Finding | None

    @property
    def change(self) -> Change:
        """Whether it is new, gone, or touches more or fewer requests."""
        if self.left is None or self.right is None:
            return "new" if self.left is None else "gone"
        return _sign(self.left.requests - self.right.requests)

    @property
    def finding(self) -> Finding:
        """As the later run tells it, if it does."""
        found = self.right or self.left
        assert found is not None  # noqa: S101  -- a row has at least one side
        return found


@dataclass(frozen=True)
class NumberRow:
    """One figure in both runs, written out, and which way it went."""

    name: str
    left: str
    right: str
    change: Change


@dataclass(frozen=True)
class Sides:
    """All that can be held against each other, what changed first."""

    left: Report
    right: Report
    gates: tuple[GateRow, ...]
    findings: tuple[FindingRow, ...]
    numbers: tuple[NumberRow, ...]
    warnings: tuple[str, ...]

    @property
    def change(self) -> Change:
        """Which way the verdict went."""
        return _sign(_WORDS[self.right.decision.word] - _WORDS[self.left.decision.word])

    @property
    def sentence(self) -> str:
        """The whole in one sentence."""
        before, after = self.left.decision.word, self.right.decision.word
        verdict = f"{before} both times" if before == after else f"{before} became {after}"
        gates = ", ".join(_counted(self.gates, "gate", told=("worse", "better")))
        found = ", ".join(_counted(self.findings, "finding", told=("new", "gone")))
        return f"{verdict}; {gates}; {found}."

    def of(self, *changes: Change) -> list[FindingRow]:
        """The findings that changed so."""
        return [row for row in self.findings if row.change in changes]


def side_by_side(left: Report, right: Report) -> Sides:
    """What changed from the left run to the right one; `left` is the one before."""
    return Sides(
        left=left,
        right=right,
        gates=tuple(sorted(_gates(left, right), key=lambda row: _ORDER[row.change])),
        findings=tuple(sorted(_findings(left, right), key=lambda row: _ORDER[row.change])),
        numbers=tuple(sorted(_numbers(left, right), key=lambda row: _ORDER[row.change])),
        warnings=tuple(_warnings(left, right)),
    )


def _sign(difference: int) -> Change:
    return "better" if difference > 0 else "worse" if difference < 0 else "same"


def _counted(
    rows: Iterable[GateRow | FindingRow], noun: str, *, told: tuple[Change, Change]
) -> Iterable[str]:
    changes = [row.change for row in rows]
    first, second = told
    yield f"{words.counted(changes.count(first), noun)} {first}"
    yield f"{changes.count(second):,} {second}"


def _gates(left: Report, right: Report) -> Iterable[GateRow]:
    before, after = ({(g.gate, g.arm): g for g in report.gates} for report in (left, right))
    for gate, arm in dict.fromkeys((*after, *before)):
        yield GateRow(gate, arm, before.get((gate, arm)), after.get((gate, arm)))


def _findings(left: Report, right: Report) -> Iterable[FindingRow]:
    """Each finding of the right run with the one of the left that it most shares fields with."""
    open_ones = list(left.findings)
    for finding in story.worst_first(right.findings):
        twin = max(open_ones, key=lambda one: _alike(one, finding), default=None)
        if twin is not None and _alike(twin, finding):
            open_ones.remove(twin)
            yield FindingRow(twin, finding)
        else:
            yield FindingRow(None, finding)
    yield from (FindingRow(finding, None) for finding in story.worst_first(tuple(open_ones)))


def _alike(one: Finding, other: Finding) -> float:
    """The share of their fields in common, 0 for another arm or cause."""
    if (one.arm, one.cause) != (other.arm, other.cause):
        return 0.0
    mine, yours = set(one.fields), set(other.fields)
    return len(mine & yours) / max(1, len(mine | yours))


def _numbers(left: Report, right: Report) -> Iterable[NumberRow]:
    before, after = _rates(left), _rates(right)
    yield from (
        _row(name, (before.get(name), after.get(name)), per_cent=True) for name in {**before, **after}
    )
    before, after = _latencies(left), _latencies(right)
    yield from (_row(name, (before.get(name), after.get(name))) for name in {**before, **after})
    old, new = _metrics(left), _metrics(right)
    for name in {**old, **new}:
        was, direction = old.get(name, (None, ""))
        now, direction = new.get(name, (None, direction))
        yield _row(name, (was, now), direction=direction)


def _rates(report: Report) -> dict[str, float]:
    """Shares of compared requests that differ, by pair."""
    found: dict[str, float] = {}
    for pair in report.pairs:
        n, name = max(1, pair.compared), words.printable(f"{pair.right} vs {pair.left}")
        if pair.feature_mismatches is not None:
            found[f"{name}: features differ"] = pair.feature_mismatches / n
        found[f"{name}: scores differ"] = pair.score_mismatches / n
        found[f"{name}: decision flips"] = pair.flips / n
    return found


def _latencies(report: Report) -> dict[str, float]:
    return {
        words.printable(f"{one.target}, {one.phase}: response p95, ms"): one.response.p95
        for one in report.latency
        if one.judged and one.response.p95 is not None
    }


def _metrics(report: Report) -> dict[str, tuple[float, str]]:
    return {
        words.printable(f"{arm}: {row.metric} of {quality.name}"): (value, row.direction)
        for quality in report.quality
        for row in quality.metrics
        for arm, value in row.arms.items()
        if value is not None
    }


def _row(
    name: str, pair: tuple[float | None, float | None], *, direction: str = "lower", per_cent: bool = False
) -> NumberRow:
    left, right = pair
    told = words.percent if per_cent else words.number
    if left is None or right is None:
        change: Change = "after" if left is None else "before"
    elif told(left) == told(right):
        change = "same"
    elif direction == "neither" or not math.isfinite(left + right):
        change = "other"
    else:
        change = "better" if (right < left) == (direction == "lower") else "worse"
    return NumberRow(name, told(left), told(right), change)


def _warnings(left: Report, right: Report) -> Iterable[str]:
    """What keeps the two from being held against each other."""
    if left.scenario != right.scenario:
        yield f"Two scenarios: {words.printable(left.scenario)} and {words.printable(right.scenario)}."
    captures = [{k: v for k, v in one.digests.items() if _SAME_CAPTURE in k} for one in (left, right)]
    if captures[0] != captures[1]:
        yield "Not the same capture: counts of one cannot be held against counts of the other."
    if left.digests.get("scenario") != right.digests.get("scenario"):
        yield "The scenario was changed between them: gates may have other limits."
