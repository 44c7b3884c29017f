"""The causes of one field's mismatches: the best hypothesis is named, its rows are taken out, and again."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np

from harness.diff.causes.categories import CATEGORY, RECODED, RETYPED, TYPES
from harness.diff.causes.chance import beyond, chance_of
from harness.diff.causes.fills import FACTS, FILLS
from harness.diff.causes.joins import BROAD_JOINS, JOINS
from harness.diff.causes.model import (
    MIN_ROWS,
    NAMED,
    TOO_FEW,
    UNEXPLAINED,
    Candidate,
    Cause,
    Evidence,
    Hypothesis,
    Mask,
    Rows,
)
from harness.diff.causes.noise import AHEAD, NOISE
from harness.diff.causes.precision import PRECISION
from harness.diff.causes.scale import BY_FIELD, SCALES
from harness.diff.causes.staleness import STALENESS
from harness.diff.causes.times import SHIFTS
from harness.diff.causes.transforms import COMPLEMENT, TRANSFORMS
from harness.diff.causes.whole import distinct
from harness.diff.causes.windows import EVENTS, WINDOWS
from harness.diff.some_rows import evenly
from harness.stats import wilson_lower

#: rows that hypotheses are tried on; the one that is named is then checked on all
TRIED_ROWS = 4_000
#: bugs told of one field
MOST_CAUSES = 4
#: taken off where the arithmetic is right only up to the last bits; added for leaving nothing out
_INEXACT: Final = 0.02
_SELECTIVE: Final = 0.05
_SELECTED_ODDS: Final = 1_000.0
#: what reproduces the same rows and is worth this much less is not tied: evidence is against it
_TIE: Final = 0.004
MOST_TIED: Final = 2
#: the share of the rows that a cause must explain for no dearer hypothesis to be tried
_ENOUGH: Final = 0.98
#: what a narrower cause must explain of what a broader one does to be named before it, by family
_WEIGHTS: Final = (1.0, 1.0, 1.0, 0.4, 0.25)
#: chance above this makes a cause soft that can be
_COMMON: Final = 0.01
#: a soft cause that explains less than this share of the rows, while this share stays open, is noise
_MAJORITY: Final = 0.6
_OPEN: Final = 0.3

#: what the cells hold, whatever was offline
CELLS: Final[tuple[Hypothesis, ...]] = (*FACTS, *RETYPED)
#: formulas of the number alone, which are cheap to try
FORMULAS: Final[tuple[Hypothesis, ...]] = (
    *FILLS,
    *TRANSFORMS,
    *SCALES,
    *SHIFTS,
    *PRECISION,
    *AHEAD,
)
#: what looks at other features, other rows and other times
LOOKUPS: Final[tuple[Hypothesis, ...]] = (*BY_FIELD, *JOINS, *STALENESS, *EVENTS)
SPELLINGS: Final[tuple[Hypothesis, ...]] = (*FILLS, *CATEGORY, *AHEAD)


def families_for(evidence: Evidence) -> tuple[tuple[Hypothesis, ...], ...]:
    """What is tried on a field, in this order: facts, formulas, lookups, broad hypotheses, statistics."""
    if evidence.few:
        return (CELLS,)
    if evidence.score:
        return (CELLS, (*FORMULAS, COMPLEMENT), BY_FIELD, (), NOISE)
    if evidence.numbers:
        return (CELLS, FORMULAS, LOOKUPS, (*BROAD_JOINS, *RECODED), (*WINDOWS, *NOISE))
    if evidence.left.dtype == evidence.right.dtype:
        return (CELLS, SPELLINGS, (*JOINS, *STALENESS), RECODED)
    return (CELLS, TYPES)


def name_causes(evidence: Evidence) -> tuple[Cause, ...]:
    """What happened to one field: its causes, the one named first explains most of the rows it was tried on.

    Each hypothesis is scored by the Wilson lower bound of the share of rows that it reproduces beyond chance,
    less a cost for its parameters; the best is named, its rows are taken out, and the rest is tried again.
    What no hypothesis explains is `unexplained`, or `too_few_rows` below 5 rows or 3 distinct inputs. Every
    row belongs to exactly one cause.
    """
    rows, causes = evidence.rows, list[_Named]()
    with np.errstate(all="ignore"):
        while len(rows) and len(causes) < MOST_CAUSES:
            found = _best(evidence.at(rows), {_family(c.name) for c in causes})
            if found is None:
                break
            causes.append(found)
            rows = rows[~found.hits]
    return _told(evidence, causes, left=rows)


@dataclass(frozen=True, eq=False)
class _Trial:
    """A candidate tried on some rows."""

    candidate: Candidate
    evidence: Evidence
    hits: Mask

    @cached_property
    def count(self) -> int:
        return int(np.count_nonzero(self.hits))

    @property
    def hopeful(self) -> float:
        """The value if nothing was owed to chance."""
        return wilson_lower(self.count, len(self.hits)) - self.candidate.cost

    @cached_property
    def chance(self) -> float:
        return chance_of(self.candidate, self.evidence)

    @cached_property
    def value(self) -> float:
        if self.candidate.fact:
            return self.hopeful
        return beyond(self.count, len(self.hits), chance=self.chance) - self.candidate.cost

    @cached_property
    def refined(self) -> float:
        """The value with what tells causes apart that reproduce the same rows."""
        change, moved = self.candidate.change, self.candidate.moved
        if change is None:
            return self.value + (0.0 if moved is None else self._selective(moved))
        crowd = self.evidence.whole.crowd
        moved = float(np.mean(np.abs(change(crowd) - crowd) > 1e-9 * np.abs(crowd))) if len(crowd) else 1.0
        exact = np.mean(change(self.evidence.a[self.hits]) == self.evidence.b[self.hits])
        return float(self.value + self._selective(moved) - _INEXACT * (1 - exact))

    def _selective(self, moved: float) -> float:
        """What it is worth that only rows which the cause would change are affected."""
        odds = self.count * -np.log(max(moved, 1 / (1 + len(self.evidence.left.kind))))
        return float(_SELECTIVE * min(1.0, odds / np.log(_SELECTED_ODDS)))

    @cached_property
    def supported(self) -> bool:
        if self.candidate.fact:
            return self.count > 0
        if self.count < MIN_ROWS:
            return False
        return self.candidate.inputs <= 1 or distinct(self.evidence.a[self.hits]) >= self.candidate.inputs


@dataclass(frozen=True, eq=False)
class _Named:
    """The candidate chosen in one round, with the rows it takes out."""

    candidate: Candidate
    tied: tuple[str, ...]
    hits: Mask
    rows: Rows
    soft: bool

    @property
    def name(self) -> str:
        return self.candidate.name


def _best(evidence: Evidence, named: set[str]) -> _Named | None:
    some = evidence.at(evenly(evidence.rows, TRIED_ROWS))
    best: tuple[_Trial, tuple[str, ...]] | None = None
    narrow: list[_Trial] = []
    for family, weight in zip(families_for(evidence), _WEIGHTS, strict=False):
        if best is not None and (best[0].value > weight or _enough(best[0])):
            break
        trials = [
            _Trial(candidate, some, candidate.test(some))
            for hypothesis in family
            for candidate in hypothesis(some)
            if not (candidate.once and _family(candidate.name) in named)
        ]
        if weight == 1.0:
            # compared as one lot, so that what ties between these families is seen
            trials = narrow = [*narrow, *trials]
        chosen = _chosen([trial for trial in trials if trial.supported])
        if chosen is None or (family is CELLS and not evidence.few and chosen[0].count < len(some.rows)):
            continue
        if best is None or weight == 1.0 or best[0].value < weight * chosen[0].value:
            best = chosen
    if best is None:
        return None
    first, tied = best
    hits = first.candidate.test(evidence)
    soft = first.candidate.soft and first.chance > _COMMON
    return _Named(first.candidate, tied, hits, evidence.rows[hits], soft)


def _family(name: str) -> str:
    """Shifts by any name are one family."""
    return "shift" if name in {"off_by_one", "time_shift"} else name


def _enough(trial: _Trial) -> bool:
    """Whether nothing dearer need be tried; one too few may also be another window or the value before."""
    return trial.candidate.name != "off_by_one" and trial.count >= _ENOUGH * len(trial.hits)


def _chosen(trials: list[_Trial]) -> tuple[_Trial, tuple[str, ...]] | None:
    """The trial of most value and the names of those that tie with it, simplest first."""
    best: _Trial | None = None
    for trial in sorted(trials, key=lambda t: -t.hopeful):
        if best is not None and trial.hopeful <= best.value:
            break
        if trial.value > (best.value if best else 0.0):
            best = trial
    if best is None:
        return None
    same = [t for t in trials if t.count >= best.count and not np.any(best.hits & ~t.hits) and t.value > 0]
    same.sort(key=lambda t: -t.refined)
    first = same[0]
    near = [t for t in same if t.count == first.count and t.refined >= first.refined - _TIE]
    names = [t.candidate.name for t in sorted(near, key=lambda t: t.candidate.cost)]
    return first, tuple(dict.fromkeys(name for name in names if name != first.candidate.name))[:MOST_TIED]


def _told(evidence: Evidence, causes: list[_Named], *, left: Rows) -> tuple[Cause, ...]:
    noise = _noise(causes, len(evidence.rows))
    left = np.sort(np.concatenate([left, *(c.rows for c in noise)]))
    causes = [c for c in causes if c not in noise]
    told = [
        Cause(c.name, c.candidate.phrase, len(c.rows), c.candidate.parameters, c.tied, c.rows) for c in causes
    ]
    if not len(left) and told:
        return tuple(told)
    rest = evidence.at(left)
    thin = rest.few or _few_inputs(rest)
    what = "too few rows to name a cause" if thin else "cause unexplained"
    name = TOO_FEW if thin else UNEXPLAINED
    return (*told, Cause(name, f"serves other values of {evidence.label}, {what}", 0, rows=left))


def _noise(causes: list[_Named], rows: int) -> list[_Named]:
    """The soft causes that do not stand: they explain few rows, and with one other leave many open.

    On a lattice some factor, shift or constant fits any noise a little, and a third one the rest.
    """
    shares = sorted((len(c.rows) / rows for c in causes if c.soft), reverse=True)
    firm = sum(len(c.rows) / rows for c in causes if not c.soft)
    if firm + sum(shares[:2]) >= 1 - _OPEN:
        return []
    return [c for c in causes if c.soft and len(c.rows) < _MAJORITY * rows]


def _few_inputs(evidence: Evidence) -> bool:
    """Whether something explains nearly all rows, on fewer than 3 distinct inputs."""
    some = evidence.at(evenly(evidence.rows, TRIED_ROWS))
    if some.few or distinct(some.a) >= 3:
        return False
    with np.errstate(all="ignore"):
        return any(
            np.count_nonzero(c.test(some)) >= NAMED * len(some.rows)
            for hypothesis in families_for(evidence)[1]
            for c in hypothesis(some)
        )
