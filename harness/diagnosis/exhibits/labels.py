"""How late, how complete, how alike the labels are; and what early labels would make one believe."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import ndtri

from harness.diagnosis.delays import arrival_curve, estimates, ripeness, three_readings
from harness.diagnosis.delong import delong
from harness.diagnosis.exhibits.numbers import figure, number, share, table
from harness.diagnosis.exhibits.question import Question
from harness.diagnosis.label_quality import label_agreement, worst_case
from harness.diagnosis.material import DAY_NS, are_probabilities
from harness.diagnosis.usual_causes import LEAST_KAPPA
from harness.records import Mark, Picture, Series

if TYPE_CHECKING:
    from harness.diagnosis.delays import DelayCurve, Estimates
    from harness.diagnosis.delong import Auc
    from harness.diagnosis.material import Floats, Mask, Material
    from harness.records import Cell, Exhibit, Table

STEPS = ("label_maturity",)
#: what a dashboard might wait for, in days
WINDOWS = (1.0, 7.0, 14.0, 30.0, 60.0, 90.0)
#: what most dashboards wait for
USUAL = 7.0
#: an AUC that early labels move by so much, and beyond chance, misleads
MISLEADS = 0.02
POINTS = 200
_HEAD = "labels|rows:count|positive:share|ROC-AUC:number|log loss:number|precision:number|recall:number"


def ages_and_delays(material: Material) -> tuple[Floats, Floats]:
    """Days since each request, and days until its label came, NaN where it has not."""
    production = material.production
    age = (material.as_of_ns - production.event_ns) / DAY_NS
    delay = (production.label_ns - production.event_ns) / DAY_NS
    return age, np.where(np.isnan(production.latest), np.nan, np.maximum(delay, 0.0))


def delay(material: Material) -> Exhibit:
    """The delay curve, the window that it asks for, the watermark, and what early labels say."""
    base = Question(
        key="label_delay",
        title="Labels come late",
        question="How long do labels take, and what would the early ones alone make one believe?",
        steps=STEPS,
    )
    age, came = ages_and_delays(material)
    if np.isnan(came).all():
        why = material.why_no_labels or "no label has come"
        return base.unchecked(why)
    curve = arrival_curve(np.maximum(age, 0.0), came)
    ripe = ripeness(
        np.maximum(age, 0.0),
        material.production.latest,
        curve=curve,
        as_of=material.as_of_ns / DAY_NS,
    )
    lines, trap = _windows(material, came)
    compared = trap is not None
    window = ripe.window_days
    known = (
        f"99 % of the requests have their label after {window:.1f} days"
        if math.isfinite(window)
        else f"{share(curve.share[-1])} of the requests have their label after {curve.days[-1]:.1f} days, "
        "the others none so far"
    )
    told = trap or "Early labels tell the same, up to chance."
    return base.answered(
        found=bool(trap) if compared else None,
        answer=f"{known}. {told if compared else ''}".rstrip(),
        tables=(
            table(_HEAD, lines, title="What the dashboard would say, by the labels it waits for"),
            _ripe(material, ripe_days=window),
        ),
        pictures=(_curve(curve, window),),
        why_not="" if compared else "early labels, or mature ones, are too few of a class for a ROC-AUC",
    )


def _windows(material: Material, came: Floats) -> tuple[list[tuple[Cell, ...]], str | None]:
    """Metrics on labels that came within each window, then on mature rows; and the trap in words.

    The trap is "" where there is none, None where no window can be compared with the mature rows.
    """
    production = material.production
    asked = material.config.dashboard_days
    longest = np.nanmax(came)
    days = sorted({*(day for day in WINDOWS if day < longest), *((asked,) if asked else ())})
    mature = _estimates(material, production.mature, label=production.label)
    told: dict[float, str] = {}
    truly = _auc(material, production.mature, label=production.label)
    lines, compared = [], not days and math.isfinite(mature.roc_auc)
    for window in days:
        rows = came <= window
        if not rows.any():
            continue
        one = _estimates(material, rows, label=production.latest)
        lines.append(_line(f"come within {window:g} days", one))
        early_auc = _auc(material, rows, label=production.latest)
        compared |= math.isfinite(early_auc.se + truly.se)
        if _misleads(early_auc, truly, tries=len(days)) > 0.0:
            early = f"On labels that came within {window:g} d ROC-AUC is {one.roc_auc:.3f}"
            told[window] = f"{early}, on mature ones {mature.roc_auc:.3f}: the early ones flatter."
    lines.append(_line(f"mature ({material.delay_days:g} days)", mature))
    first = next(iter(told.values()), "" if compared else None)
    return lines, told.get(asked or USUAL, first)


def _misleads(early: Auc, mature: Auc, *, tries: int = 1) -> float:
    """Early minus mature where that is large and beyond chance, else 0; `tries` such are looked at at once.

    Errors are added as if the rows were others: early rows are mostly mature ones too, so that is careful.
    """
    away = early.value - mature.value
    reach = -float(ndtri(0.025 / max(tries, 1))) * math.hypot(early.se, mature.se)
    return away if abs(away) > max(MISLEADS, reach) and math.isfinite(reach) else 0.0


def _auc(material: Material, rows: Mask, *, label: Floats) -> Auc:
    known = _known(material, rows, label=label)
    return delong(label[known], material.production.served_score[known])


def _known(material: Material, rows: Mask, *, label: Floats) -> Mask:
    known: Mask = rows & ~np.isnan(label) & np.isfinite(material.production.served_score)
    return known


def _estimates(material: Material, rows: Mask, *, label: Floats) -> Estimates:
    score = material.production.served_score
    known = _known(material, rows, label=label)
    truth = label[known]
    return estimates(score[known], truth, negatives=1.0 - truth, threshold=material.serving_threshold)


def _line(name: str, one: Estimates) -> tuple[Cell, ...]:
    return (name, one.rows, one.base_rate, one.roc_auc, one.log_loss, one.precision, one.recall)


def _ripe(material: Material, *, ripe_days: float) -> Table:
    production = material.production
    age, _ = ages_and_delays(material)
    old = age >= material.delay_days
    lines: list[tuple[Cell, ...]] = [
        ("old enough, with a label", int((old & ~np.isnan(production.latest)).sum())),
        ("old enough, without one", int((old & np.isnan(production.latest)).sum())),
        ("too young", int((~old).sum())),
    ]
    title = f"Requests by age; a label counts as final after {material.delay_days:g} days"
    if math.isfinite(ripe_days):
        title += f", the data say {ripe_days:.1f}"
    until = material.as_of_ns - int(material.delay_days * DAY_NS)
    title += f"; labels are complete for requests up to {np.datetime64(until // 10**9, 's')}Z"
    return table("requests|rows:count", lines, title=title)


def _curve(curve: DelayCurve, window: float) -> Picture:
    keep = np.unique(np.linspace(0, curve.days.size - 1, POINTS).astype(int))
    return Picture(
        title="Share of requests whose label has come, by age",
        x="days after the request",
        y="share of requests",
        series=(
            Series(
                name="labels",
                x=tuple(curve.days[keep].tolist()),
                y=tuple(curve.share[keep].tolist()),
                form="step",
            ),
        ),
        marks=(Mark(name="99 %", x=window, y=0.99),) if math.isfinite(window) else (),
    )


def silence(material: Material) -> Exhibit:
    """Silence read as negative, mature rows only, and rows weighted by how much of their label is due."""
    base = Question(
        key="silence",
        title="Silence read as negative",
        question="What if a request without a positive label so far is counted as negative?",
        steps=STEPS,
    )
    production = material.production
    age, came = ages_and_delays(material)
    rows = (age >= 0.0) & np.isfinite(production.served_score)
    positive = rows & (production.latest == 1.0)
    if not positive.any():
        why = material.why_no_labels or "no positive label has come"
        return base.unchecked(why)
    curve = arrival_curve(age[rows], came[rows])
    found = three_readings(
        positive[rows].astype(np.float64),
        production.served_score[rows],
        ages=age[rows],
        curve=curve,
        threshold=material.serving_threshold,
    )
    # Mature is what is mature everywhere else: a label, and its time is over.
    mature = _estimates(material, production.mature, label=production.label)
    named = (
        ("silence as negative", found.as_seen),
        ("mature rows only", mature),
        ("weighted by the delay", found.weighted),
    )
    auc = delong(positive[rows].astype(np.float64), production.served_score[rows])
    truly = _auc(material, production.mature, label=production.label)
    tables = (table(_HEAD, [_line(name, one) for name, one in named if one.rows]),)
    if math.isnan(auc.se + truly.se):
        why = material.why_no_labels or "the labels, or the mature ones, are of one class"
        return base.answered("Not checked.", found=None, tables=tables, why_not=why)
    return base.answered(
        found=_misleads(auc, truly) != 0.0,
        answer=f"ROC-AUC would read {found.as_seen.roc_auc:.3f}; "
        f"the {mature.rows:,} mature rows say {mature.roc_auc:.3f}.",
        tables=tables,
    )


def agreement(material: Material) -> Exhibit:
    """The two label definitions on the requests that both have, with kappa."""
    base = Question(
        key="label_definition",
        title="Two definitions of the label",
        question="Do the offline label and production's mean the same?",
        steps=("label_definition",),
    )
    production = material.production
    theirs = production.production_label
    if theirs is None:
        why = "production's definition was not given ([diagnosis] production_outcome)"
        return base.unchecked(why)
    mine, other = ~np.isnan(production.label), ~np.isnan(theirs)
    if not (mine & other).any():
        return base.unchecked(material.why_no_labels or "no request has a mature label by both definitions")
    seq = np.arange(len(production))
    found = label_agreement(production.label[mine], theirs[other], one_ids=seq[mine], other_ids=seq[other])
    lines: list[tuple[Cell, ...]] = [
        ("offline negative", *found.table[0]),
        ("offline positive", *found.table[1]),
    ]
    unsure = math.isnan(found.high)
    return base.answered(
        found=None if unsure else bool(found.high < LEAST_KAPPA),
        why_not="by one definition all labels are of one class" if unsure else "",
        answer=f"They agree on {100 * found.agree:.1f} % of {found.rows:,} requests, "
        f"kappa {figure(found.kappa)}.",
        tables=(
            table("definition|production negative:count|production positive:count", lines),
            table(
                "what|value:number",
                [
                    ("kappa", number(found.kappa, (found.low, found.high))),
                    ("only the offline label", found.only_one),
                    ("only production's label", found.only_other),
                ],
            ),
        ),
    )


def missing(material: Material) -> Exhibit:
    """What missing labels of rows that are old enough could do at worst."""
    base = Question(
        key="missing_labels",
        title="Labels that never came",
        question="How far could the metrics be off were the missing labels the worst ones?",
        steps=("join_loss", "exposure"),
    )
    production = material.production
    age, _ = ages_and_delays(material)
    rows = (age >= material.delay_days) & np.isfinite(production.served_score)
    label, score = production.label[rows], production.served_score[rows]
    gone = np.isnan(label)
    is_probability = are_probabilities(score)
    if not rows.any() or gone.all() or not is_probability:
        why = material.why_no_labels or "no label is mature"
        why = why if is_probability else "the served scores are no probabilities"
        return base.unchecked(why)
    found = worst_case(label, score, threshold=material.serving_threshold)
    lines = [(name, bounds.low, bounds.high) for name, bounds in found.bounds.items()]
    return base.answered(
        found=bool(gone.any()),
        answer=f"{np.count_nonzero(gone):,} of {gone.size:,} requests that are old enough have no label.",
        tables=(table("metric|at least:number|at most:number", lines),),
    )
