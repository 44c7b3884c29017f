"""Whether the probabilities are right, in the holdout and in production, and what would put them right."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from harness.diagnosis.calibration import (
    calibration_error,
    error_interval,
    log_loss_parts,
    recalibration_line,
    reliability,
    spiegelhalter,
)
from harness.diagnosis.exhibits.numbers import number, table
from harness.diagnosis.exhibits.question import Question
from harness.diagnosis.fair import fair_rows
from harness.diagnosis.material import are_probabilities
from harness.diagnosis.recalibrators import recalibrations
from harness.records import Picture, Series

if TYPE_CHECKING:
    from harness.diagnosis.calibration import Line
    from harness.diagnosis.material import Codes, Floats, Material
    from harness.records import Cell, Exhibit, Number, Table

#: a right model is rejected so often
ALPHA = 0.01
Z95 = 1.959964
#: a calibration error that no reader would mind, however many rows reject it
SMALL = 0.01


@dataclass(frozen=True)
class _Side:
    """Labelled rows with probabilities."""

    name: str
    label: Floats
    score: Floats
    unit: Codes | None


def calibrated(material: Material) -> Exhibit:
    """Reliability, error, tests and the parts of log loss, side by side; and the maps that would mend it."""
    base = Question(
        key="calibration",
        title="Calibration",
        question="Is a score of .3 followed by a positive in 30 % of such rows?",
        steps=("concept", "served_features", "served_scores"),
    )
    sides, why = _sides(material)
    if not sides:
        return base.unchecked(why)
    last = sides[-1]
    line, error = (
        recalibration_line(last.label, last.score, units=last.unit),
        calibration_error(last.label, last.score),
    )
    tested = math.isfinite(line.test.p)
    off = tested and line.test.p <= ALPHA and error.root > SMALL
    ruling = _ruling(last, line) if off else "right on the whole"
    told = f"slope {line.slope:.2f}, error {error.root:.3f}"
    answer = f"In {last.name} probabilities are {ruling}: {told}."
    if not tested:
        answer = f"In {last.name} all scores are {last.score[0]:.3g}, {last.label.mean():.3g} are positive."
        why = "; ".join(filter(None, (why, f"all scores of {last.name} are the same: nothing to test")))
    return base.answered(
        found=bool(off) if tested else None,
        answer=answer,
        tables=(_statistics(sides), _parts(sides), *_maps(material, last)),
        pictures=(_picture(sides),),
        why_not=why,
    )


def _ruling(side: _Side, line: Line) -> str:
    """In which way they are wrong: on the whole where the mean is off beyond its error, else by the slope.

    A slope below 1 is of scores too near 0 and 1, one above 1 of scores too near the share of positives.
    """
    rest = side.label - side.score
    sums = rest if side.unit is None else np.bincount(np.unique(side.unit, return_inverse=True)[1], rest)
    if abs(rest.sum()) > Z95 * math.sqrt(float(np.square(sums).sum())):
        return "too low on the whole" if rest.sum() > 0.0 else "too high on the whole"
    if abs(line.slope - 1.0) > Z95 * line.slope_se:
        return "too extreme" if line.slope < 1.0 else "too timid"
    return "right on the whole but not everywhere"


def _sides(material: Material) -> tuple[list[_Side], str]:
    holdout, production = material.holdout, material.production
    found, why = [], []
    if holdout is None:
        why.append(material.why_no_holdout)
    else:
        score = holdout.fair_score
        rows = fair_rows(holdout) & ~np.isnan(holdout.label) & np.isfinite(score)
        unit = None if holdout.unit is None else holdout.unit[rows]
        found.append(_Side("the holdout", holdout.label[rows], score[rows], unit))
    rows = production.judged
    found.append(
        _Side("production", production.label[rows], production.served_score[rows], production.unit[rows])
    )
    usable = [one for one in found if _usable(one)]
    why += [
        f"{one.name} has no labelled rows of both classes with probabilities"
        for one in found
        if not _usable(one)
    ]
    return usable, "; ".join(text for text in why if text)


def _usable(side: _Side) -> bool:
    return np.unique(side.label).size > 1 and are_probabilities(side.score)


def _statistics(sides: list[_Side]) -> Table:
    lines: list[tuple[Cell, ...]] = []
    for side in sides:
        line = recalibration_line(side.label, side.score, units=side.unit)
        error = calibration_error(side.label, side.score)
        z = spiegelhalter(side.label, side.score)
        lines.append(
            (
                side.name,
                side.label.size,
                error.ece,
                number(error.root, error_interval(side.label, side.score, units=side.unit)),
                _about(line.slope, line.slope_se),
                _about(line.intercept, line.intercept_se),
                line.in_the_large,
                line.test.p,
                z.value,
                z.p,
            )
        )
    return table(
        "rows of|rows:count|ECE, plug-in:number|error, debiased:number|slope:number|intercept:number|"
        "in the large:signed|likelihood ratio p:p|Spiegelhalter z:signed|its p:p",
        lines,
    )


def _about(value: float, se: float) -> Number | None:
    return number(value, (value - Z95 * se, value + Z95 * se))


def _parts(sides: list[_Side]) -> Table:
    lines: list[tuple[Cell, ...]] = []
    for side in sides:
        one = log_loss_parts(side.label, side.score, units=side.unit)
        lines.append((side.name, one.log_loss, one.miscalibration, one.refinement, one.base_rate))
    return table(
        "rows of|log loss:number|miscalibration (recalibrate):signed|refinement (retrain):number|"
        "a constant's:number",
        lines,
        title="Log loss in parts",
    )


def _maps(material: Material, side: _Side) -> list[Table]:
    found = recalibrations(side.label, side.score, units=side.unit, threshold=material.serving_threshold)
    lines: list[tuple[Cell, ...]] = [
        (
            one.kind,
            one.log_loss,
            number(one.gain, (one.gain - Z95 * one.gain_se, one.gain + Z95 * one.gain_se)),
            one.threshold,
        )
        for one in found
    ]
    reaches = f"raw score that reaches {material.serving_threshold:g}:number"
    head = f"map|log loss out of fold:number|gain:signed|{reaches}"
    return [table(head, lines, title=f"Maps fitted on {side.name}, by cross-fit")] if lines else []


def _picture(sides: list[_Side]) -> Picture:
    series = []
    for side in sides:
        one = reliability(side.label, side.score)
        series.append(
            Series(
                name=side.name,
                x=tuple(one.mean_score.tolist()),
                y=tuple(one.positive_rate.tolist()),
                lower=tuple(one.low.tolist()),
                upper=tuple(one.high.tolist()),
                form="points",
            )
        )
    return Picture(
        title="Reliability: what scores promise and what came",
        x="mean score",
        y="share of positives",
        series=tuple(series),
        diagonal=True,
    )
