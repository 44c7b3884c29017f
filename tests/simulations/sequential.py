"""False-alarm rates of the confidence sequence, and of the tests it replaces, under a look at every unit.

Each function returns how many of `runs` null runs ever rejected, so that a caller can bound the rate.
"""

import math

import numpy as np
import numpy.typing as npt

from harness.stats import AsymptoticCS, mean_influence
from harness.stats.normal_mixture import best_rho, mixture_bound

Floats = npt.NDArray[np.float64]


def heavy_tailed_differences(rng: np.random.Generator, *, runs: int, units: int) -> Floats:
    """Paired log-loss differences of two equally good models: mean 0, kurtosis about 30, (runs, units)."""
    scale = np.exp(rng.normal(size=(runs, units)) * 0.75)
    return rng.normal(size=(runs, units)) * scale


def studentised_sums(values: Floats) -> Floats:
    """The running sum over the running standard deviation (divisor n - 1), by row; 0 without spread."""
    n = np.arange(1, values.shape[1] + 1)
    mean = np.cumsum(values, axis=1) / n
    deviations = np.cumsum(np.square(values), axis=1) - n * np.square(mean)
    variance = np.maximum(deviations, 0.0) / np.maximum(n - 1, 1)
    sums: Floats = np.divide(n * mean, np.sqrt(variance), out=np.zeros_like(mean), where=variance > 0.0)
    return sums


def naive_z_rejections(values: Floats, *, first_look: int, z: float = 1.6448536269514722) -> int:
    """Runs in which the fixed-n one-sided z test rejects at any look from `first_look` units on."""
    n = np.arange(first_look, values.shape[1] + 1)
    standardised = studentised_sums(values)[:, first_look - 1 :] / np.sqrt(n)
    return int((standardised > z).any(axis=1).sum())


def confidence_sequence_rejections(
    values: Floats, *, first_look: int, n_opt: float, alpha: float = 0.05
) -> int:
    """Runs in which the one-sided confidence sequence excludes 0 at any look from `first_look` units on."""
    rho = best_rho(n_opt, alpha, sides=1)
    looks = range(first_look, values.shape[1] + 1)
    bounds = np.array([mixture_bound(n, alpha, rho=rho, sides=1) for n in looks])
    return int((studentised_sums(values)[:, first_look - 1 :] >= bounds).any(axis=1).sum())


def confidence_sequence_rejections_by_state(
    values: Floats, *, first_look: int, n_opt: float, alpha: float = 0.05
) -> int:
    """What `confidence_sequence_rejections` counts, from the state object itself (slow; to tie the two)."""

    def rejects(run: Floats) -> bool:
        sequence = AsymptoticCS(n_opt, alpha).update(run[: first_look - 1])
        for value in run[first_look - 1 :]:
            sequence = sequence.update([value])
            if sequence.lower_bound() >= 0.0:
                return True
        return False

    return sum(rejects(run) for run in values)


def session_rows(rng: np.random.Generator, *, runs: int, sessions: int, size: int) -> Floats:
    """Null differences (runs, sessions, size) whose rows share half of their variance within a session."""
    shared = rng.normal(size=(runs, sessions, 1))
    return math.sqrt(0.5) * (shared + rng.normal(size=(runs, sessions, size)))


def returning_unit_rejections(
    rng: np.random.Generator, *, runs: int, units: int, days: int, n_opt: float
) -> int:
    """Null runs that reject on some day when the same units come back every day and sums are recomputed.

    Each unit has an effect of its own (mean 0) and a Poisson number of rows a day.
    """

    def rejects() -> bool:
        effects, rates = rng.normal(size=units), rng.gamma(2.0, 0.5, size=units)
        sums, counts = np.zeros(units), np.zeros(units)
        for _ in range(days):
            rows = rng.poisson(rates)
            counts += rows
            sums += rows * effects + np.sqrt(rows) * rng.normal(size=units)
            seen = counts > 0
            values = mean_influence(sums[seen], counts[seen])
            if AsymptoticCS(n_opt, 0.05).update(values).lower_bound() >= 0.0:
                return True
        return False

    return sum(rejects() for _ in range(runs))
