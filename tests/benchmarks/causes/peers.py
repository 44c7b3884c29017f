"""Whether a drift monitor at its defaults would have noticed: Evidently's and TFDV's rules, from their docs.

Both look at two distributions, and not at two values of one request.

Evidently, docs.evidentlyai.com, "Data drift algorithm", as in its release notes of 0.1.50: above 1,000 rows
numbers of more than 5 values by the Wasserstein distance over the standard deviation of the reference, else
the Jensen-Shannon distance of the shares, drift from 0.1 on. Where asked for, PSI, drift from 0.1 on: bins of
equal width over both samples by Sturges's rule, an empty bin as 1e-4 or less. Empty cells are dropped.

TFDV, tensorflow.org/tfx/data_validation/get_started and /anomalies: categories by the L-infinity distance of
the shares (`infinity_norm`), numbers by the approximate Jensen-Shannon divergence of their histograms of ten
bins. It has no defaults; 0.01 is what its guide writes, and the lowest that is seen in use.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from harness.columns import Column, Kind

EVIDENTLY: Final = 0.1
TFDV: Final = 0.01
FEW_VALUES: Final = 5
OWN_BINS: Final = 20

Floats = NDArray[np.float64]


def evidently_notices(left: Column, right: Column) -> bool:
    """Whether the default distance, or PSI, reaches its threshold."""
    if left.dtype != right.dtype:
        return True  # a column of another type fails its check of types
    a, b = _there(left), _there(right)
    if not len(a) or not len(b):
        return False
    if left.dtype == "category" or len(np.unique(a)) <= FEW_VALUES:
        p, q = shares(a, b)
        return bool(max(jensen_shannon(p, q) ** 0.5, psi(p, q)) >= EVIDENTLY)
    apart = wasserstein(a, b) / max(float(a.std()), 1e-3)
    return bool(max(apart, psi(*binned(a, b))) >= EVIDENTLY)


def tfdv_notices(left: Column, right: Column) -> bool:
    """Whether L-infinity (categories) or the divergence of histograms (numbers) is above its threshold."""
    if left.dtype != right.dtype:
        return True
    a, b = _there(left), _there(right)
    if not len(a) or not len(b):
        return False
    if left.dtype == "category":
        p, q = shares(a, b)
        return bool(np.abs(p - q).max() > TFDV)
    edges = np.unique(np.concatenate([np.linspace(c.min(), c.max(), 11) for c in (a, b)]))
    if len(edges) < 2:
        return bool(a[0] != b[0])
    p, q = np.histogram(a, edges)[0] / len(a), np.histogram(b, edges)[0] / len(b)
    return bool(jensen_shannon(p, q) / np.log(2) > TFDV)


def _there(column: Column) -> NDArray[Any]:
    values = column.values[column.kind == Kind.VALUE.value]
    return np.asarray(values[np.isfinite(values)] if column.dtype == "number" else values)


def binned(a: Floats, b: Floats) -> tuple[Floats, Floats]:
    """The share of each bin of PSI: equal widths over both samples, up to 20 values a bin each."""
    every = np.concatenate([a, b])
    if len(np.unique(every)) <= OWN_BINS:
        return shares(a, b)
    edges = np.histogram_bin_edges(every, "sturges")
    return np.histogram(a, edges)[0] / len(a), np.histogram(b, edges)[0] / len(b)


def shares(a: NDArray[Any], b: NDArray[Any]) -> tuple[Floats, Floats]:
    """The share of each value in both samples."""
    coded = pa.chunked_array([pa.array(a), pa.array(b)]).combine_chunks().dictionary_encode()
    codes, size = coded.indices.to_numpy(), len(coded.dictionary)
    p, q = np.bincount(codes[: len(a)], minlength=size), np.bincount(codes[len(a) :], minlength=size)
    return p / len(a), q / len(b)


def jensen_shannon(p: Floats, q: Floats) -> float:
    """The divergence in nats: 0 where both are alike, ln 2 where they share nothing."""
    middle = (p + q) / 2
    return float(_kullback_leibler(p, middle) + _kullback_leibler(q, middle)) / 2


def _kullback_leibler(p: Floats, q: Floats) -> float:
    there = p > 0
    return float(np.sum(p[there] * np.log(p[there] / q[there])))


def psi(p: Floats, q: Floats) -> float:
    """The population stability index, nothing standing for very little."""
    p, q = _filled(p), _filled(q)
    return float(np.sum((q - p) * np.log(q / p)))


def _filled(share: Floats) -> Floats:
    least = float(share[share > 0].min())
    return np.where(share == 0, 1e-4 if least > 1e-4 else least / 1e6, share)


def wasserstein(a: Floats, b: Floats) -> float:
    """The area between the two distribution functions."""
    every = np.sort(np.concatenate([a, b]))
    below = np.searchsorted(np.sort(a), every[:-1], side="right") / len(a)
    above = np.searchsorted(np.sort(b), every[:-1], side="right") / len(b)
    return float(np.sum(np.abs(below - above) * np.diff(every)))
