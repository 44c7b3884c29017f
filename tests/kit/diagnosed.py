"""A small simulated gap between holdout and production whose parts are known, with every column there is.

The model is a formula of four features, so what each trouble costs is the metric on the scores before it
minus that after it, computed here from the very same rows.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from harness.diagnosis.config import DiagnosisConfig
from harness.diagnosis.leakage import Use
from harness.diagnosis.material import DAY_NS, HoldoutRows, Material, ProductionRows
from harness.diagnosis.rows import Rederived, Thresholds

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy.typing as npt

    from harness.diagnosis.material import Features, Floats

ROWS = 1_000
START_NS = 1_750_000_000_000_000_000
HOLDOUT_DAYS, PRODUCTION_DAYS, DELAY_DAYS = 60, 42, 7.0
NAMES = ("amount", "visits", "region", "outcome_note")
PARAMETERS = {"objective": "binary", "num_leaves": 7, "learning_rate": 0.2, "num_iterations": 15}
REGIONS = np.array(["north", "south", "west"], dtype=object)
HOLDOUT_DIGEST = "f0" * 32


@dataclass(frozen=True, kw_only=True)
class Troubles:
    """What is wrong, each a size: 0 is nothing, 1 what the whole gap of the kit has.

    `leak` is how much the note knows of the label in the holdout, `repeated` how often rows of training are
    in it, `drift` how far amounts moved, `concept` how much visits lost their meaning, `bug` how much served
    visits differ, `other_model` how far served scores are from the model's, `moved` how far the threshold is.
    """

    leak: float = 1.0
    repeated: float = 1.0
    drift: float = 1.0
    concept: float = 1.0
    bug: float = 1.0
    other_model: float = 1.0
    moved: float = 1.0


def scores(features: Features) -> Floats:
    """The model: a fixed formula of the features; a missing number counts as 0."""
    number = {name: np.nan_to_num(features[name]) for name in ("amount", "visits", "outcome_note")}
    south = np.asarray(features["region"]) == "south"
    latent = (
        1.2 * number["amount"] + 1.0 * number["visits"] + 0.8 * south + 1.5 * number["outcome_note"] - 0.8
    )
    found: Floats = 1.0 / (1.0 + np.exp(-latent))
    return found


def material(troubles: Troubles | None = None, *, seed: int = 3, **config: Any) -> Material:  # noqa: ANN401  -- any field of the configuration
    """A holdout of 1,000 rows and 1,000 requests with these troubles; `config` changes the configuration."""
    wrong = Troubles() if troubles is None else troubles
    rng = np.random.default_rng(seed)
    offline, serving = 0.5, 0.5 + 0.15 * wrong.moved
    return Material(
        config=DiagnosisConfig(
            **({"capacity_per_day": 8.0, "miss_cost": 5.0, "false_alarm_cost": 1.0} | config)
        ),
        thresholds=Thresholds(offline=offline, serving=serving),
        holdout=_holdout(rng, wrong),
        production=_production(rng, wrong),
        names=NAMES,
        used=NAMES,
        uses=tuple(
            Use(at=f"2026-0{k}-01T00:00:00Z", holdout=HOLDOUT_DIGEST, decision=f"{k}") for k in (1, 2)
        ),
        as_of_ns=_as_of(),
        delay_days=DELAY_DAYS,
        parameters=PARAMETERS,
    )


def without(made: Material, *, holdout: tuple[str, ...] = (), production: tuple[str, ...] = ()) -> Material:
    """The same without these columns."""
    empty: Mapping[str, Any] = {
        "rederived": (),
        "offline_features": {},
        "fixed": {},
        "others": {},
        "segments": {},
    }
    there = made.holdout
    if there is not None:
        gone: dict[str, Any] = {name: empty.get(name) for name in holdout}
        there = replace(there, **gone)
    less: dict[str, Any] = {name: empty.get(name) for name in production}
    return replace(made, holdout=there, production=replace(made.production, **less))


def no_holdout(made: Material) -> Material:
    """The same, and nobody gave a holdout."""
    return replace(made, holdout=None, uses=(), why_no_holdout="no holdout was given ([diagnosis] holdout)")


def no_labels(made: Material) -> Material:
    """The same before any label has come."""
    none = np.full(len(made.production), np.nan)
    gone: dict[str, Any] = {"label": none, "latest": none}
    gone |= dict.fromkeys(("production_label", "seen_label", "seen_early"))
    return replace(
        made,
        production=replace(made.production, **gone),
        why_no_labels="no labels were given ([labels])",
    )


def first(made: Material, rows: int) -> Material:
    """The same with the first requests only."""
    return replace(made, production=taken(made.production, np.arange(rows)))


def taken(rows: ProductionRows, place: npt.NDArray[np.int64]) -> ProductionRows:
    """Some of the requests."""

    def cut(value: Any) -> Any:  # noqa: ANN401  -- a column, columns by name, or none
        if isinstance(value, np.ndarray):
            return value[place]
        return {name: cut(one) for name, one in value.items()} if isinstance(value, dict) else value

    return replace(rows, **{name: cut(value) for name, value in vars(rows).items() if name != "differing"})


def _as_of() -> int:
    return START_NS + (HOLDOUT_DAYS + PRODUCTION_DAYS) * DAY_NS


def _features(rng: np.random.Generator, *, drift: float) -> dict[str, npt.NDArray[Any]]:
    amount = rng.standard_normal(ROWS) + 0.7 * drift
    amount[rng.random(ROWS) < 0.02] = np.nan
    shares = np.array([0.5, 0.3, 0.2]) + 0.2 * drift * np.array([-1.0, 1.0, 0.0])
    return {
        "amount": amount,
        "visits": rng.standard_normal(ROWS),
        "region": rng.choice(REGIONS, ROWS, p=shares),
        "outcome_note": 0.3 * rng.standard_normal(ROWS),
    }


def _labels(rng: np.random.Generator, features: Features, *, concept: float) -> Floats:
    """Positives by the model's own formula without the note; a concept shift takes visits their meaning."""
    plain = {**features, "outcome_note": np.zeros(ROWS)}
    plain["visits"] = (1.0 - 0.9 * concept) * np.asarray(features["visits"])
    return (rng.random(ROWS) < scores(plain)).astype(np.float64)


def _holdout(rng: np.random.Generator, wrong: Troubles) -> HoldoutRows:
    requested = _features(rng, drift=0.0)
    label = _labels(rng, requested, concept=0.0)
    note = requested["outcome_note"] + 1.2 * wrong.leak * (2.0 * label - 1.0) * (rng.random(ROWS) < 0.7)
    features = {**requested, "outcome_note": note}
    score = scores(features)
    repeated = rng.random(ROWS) < 0.15 * wrong.repeated
    # What training has too, the model knows by heart.
    score = np.where(repeated, 0.15 + 0.7 * label, score)
    honest = scores(requested)
    return HoldoutRows(
        digest=HOLDOUT_DIGEST,
        label=label,
        score=score,
        unit=np.arange(ROWS, dtype=np.int64) // 2,
        time_ns=START_NS + np.sort(rng.integers(0, HOLDOUT_DAYS * DAY_NS, ROWS)),
        features=features,
        requested=requested if wrong.leak else None,
        rescored=score,
        rederived=(Rederived(column="outcome_note", score=honest),) if wrong.leak else (),
        duplicate=repeated,
        known_unit=np.zeros(ROWS, dtype=bool),
        trained_until_ns=START_NS + 3 * DAY_NS,
    )


def _production(rng: np.random.Generator, wrong: Troubles) -> ProductionRows:
    built = _features(rng, drift=wrong.drift)
    label = _labels(rng, built, concept=wrong.concept)
    event_ns = START_NS + HOLDOUT_DAYS * DAY_NS + np.sort(rng.integers(0, PRODUCTION_DAYS * DAY_NS, ROWS))
    broken = rng.random(ROWS) < 0.6
    served = {**built, "visits": np.where(broken, built["visits"] - 2.0 * wrong.bug, built["visits"])}
    offline, on_served = scores(built), scores(served)
    answered = np.clip(on_served + 0.1 * wrong.other_model * (rng.random(ROWS) - 0.5), 0.0, 1.0)
    # Cases that the model has right are labelled within a day, the others within six.
    easy = (offline >= 0.5) == (label == 1.0)
    delay_ns = (np.where(easy, 1.0, 6.0) * DAY_NS * rng.random(ROWS)).astype(np.int64)
    label_ns = event_ns + delay_ns
    known = label_ns <= _as_of()
    mature = event_ns + np.int64(DELAY_DAYS * DAY_NS) <= _as_of()
    strict = np.where(rng.random(ROWS) < 0.85, label, 0.0)
    return ProductionRows(
        event_ns=event_ns,
        unit=ROWS + np.arange(ROWS, dtype=np.int64) // 2,
        offline_score=offline,
        served_score=answered,
        served_features_score=on_served,
        offline_features=built,
        served_features=served,
        differing={name: float(broken.mean()) if name == "visits" and wrong.bug else 0.0 for name in NAMES},
        fixed={"visits": scores(built)} if wrong.bug else {},
        others={"simpler": scores({**served, "visits": np.zeros(ROWS)})},
        label=np.where(mature, label, np.nan),
        latest=np.where(known, label, np.nan),
        label_ns=label_ns,
        production_label=np.where(mature, strict, np.nan),
        seen_label=np.where(delay_ns <= DAY_NS, strict, np.nan),
        seen_early=np.ones(ROWS, dtype=bool),
        joined=rng.random(ROWS) < 0.9,
        exposed=rng.random(ROWS) < 0.95,
        fallback=rng.random(ROWS) < 0.03,
        segments={"region": built["region"], "seller": rng.choice(np.array(["a", "b"], dtype=object), ROWS)},
    )
