"""How often the intervals of what remedies give hold the truth, in a world where each remedy can be applied.

What a remedy truly gives is what its rule (the maps, thresholds and model that were found on the draw) does
to a much larger sample.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import expit

from harness.diagnosis.classifier import fold_of
from harness.diagnosis.counterfactuals import Counterfactual, measured
from harness.diagnosis.fixes import (
    FIX_ALL,
    RECALIBRATE_AND_DECIDE,
    features_fixed,
    maps_by_fold,
    other_models,
    recalibrated,
    relabelled,
)
from harness.diagnosis.influence import NAMES
from harness.diagnosis.queues import Limits
from harness.diagnosis.recalibrators import FOLDS, KINDS
from harness.diagnosis.remedies import gains, intervals
from harness.diagnosis.rethresholding import HALVES, rethresholded
from harness.diagnosis.retraining import RETRAIN, Training, fitted, parts_in_time, retrained
from tests.simulations.figures import Goal, Measured, generator, row

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]
    Codes = npt.NDArray[np.int64]

TIMES, ROWS, TRUTH_ROWS = 80, 5000, 120_000
DAYS, ROWS_A_UNIT, SHARED = 20, 3, 0.3
THRESHOLD, CAPACITY, PRECISION = 0.6, 0.2, 0.7
PARAMETERS = {"num_leaves": 8, "learning_rate": 0.1, "min_data_in_leaf": 40}
ROUNDS = 30

COVERAGE = Goal(
    id="remedy_coverage",
    figure="differences of all eight metrics that remedies make, without those 0 by construction, whose 95 % "
    "interval holds the truth",
    unit="%",
    better="higher",
    floor=92,
    aim=94,
)
WEAKEST = Goal(
    id="remedy_coverage_weakest",
    figure="the same for the remedy whose differences are held least often",
    unit="%",
    better="higher",
)
CONTROL = Goal(
    id="remedy_control_unpaired",
    figure="control: how many times wider the interval of ROC-AUC with all features mended is when now and "
    "then are taken as two samples",
    unit="ratio",
    better="higher",
)


@dataclass(frozen=True, kw_only=True)
class World:
    """Production as it is: units, days, features as offline and as served, labels mature and as seen."""

    unit: Codes
    day: Codes
    offline: Floats
    served: Floats
    label: Floats
    seen: Floats
    joined: npt.NDArray[np.bool_]
    now: Counterfactual

    def dashboard(self) -> Counterfactual:
        """What the dashboard shows."""
        return replace(self.now, label=self.seen, rows=self.joined)


def draw(rng: np.random.Generator, *, rows: int, clustered: bool = True) -> World:
    """Rows of a service with two broken features and an overconfident model of a world that has changed."""
    unit = rng.integers(0, rows // ROWS_A_UNIT, rows) if clustered else np.arange(rows)
    offline = np.sqrt(SHARED) * rng.standard_normal((rows, 4))[unit]
    offline += np.sqrt(1.0 - SHARED) * rng.standard_normal((rows, 4))
    served = offline.copy()
    served[rng.random(rows) < 0.3, 1] = 0.0
    served[rng.random(rows) < 0.3, 2] *= -1.0
    a, b, c, d = offline.T
    label = (rng.random(rows) < expit(-0.8 + a + 0.8 * b + 0.6 * c + 0.8 * d)).astype(np.float64)
    came = rng.random(rows) < 0.5 + 0.4 * expit(a)
    now = Counterfactual(
        key="now",
        action="leave everything as it is",
        score=model(served),
        threshold=THRESHOLD,
        label=label,
    )
    return World(
        unit=unit,
        day=unit * DAYS // (int(unit.max()) + 1),
        offline=offline,
        served=served,
        label=label,
        seen=label * came,
        joined=rng.random(rows) < 0.6 + 0.3 * label,
        now=now,
    )


def model(features: Floats) -> Floats:
    """The served model: overconfident, and without the fourth feature, which did not matter in its time."""
    score: Floats = expit(1.8 * (-0.2 + features @ np.array([1.0, 0.8, 0.6, 0.0])))
    return score


def other_model(features: Floats) -> Floats:
    """Another model: calibrated, of fewer features."""
    score: Floats = expit(-0.8 + features @ np.array([0.8, 0.0, 0.3, 0.6]))
    return score


def free_of_rules(world: World) -> Iterator[tuple[Counterfactual, Counterfactual]]:
    """Now and then of the remedies that choose nothing on the rows."""
    mended = [world.served.copy() for _ in range(2)]
    for column, features in zip((1, 2), mended, strict=True):
        features[:, column] = world.offline[:, column]
    scores = {name: model(features) for name, features in zip(("b", "c"), mended, strict=True)}
    for then in features_fixed(world.now, scores, together=model(world.offline)):
        yield world.now, then
    for then in other_models(world.now, {"old": other_model(world.served)}, thresholds={"old": 0.5}):
        yield world.now, then
    for made in relabelled(world.dashboard(), mature=world.label):
        if isinstance(made, Counterfactual):
            yield world.dashboard(), made


def with_rules(
    world: World, large: World, rng: np.random.Generator
) -> Iterator[tuple[Counterfactual, Counterfactual]]:
    """Remedies found on the draw, each beside its rule applied to the large sample."""
    folds, halves = (rng.integers(0, many, large.label.size) for many in (FOLDS, HALVES))
    for made in recalibrated(world.now, unit=world.unit):
        assert isinstance(made, Counterfactual)
        kind = next(one for one in KINDS if f"the {one} map" in made.note)
        maps = maps_by_fold(kind, world.label, score=world.now.score, fold=fold_of(world.unit, FOLDS))
        score = np.choose(folds, [one(large.now.score) for one in maps[:FOLDS]])
        cuts = _cuts(made, fold_of(world.unit, FOLDS), FOLDS)
        threshold = cuts[folds] if made.key == RECALIBRATE_AND_DECIDE else THRESHOLD
        yield made, replace(large.now, key=made.key, score=score, rank=large.now.score, threshold=threshold)
    limits = Limits(per_day=CAPACITY * world.label.size / DAYS)
    found = rethresholded(world.now, unit=world.unit, day=world.day, limits=limits, precision=PRECISION)
    for made in found:
        assert isinstance(made, Counterfactual)
        cuts = _cuts(made, fold_of(world.unit, HALVES), HALVES)
        yield made, replace(large.now, key=made.key, threshold=cuts[halves])
    training = Training(features=world.served, time_ns=world.day, parameters=PARAMETERS, rounds=ROUNDS)
    made = retrained(world.now, training, unit=world.unit)
    assert isinstance(made, Counterfactual)
    used, _ = parts_in_time(world.now, training, unit=world.unit)
    score = fitted(world.now, training, rows=used)(large.served)
    yield made, replace(large.now, key=RETRAIN, score=score, threshold=made.threshold)


def _cuts(made: Counterfactual, fold: Codes, many: int) -> Floats:
    """The threshold of each fold."""
    by_row = np.broadcast_to(made.threshold, fold.shape)
    return np.array([by_row[fold == one][0] for one in range(many)])


@dataclass(frozen=True)
class Outcome:
    """By remedy the shares of its differences that are held in each draw; the widths, unpaired to paired."""

    held: dict[str, list[float]]
    widths: list[float]


def replicate(*, times: int, rows: int, truth_rows: int) -> Outcome:
    """So many draws, each remedy's intervals held against what it truly gives."""
    rng = generator("remedies")
    large = draw(rng, rows=truth_rows, clustered=False)
    before = _values(large.now)
    fixed = {then.key: _values(then) - _values(now) for now, then in free_of_rules(large)}
    outcome = Outcome({}, [])
    for _ in range(times):
        world = draw(rng, rows=rows)
        pairs = [(now, then, fixed[then.key]) for now, then in free_of_rules(world)]
        pairs += [(world.now, then, _values(truly) - before) for then, truly in with_rules(world, large, rng)]
        for now, then, truth in pairs:
            found = gains(now, then, unit=world.unit).metrics
            live = {name: one for name, one in found.items() if one.se > 0.0}
            held = [one.covers(truth[NAMES.index(name)]) for name, one in live.items()]
            outcome.held.setdefault(then.key, []).append(100.0 * float(np.mean(held)))
        outcome.widths.append(_widening(world))
    return outcome


def _values(one: Counterfactual) -> Floats:
    """The metrics of a counterfactual, (8,)."""
    rows = one.score.size
    return measured(one, unit=np.zeros(rows, dtype=np.int64), only=np.ones(rows, dtype=bool)).values


def _widening(world: World) -> float:
    """How much wider the interval of AUC is when mending all features is judged on units other than now."""
    now, then = next(pair for pair in free_of_rules(world) if pair[1].key == FIX_ALL)
    size = int(world.unit.max()) + 1
    whole = np.ones(world.label.size, dtype=bool)
    sides = [measured(one, unit=world.unit, only=whole) for one in (now, then)]
    apart = np.hstack([-sides[0].sums, sides[1].sums])
    seen = np.concatenate([side.seen for side in sides])
    values = sides[1].values - sides[0].values
    wide, narrow = (
        intervals(values, sums, seen=kept)[0].se
        for sums, kept in ((apart, seen), (apart[:, :size] + apart[:, size:], seen[:size]))
    )
    return wide / narrow


def remedy_rows() -> list[dict[str, object]]:
    """The rows of results/simulations/diagnosis.json about remedies."""
    return figures(replicate(times=TIMES, rows=ROWS, truth_rows=TRUTH_ROWS))


def figures(outcome: Outcome) -> list[dict[str, object]]:
    """Coverage over all remedies, each weighing the same, that of the weakest, and the control."""
    by_remedy = {key: float(np.mean(held)) for key, held in outcome.held.items()}
    by_draw = np.mean(list(outcome.held.values()), axis=0)
    weakest = min(by_remedy, key=lambda key: by_remedy[key])
    told = f"{len(by_draw)} draws of {ROWS:,} rows, {len(by_remedy)} remedies"
    found = (
        (COVERAGE, told, float(by_draw.mean()), _error(by_draw)),
        (WEAKEST, f"{told}; here {weakest}", by_remedy[weakest], _error(np.array(outcome.held[weakest]))),
        (CONTROL, told, float(np.mean(outcome.widths)), _error(np.array(outcome.widths))),
    )
    return [
        row(
            replace(goal, figure=f"{goal.figure} ({words})"),
            Measured(value=value, spread=spread, runs=len(by_draw)),
        )
        for goal, words, value, spread in found
    ]


def _error(values: Floats) -> float:
    return float(np.std(values, ddof=1) / np.sqrt(values.size))
