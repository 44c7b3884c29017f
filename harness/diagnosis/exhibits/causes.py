"""The eight usual causes, each judged on the evidence that the other exhibits found."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from harness.diagnosis.exhibits.leakage import ROUNDED, away
from harness.diagnosis.exhibits.segments import named
from harness.diagnosis.exhibits.skew import rescored
from harness.diagnosis.label_quality import label_agreement
from harness.diagnosis.material import DAY_NS
from harness.diagnosis.usual_causes import Evidence, Interval, usual_causes
from harness.records import CheckedCause

if TYPE_CHECKING:
    from harness.diagnosis.domain import Domain
    from harness.diagnosis.ladder import Ladder
    from harness.diagnosis.material import Floats, Mask, Material
    from harness.diagnosis.slices import Slice

AUC, LOSS, FLAGGED = "roc_auc", "log_loss", "predicted_positive_rate"


def checked(
    material: Material,
    ladder: Ladder,
    *,
    domain: Domain | None,
    slices: tuple[Slice, ...] | None,
    within: Interval | None = None,
) -> tuple[CheckedCause, ...]:
    """All eight in pipeline order."""
    evidence = Evidence(
        recomputed=_recomputed(material),
        thresholds=_thresholds(material),
        threshold_part=_part(ladder, FLAGGED, step="serving_threshold"),
        domain_auc=_auc(domain),
        concept_part=_part(ladder, AUC, step="concept"),
        differing=_differing(material),
        feature_part=_part(ladder, AUC, step="served_features"),
        score_part=_part(ladder, AUC, step="served_scores"),
        rescored=_rescored(material),
        score_loss=_turned(_part(ladder, LOSS, step="served_scores")),
        fallback=unanswered(material),
        labelled=_labelled(material),
        kappa=_kappa(material),
        immature=_immature(material),
        unlabelled=_unlabelled(material),
        label_part=_part(ladder, AUC, step="label_maturity"),
        confirmed_slices=_slices(slices),
        within=within,
    )
    return tuple(
        CheckedCause(
            name=one.name,
            found=one.ruling,
            check=one.check,
            result=one.result,
            would_change=one.would_change,
        )
        for one in usual_causes(evidence)
    )


def _part(ladder: Ladder, metric: str, *, step: str) -> Interval | None:
    for part in ladder.metrics[metric].parts:
        if part.step == step and part.value is not None and math.isfinite(part.value.lower):
            return Interval(value=part.value.value, low=part.value.lower, high=part.value.upper)
    return None


def _turned(part: Interval | None) -> Interval | None:
    """A part of a loss so that above 0 harms; 0 minus, so that 0 stays 0."""
    return (
        None if part is None else Interval(value=0.0 - part.value, low=0.0 - part.high, high=0.0 - part.low)
    )


def _recomputed(material: Material) -> Interval | None:
    """The reported number that is farthest from what the rows give; its interval is rounding."""
    known = [one for one in away(material).values() if not math.isnan(one)]
    apart = max(known, key=abs, default=math.nan)
    return None if math.isnan(apart) else Interval(value=apart, low=apart - ROUNDED, high=apart + ROUNDED)


def _thresholds(material: Material) -> tuple[float, float] | None:
    serving = material.thresholds.serving
    return None if serving is None else (material.thresholds.offline, serving)


def _auc(domain: Domain | None) -> Interval | None:
    if domain is None:
        return None
    return Interval(value=domain.auc.value, low=domain.auc.lower, high=domain.auc.upper)


def _differing(material: Material) -> float | None:
    """The share of requests with a feature that differs; that of the commonest one is a lower bound."""
    production = material.production
    if production.served_features is None:
        return None
    return max(production.differing.values(), default=0.0)


def _rescored(material: Material) -> tuple[float, float] | None:
    """The share of scores that are not the offline model's on the served features, and of decisions flipped.

    Where the served features are not known, a score may differ through these.
    """
    if material.production.served_features_score is None:
        return None
    found = rescored(material)
    return None if found is None else (float(found.differ.mean()), float(found.flips.mean()))


def unanswered(material: Material) -> float | None:
    """The share of requests that were answered late, or not properly."""
    late, failed = material.production.fallback, material.failed
    asked = len(material.production) + failed
    if not asked or (late is None and not failed):
        return None
    return (failed + (0 if late is None else int(late.sum()))) / asked


def _labelled(material: Material) -> tuple[float, float] | None:
    """The share with a label among flagged rows and among the others, of rows that are old enough."""
    production = material.production
    old = production.event_ns + np.int64(material.delay_days * 86_400e9) <= material.as_of_ns
    flagged = production.served_score >= material.serving_threshold
    sides = old & flagged, old & ~flagged & np.isfinite(production.served_score)
    if material.why_no_labels or not all(side.any() for side in sides):
        return None
    known = ~np.isnan(production.latest)
    return float(known[sides[0]].mean()), float(known[sides[1]].mean())


def _kappa(material: Material) -> Interval | None:
    production = material.production
    theirs = production.production_label
    if theirs is None:
        return None
    both = ~np.isnan(production.label) & ~np.isnan(theirs)
    seq = np.flatnonzero(both)
    found = label_agreement(production.label[both], theirs[both], one_ids=seq, other_ids=seq)
    return None if math.isnan(found.low) else Interval(value=found.kappa, low=found.low, high=found.high)


def _immature(material: Material) -> float | None:
    """The share of the rows that the dashboard judged before their label was mature."""
    seen, early = material.production.seen_label, material.production.seen_early
    if seen is None or early is None or np.isnan(seen).all():
        return None
    return float(early[~np.isnan(seen)].mean())


def _unlabelled(material: Material) -> tuple[float, float] | None:
    """The share of rows old enough without a label, by the definition that lacks more, and how many may.

    By production's definition rows are old enough that are no younger than its newest label.
    """
    rows = material.production
    if material.why_no_labels:
        return None
    shares = _absent(rows.latest, rows.event_ns <= material.as_of_ns - int(material.delay_days * DAY_NS))
    theirs = rows.production_label
    if theirs is not None and not np.isnan(theirs).all():
        shares += _absent(theirs, rows.event_ns <= rows.event_ns[~np.isnan(theirs)].max())
    return (max(shares), material.max_missing_share) if shares else None


def _absent(label: Floats, old: Mask) -> list[float]:
    """The share of these rows that have no label, where there are any."""
    return [float(np.isnan(label[old]).mean())] if old.any() else []


def _slices(slices: tuple[Slice, ...] | None) -> tuple[str, ...] | None:
    if slices is None:
        return None
    return tuple(named(one) for one in slices if one.confirmed)
