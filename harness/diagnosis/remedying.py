"""What could be done, each replayed on production's rows: what it gives back, and what it costs."""

from __future__ import annotations

import math
from dataclasses import replace as replaced
from typing import TYPE_CHECKING, Literal

import numpy as np
from msgspec.structs import replace

from harness.diagnosis.counterfactuals import Counterfactual
from harness.diagnosis.exhibits.numbers import of_interval
from harness.diagnosis.fixes import features_fixed, other_models, recalibrated, relabelled
from harness.diagnosis.material import DAY_NS, matrices
from harness.diagnosis.queues import Limits
from harness.diagnosis.remedies import gains, interaction, ranked
from harness.diagnosis.rethresholding import rethresholded
from harness.diagnosis.retraining import Training, retrained
from harness.diagnosis.summary import RANKED_BY
from harness.diagnosis.thresholds import operating
from harness.records import Remedy, Volume

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from harness.diagnosis.counterfactuals import Impossible
    from harness.diagnosis.material import Material
    from harness.diagnosis.remedies import Remedy as Found

    Floats = NDArray[np.float64]
    Made = Counterfactual | Impossible

#: an interaction below this is 0 to the places that are told
LEAST_TOLD = 5e-5
POLICY = "threshold_"
SCORE = "score_offline"
BESIDE = "beside the offline model's scores of the served features, as production serves others"


def remedied(material: Material) -> tuple[Remedy, ...]:
    """Every remedy that can be replayed, what surely gives most first; those that cannot say why."""
    production = material.production
    if not production.judged.any():
        return ()
    unit, day = production.unit, production.day
    now, limits = _now(material), Limits.given(material.config)
    scored = _scored_offline(material, now)
    base = now if scored is None else scored
    fixes = [
        replaced(one, note="" if scored is None else BESIDE)
        for one in features_fixed(base, production.fixed, together=_all_fixed(material))
    ]
    made: list[Made] = [
        *recalibrated(now, unit=unit),
        *rethresholded(now, unit=unit, day=day, limits=limits, precision=_promised(material)),
        *([] if scored is None else [scored]),
        *other_models(now, _others(material)),
        *_retrained(material, now),
    ]
    found = [gains(now, one, unit=unit, day=day, limits=limits) for one in made]
    found += [gains(base, one, unit=unit, day=day, limits=limits) for one in fixes]
    rows = int(production.judged.sum())
    told = [
        _record(_judged_on(one, rows), material.config.capacity_per_day)
        for one in ranked(found, by=RANKED_BY)
    ]
    every = sum(share > 0.0 for share in production.differing.values())
    if len(fixes) > 2 and len(production.fixed) >= every:
        told = _with_interaction(told, material, now=base)
    return (*told, *_measurement(material))


def _now(material: Material) -> Counterfactual:
    production = material.production
    return Counterfactual(
        key="now",
        action="as it is",
        score=production.served_score,
        threshold=material.serving_threshold,
        label=production.label,
        weight=production.weight,
    )


def _scored_offline(material: Material, now: Counterfactual) -> Counterfactual | None:
    """The served features scored by the offline model, where production scores them otherwise.

    What a feature costs is told beside these: beside the scores that are served, the other model's share
    would be in it too.
    """
    served = material.production.served_features_score
    if served is None or np.allclose(served, now.score, rtol=1e-9, atol=1e-12, equal_nan=True):
        return None
    score = np.where(np.isfinite(now.score), served, np.nan)
    return replaced(now, key=SCORE, action="score the served features with the offline model", score=score)


def _promised(material: Material) -> float | None:
    """The precision of the holdout as reported."""
    holdout = material.holdout
    if holdout is None:
        return None
    known = holdout.judged
    found = operating(holdout.label[known], holdout.score[known], threshold=material.thresholds.offline)
    return found.precision


def _all_fixed(material: Material) -> Floats | None:
    """Scores with every feature as offline, where some are served otherwise."""
    return material.production.offline_score if material.production.fixed else None


def _others(material: Material) -> dict[str, Floats]:
    """Models that would answer otherwise: one whose scores are all the same is no remedy."""
    served = material.production.served_score
    return {
        name: score
        for name, score in material.production.others.items()
        if not np.array_equal(score, served, equal_nan=True)
    }


def _retrained(material: Material, now: Counterfactual) -> Sequence[Made]:
    """A model of the same kind on the newer rows as served."""
    production = material.production
    features = production.served_features or production.offline_features
    if not (material.config.retrain and features and material.names and material.parameters):
        return ()
    (matrix,), _ = matrices([features], material.names)
    training = Training(
        features=matrix,
        time_ns=production.event_ns,
        parameters={name: material.parameters[name] for name in KEPT if name in material.parameters},
        rounds=int(material.parameters.get("num_iterations", 100)),
        delay_ns=int(material.delay_days * DAY_NS),
    )
    return (retrained(now, training, unit=production.unit if material.units_known else None),)


#: what makes a model of the same kind; data paths, threads and verbosity do not
KEPT = (
    "num_leaves",
    "max_depth",
    "learning_rate",
    "min_data_in_leaf",
    "min_sum_hessian_in_leaf",
    "lambda_l1",
    "lambda_l2",
    "max_bin",
    "feature_fraction",
    "bagging_fraction",
    "bagging_freq",
)


def _measurement(material: Material) -> list[Remedy]:
    """What the dashboard would show with labels joined and mature; the model stays as it is."""
    production = material.production
    if production.seen_label is None and production.joined is None:
        return []
    theirs = production.label if production.production_label is None else production.production_label
    seen = theirs if production.seen_label is None else production.seen_label
    dashboard = Counterfactual(
        key="dashboard",
        action="as the dashboard sees it",
        score=production.served_score,
        threshold=material.serving_threshold,
        label=seen,
        rows=production.joined,
        weight=production.weight,
        kind="measurement",
    )
    unit, day = production.unit, production.day
    joined, waited, both = relabelled(dashboard, mature=theirs)
    wanted = [joined] if production.seen_label is None else [waited]
    if production.joined is not None and production.seen_label is not None:
        wanted = [joined, waited, both]
    return [_record(gains(dashboard, one, unit=unit, day=day)) for one in wanted]


def _kind(found: Found) -> Literal["model", "policy", "measurement"]:
    if found.kind == "measurement":
        return "measurement"
    return "policy" if found.key.startswith(POLICY) else "model"


def _record(found: Found, limit: float | None = None) -> Remedy:
    return Remedy(
        key=found.key,
        kind=_kind(found),
        action=found.action,
        now=_finite(found.before),
        then=_finite(found.after),
        gains={name: made for name, one in found.metrics.items() if (made := of_interval(one)) is not None},
        volume=_volume(found, limit),
        guardrail=found.guardrail,
        guardrail_why=found.guardrail_why,
        guardrail_now=found.guardrail_now,
        worsens=found.worsens,
        rows=found.labelled,
        note="; ".join(text for text in (found.note, *_undefined(found)) if text),
        why_not=found.why_not,
    )


def _judged_on(found: Found, rows: int) -> Found:
    """A remedy that is judged on fewer rows than the others says so: its now is of these rows too."""
    if found.why_not or found.labelled == rows:
        return found
    told = f"on {found.labelled:,} of {rows:,} rows only, now and then: not to be ranked beside the others"
    return replaced(found, note="; ".join(filter(None, (told, found.note))))


def _undefined(found: Found) -> list[str]:
    return [f"{name}: {why}" for name, why in found.empty.items()]


def _finite(values: dict[str, float]) -> dict[str, float]:
    return {name: float(value) for name, value in values.items() if math.isfinite(value)}


def _volume(found: Found, limit: float | None) -> Volume | None:
    if found.queue is None or math.isnan(found.queue[0].per_day):
        return None
    now, then = found.queue
    return Volume(
        now=now.per_day, then=then.per_day, busy_now=now.busy_day, busy_then=then.busy_day, limit=limit
    )


def _with_interaction(told: list[Remedy], material: Material, *, now: Counterfactual) -> list[Remedy]:
    """The remedy of all features says how far it is from the sum of its parts."""
    production = material.production
    *alone, together = features_fixed(now, production.fixed, together=_all_fixed(material))
    found = interaction(now, alone, together=together, unit=production.unit).get(RANKED_BY)
    if found is None:
        return told
    beyond = f"{found.value:+.4f} log loss beyond" if abs(found.value) >= LEAST_TOLD else "as much as"
    words = f"together {beyond} the sum of each alone"
    return [
        replace(one, note="; ".join(filter(None, (one.note, words)))) if one.key == together.key else one
        for one in told
    ]
