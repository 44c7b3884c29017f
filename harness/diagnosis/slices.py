"""Segments: how much of a gap is another mix of them, how much is within; and where it is worst.

The worst slices are searched on one half of the units and confirmed on the other, so that what is named did
not get its number by being picked.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import stdtr

from harness.diagnosis._arrays import aligned, codes_of, finite
from harness.errors import HarnessError
from harness.stats import benjamini_hochberg
from harness.weighting import alike

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy.typing as npt

    from harness.diagnosis._arrays import Codes, Floats, Mask

#: weight of a slice's mean against its size (SliceLine, alpha)
ALPHA = 0.95
CANDIDATES = 20
LEAST_ROWS = 30
#: a t test by unit needs this many units on either side
LEAST_UNITS = 10


@dataclass(frozen=True, kw_only=True)
class Segment:
    """One segment: its share and mean value then and now, and its parts of the change, mix and within.

    Means are nan where the segment has no rows on that side; its change is then all mix.
    """

    name: str
    share: tuple[float, float]
    mean: tuple[float, float]
    mix: float
    within: float


@dataclass(frozen=True, kw_only=True)
class MixAndWithin:
    """The change of a mean, now minus then, in two parts that add up to it, and by segment, largest first.

    `within_se` is the standard error of `within` by unit, nan where units are too few, or not given.
    """

    change: float
    mix: float
    within: float
    within_se: float
    segments: tuple[Segment, ...]


@dataclass(frozen=True, kw_only=True)
class Slice:
    """Rows that agree in some fields: found with `score` on one half, `excess` and `p` from the other half.

    `share` is that of all rows by their weights.

    `excess` is the slice's mean minus that of the other rows; `confirmed` holds at the false discovery
    rate over all candidates.
    """

    fields: dict[str, str]
    rows: int
    units: int
    share: float
    score: float
    excess: float
    low: float
    high: float
    p: float
    confirmed: bool


def mix_and_within(
    then: tuple[npt.ArrayLike, npt.ArrayLike],
    now: tuple[npt.ArrayLike, npt.ArrayLike],
    *,
    units: tuple[Codes, Codes] | None = None,
    weights: tuple[Floats, Floats] | None = None,
) -> MixAndWithin:
    """The change of a mean split as Kitagawa did (JASA 50, 1955); each side is (segments, values by row).

    Mix is the change of shares at the mean of both means (less the mean over both sides, which changes no
    sum), within the change of means at the mean of both shares. Values are any that average to the metric:
    losses, or influence values plus the metric. `units` (rows,) of either side are codes that mean the same
    on both; the error of `within` is that of its influence values, summed by unit. `weights` (rows,) of
    either side are what each row stands for, None one each.
    To check: shares .5 .5 to .8 .2, means 0 1 to 0 2: change -.1, mix -.45, within .35.
    """
    sides = [(np.asarray(s, object).astype(str), finite(v, "values")) for s, v in (then, now)]
    for names, values in sides:
        aligned(segments=names, values=values)
        if not values.size:
            raise HarnessError("has no rows", where="values", expected="rows on both sides")
    kept = [np.ones(values.size) for _, values in sides] if weights is None else weights
    every = np.unique(np.concatenate([sides[0][0], sides[1][0]]))
    parts = [
        _by_segment(every, names=names, values=values, weight=weight)
        for (names, values), weight in zip(sides, kept, strict=True)
    ]
    share, mean = (np.stack(pair) for pair in zip(*parts, strict=True))
    overall = [_mean(values, weight) for (_, values), weight in zip(sides, kept, strict=True)]
    # Where a side has no rows its mean is unknown: the other's is taken, and the change is one of mix.
    filled = np.where(np.isnan(mean), mean[::-1], mean)
    middle = 0.5 * sum(overall)
    mix = (share[1] - share[0]) * (0.5 * (filled[0] + filled[1]) - middle)
    within = 0.5 * (share[0] + share[1]) * (filled[1] - filled[0])
    segments = [
        Segment(
            name=str(name),
            share=(float(share[0, k]), float(share[1, k])),
            mean=(float(mean[0, k]), float(mean[1, k])),
            mix=float(mix[k]),
            within=float(within[k]),
        )
        for k, name in enumerate(every)
    ]
    return MixAndWithin(
        change=overall[1] - overall[0],
        mix=float(mix.sum()),
        within=float(within.sum()),
        within_se=math.nan
        if units is None
        else _within_se(every, sides, parts=(share, filled), units=units, weights=kept),
        segments=tuple(sorted(segments, key=lambda one: -abs(one.mix + one.within))),
    )


def worst_slices(
    fields: Mapping[str, npt.ArrayLike],
    losses: npt.ArrayLike,
    *,
    units: npt.ArrayLike,
    rng: np.random.Generator,
    weight: Floats | None = None,
    alpha: float = 0.05,
) -> tuple[Slice, ...]:
    """Slices of one or two fields with the highest loss, found on half of the units, tested on the other.

    Score of SliceLine (Sagadeeva, Boehm, SIGMOD 2021): .95 (mean / overall mean - 1) - .05 (rows / slice
    rows - 1); at least 30 rows on the half that searches. The test is a one-sided t test on sums by unit, on
    rows that the search has not seen; Benjamini-Hochberg over the candidates. `fields` hold binned values; a
    number with many values belongs in bins first. Losses are at least 0. Empty where the units are too few
    to be halved. `weight` (rows,) is what each row stands for, None one each: means and shares are by it, the
    least rows are counted.
    """
    kept = np.ones(np.size(losses)) if weight is None else weight
    loss, unit = finite(losses, "losses"), codes_of(units, "units")
    aligned(losses=loss, units=unit)
    many = int(unit.max(initial=-1)) + 1
    if many < 2 * LEAST_UNITS or not loss.any():
        return ()
    if loss.min() < 0.0:
        raise HarnessError(
            "is below 0", where="losses", found=float(loss.min()), expected="losses of at least 0"
        )
    levels = {name: _levels(values, name, rows=loss.size) for name, values in fields.items()}
    searching = np.isin(unit, rng.permutation(many)[: many // 2])
    found = _candidates(levels, loss, mask=searching, weight=kept)[:CANDIDATES]
    tested = [_tested(one, levels, loss=loss, unit=unit, mask=~searching, weight=kept) for one in found]
    p = np.array([1.0 if math.isnan(one.p) else one.p for one in tested])
    confirmed = benjamini_hochberg(p, alpha=alpha)
    slices = [_ruled(one, bool(stands)) for one, stands in zip(tested, confirmed, strict=True)]
    return tuple(sorted(slices, key=lambda one: (not one.confirmed, -one.score)))


Levels = dict[str, "tuple[Codes, tuple[str, ...]]"]
Terms = tuple[tuple[str, int], ...]


def _within_se(
    every: npt.NDArray[np.str_],
    sides: list[tuple[npt.NDArray[np.str_], Floats]],
    *,
    parts: tuple[Floats, Floats],
    units: tuple[Codes, Codes],
    weights: Sequence[Floats],
) -> float:
    """By units of both sides: a row moves its segment's share, at half the change, and its segment's mean."""
    share, mean = parts
    if min(np.unique(one).size for one in units) < LEAST_UNITS:
        return math.nan
    half, both = 0.5 * (mean[1] - mean[0]), (share > 0.0).all(axis=0)
    influence = []
    for side, (sign, (names, values)) in enumerate(zip((-1.0, 1.0), sides, strict=True)):
        place = np.searchsorted(every, names)
        # The mean of a segment that only one side has is in no difference.
        weight = np.divide(0.5 * share.sum(axis=0), share[side], out=np.zeros(every.size), where=both)
        moved = half[place] - share[side] @ half + sign * weight[place] * (values - mean[side][place])
        influence.append(moved * weights[side] / weights[side].sum())
    unit, place = np.unique(np.concatenate(units), return_inverse=True)
    sums = np.bincount(place, np.concatenate(influence))
    return math.sqrt(float(np.square(sums).sum()) * unit.size / (unit.size - 1))


def _by_segment(
    every: npt.NDArray[np.str_], *, names: npt.NDArray[np.str_], values: Floats, weight: Floats
) -> tuple[Floats, Floats]:
    place = np.searchsorted(every, names)
    rows = np.bincount(place, weight, minlength=every.size)
    with np.errstate(invalid="ignore"):
        return rows / weight.sum(), np.bincount(place, values * weight, minlength=every.size) / rows


def _mean(values: Floats, weight: Floats) -> float:
    """The weighted mean; of equal weights the plain one, to the last bit."""
    return float(values.mean()) if alike(weight) else float(np.average(values, weights=weight))


def _levels(values: npt.ArrayLike, name: str, *, rows: int) -> tuple[Codes, tuple[str, ...]]:
    levels, codes = np.unique(np.asarray(values, object).astype(str), return_inverse=True)
    if codes.size != rows:
        raise HarnessError("has another length", where=name, found=codes.size, expected=rows)
    return codes.astype(np.int64, copy=False), tuple(map(str, levels))


def _candidates(levels: Levels, loss: Floats, *, mask: Mask, weight: Floats) -> list[tuple[float, Terms]]:
    """Slices of one and two fields that score above 0, best first; a pair must beat both of its fields."""
    mine, kept = loss[mask], weight[mask]
    single: dict[tuple[str, int], float] = {}
    for name, (codes, texts) in levels.items():
        scores = _scores(codes[mask], mine, size=len(texts), weight=kept)
        single.update({(name, level): float(score) for level, score in enumerate(scores)})
    found: list[tuple[float, Terms]] = [(score, (term,)) for term, score in single.items() if score > 0.0]
    for (one, (a, first)), (other, (b, second)) in combinations(levels.items(), 2):
        size = len(second)
        scores = _scores(a[mask] * size + b[mask], mine, size=len(first) * size, weight=kept)
        for cell in np.flatnonzero(scores > 0.0):
            terms = (one, int(cell) // size), (other, int(cell) % size)
            if scores[cell] > max(single[terms[0]], single[terms[1]]):
                found.append((float(scores[cell]), terms))
    return sorted(found, key=lambda pair: (-pair[0], pair[1]))


def _scores(codes: Codes, loss: Floats, *, size: int, weight: Floats) -> Floats:
    rows, parts = np.bincount(codes, minlength=size), np.bincount(codes, weight, minlength=size)
    overall = _mean(loss, weight)
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = np.bincount(codes, loss * weight, minlength=size) / parts
        score = ALPHA * (mean / overall - 1.0) - (1.0 - ALPHA) * (weight.sum() / parts - 1.0)
    return np.where((rows >= LEAST_ROWS) & (overall > 0.0), score, -np.inf)


def _tested(
    found: tuple[float, Terms], levels: Levels, *, loss: Floats, unit: Codes, mask: Mask, weight: Floats
) -> Slice:
    score, terms = found
    inside = np.logical_and.reduce([levels[name][0] == level for name, level in terms])
    excess, se, freedom = _excess(loss[mask], inside[mask], unit=unit[mask], weight=weight[mask])
    enough = freedom >= LEAST_UNITS - 1
    p = float(1.0 - stdtr(freedom, excess / se)) if enough and se > 0.0 else math.nan
    return Slice(
        fields={name: levels[name][1][level] for name, level in terms},
        rows=int(np.count_nonzero(inside)),
        units=int(np.unique(unit[inside]).size),
        share=float(weight[inside].sum() / weight.sum()),
        score=score,
        excess=excess,
        low=excess - 1.96 * se,
        high=excess + 1.96 * se,
        p=p,
        confirmed=False,
    )


def _excess(loss: Floats, inside: Mask, *, unit: Codes, weight: Floats) -> tuple[float, float, int]:
    """The mean inside minus outside, its error by unit, and the units of the smaller side less one."""
    means, influence, units = [], np.zeros(loss.size), []
    for side, sign in ((inside, 1.0), (~inside, -1.0)):
        if not side.any():
            return math.nan, math.nan, 0
        means.append(_mean(loss[side], weight[side]))
        influence[side] = sign * (loss[side] - means[-1]) * weight[side] / weight[side].sum()
        units.append(np.unique(unit[side]).size)
    # A unit may have rows on both sides: its influence is summed over both.
    sums = np.bincount(unit, influence)
    return means[0] - means[1], math.sqrt(float(np.square(sums).sum())), min(units) - 1


def _ruled(one: Slice, confirmed: bool) -> Slice:  # noqa: FBT001  -- a ruling
    return Slice(**{**one.__dict__, "confirmed": confirmed})
