"""Which field, level, range or conjunction of two goes with a mismatch, where mismatches come in clusters.

Whole units' patterns are dealt anew (`shuffles`), each deal has its strongest place (`scan`), and a place
counts where it is stronger than the strongest of all but `alpha` of the deals (max-T: Westfall and Young,
"Resampling-Based Multiple Testing", 1993). So the chance to name any place where no field matters is `alpha`,
over all fields, levels, ranges and conjunctions together.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from harness.diff.conditions import Condition, Field, axis, coded, holds
from harness.diff.scan import MIN_MARKS, Scan, top_fields
from harness.diff.shuffles import Shuffles
from harness.diff.simplest import Finalist, Ground, simplest

UNIT = "unit"
#: so many mismatching requests are enough to tell the place; of more a random part is dealt
MARKS = 4_000
#: deals that only measure how marks vary, and marks looked up at once
PILOT, AT_ONCE = 64, 200_000
#: what a second bound must add to the likelihood ratio
SECOND_BOUND = 8.0


@dataclass(frozen=True, kw_only=True)
class Search:
    """How places are searched: at which level, with how many deals, and at most how many places."""

    alpha: float = 0.005
    shuffles: int = 599
    seed: int = 0
    most: int = 3


@dataclass(frozen=True, kw_only=True)
class Place:
    """A conjunction of one or two conditions, counted on all requests.

    `rate` is the share mismatching of its `requests`, `elsewhere` that of all others, `share` its part of
    all mismatches. `p` is adjusted over everything tried; None where one unit has them all: that is counted.
    """

    conditions: tuple[Condition, ...]
    requests: int
    mismatching: int
    rate: float
    elsewhere: float
    share: float
    p: float | None

    def holds(self, fields: Mapping[str, Field]) -> NDArray[np.bool_]:
        """Which requests are in it, bool (n,)."""
        return holds(self.conditions, fields)

    def __str__(self) -> str:
        return " and ".join(map(str, self.conditions))


SEARCH = Search()


def find_places(
    mismatch: NDArray[np.bool_],
    unit: NDArray[np.int64],
    *,
    fields: Mapping[str, Field],
    search: Search = SEARCH,
) -> tuple[Place, ...]:
    """Where mismatches gather, strongest first; empty where no place is sure.

    `mismatch` bool (n,), `unit` codes (n,), each field texts (object) or numbers (float64) (n,), rows in the
    order of time. Each further place is searched outside of those before. Where one unit has all mismatches
    it is the place, since nothing tells its fields from itself; its level is then the unit's code.
    """
    one = _one_unit(mismatch, unit)
    if one is not None:
        return (one,)
    fields = {name: coded(values) for name, values in fields.items()}
    places: list[Place] = []
    left = np.ones(len(mismatch), bool)
    while len(places) < search.most:
        rows = np.flatnonzero(left)
        rest = {name: values[rows] for name, values in fields.items()}
        found = strongest_place(mismatch[rows], unit[rows], fields=rest, search=search)
        if found is None:
            break
        inside = holds(found[0], fields)
        places.append(_counted(mismatch, inside, conditions=found[0], p=found[1]))
        left &= ~inside
    return tuple(places)


def _one_unit(mismatch: NDArray[np.bool_], unit: NDArray[np.int64]) -> Place | None:
    owners = np.unique(unit[mismatch])
    if len(owners) != 1 or np.count_nonzero(mismatch) < MIN_MARKS:
        return None
    inside = unit == owners[0]
    if np.count_nonzero(inside) > len(unit) / 2:
        return None
    return _counted(mismatch, inside, conditions=(Condition(UNIT, level=str(owners[0])),), p=None)


def _counted(
    mismatch: NDArray[np.bool_],
    inside: NDArray[np.bool_],
    *,
    conditions: tuple[Condition, ...],
    p: float | None,
) -> Place:
    requests, bad = int(np.count_nonzero(inside)), int(np.count_nonzero(mismatch & inside))
    total, n = int(np.count_nonzero(mismatch)), len(mismatch)
    return Place(
        conditions=conditions,
        requests=requests,
        mismatching=bad,
        rate=bad / requests if requests else 0.0,
        elsewhere=(total - bad) / (n - requests) if n > requests else 0.0,
        share=bad / total if total else 0.0,
        p=p,
    )


def strongest_place(
    mismatch: NDArray[np.bool_], unit: NDArray[np.int64], *, fields: Mapping[str, Field], search: Search
) -> tuple[tuple[Condition, ...], float] | None:
    """The simplest place that explains most, with its adjusted p; None where p > alpha."""
    marks = np.flatnonzero(mismatch)
    if len(marks) < MIN_MARKS or len(marks) == len(mismatch) or not fields:
        return None
    rng = np.random.default_rng(search.seed)
    if len(marks) > MARKS:
        marks = np.sort(rng.choice(marks, MARKS, replace=False))
    _, codes = np.unique(unit, return_inverse=True)
    shuffles = Shuffles.of(codes, marks)
    single = tuple(axis(name, values) for name, values in fields.items())
    paired = tuple(axis(name, values, paired=True) for name, values in fields.items())
    scan = Scan(single, paired, shuffles.weights(codes), len(marks))
    scan = measured(scan, shuffles, rng=rng)
    finalists = _finalists(scan, marks)
    if not finalists:
        return None
    strengths = np.array([one.strength for one in finalists])
    p = adjusted_p(scan, shuffles, strengths=strengths, rng=rng, search=search)
    sure = [one for one, chance in zip(finalists, p, strict=True) if chance <= search.alpha]
    if not sure:
        return None
    weights = scan.weights * (np.count_nonzero(mismatch) / len(marks))
    best = simplest(sure, Ground(mismatch, weights, fields))
    return best.conditions, float(p[best.number])


def measured(scan: Scan, shuffles: Shuffles, *, rng: np.random.Generator) -> Scan:
    """The scan with the variances that a few deals of its marks show."""
    extra = float(np.sum(np.bincount(shuffles.own) ** 2.0)) / scan.marks - 1.0
    if extra <= 0.0:
        return scan
    rows = shuffles.deal(rng, PILOT)
    excess = (scan.excess(index, rows) - 1.0 for index in range(len(scan.single)))
    return replace(scan, extra=extra, agreement=tuple(min(max(one / extra, 0.0), 1.0) for one in excess))


def adjusted_p(
    scan: Scan,
    shuffles: Shuffles,
    *,
    strengths: NDArray[np.float64],
    rng: np.random.Generator,
    search: Search,
) -> NDArray[np.float64]:
    """The share of deals whose strongest place is at least as strong, the observed one among them.

    Stops where even the strongest can no longer be at alpha; its p is then 1.
    """
    allowed = math.floor(search.alpha * (search.shuffles + 1) + 1e-9) - 1
    above, dealt = np.zeros(len(strengths)), 0
    batch = 40
    while dealt < search.shuffles:
        times = min(search.shuffles - dealt, batch, max(1, AT_ONCE // scan.marks))
        best = scan.strongest(shuffles.deal(rng, times))
        above += np.count_nonzero(best[:, None] >= strengths - 1e-9, axis=0)
        dealt += times
        if above.min() > allowed:
            return np.ones(len(strengths))
    return np.asarray((1.0 + above) / (1.0 + dealt))


def _finalists(scan: Scan, marks: NDArray[np.int64]) -> list[Finalist]:
    rows = marks[None]
    best = scan.by_field(rows)
    tried = np.flatnonzero(top_fields(best)[0])
    found: list[Finalist] = []
    for index in np.flatnonzero(best[0] > 0.0).tolist():
        ratios = scan.ratios_alone(index, rows)[0]
        conditions = [scan.conditions((index,), place)[0] for place in range(len(ratios))]
        cost = [SECOND_BOUND * scan.dispersion(index) * one.two_sided for one in conditions]
        place = int(np.argmax(ratios - cost))
        spread = {conditions[place].field: scan.dispersion(index)}
        strength = float(ratios[place] / scan.dispersion(index))
        found.append(Finalist(len(found), (conditions[place],), strength, spread))
    for one, other in combinations(tried.tolist(), 2):
        ratios = scan.ratios_together(one, other, rows=rows)[0]
        if ratios.max(initial=0.0) > 0.0:
            place = int(np.argmax(ratios))
            both = scan.conditions((one, other), place)
            strength = float(ratios[place] / scan.together(one, other).dispersion[place])
            spread = {both[0].field: scan.dispersion(one), both[1].field: scan.dispersion(other)}
            found.append(Finalist(len(found), both, strength, spread))
    return found
