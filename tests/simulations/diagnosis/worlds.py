"""Worlds in which every part of the gap is known: what was done to holdout and production, and how much.

Features are normal with a part that a unit's rows share, so each population's density is known and with it
the true weights of the overlap. The model is a fixed function: what is judged is the ladder, not training.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import expit, logit

from harness.diagnosis.domain import Rows
from harness.diagnosis.rows import Holdout, Overlap, Production, Rederived, Thresholds
from harness.diagnosis.samples import leak_free

if TYPE_CHECKING:
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]
    Codes = npt.NDArray[np.int64]

FEATURES = ("amount", "pace", "region", "length")
DAY_NS = 86_400_000_000_000
TRAINED_UNTIL = 30 * DAY_NS
#: how much of a feature's variance the rows of a unit share, and how many rows a unit has on average
SHARED, ROWS_A_UNIT = 0.3, 3
NEWCOMER = 2.0
OFFLINE_THRESHOLD = 0.4


@dataclass(frozen=True, kw_only=True)
class World:
    """What is wrong, each with its strength; all zero is a world without a gap.

    `leak` is the weight of a column that holds the outcome, `repeated` and `early` the share of holdout rows
    that the model has seen; `shift` moves two features' means in production and `newcomers` is the share of
    production rows from a region the holdout has not; `concept` turns the effect of a feature; `bug` and
    `stale` are shares of requests with wrong features and with an old model; `raised` is added to the
    threshold; `strict` is the share of positives that production's definition leaves out; `delay` is the
    mean delay of a label in days, rows being 0 to 14 days old; `lost` and `hidden` are how much the rows
    joined and shown depend on the label and on the score.
    """

    name: str
    leak: float = 0.0
    repeated: float = 0.0
    early: float = 0.0
    shift: float = 0.0
    newcomers: float = 0.0
    concept: float = 0.0
    bug: float = 0.0
    stale: float = 0.0
    raised: float = 0.0
    strict: float = 0.0
    delay: float = 0.0
    lost: float = 0.0
    hidden: float = 0.0

    @property
    def thresholds(self) -> Thresholds:
        """The offline threshold, and the one that is served."""
        return Thresholds(offline=OFFLINE_THRESHOLD, serving=OFFLINE_THRESHOLD + self.raised)


@dataclass(frozen=True, kw_only=True)
class Draw:
    """One draw of a world: both populations, and what the classifiers see of them."""

    holdout: Holdout
    production: Production
    before: Rows
    now: Rows


SINGLE = (
    World(name="nothing"),
    World(name="leak", leak=0.8),
    World(name="strong leak", leak=1.6),
    World(name="repeated rows", repeated=0.3),
    World(name="early rows", early=0.4),
    World(name="two leaks", leak=0.8, repeated=0.2),
    World(name="covariate", shift=0.4),
    World(name="strong covariate", shift=0.9),
    World(name="new region", newcomers=0.3),
    World(name="concept", concept=0.5),
    World(name="strong concept", concept=1.0),
    World(name="feature bug", bug=0.1),
    World(name="frequent feature bug", bug=0.5),
    World(name="stale model", stale=0.2),
    World(name="very stale model", stale=0.6),
    World(name="threshold", raised=0.2),
    World(name="label definition", strict=0.2),
    World(name="label delay", delay=3.0),
    World(name="long label delay", delay=10.0),
    World(name="join loss", lost=0.4),
    World(name="exposure", hidden=0.8),
)


def together(count: int) -> tuple[World, ...]:
    """Worlds in which several things are wrong at once, drawn at random, always the same."""
    rng = np.random.default_rng(1953)
    most = {
        "leak": 1.6,
        "repeated": 0.3,
        "early": 0.3,
        "shift": 0.8,
        "newcomers": 0.3,
        "concept": 1.0,
        "bug": 0.5,
        "stale": 0.6,
        "raised": 0.2,
        "strict": 0.2,
        "delay": 8.0,
        "lost": 0.4,
        "hidden": 0.8,
    }
    found = []
    for number in range(count):
        wrong = rng.choice(list(most), size=int(rng.integers(3, len(most) + 1)), replace=False)
        strength = {str(name): float(most[name] * rng.uniform(0.3, 1.0)) for name in wrong}
        found.append(World(name=f"together {number + 1}", **strength))
    return tuple(found)


WORLDS = (*SINGLE, *together(19))


def draw(world: World, rng: np.random.Generator, *, rows: int, clustered: bool = True) -> Draw:
    """Holdout and production of this world, `rows` each; without clusters every row is a unit of its own."""
    there, here = (_units(rng, rows, clustered=clustered) for _ in range(2))
    before, now = _features(rng, there), _features(rng, here)
    now[:, :2] += world.shift
    now[rng.random(rows) < world.newcomers, 2] += NEWCOMER
    labels = _label(before, 0.0, rng), _label(now, world.concept, rng)
    holdout = _holdout(world, before, labels[0], rng=rng, unit=there)
    production = _production(world, now, labels[1], rng=rng, unit=here + rows)
    return Draw(
        holdout=holdout,
        production=production,
        before=Rows(features=before, label=labels[0], unit=there, used=leak_free(holdout)[1]),
        now=Rows(features=now, label=labels[1], unit=here + rows),
    )


def true_overlap(world: World, features: Floats) -> Overlap:
    """The true probability that a row is of production, both being equally frequent."""
    moved = world.shift * features[:, :2].sum(axis=1) - world.shift**2
    new = world.newcomers * np.exp(NEWCOMER * features[:, 2] - NEWCOMER**2 / 2.0)
    ratio = np.exp(moved) * (1.0 - world.newcomers + new)
    return Overlap(produced=ratio / (1.0 + ratio))


def _units(rng: np.random.Generator, rows: int, *, clustered: bool) -> Codes:
    return rng.integers(0, rows // ROWS_A_UNIT, rows) if clustered else np.arange(rows, dtype=np.int64)


def _features(rng: np.random.Generator, unit: Codes) -> Floats:
    common = rng.standard_normal((int(unit.max()) + 1, len(FEATURES)))[unit]
    own = rng.standard_normal((unit.size, len(FEATURES)))
    features: Floats = np.sqrt(SHARED) * common + np.sqrt(1.0 - SHARED) * own
    return features


def chance(features: Floats, concept: float) -> Floats:
    """The true probability of a positive label; `concept` is 0 in the holdout."""
    a, b, c, d = features.T
    true: Floats = expit(-1.1 + 1.2 * np.minimum(a, 1.2) + (1.0 - 1.6 * concept) * b + 0.9 * c + 0.4 * a * d)
    return true


def _label(features: Floats, concept: float, rng: np.random.Generator) -> Floats:
    label: Floats = (rng.random(len(features)) < chance(features, concept)).astype(np.float64)
    return label


def _model(features: Floats, leak: Floats | float) -> Floats:
    a, b, c, d = features.T
    score: Floats = expit(-1.1 + 1.1 * a + 0.9 * b + 0.8 * c + 0.2 * d + leak)
    return score


def _old_model(features: Floats) -> Floats:
    score: Floats = expit(-0.8 + 0.5 * features[:, 0] + 0.2 * features[:, 1])
    return score


def _holdout(
    world: World, features: Floats, label: Floats, *, rng: np.random.Generator, unit: Codes
) -> Holdout:
    rows = unit.size
    noise = rng.standard_normal(rows)
    told, fair = (world.leak * (noise + 2.0 * known) for known in (label - 0.3, 0.0))
    seen = rng.random(rows) < world.repeated
    early = rng.random(rows) < world.early
    remembered = 1.5 * (2.0 * label - 1.0) * (seen | early)
    reported = expit(logit(_model(features, told)) + remembered)
    point_in_time = expit(logit(_model(features, fair)) + remembered)
    return Holdout(
        label=label,
        score=reported,
        unit=unit,
        time_ns=np.where(early, TRAINED_UNTIL, TRAINED_UNTIL + DAY_NS),
        trained_until_ns=TRAINED_UNTIL,
        repeated=seen,
        rederived=(Rederived(column="outcome", score=point_in_time),),
    )


def _production(
    world: World, features: Floats, label: Floats, *, rng: np.random.Generator, unit: Codes
) -> Production:
    rows = unit.size
    column = world.leak * rng.standard_normal(rows)
    served = features.copy()
    wrong = rng.random(rows) < world.bug
    served[wrong, 1], served[wrong, 2] = 0.0, 3.0 * served[wrong, 2]
    old = rng.random(rows) < world.stale
    strict = label * (rng.random(rows) >= world.strict * (1.0 + (features[:, 3] > 0.0)))
    known = rng.exponential(world.delay, rows) <= rng.uniform(0.0, 14.0, rows)
    score = np.where(old, _old_model(served), _model(served, column))
    return Production(
        offline_score=_model(features, column),
        label=label,
        unit=unit,
        served_features_score=_model(served, column),
        served_score=score,
        served_model_score=np.where(old, _old_model(features), _model(features, column)),
        production_label=strict,
        seen_label=strict * known,
        early_label=label * known,
        joined=rng.random(rows) >= world.lost * (0.5 + 0.5 * (label == 0.0)),
        exposed=rng.random(rows) >= world.hidden * (1.0 - score),
    )
