"""How long drift of a wide table takes: 1,000,000 rows of 50 columns, half of them reference."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import numpy as np

from harness.diagnosis.bins import Category, encoded, freeze
from harness.diagnosis.drift import drifts, psi, smoothed
from tests.benchmarks.figures import Goal, Rows, row

if TYPE_CHECKING:
    from harness.diagnosis._arrays import Floats

    Table = dict[str, "Floats | Category"]

ROUNDS = 5
ROWS, NUMBERS, CATEGORIES = 500_000, 40, 10
LEVELS = tuple(f"level {k}" for k in range(12))

PSI = Goal(
    id="psi_s",
    figure="1,000,000 x 50 (40 numbers, 10 dictionary-coded categories): bins frozen on the reference, "
    "counts and PSI of all, one thread",
    unit="s",
    better="lower",
    floor=0.3,
    aim=0.25,
)
ALL = Goal(
    id="drift_s",
    figure="the same table: all drift statistics with their p (PSI, KL, Jensen-Shannon, chi-squared; exact "
    "Kolmogorov-Smirnov and Wasserstein), missing cells, rulings, on as many threads as cores",
    unit="s",
    better="lower",
    floor=1.5,
    aim=0.7,
)


def table(seed: int, *, drift: float, rows: int = ROWS) -> Table:
    """Normal, skewed, rounded and whole-numbered columns, a few with missing cells; and categories."""
    rng = np.random.default_rng(seed)
    made: Table = {}
    for k in range(NUMBERS):
        values = rng.normal(drift * (k % 4), 1.0, rows)
        shape = (values, np.exp(values), np.round(values, 2), np.floor(10.0 * values))[k % 4]
        if k % 8 == 0:
            shape[rng.random(rows) < 0.02] = np.nan
        made[f"number {k}"] = shape
    for k in range(CATEGORIES):
        made[f"category {k}"] = Category(rng.integers(-1, len(LEVELS), rows), LEVELS)
    return made


def psi_of(then: Floats | Category, now: Floats | Category) -> float:
    """PSI of a column, bins frozen on the reference."""
    bins = freeze(then)
    counts = bins.counts(then), bins.counts(now)
    occupied = (counts[0] + counts[1]) > 0
    return float(psi(smoothed(counts[0][occupied]), smoothed(counts[1][occupied])))


def psi_of_all(reference: Table, current: Table) -> list[float]:
    """PSI of every column, one after the other."""
    return [psi_of(then, current[name]) for name, then in reference.items()]


def rows(rounds: int = ROUNDS, size: int = ROWS) -> Rows:
    """Both, in turns, on the same table; what the processor took is told beside the wall clock."""
    reference, current = table(1, drift=0.0, rows=size), table(2, drift=0.05, rows=size)
    texts = np.array(LEVELS, object)[np.random.default_rng(3).integers(0, len(LEVELS), size)]
    started = time.perf_counter()
    encoded(texts)
    encoding = time.perf_counter() - started
    taken: dict[str, list[tuple[float, float]]] = {"psi": [], "all": []}
    for _ in range(rounds):
        for name, work in (("psi", psi_of_all), ("all", drifts)):
            clocks = time.perf_counter(), time.process_time()
            work(reference, current)
            taken[name].append((time.perf_counter() - clocks[0], time.process_time() - clocks[1]))
    told = f"to code a column of {size:,} texts takes {encoding:.2f} s"
    return [
        row(goal, [wall for wall, _ in taken[name]], told=f"{told}; {_cpu(taken[name]):.2f} s of processor")
        for goal, name in ((PSI, "psi"), (ALL, "all"))
    ]


def _cpu(taken: list[tuple[float, float]]) -> float:
    return float(np.median([cpu for _, cpu in taken]))
