"""What a sampled capture says of its traffic: is the metric of the traffic within its 95 % interval?

The traffic has a rare slice, 1 % of it, on which the challenger is bad. The capture keeps one unit in twenty
of the usual requests and, by a floor, every unit of the slice, so its weights are 20 and 1. Each draw is such
a capture; the intervals are the product's own (`harness.evidence.contrasts`), by unit.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from harness.diagnosis.influence import NAMES, grid, table
from harness.evidence import Arms, Cohort
from harness.evidence.contrasts import differences
from tests.simulations.figures import RATIO, SHARE, Goal, Measured, generator, row, standard_error

if TYPE_CHECKING:
    from numpy.typing import NDArray

RUNS = 2_000
RARE, KEPT = 0.01, 0.05
UNITS = 40_000
ARMS = Arms("champion", "challenger")
THRESHOLD = 0.5
COVERAGE_LOW = Goal(
    id="weight_coverage",
    figure="share of 95 % intervals that hold the traffic's own difference, the metric that does worst",
    unit=SHARE,
    better="higher",
    floor=0.93,
    aim=0.94,
)
COVERAGE_HIGH = Goal(
    id="weight_coverage_most",
    figure="... the metric that does best: wider intervals than needed",
    unit=SHARE,
    better="lower",
    floor=0.97,
    aim=0.96,
)
BIAS = Goal(
    id="weight_bias",
    figure="distance of the mean estimate from the traffic's own, in its standard errors, worst metric",
    unit=RATIO,
    better="lower",
    floor=0.2,
    aim=0.1,
)
WITHOUT = Goal(
    id="weight_control",
    figure="the same intervals without weights: share that hold, the metric that does best (must be low)",
    unit=SHARE,
    better="lower",
    floor=0.5,
    aim=0.1,
)


@dataclass(frozen=True)
class Capture:
    """Requests that were kept: labels, both arms' scores, units and weights, (n,) each."""

    label: NDArray[np.float64]
    scores: dict[str, NDArray[np.float64]]
    unit: NDArray[np.int64]
    weight: NDArray[np.float64]

    def cohort(self) -> Cohort:
        """All of it labelled."""
        n = len(self.label)
        return Cohort(
            event_ns=np.zeros(n, np.int64),
            exposed=np.ones(n, bool),
            in_scope=np.ones(n, bool),
            unit=self.unit,
            label=self.label,
            label_ns=np.zeros(n, np.int64),
            weight=self.weight,
            weighted=False,
            scores=self.scores,
        )


def draw(rng: np.random.Generator, *, usual: int, rare: int) -> Capture:
    """So many units of the usual traffic and of the slice, of one to three requests that are alike."""
    slice_of = np.repeat([False, True], [usual, rare])
    size = rng.integers(1, 4, slice_of.size)
    unit = np.repeat(np.arange(slice_of.size), size)
    odd = slice_of[unit]
    logit = (rng.normal(-1.0, 1.2, slice_of.size))[unit] + rng.normal(0.0, 0.6, unit.size)
    chance = 1.0 / (1.0 + np.exp(-logit))
    off = np.where(odd, -1.5 * logit - 0.5, 0.35 * rng.normal(size=unit.size))
    return Capture(
        label=(rng.random(unit.size) < chance).astype(np.float64),
        scores={
            "champion": 1.0 / (1.0 + np.exp(-(logit + 0.2 * rng.normal(size=unit.size)))),
            "challenger": 1.0 / (1.0 + np.exp(-(logit + off))),
        },
        unit=unit,
        weight=np.where(odd, 1.0, 1.0 / KEPT),
    )


def truth(rng: np.random.Generator, *, units: int = 400_000) -> dict[str, float]:
    """The difference of each metric over all of the traffic, from requests of either kind, many of them."""
    found = draw(rng, usual=units, rare=units)
    weight = np.where(found.weight == 1.0, RARE, 1.0 - RARE)
    before, after = (
        table(grid(found.scores[arm]), found.label, weight=weight, threshold=THRESHOLD).values
        for arm in (ARMS.champion, ARMS.challenger)
    )
    return dict(zip(NAMES, (after - before).tolist(), strict=True))


def capture(rng: np.random.Generator) -> Capture:
    """Units as they come, and kept as they are: numbers of both kinds are Poisson's."""
    usual, rare = rng.poisson(UNITS * (1.0 - RARE) * KEPT), rng.poisson(UNITS * RARE)
    return draw(rng, usual=int(usual), rare=int(rare))


def figures(runs: int = RUNS, *, units: int = 400_000) -> dict[str, Any]:
    """By metric the share of intervals that hold the truth, with weights and without, and the bias."""
    rng = generator("weight_coverage")
    right = truth(rng, units=units)
    held = {kind: dict.fromkeys(NAMES, 0) for kind in ("weighted", "plain")}
    values: dict[str, list[float]] = {name: [] for name in NAMES}
    for _ in range(runs):
        made = capture(rng).cohort()
        for kind, one in (("weighted", made), ("plain", replace(made, weight=np.ones(len(made.label))))):
            every = np.ones(len(made.label), bool)
            for name, found in differences(one, ARMS, used=every, threshold=THRESHOLD).items():
                assert found.lower is not None
                assert found.upper is not None
                held[kind][name] += found.lower <= right[name] <= found.upper
                if kind == "weighted":
                    values[name].append(float(found.value or 0.0))
    bias = {name: abs(np.mean(one) - right[name]) / np.std(one) for name, one in values.items()}
    shares = {kind: {name: many / runs for name, many in one.items()} for kind, one in held.items()}
    return {"bias": {name: float(one) for name, one in bias.items()}, **shares}


def sampling_rows() -> list[dict[str, object]]:
    """Coverage, bias, and what the same capture says without its weights."""
    found = figures()
    low, high = min(found["weighted"].values()), max(found["weighted"].values())
    plain, bias = max(found["plain"].values()), max(found["bias"].values())
    return [
        row(COVERAGE_LOW, Measured(value=low, spread=standard_error(low, RUNS), runs=RUNS)),
        row(COVERAGE_HIGH, Measured(value=high, spread=standard_error(high, RUNS), runs=RUNS)),
        row(BIAS, Measured(value=bias, spread=RUNS**-0.5, runs=RUNS)),
        row(WITHOUT, Measured(value=plain, spread=standard_error(plain, RUNS), runs=RUNS)),
    ]
