"""A small world for causes: 2,000 requests of 100 users, and a feature served wrongly on some of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.random import default_rng
from numpy.typing import NDArray

from harness.columns import Column
from harness.diff.causes import Cause, Evidence, Surroundings, name_causes
from harness.diff.cells import mismatch
from harness.diff.features import from_table
from harness.diff.scores import as_column

N = 2_000
DAY_NS = 86_400 * 10**9
START_NS = 1_760_000_000 * 10**9

UNIT = default_rng(21).integers(0, 100, N)
TIME_NS = START_NS + np.sort(default_rng(102).integers(0, 14 * DAY_NS, N))
#: every third request, and a rare few
HIT = np.arange(N) % 3 == 0
RARE = default_rng(103).random(N) < 0.03
AMOUNT = np.round(default_rng(104).lognormal(3, 1, N) + 0.01, 2)
SIGNED = default_rng(105).normal(0.3, 2, N)
SHARE = default_rng(106).beta(2, 3, N)
COUNT = default_rng(107).poisson(default_rng(108).gamma(2, 5, N)).astype(float)
IDENT = default_rng(109).integers(1, 500_000, N).astype(float)
EPOCH = np.floor(TIME_NS / 1e9)
HOUR = np.floor(TIME_NS / 3.6e12) % 24
COUNTRY = np.array(["DE", "US", "IN", "BR"], object)[default_rng(110).integers(0, 4, N)]
LEVELS = np.array(["Alpha", "beta gamma", "Délta", "Epsilon", "zeta", "Eta Theta"], object)[
    default_rng(111).integers(0, 6, N)
]
CODES = np.array(["1", "2", "3", "10", "25"], object)[default_rng(112).integers(0, 5, N)]


def levels(values: NDArray[Any]) -> Column:
    """A column of levels."""
    return from_table(pa.table({"x": pa.array(values, pa.string())}))["x"]


def column(values: NDArray[Any]) -> Column:
    """A column of numbers or of levels, by what the array holds."""
    return levels(values) if values.dtype.kind == "O" else as_column(np.asarray(values, np.float64))


def evidence(left: Column, right: Column, around: Surroundings | None = None) -> Evidence:
    """The evidence in a feature x, on all the rows that differ."""
    rows = np.flatnonzero(mismatch(left, right))
    return Evidence("x", "offline", left, right, rows, around or Surroundings())


def causes_of(
    left: NDArray[Any],
    right: NDArray[Any],
    *,
    hit: NDArray[np.bool_] | None = None,
    around: Surroundings | None = None,
) -> tuple[Cause, ...]:
    """What is said of a feature x that is served as `right` where it is hit."""
    struck = HIT if hit is None else hit
    return name_causes(evidence(column(left), column(np.where(struck, right, left)), around))


def each(values: NDArray[Any], change: Callable[[str], str]) -> NDArray[Any]:
    """Every level written another way."""
    return np.array([change(value) for value in values.tolist()], object)
