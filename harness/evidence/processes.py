"""How evidence on one outcome accrues, look by look: three tests, each a config with its one method.

All of them see *harm*: how much worse the challenger did on a request. PASS is "the harm is below the goal",
FAIL is "the harm is above 0"; each direction is its own process at its own level.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

import msgspec
import numpy as np

from harness import stats
from harness.stats import AsymptoticCS, Spending, enough_units, mean_influence, unit_sums
from harness.stats.units import MAX_UNIT_SHARE
from harness.weighting import STATED

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from numpy.typing import NDArray

    from harness.records import Ruling


#: units above the mean harm below which no normal test may pass: losses that are rare and large
FEWEST_HARMED = 30


@dataclass(frozen=True)
class Sample:
    """What may be compared at one look: float64 harm and weight (rows,), int64 unit codes (rows,).

    `most` is the largest weight that any request may have, known before the labels: then a unit weighs what
    its requests do, which are alike in it. None: tests that count a unit once count all units alike.
    `only_seen` says that it is the largest weight of the capture, and others of the traffic may be larger.
    `refused` says why nothing may be ruled on it, or is empty; `undefined` that its harm has no meaning.
    """

    at_ns: int
    harm: NDArray[np.float64]
    weight: NDArray[np.float64]
    unit: NDArray[np.int64]
    most: float | None = None
    only_seen: bool = False
    refused: str = ""
    undefined: bool = False


@dataclass(frozen=True)
class Goal:
    """What a test is to show: harm below `below` at error probability `go`, or above 0 at `nogo`."""

    below: float
    go: float
    nogo: float


@dataclass(frozen=True)
class Bounds:
    """The mean harm at one look with its one-sided bounds, each at its own level; infinite where unknown.

    `log_e` is the evidence for PASS (NaN where the test has none); `final` says that no look follows.
    """

    estimate: float
    lower: float
    upper: float
    log_e: float
    rows: int
    units: int
    refused: str = ""
    final: bool = False

    def ruling(self, below: float) -> Ruling:
        """FAIL where the harm is shown to be above 0, which wins over PASS, shown to be below the goal."""
        if self.refused:
            return "UNDECIDED"
        if self.lower > 0.0:
            return "FAIL"
        return "PASS" if self.upper < below else "UNDECIDED"


class Asymptotic(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="kind", tag="asymptotic"
):
    """A confidence sequence that holds at all looks, for many units (Waudby-Smith et al. 2024)."""

    #: whether only days that have ended are looked at; this one may be looked at whenever one likes
    whole_days: ClassVar[bool] = False
    #: whether a unit enters once, so that its requests must weigh alike
    unit_once: ClassVar[bool] = False
    planned_units: Annotated[
        int,
        msgspec.Meta(ge=1, description="units at which the test is tightest; fixed before the first look"),
    ] = 500

    def looks(self, samples: Iterable[Sample], goal: Goal) -> Iterator[Bounds]:
        """The mean harm a request, by unit, at each look.

        Refused below a Kish-effective 100 units, or with more than 5 % of the weight in one; and a PASS where
        fewer than 30 units are above the mean: of losses so rare the normal approximation promises too much.
        """
        for sample in samples:
            values, sizes = _by_unit(sample)
            upper = AsymptoticCS(n_opt=self.planned_units, alpha=goal.go).update(values)
            lower = replace(upper, alpha=goal.nogo)  # the same values at another level
            worse = lower.lower_bound() > 0.0
            yield Bounds(
                estimate=float(upper.mean),
                lower=lower.lower_bound(),
                upper=upper.upper_bound(),
                log_e=upper.log_e(goal.below, "less"),
                rows=len(sample.harm),
                units=len(values),
                refused=sample.refused
                or _too_few(sizes, sample.most)
                or ("" if worse else _one_sided(values)),
            )

    def title(self) -> str:
        """The test and its tuning in words."""
        return f"confidence sequence planned for {self.planned_units:,} units"

    def method(self) -> str:
        """The test with its source."""
        return "asymptotic confidence sequence by unit (Waudby-Smith et al. 2024), one-sided bounds"


class Betting(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="kind", tag="betting"
):
    """Bets on each unit's clipped mean harm: exact for any distribution and any number of units.

    A unit enters once, at the first look that has any of its requests, with the mean harm of those; what it
    sends later does not count, so that units are independent observations. The claim is about that mean.
    """

    #: a unit's first mean is that of a whole day, whenever the run is judged
    whole_days: ClassVar[bool] = True
    unit_once: ClassVar[bool] = True
    clip: Annotated[
        float,
        msgspec.Meta(gt=0, description="harm of a unit beyond ± this counts as this; 3 to 5 of its spreads"),
    ] = 1.0

    def looks(self, samples: Iterable[Sample], goal: Goal) -> Iterator[Bounds]:
        """The mean of the units' clipped mean harm at each look (`harness.stats.betting`).

        Refused where nobody says how heavy a request of the traffic may be, but for a FAIL: it is harm of the
        requests that were seen, whatever others there are.
        """
        entered = Entered()
        for sample in samples:
            if not sample.refused:
                entered = entered.after(sample)
            found = self._bounds(entered, goal, most=sample.most, refused=sample.refused)
            worse = found.lower > 0.0
            yield found if worse or found.refused else replace(found, refused=_unstated(sample))

    def _bounds(self, entered: Entered, goal: Goal, *, most: float | None, refused: str) -> Bounds:
        shares, weights = stats.to_unit_interval(entered.values, self.clip), entered.weights
        null = (goal.below + self.clip) / (2.0 * self.clip)
        if most is None:
            low = stats.mean_bounds(shares, alpha=goal.nogo, sides=1)[0]
            high = stats.mean_bounds(shares, alpha=goal.go, sides=1)[1]
            mean, bets = float(shares.mean()) if shares.size else math.nan, shares
        else:
            alpha = goal.nogo, goal.go
            low, high = stats.weighted_mean_bounds(shares, weights, most=most, alpha=alpha)
            mean = stats.weighted_mean(shares, weights)
            bets = stats.toward_null(shares, weights, m0=null, most=most)
        return Bounds(
            estimate=self._harm(mean),
            lower=self._harm(low),
            upper=self._harm(high),
            log_e=stats.Betting(m0=null, side="less", alpha=goal.go).update(bets).log_e(),
            rows=entered.rows,
            units=len(shares),
            refused=refused,
        )

    def _harm(self, share: float) -> float:
        return (2.0 * share - 1.0) * self.clip

    def title(self) -> str:
        """The test and its tuning in words."""
        return f"bets on units clipped at {self.clip:g}"

    def method(self) -> str:
        """The test with its source."""
        return (
            f"bets on each unit's first mean, clipped at ±{self.clip:g} (Waudby-Smith and Ramdas 2024), exact"
        )


class GroupSequential(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    forbid_unknown_fields=True,
    tag_field="kind",
    tag="group_sequential",
):
    """Looks up to a planned end, the smallest sample of the three; after the end nothing more is ruled.

    A unit enters once, as in the betting test: increments must not depend on what was seen before.
    """

    #: a look spends error probability, so there is one a day, however often a run is judged
    whole_days: ClassVar[bool] = True
    unit_once: ClassVar[bool] = True
    planned_units: Annotated[
        int, msgspec.Meta(ge=1, description="units at which the test ends; fixed before the first look")
    ]
    spending: Annotated[
        Literal["obrien-fleming", "pocock", "power"],
        msgspec.Meta(description="how α is spent over the looks (Lan and DeMets 1983); power: α t²"),
    ] = "power"

    def looks(self, samples: Iterable[Sample], goal: Goal) -> Iterator[Bounds]:
        """The mean harm with its repeated confidence bounds; the last look is the one at the planned end.

        A look that may not rule, or that has no more units than the one before, spends nothing.
        """
        spending = Spending(kind=self.spending)
        passing = stats.GroupSequential(planned=self.planned_units, alpha=goal.go, spending=spending)
        failing = stats.GroupSequential(planned=self.planned_units, alpha=goal.nogo, spending=spending)
        entered = Entered()
        for sample in samples:
            entered = entered if sample.refused else entered.after(sample)
            values = entered.linear(weighted=sample.most is not None)
            mean, se = _mean_and_error(values)
            sizes = np.ones(len(values)) if sample.most is None else entered.weights
            refused = sample.refused or _too_few(sizes, sample.most)
            before = passing.information[-1] if passing.information else 0.0
            if refused or se == 0.0 or len(values) <= before:
                yield Bounds(mean, -math.inf, math.inf, math.nan, entered.rows, len(values), refused)
                continue
            passing = passing.look(float(len(values)), (goal.below - mean) / se)
            failing = failing.look(float(len(values)), mean / se)
            yield Bounds(
                estimate=mean,
                lower=failing.lower_bound(mean, se),
                upper=-passing.lower_bound(-mean, se),
                log_e=math.nan,
                rows=entered.rows,
                units=len(values),
                final=passing.ended,
                refused="" if failing.lower_bound(mean, se) > 0.0 else _one_sided(values),
            )
            if passing.ended:
                return

    def title(self) -> str:
        """The test and its tuning in words."""
        return f"group sequential, ends at {self.planned_units:,} units, {self.spending} spending"

    def method(self) -> str:
        """The test with its source."""
        return f"group sequential by unit ({self.spending}, Lan and DeMets 1983), repeated confidence bounds"


OutcomeTest = Asymptotic | Betting | GroupSequential


@dataclass(frozen=True)
class Entered:
    """The units that have entered, each once: by the mean harm of what had matured at its first look.

    `units` int64 codes, float64 `values` and `weights` (units,), `rows` requests behind them.
    """

    units: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))
    values: NDArray[np.float64] = field(default_factory=lambda: np.zeros(0, np.float64))
    weights: NDArray[np.float64] = field(default_factory=lambda: np.zeros(0, np.float64))
    rows: int = 0

    def linear(self, *, weighted: bool) -> NDArray[np.float64]:
        """A value a unit whose plain mean is the estimate, and whose spread is that of the estimate."""
        return mean_influence(self.values * self.weights, self.weights) if weighted else self.values

    def after(self, sample: Sample) -> Entered:
        """With the units that this sample has and none before had."""
        new = ~np.isin(sample.unit, self.units)
        fresh, mean, weight = _unit_means(sample, new)
        return Entered(
            units=np.concatenate([self.units, fresh]),
            values=np.concatenate([self.values, mean]),
            weights=np.concatenate([self.weights, weight]),
            rows=self.rows + int(np.count_nonzero(new)),
        )


def _unstated(sample: Sample) -> str:
    """Why weights that were only seen are no ground for a PASS, or nothing."""
    if not sample.only_seen:
        return ""
    most = sample.most or 0.0
    return f"weights up to {most:g} were seen, and a request of the traffic may be heavier: state {STATED}"


def _one_sided(values: NDArray[np.float64]) -> str:
    """Why harm on so few units is no ground for a PASS by a normal approximation, or nothing.

    Where harm is rare and large, few units are above the mean; their rate is then known too badly. To check:
    20 units of harm 1 among 2,000 without any are too few, and half of 2,000 around any mean are enough.
    """
    above = int(np.count_nonzero(values > values.mean())) if values.size else 0
    if above >= FEWEST_HARMED or not values.any() or values.std() == 0.0:
        return ""
    return (
        f"harm stands on {above:,} units, a normal approximation needs {FEWEST_HARMED}; "
        'test = { kind = "betting" } needs none'
    )


def _by_unit(sample: Sample) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """One value a unit whose plain mean is the weighted mean harm, and the weight of each unit."""
    codes = np.unique(sample.unit, return_inverse=True)[1]
    sums = np.bincount(codes, weights=sample.harm * sample.weight)
    sizes = np.bincount(codes, weights=sample.weight).astype(np.float64, copy=False)
    return mean_influence(sums, sizes), sizes


def _unit_means(
    sample: Sample, rows: NDArray[np.bool_]
) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]]:
    """The units among some rows, in order of their codes, their weighted mean harm and their first weight."""
    units, first = np.unique(sample.unit[rows], return_index=True)
    sums = unit_sums((sample.harm * sample.weight)[rows], sample.unit[rows]).sums
    sizes = unit_sums(sample.weight[rows], sample.unit[rows]).sums
    return units, sums / sizes if units.size else sums, sample.weight[rows][first]


def _mean_and_error(values: NDArray[np.float64]) -> tuple[float, float]:
    n = len(values)
    if n <= 1:
        return (float(values.mean()) if n else math.nan), 0.0
    return float(values.mean()), float(values.std(ddof=1)) / math.sqrt(n)


def _too_few(sizes: NDArray[np.float64], most: float | None) -> str:
    """Why a normal approximation may not rule on these units and one of the largest weight; or nothing."""
    enough, found = enough_units(sizes)
    if not enough:
        return found
    share = 0.0 if most is None else most / (most + float(sizes.sum()))
    if share <= MAX_UNIT_SHARE:
        return ""
    return f"one more request may weigh {most:g}, {share:.1%} of all; at most {MAX_UNIT_SHARE:.0%} is allowed"
