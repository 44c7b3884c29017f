"""The newest days, whose labels have not come: an estimate from the scores where its checks allow one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from harness.diagnosis.classifier import cross_fit
from harness.diagnosis.domain import told_apart
from harness.diagnosis.exhibits.numbers import table
from harness.diagnosis.exhibits.question import Question
from harness.diagnosis.material import DAY_NS, matrices
from harness.diagnosis.unlabelled import Domain, Labelled, unlabelled

if TYPE_CHECKING:
    from harness.diagnosis.material import Codes, Material
    from harness.records import Cell, Exhibit

DAYS = 7
#: rows that the classifier looks at, evenly spread
MOST_ROWS = 100_000
#: the share of the mature rows that checks the calibration, the newest ones
NEWEST = 0.2


def window(material: Material) -> Exhibit:
    """The confidence-based estimate for what of the last seven days is not due yet, with its checks."""
    base = Question(
        key="unlabelled",
        title="The days without labels",
        question=f"What can be said of requests of the last {DAYS} days whose labels are not due yet?",
        steps=("label_maturity",),
    )
    production = material.production
    usable = np.isfinite(production.served_score)
    usable &= (production.served_score >= 0.0) & (production.served_score <= 1.0)
    mature = np.flatnonzero(production.mature & usable)
    newest = usable & (production.event_ns > production.event_ns.max(initial=0) - DAYS * DAY_NS)
    due = production.event_ns + np.int64(material.delay_days * DAY_NS) <= material.as_of_ns
    open_ = np.flatnonzero(newest & ~due)
    if not mature.size or not newest.any():
        why = material.why_no_labels or "no label is mature, or nothing was served"
        return base.unchecked(why)
    if not open_.size:
        return base.unchecked(f"all labels of the last {DAYS} days are due")
    order = mature[np.argsort(production.event_ns[mature], kind="stable")]
    order = order[~np.isin(order, open_)]
    cut = max(1, int((1.0 - NEWEST) * order.size))
    reference, latest = order[:cut], order[cut:]
    found = unlabelled(
        _labelled(material, reference),
        _labelled(material, latest) if latest.size else None,
        scores=production.served_score[open_],
        threshold=material.serving_threshold,
        domain=_domain(material, reference, now=open_),
    )
    checks: list[tuple[Cell, ...]] = [(one.name, one.holds, one.sentence) for one in found.checks]
    tables = [table("check|holds|in words", checks)]
    answer = f"No estimate is given: {found.why_not}."
    if found.estimate is not None:
        one = found.estimate
        answer = (
            f"Expected: ROC-AUC {one.roc_auc:.3f}, precision {one.precision:.3f}, recall {one.recall:.3f}."
        )
        lines: list[tuple[Cell, ...]] = [(name, value) for name, value in vars(one).items()]
        tables.append(table("metric|expected:number", lines))
    return base.answered(
        found=None if found.estimate is None else False,
        answer=answer,
        tables=tuple(tables),
        why_not=found.why_not,
    )


def _labelled(material: Material, rows: Codes) -> Labelled:
    production = material.production
    return Labelled(
        labels=production.label[rows], scores=production.served_score[rows], units=production.unit[rows]
    )


def _domain(material: Material, reference: Codes, *, now: Codes) -> Domain | None:
    production = material.production
    if not material.used or not reference.size:
        return None
    rows = np.concatenate([_some(reference), _some(now)])
    (matrix,), _ = matrices(
        [{name: production.offline_features[name][rows] for name in material.used}], material.used
    )
    source = np.repeat([0.0, 1.0], [_some(reference).size, _some(now).size])
    unit = production.unit[rows]
    told = cross_fit(matrix, source, unit=unit)
    found = told_apart(told.inside, source, unit=unit)
    return Domain(auc=found.value, high=found.upper)


def _some(rows: Codes) -> Codes:
    if rows.size <= MOST_ROWS:
        return rows
    return rows[np.linspace(0, rows.size - 1, MOST_ROWS).astype(np.int64)]
