"""In which values of a feature the labels of production are not those that the holdout makes one expect."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from harness.diagnosis.bins import freeze
from harness.diagnosis.intervals import Interval, contrasts, covariance, units

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from harness.diagnosis.bins import Bins

    Floats = npt.NDArray[np.float64]
    Codes = npt.NDArray[np.int64]
    #: values of the feature, labels, the probability to expect, units, (n,) each
    Side = tuple[Floats, Floats, Floats, Codes]

BINS = 8
#: a place of fewer production rows is not shown
LEAST_ROWS = 30


@dataclass(frozen=True, kw_only=True)
class Place:
    """Values of a feature: which, and the mean label there beside the one to expect.

    `low` <= value < `high`, infinite at the ends, NaN for a level or missing; `value` says it in words.
    `rows` are those of the holdout and of production. `expected` is the model's mean, put right by what it
    has wrong on the holdout's rows there; `difference` is the mean label minus that, with its interval, and
    that of all places of the feature at once.
    """

    value: str
    low: float
    high: float
    rows: tuple[int, int]
    label: float
    expected: float
    difference: Interval


def places(there: Side, here: Side, *, levels: Sequence[str] | None = None) -> tuple[Place, ...]:
    """The places of a feature, the surest difference first; bins are frozen on the holdout's values.

    At most eight ranges, or one for each of at most eight values; with `levels` one for each code, and one
    for missing cells. Places with fewer than 30 rows in production are left out.
    """
    if levels is None:
        bins = freeze(there[0], bins=BINS)
        at, many = [bins.places(side[0]) for side in (there, here)], bins.many
    else:
        bins, many = None, len(levels) + 1
        at = [_coded(side[0], len(levels)) for side in (there, here)]
    rows = [np.bincount(one, minlength=many) for one in at]
    kept = np.flatnonzero(rows[1] >= LEAST_ROWS)
    if not kept.size:
        return ()
    clusters = units(there[3], here[3])
    means, sums = zip(
        *(
            _means(side, one, unit=codes, size=size, many=many)
            for side, one, codes, size in zip(
                (there, here), at, (clusters.holdout, clusters.production), clusters.sizes, strict=True
            )
        ),
        strict=True,
    )
    values = np.concatenate([means[0][2][kept], means[1][2][kept]])
    none = [np.zeros((kept.size, size)) for size in clusters.sizes]
    parts = covariance(
        np.vstack([sums[0][kept], none[0]]), np.vstack([none[1], sums[1][kept]]), shared=clusters.shared
    )
    weights = np.hstack([-np.eye(kept.size), np.eye(kept.size)])
    found = contrasts(values, parts, weights=weights, sizes=clusters.sizes)
    made = [
        Place(
            value=named[0],
            low=named[1],
            high=named[2],
            rows=(int(rows[0][k]), int(rows[1][k])),
            label=float(means[1][0][k]),
            expected=float(means[1][1][k] + means[0][2][k]),
            difference=one,
        )
        for k, one in zip(kept.tolist(), found, strict=True)
        for named in (_named(k, bins, levels=levels),)
    ]
    return tuple(sorted(made, key=lambda one: -_sureness(one.difference)))


def _means(side: Side, at: Codes, *, unit: Codes, size: int, many: int) -> tuple[Floats, Floats]:
    """By place the mean label, the mean expected, their difference, (3, places), and influence on the last.

    Each unit's, (places, units). Where there are no rows the difference is 0.
    """
    _, label, expected, _ = side
    rows = np.bincount(at, minlength=many)
    means = np.stack(
        [np.bincount(at, one, minlength=many) for one in (label, expected, label - expected)]
    ) / np.maximum(rows, 1)
    influence = (label - expected - means[2][at]) / rows[at]
    sums = np.bincount(at * size + unit, influence, minlength=many * size)
    return means, sums.reshape(many, size).astype(np.float64, copy=False)


def _coded(values: Floats, many: int) -> Codes:
    """Codes as they are, anything else as missing."""
    known = np.isfinite(values) & (values >= 0.0) & (values < many)
    return np.where(known, np.nan_to_num(values), many).astype(np.int64)


def _named(place: int, bins: Bins | None, *, levels: Sequence[str] | None) -> tuple[str, float, float]:
    """A place in words, and its ends."""
    if bins is None or place == bins.many - 1:
        known = levels or ()
        return (known[place] if place < len(known) else "missing"), np.nan, np.nan
    low, high = (float(one) for one in np.concatenate([[-np.inf], bins.edges, [np.inf]])[place : place + 2])
    if low == -np.inf:
        return f"below {high:.6g}", low, high
    if high == np.inf:
        return f"{low:.6g} or more", low, high
    return f"{low:.6g} to {high:.6g}", low, high


def _sureness(one: Interval) -> float:
    """How many standard errors a difference is from 0; 0 where that is not known."""
    return abs(one.value) / one.se if one.se > 0.0 else 0.0
