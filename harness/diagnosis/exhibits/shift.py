"""Other rows: whether a classifier tells holdout and production apart, and by which columns."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from harness.diagnosis.drift import drifts, drifts_by_segment
from harness.diagnosis.exhibits.numbers import number, of_interval, table
from harness.diagnosis.exhibits.question import Question
from harness.diagnosis.fair import compared_rows, fair_rows, units
from harness.diagnosis.label_shift import Scored, label_shift
from harness.diagnosis.usual_causes import TELLS_APART

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from harness.diagnosis.domain import Domain
    from harness.diagnosis.drift import ColumnDrift
    from harness.diagnosis.material import Features, Material
    from harness.records import Cell, Exhibit, Number

    Units = tuple[NDArray[np.int64], NDArray[np.int64]] | None
    Texts = tuple[NDArray[np.str_], NDArray[np.str_]]

SEEN, UNSEEN = "covariate_seen", "covariate_unseen"
#: segments with fewer rows on either side are not asked for drift of their own
LEAST_SEGMENT = 200
#: two distributions that are surely no farther apart than this (KS) count as the same
SAME = 0.1
_DRIFT = (
    "feature|segment|PSI:number|chance gives up to:number|p:p|rule of thumb|JS:number|KS:number|"
    "W1 / sd:number|χ² p:p|missing then:share|missing now:share|flagged|why not"
)


def domain(found: Domain | None, why_not: str) -> Exhibit:
    """The domain classifier as the one statistic of all columns together."""
    base = Question(
        key="domain",
        title="Holdout and production told apart",
        question="Are production's rows others than the holdout's, in any way at all?",
        steps=(SEEN, UNSEEN),
    )
    if found is None:
        return base.unchecked(why_not)
    apart = found.auc.lower > TELLS_APART
    used = [(name, gain) for name, gain in found.gain.items() if gain > 0.0]
    answer = (
        f"A classifier tells them apart with AUC {found.auc.value:.3f}, mostly by "
        f"{', '.join(name for name, _ in used[:3]) or 'nothing'}; the overlap leaves "
        f"{100 * found.effective[0]:.0f} % of the holdout and {100 * found.effective[1]:.0f} % of production."
    )
    lines: list[tuple[Cell, ...]] = [
        ("AUC of the domain classifier", of_interval(found.auc)),
        ("share of the holdout in the overlap", number(found.effective[0])),
        ("share of production in the overlap", number(found.effective[1])),
    ]
    return base.answered(
        found=bool(apart),
        answer=answer,
        tables=(
            table("statistic|value:number", lines),
            table("feature|share of what the classifier used:share", used, most=15),
        ),
    )


def drift(material: Material) -> Exhibit:
    """Each feature then and now, by its own null; where segments are there also within each."""
    base = Question(
        key="drift",
        title="Each feature then and now",
        question="Which features have another distribution in production than in the holdout?",
        steps=(SEEN, UNSEEN),
    )
    holdout = material.holdout
    then = None if holdout is None else holdout.fair_features
    if holdout is None or then is None:
        why = material.why_no_holdout or "the holdout has no feature columns"
        return base.unchecked(why)
    there, here = fair_rows(holdout), compared_rows(material.production)
    now = material.production.offline_features
    by_unit = None
    if holdout.unit is not None and material.units_known:
        by_unit = (holdout.unit[there], material.production.unit[here])
    if not (set(then) & set(now) and here.any() and there.any()):
        return base.unchecked("holdout and production have no feature in common, or no row")
    then, now = (
        {name: values[rows] for name, values in side.items()} for side, rows in ((then, there), (now, here))
    )
    found = drifts(then, now, units=by_unit)
    by_segment = _within(then, now, material=material, units=by_unit)
    flagged = [one.name for one in found if one.flagged]
    answer = f"{len(flagged)} of {len(found)} features drifted beyond chance"
    return base.answered(
        found=bool(flagged),
        answer=f"{answer}: {', '.join(flagged[:6])}{' …' if len(flagged) > 6 else ''}."
        if flagged
        else f"{answer}.",
        tables=(
            table(_DRIFT, _lines(found), title="All rows"),
            *([table(_DRIFT, _lines(by_segment), title="Within segments")] if by_segment else []),
        ),
        why_not="" if by_unit else "units are not known in both, so rows are taken as independent",
    )


def _within(then: Features, now: Features, *, material: Material, units: Units) -> list[ColumnDrift]:
    """Drift within each level of the segments that the features of both sides hold."""
    found: list[ColumnDrift] = []
    for name in material.production.segments:
        if name not in then or name not in now:
            continue
        there, here = (np.asarray(side[name], object).astype(str) for side in (then, now))
        found += _of_segment(name, (there, here), then=then, now=now, units=units)
    return found


def _of_segment(
    name: str, levels: Texts, *, then: Features, now: Features, units: Units
) -> list[ColumnDrift]:
    there, here = levels
    large = [
        level
        for level in np.unique(here)
        if min(np.count_nonzero(there == level), np.count_nonzero(here == level)) >= LEAST_SEGMENT
    ]
    if not large:
        return []
    rows = np.isin(there, large), np.isin(here, large)
    mine = None if units is None else (units[0][rows[0]], units[1][rows[1]])
    sides = [
        {column: values[mask] for column, values in side.items() if column != name}
        for side, mask in ((then, rows[0]), (now, rows[1]))
    ]
    return [
        one
        for one in drifts_by_segment(*sides, segments=(there[rows[0]], here[rows[1]]), units=mine)
        if one.flagged
    ]


def _lines(found: Sequence[ColumnDrift]) -> list[tuple[Cell, ...]]:
    """Flagged columns first, by how far PSI lies above what chance gives."""
    return [
        (
            one.name,
            one.segment or None,
            _psi(one),
            None if one.null is None else one.null.q95,
            None if one.null is None else one.null.p,
            one.rule_of_thumb,
            one.jensen_shannon,
            one.ks,
            one.wasserstein_sd,
            one.chi2_p,
            *one.missing,
            one.flagged,
            one.why_not,
        )
        for one in sorted(found, key=_weight)
    ]


def _psi(one: ColumnDrift) -> Number | None:
    return number(one.psi)


def _weight(one: ColumnDrift) -> tuple[bool, float]:
    return not one.flagged, -one.psi if math.isfinite(one.psi) else math.inf


def labels(material: Material) -> Exhibit:
    """Whether only the share of positives moved, by its two tests."""
    base = Question(
        key="label_shift",
        title="Only the share of positives",
        question="Did only the share of positives move, and nothing given the label?",
        steps=(SEEN, "concept", UNSEEN),
    )
    holdout, production = material.holdout, material.production
    if holdout is None or not production.mature.any():
        why = material.why_no_holdout or material.why_no_labels or "no label is mature"
        return base.unchecked(why)
    score = holdout.fair_score
    there = fair_rows(holdout) & ~np.isnan(holdout.label) & np.isfinite(score)
    here = production.mature & np.isfinite(production.offline_score)
    unit = units(holdout, production)
    found = label_shift(
        Scored(labels=holdout.label[there], scores=score[there], units=unit[0][there]),
        Scored(labels=production.label[here], scores=production.offline_score[here], units=unit[1][here]),
    )
    lines: list[tuple[Cell, ...]] = [
        ("positives then", found.base_rates[0], None),
        ("positives now", found.base_rates[1], found.base_rate_p),
        ("scores of positives are the same", None, found.positives_p),
        ("scores of negatives are the same", None, found.negatives_p),
    ]
    tables = (table("what|value:share|p:p", lines),)
    if any(math.isnan(p) for p in (found.base_rate_p, found.positives_p, found.negatives_p)):
        return base.answered("Not checked.", found=None, tables=tables, why_not=found.why_not)
    if found.holds and max(found.apart) > SAME:
        why = f"too few rows: scores given the label may be {max(found.apart):.2f} apart (KS)"
        return base.answered("It cannot be told.", found=None, tables=tables, why_not=why)
    answer = (
        "Yes: it moves precision, log loss and predicted positives, never ROC-AUC."
        if found.holds
        else f"No: {found.why_not}."
    )
    return base.answered(
        found=bool(found.holds),
        answer=answer,
        tables=tables,
    )
