"""All parts of a diagnosis put together: the ladder, the evidence for each step, causes, remedies."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from harness.diagnosis import fair, sampled
from harness.diagnosis.concept import where_changed
from harness.diagnosis.domain import Rows, compare
from harness.diagnosis.exhibits import (
    calibration,
    causes,
    gaps,
    labels,
    leakage,
    segments,
    shift,
    skew,
    threshold,
    unlabelled,
)
from harness.diagnosis.exhibits import concept as concepts
from harness.diagnosis.ladder import climb, clusters_of
from harness.diagnosis.material import matrices
from harness.diagnosis.remedying import remedied
from harness.diagnosis.rows import Holdout, Production
from harness.diagnosis.samples import REPEATED, UNTIMELY
from harness.diagnosis.shapley import shares
from harness.diagnosis.thin import columns_of, thin_steps

if TYPE_CHECKING:
    from collections.abc import Callable

    from harness.diagnosis.domain import Domain
    from harness.diagnosis.ladder import Ladder
    from harness.diagnosis.material import HoldoutRows, Mask, Material
    from harness.records import CheckedCause, Exhibit, HoldoutUses, MetricGap, Remedy

#: rows of either side that the classifiers are fitted on, evenly spread
MOST_ROWS = 50_000
#: fewer rows or units than this on a side, and nothing tells the sides apart
LEAST_ROWS, LEAST_UNITS = 100, 10


@dataclass(frozen=True, kw_only=True)
class Parts:
    """What a diagnosis found, without its head."""

    metrics: tuple[MetricGap, ...]
    exhibits: tuple[Exhibit, ...]
    causes: tuple[CheckedCause, ...]
    remedies: tuple[Remedy, ...]
    uses: HoldoutUses | None
    ladder: Ladder
    domain: Domain | None


def diagnose(material: Material, *, say: Callable[[str], None]) -> Parts:
    """Everything that the material allows; what it does not says why, and stops nothing."""
    holdout = None if material.holdout is None else _holdout(material.holdout)
    production = _production(material)
    say("diagnosis: holdout and production told apart")
    sides = _sides(material)
    why, domain, concept = sides if isinstance(sides, str) else "", None, None
    if not isinstance(sides, str):
        domain = compare(sides.holdout, sides.production, names=sides.names)
        say("diagnosis: where the label given the features changed")
        concept = where_changed(sides.holdout, sides.production, names=sides.names, levels=sides.levels)
    if domain is not None and holdout is not None:
        holdout = replace(holdout, overlap=domain.holdout)
        production = replace(production, overlap=domain.production)
    say("diagnosis: the gap in parts")
    ladder = climb(holdout, production, thresholds=material.thresholds)
    clusters = clusters_of(holdout, production)
    found = shares(production, thresholds=material.thresholds, unit=clusters.production)
    say("diagnosis: the evidence for each part")
    slices, confirmed = segments.worst(material)
    mixed, within = segments.mix(material)
    say("diagnosis: each remedy replayed")
    remedies = remedied(material)
    return Parts(
        metrics=_with_reasons(gaps.gaps(ladder, found), material),
        exhibits=sampled.told(
            (
                leakage.reported(material),
                leakage.rows(material),
                *leakage.columns(material),
                leakage.transforms(material),
                shift.domain(domain, why),
                shift.drift(material),
                shift.labels(material),
                concepts.changed(concept, why),
                mixed,
                slices,
                skew.features(material),
                skew.scores(material),
                calibration.calibrated(material),
                threshold.curve(material),
                threshold.capacity(material),
                threshold.flagged(material),
                labels.delay(material),
                labels.silence(material),
                labels.agreement(material),
                labels.missing(material),
                unlabelled.window(material),
            ),
            material,
        ),
        causes=causes.checked(material, ladder, domain=domain, slices=confirmed, within=within),
        remedies=remedies,
        uses=leakage.uses(material),
        ladder=ladder,
        domain=domain,
    )


def _holdout(rows: HoldoutRows) -> Holdout:
    """The ladder's holdout; a filter that would leave too few rows is not applied."""
    checks = fair.evaluations(rows)
    early = fair.left_out(checks, UNTIMELY)
    return Holdout(
        label=rows.label,
        score=rows.score,
        unit=rows.unit,
        time_ns=rows.time_ns,
        trained_until_ns=None if early is None else rows.trained_until_ns,
        repeated=fair.left_out(checks, REPEATED),
        rederived=rows.rederived,
    )


def _production(material: Material) -> Production:
    rows = replace(material.production, **columns_of(thin_steps(material)))
    return Production(
        offline_score=rows.offline_score,
        label=None if material.why_no_labels else rows.label,
        unit=rows.unit,
        time_ns=rows.event_ns,
        served_features_score=rows.served_features_score,
        served_score=rows.served_score,
        production_label=rows.production_label,
        seen_label=rows.seen_label,
        joined=rows.joined,
        exposed=rows.exposed,
        weight=rows.weight,
    )


@dataclass(frozen=True, kw_only=True)
class _Sides:
    """Both populations in one coding of the features that they share, to be told apart."""

    holdout: Rows
    production: Rows
    names: tuple[str, ...]
    levels: dict[str, tuple[str, ...]]


def _sides(material: Material) -> _Sides | str:
    """The rows to compare; or why there are none."""
    rows = material.holdout
    features = None if rows is None else rows.fair_features
    if rows is None:
        return material.why_no_holdout
    if features is None:
        return "the holdout has no feature columns"
    names = [name for name in material.used if name in features]
    if not names:
        return "the holdout has none of the features that the model uses"
    production = material.production
    usable = fair.fair_rows(rows) & ~np.isnan(rows.label)
    sides = _some(usable), _some(fair.compared_rows(production))
    if min(int(side.sum()) for side in sides) < LEAST_ROWS:
        return f"a side has fewer than {LEAST_ROWS} rows to compare"
    unit = fair.units(rows, production)
    if min(np.unique(codes[side]).size for codes, side in zip(unit, sides, strict=True)) < LEAST_UNITS:
        return f"a side has fewer than {LEAST_UNITS} units: none could judge what the others taught"
    (there, here), levels = matrices([features, production.offline_features], names)
    return _Sides(
        holdout=Rows(features=there, label=rows.label, unit=unit[0], used=sides[0]),
        production=Rows(
            features=here, label=production.label, unit=unit[1], used=sides[1], weight=production.weight
        ),
        names=tuple(names),
        levels=levels,
    )


def _some(rows: Mask) -> Mask:
    """At most `MOST_ROWS` of these rows, evenly spread."""
    place = np.flatnonzero(rows)
    if place.size <= MOST_ROWS:
        return rows
    chosen = np.zeros(rows.size, dtype=bool)
    chosen[place[np.linspace(0, place.size - 1, MOST_ROWS).astype(np.int64)]] = True
    return chosen


def _with_reasons(found: tuple[MetricGap, ...], material: Material) -> tuple[MetricGap, ...]:
    """A step that the holdout's rows did not allow says so in words of these rows."""
    reasons = _reasons(material)
    told = (gaps.reasoned(one, reasons) for one in found)
    if material.holdout is not None:
        return tuple(told)
    reported = material.config.reported
    return tuple(gaps.as_given(one, reported.get(one.metric)) for one in told)


def _reasons(material: Material) -> dict[str, str]:
    thin = thin_steps(material)
    if material.holdout is None:
        return thin | ({"reported": material.why_no_holdout} if material.why_no_holdout else {})
    checks = fair.evaluations(material.holdout)
    return thin | {step: why for step in (REPEATED, UNTIMELY) if (why := fair.why_not(checks, step))}
