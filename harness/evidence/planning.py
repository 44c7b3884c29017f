"""How long a test of one outcome will take, by running it on drawn labels at the looks it would really have.

The requests, their units and the days on which they mature are those of the capture; what is drawn is the
labels, and the harm they would show. Beyond the capture the same traffic is assumed to go on with new units.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from harness.evidence.harms import harm
from harness.evidence.outcomes import BINARY
from harness.evidence.processes import Goal, Sample

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    from harness.evidence.outcomes import Plan
    from harness.records import Ruling

#: how often the capture is assumed to repeat before a test is called undecided, and the looks at all of it
HORIZON = 8
MOST_LOOKS = 60
_FEWEST_TO_DRAW = 2
#: an effect of so many spreads is seen in two units; the equation of the power has no answer there
_CLEAR = 4.0


@dataclass(frozen=True)
class Stream:
    """The requests of a capture as one outcome sees them, in the order in which they mature.

    `day` int64 (rows,) ascends from 0, `unit` int64 codes (rows,) from 0, `draw` gives harm float64 (rows,)
    without any effect, another each time.
    """

    day: NDArray[np.int64]
    unit: NDArray[np.int64]
    draw: Callable[[np.random.Generator], NDArray[np.float64]]

    @property
    def days(self) -> int:
        """Days over which the capture matures."""
        return int(self.day[-1]) + 1

    @property
    def units(self) -> int:
        """How many units there are."""
        return int(self.unit.max()) + 1


@dataclass(frozen=True)
class Decided:
    """When one run was ruled: the ruling, and the requests, units and days seen by then."""

    ruling: Ruling
    requests: int
    units: int
    days: int


@dataclass(frozen=True)
class Forecast:
    """Many runs of one test under one true effect; `size` and `days` are those of the capture."""

    effect: float
    size: int
    days: int
    runs: tuple[Decided, ...]

    def share(self, ruling: Ruling, *, within_capture: bool = True) -> float:
        """The share of runs that are ruled so, by the end of the capture or by the horizon."""
        hits = [run.ruling == ruling and (run.days <= self.days or not within_capture) for run in self.runs]
        return float(np.mean(hits))

    def expected(self) -> tuple[float, float] | None:
        """Mean requests and days to a decision; None where some runs have none by the horizon."""
        if any(run.ruling == "UNDECIDED" for run in self.runs):
            return None
        return (
            float(np.mean([run.requests for run in self.runs])),
            float(np.mean([run.days for run in self.runs])),
        )

    def quantile(self, share: float) -> tuple[int, int] | None:
        """Requests and days by which this share of the runs is decided; None beyond the horizon."""
        order = sorted(self.runs, key=lambda run: (run.ruling == "UNDECIDED", run.days))
        last = order[max(0, math.ceil(share * len(order)) - 1)]
        return None if last.ruling == "UNDECIDED" else (last.requests, last.days)


def drawn_from_scores(
    plan: Plan, *, champion: NDArray[np.float64], challenger: NDArray[np.float64]
) -> Callable[[np.random.Generator], NDArray[np.float64]]:
    """Harm by labels drawn from the mean of both arms' scores, so that neither model is favoured, mean 0.

    Raises ValueError for an outcome of numbers, which no score says anything of.
    """
    if plan.outcome.metric not in BINARY:
        raise ValueError(f"{plan.name} is an outcome of numbers: its spread must be given")
    truth = np.clip((champion + challenger) / 2.0, 0.0, 1.0)

    def draw(rng: np.random.Generator) -> NDArray[np.float64]:
        label = (rng.random(len(truth)) < truth).astype(np.float64)
        if min(label.sum(), (1.0 - label).sum()) < _FEWEST_TO_DRAW:
            return np.zeros(len(truth))
        found = harm(plan, label, champion=champion, challenger=challenger)
        return np.asarray(found - found.mean())

    if plan.outcome.metric == "auc":
        return draw
    likely = [
        harm(plan, np.full(len(truth), label), champion=champion, challenger=challenger)
        for label in (0.0, 1.0)
    ]
    mean = float(np.mean((1.0 - truth) * likely[0] + truth * likely[1]))

    def chosen(rng: np.random.Generator) -> NDArray[np.float64]:
        return np.where(rng.random(len(truth)) < truth, likely[1], likely[0]) - mean

    return chosen


def drawn_normal(sd: float, rows: int) -> Callable[[np.random.Generator], NDArray[np.float64]]:
    """Independent normal harm with this standard deviation a request, mean 0."""
    return lambda rng: rng.normal(0.0, sd, rows)


def forecast(
    stream: Stream, plan: Plan, *, effect: float, runs: int, seed: int = 0, min_days: float = 0.0
) -> Forecast:
    """When the outcome's own test rules, were the true mean harm `effect`; a PASS not before `min_days`.

    `runs` runs over the capture and up to `HORIZON` times its length. To check: an effect far above 0 fails
    in nearly all runs, one exactly at the goal passes in at most α of them.
    """
    looks = _look_days(stream)
    found = tuple(
        _run(
            stream,
            plan,
            looks=looks,
            effect=effect,
            min_days=min_days,
            rng=np.random.default_rng((seed, run)),
        )
        for run in range(runs)
    )
    return Forecast(effect, len(stream.day), stream.days, found)


def spread(stream: Stream, *, seed: int = 0) -> float:
    """The standard deviation of the units' mean harm weighed by their size, from one draw."""
    drawn = stream.draw(np.random.default_rng(seed))
    sums, sizes = (np.bincount(stream.unit, weights) for weights in (drawn, None))
    values = sums / sizes.mean()
    return float(values.std(ddof=1)) if len(values) > 1 else 0.0


def fixed_units(distance: float, sd: float, *, alpha: float, power: float) -> int | None:
    """Units that a t test which looks once needs to show a harm `distance` below its goal (statsmodels).

    None where there is nothing to show. Known: distance .1, sd 1, α .05 one-sided, power .8: 620.
    """
    from statsmodels.stats.power import TTestPower

    if distance <= 0.0 or sd <= 0.0:
        return None
    if distance > _CLEAR * sd:
        return _FEWEST_TO_DRAW
    n = TTestPower().solve_power(effect_size=distance / sd, alpha=alpha, power=power, alternative="larger")
    return math.ceil(float(np.squeeze(n)))


def _look_days(stream: Stream) -> NDArray[np.int64]:
    """Every day of the capture on which something matures, then evenly up to the horizon."""
    real = np.unique(stream.day)
    real = real[:: max(1, math.ceil(len(real) / (MOST_LOOKS // 2)))]
    ends = np.unique(np.concatenate([real, [stream.days - 1]]))
    later = np.linspace(stream.days, HORIZON * stream.days - 1, MOST_LOOKS // 2)
    return np.unique(np.concatenate([ends, later.astype(np.int64)]))


def _run(
    stream: Stream,
    plan: Plan,
    *,
    looks: NDArray[np.int64],
    effect: float,
    min_days: float,
    rng: np.random.Generator,
) -> Decided:
    goal = Goal(below=plan.goal, go=plan.levels.go, nogo=plan.levels.nogo)
    seen = units = day = 0
    passed = False
    samples = _Samples(stream, looks, effect=effect, rng=rng)
    for bounds, at in zip(plan.outcome.how.looks(iter(samples), goal), looks, strict=False):
        seen, units, day = samples.rows, bounds.units, int(at) + 1
        ruling = bounds.ruling(plan.goal)
        passed = passed or ruling == "PASS"  # what was passed stays, unless it fails
        if ruling == "FAIL" or (passed and at >= min_days):
            return Decided("FAIL" if ruling == "FAIL" else "PASS", seen, units, day)
    return Decided("PASS" if passed and not min_days else "UNDECIDED", seen, units, day)


class _Samples:
    """The samples of one run, one row a unit: a unit's mean harm, weighed by its requests.

    A test that goes by units sees the same in it as in the requests. `rows` counts the requests seen.
    """

    def __init__(
        self, stream: Stream, looks: NDArray[np.int64], *, effect: float, rng: np.random.Generator
    ) -> None:
        self.rows = 0
        self._stream, self._looks, self._effect, self._rng = stream, looks, effect, rng
        self._drawn: list[NDArray[np.float64]] = []

    def __iter__(self) -> Iterator[Sample]:
        held = self._stream.units * HORIZON
        sums, sizes = np.zeros(held), np.zeros(held)
        before = -1
        for look in self._looks.tolist():
            for tile in range(max(0, before) // self._stream.days, look // self._stream.days + 1):
                rows = self._between(before, look, tile=tile)
                code = self._stream.unit[rows] + tile * self._stream.units
                sums += np.bincount(code, self._harm(tile)[rows], minlength=held)
                sizes += np.bincount(code, minlength=held)
            before, self.rows = look, int(sizes.sum())
            seen = np.flatnonzero(sizes)
            yield Sample(at_ns=look, harm=sums[seen] / sizes[seen], weight=sizes[seen], unit=seen)

    def _between(self, before: int, look: int, *, tile: int) -> slice:
        """The requests of a repetition of the capture that mature after one look and up to another."""
        start = tile * self._stream.days
        first, last = np.searchsorted(self._stream.day, [before - start, look - start], side="right")
        return slice(int(first), int(last))

    def _harm(self, tile: int) -> NDArray[np.float64]:
        """The harm of all requests of one repetition, drawn when it begins."""
        if tile >= len(self._drawn):
            self._drawn.append(self._stream.draw(self._rng) + self._effect)
        return self._drawn[tile]
