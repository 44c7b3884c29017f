"""What the threshold does: precision against recall, cost, the reviewers' day, and rows flagged."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from harness.diagnosis.counterfactuals import Counterfactual
from harness.diagnosis.exhibits.numbers import figure, number, table
from harness.diagnosis.exhibits.question import Question
from harness.diagnosis.queues import Limits, judged, volume
from harness.diagnosis.rethresholding import saving, threshold_within
from harness.diagnosis.thresholds import (
    Column,
    capacity_threshold,
    costs,
    operating,
    precision_recall,
    queue,
    share_parts,
)
from harness.records import Mark, Picture, Series

if TYPE_CHECKING:
    from collections.abc import Iterator

    from harness.diagnosis.material import Floats, Mask, Material
    from harness.diagnosis.thresholds import Costs, Queue
    from harness.records import Cell, Exhibit, Table

STEPS = ("serving_threshold",)
POINTS = 200


def curve(material: Material) -> Exhibit:
    """The precision-recall curve of production with the point that is served, and the cost curve."""
    base = Question(
        key="threshold",
        title="The threshold",
        question="What does the serving threshold buy, and which other would do better?",
        steps=STEPS,
    )
    rows = material.production.judged
    if not rows.any():
        why = material.why_no_labels or "no label is mature"
        return base.unchecked(why)
    label, score = material.production.label[rows], material.production.served_score[rows]
    at = material.serving_threshold
    made = precision_recall(label, score, threshold=at, points=POINTS)
    serving = made.serving
    picture = Picture(
        title="Precision against recall in production",
        x="recall",
        y="precision",
        series=(Series(name="production", x=_list(made.recall), y=_list(made.precision), form="step"),),
        marks=(Mark(name=f"served at {at:g}", x=_one(serving.recall), y=_one(serving.precision)),),
    )
    cost, why = _costs(material, label, score=score)
    lines = [_line("served", label, score=score, at=at)]
    if material.thresholds.offline != at:
        lines.append(_line("offline threshold", label, score=score, at=material.thresholds.offline))
    answer = f"At {at:g} precision is {figure(serving.precision)}, recall {figure(serving.recall)}"
    pictures = [picture]
    if cost is not None:
        lines.append(_line("cheapest", label, score=score, at=cost.best_threshold))
        pictures.append(_cost_picture(cost, at))
        answer += f"; {_saved(material, cost)}"
    moved = material.thresholds.offline != at
    return base.answered(
        found=bool(moved),
        answer=f"{answer}.",
        tables=(table("threshold|at:number|precision:number|recall:number|flagged:share", lines),),
        pictures=tuple(pictures),
        why_not=why,
    )


def _saved(material: Material, cost: Costs) -> str:
    """What the cheapest threshold saves, where that is beyond chance when it is chosen on other units."""
    production, config = material.production, material.config
    now = Counterfactual(
        key="now",
        action="as it is",
        score=production.served_score,
        threshold=material.serving_threshold,
        label=production.label,
    )
    found = saving(
        now,
        unit=production.unit,
        false_alarm=config.false_alarm_cost or 0.0,
        miss=config.miss_cost or 0.0,
    )
    if math.isnan(found.value):
        return "too few units to tell what another would cost"
    if found.low <= 0.0:
        return "no other surely costs less"
    best = f"at {cost.best_threshold:.3g}" if math.isfinite(cost.best_threshold) else "with none flagged"
    return f"{best} a request would cost {found.value:.3g} less ({found.low:.3g} to {found.high:.3g})"


def _line(name: str, label: Floats, *, score: Floats, at: float) -> tuple[Cell, ...]:
    found = operating(label, score, threshold=at)
    return (name, at, found.precision, found.recall, found.flagged)


def _costs(material: Material, label: Floats, *, score: Floats) -> tuple[Costs | None, str]:
    config = material.config
    if config.false_alarm_cost is None or config.miss_cost is None:
        return None, "no cost curve: [diagnosis] has no false_alarm_cost and miss_cost"
    found = costs(
        label,
        score,
        threshold=material.serving_threshold,
        false_alarm=config.false_alarm_cost,
        miss=config.miss_cost,
    )
    return found, ""


def _cost_picture(cost: Costs, at: float) -> Picture:
    keep = np.unique(np.linspace(0, cost.thresholds.size - 1, POINTS).astype(int))
    keep = keep[np.isfinite(cost.thresholds[keep])]
    return Picture(
        title="Cost of a request by threshold",
        x="threshold",
        y="mean cost",
        series=(Series(name="production", x=_list(cost.thresholds[keep]), y=_list(cost.cost[keep])),),
        marks=(
            Mark(name=f"served at {at:g}", x=at, y=cost.serving_cost),
            Mark(name="cheapest", x=_one(cost.best_threshold), y=cost.best_cost),
        ),
    )


def capacity(material: Material) -> Exhibit:
    """What reviewers get a day at the serving threshold, and the threshold that their capacity allows."""
    base = Question(
        key="capacity",
        title="The reviewers' day",
        question="Can reviewers take what is flagged, and where would their capacity put the threshold?",
        steps=STEPS,
    )
    production, per_day = material.production, material.config.capacity_per_day
    rows, limits = np.isfinite(production.served_score), Limits.given(material.config)
    if per_day is None or limits is None or not rows.any():
        why = (
            "no capacity was given ([diagnosis] capacity_per_day)"
            if per_day is None
            else "nothing was served"
        )
        return base.unchecked(why)
    score, day = production.served_score[rows], production.day[rows]
    at = material.serving_threshold
    cuts = {
        "served": at,
        "within capacity on average": capacity_threshold(score, day, per_day=per_day),
        "within all limits": threshold_within(score, day, limits=limits),
    }
    found = {name: _queue(material, rows, at=cut) for name, cut in cuts.items() if math.isfinite(cut)}
    lines: list[tuple[Cell, ...]] = [
        (name, one.threshold, one.a_day, one.busiest, one.days_over, one.days, one.precision, one.recall)
        for name, one in found.items()
    ]
    served, made = found["served"], volume(score >= at, day, limits=limits)
    return base.answered(
        found=judged(made, limits)[0] == "broken",
        answer=f"At {at:g} reviewers get {served.a_day:.1f} a day and can take {per_day:g}; "
        f"on a busy day {made.busy_day:g}, where {limits.busy_day:g} may be.",
        tables=(
            table(
                "threshold|at:number|flagged a day:number|busiest day:count|days above:count|days:count|"
                "precision:number|recall:number",
                lines,
            ),
            *_by_segment(material, rows, at=at),
        ),
    )


def _queue(material: Material, rows: Mask, *, at: float, segment: str | None = None) -> Queue:
    production = material.production
    return queue(
        production.served_score[rows],
        production.day[rows],
        threshold=at,
        per_day=material.config.capacity_per_day or math.inf,
        segments=None if segment is None else production.segments[segment][rows],
        labels=production.label[rows],
    )


def _by_segment(material: Material, rows: Mask, *, at: float) -> Iterator[Table]:
    for name in material.production.segments:
        found = _queue(material, rows, at=at, segment=name).expected
        lines = sorted(found.items(), key=lambda pair: -pair[1])
        yield table(f"{name}|flagged a day:number", lines, title=f"Expected queue by {name}", most=12)


def flagged(material: Material) -> Exhibit:
    """Why the share of predicted positives is another in production than in the holdout, step by step."""
    base = Question(
        key="predicted_positives",
        title="Predicted positives",
        question="Why does production flag another share of the rows than the holdout?",
        steps=("covariate_seen", "served_features", "served_scores", "serving_threshold"),
    )
    holdout = material.holdout
    if holdout is None:
        return base.unchecked(material.why_no_holdout)
    steps = [*_columns(material)]
    if not all(np.size(one.scores) for one in steps):
        return base.unchecked("no row of the holdout, or no request, has all the scores to compare")
    found = share_parts(steps)
    shares = [float((np.asarray(one.scores) >= one.threshold).mean()) for one in steps]
    lines: list[tuple[Cell, ...]] = [(steps[0].name, shares[0], None)]
    lines += [
        (one.name, now, number(one.change, (one.low, one.high)))
        for one, now in zip(found, shares[1:], strict=True)
    ]
    moved = any(one.low > 0.0 or one.high < 0.0 for one in found)
    unsure = any(math.isnan(one.low) for one in found)
    largest = max(found, key=lambda one: abs(one.change))
    return base.answered(
        found=None if unsure and not moved else moved,
        answer=f"{100 * shares[0]:.1f} % → {100 * shares[-1]:.1f} %; most of it at: {largest.name} "
        f"({100 * largest.change:+.1f} points).",
        tables=(table("step|flagged:share|change:signed", lines),),
        why_not="a single unit cannot tell how far units differ" if unsure else "",
    )


def _columns(material: Material) -> Iterator[Column]:
    """The holdout's scores, then production's with one more thing as it is served."""
    holdout, production = material.holdout, material.production
    offline, serving = material.thresholds.offline, material.serving_threshold
    if holdout is not None:
        there = np.isfinite(holdout.score)
        unit = None if holdout.unit is None else holdout.unit[there]
        yield Column(
            name="reported holdout",
            scores=holdout.score[there],
            threshold=offline,
            rows="holdout",
            units=unit,
        )
        if holdout.rederived:
            last = holdout.rederived[-1].score[there]
            yield Column(
                name="columns as at request time", scores=last, threshold=offline, rows="holdout", units=unit
            )
    known = np.isfinite(production.offline_score) & np.isfinite(production.served_score)
    served = production.served_features_score
    if served is not None:
        known &= np.isfinite(served)
    steps = [("production's rows", production.offline_score, offline)]
    steps += [("served features", served, offline)] if served is not None else []
    steps += [("served scores", production.served_score, offline)]
    steps += [("serving threshold", production.served_score, serving)]
    for name, scores, at in steps:
        yield Column(
            name=name, scores=scores[known], threshold=at, rows="production", units=production.unit[known]
        )


def _list(values: Floats) -> tuple[float, ...]:
    return tuple(float(v) for v in np.nan_to_num(values))


def _one(value: float) -> float | None:
    return value if math.isfinite(value) else None
