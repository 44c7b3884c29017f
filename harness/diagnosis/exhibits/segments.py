"""Segments: another mix of them, or worse within; and the worst slices, confirmed on the other half."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from harness.diagnosis.bins import Category, column
from harness.diagnosis.exhibits.numbers import number, table
from harness.diagnosis.exhibits.question import Question
from harness.diagnosis.slices import mix_and_within, worst_slices
from harness.metrics import log_loss_rows

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from harness.diagnosis.material import Features, Floats, Material
    from harness.diagnosis.slices import Slice
    from harness.records import Cell, Exhibit

#: numbers are cut into so many ranges of about equal rows, rare levels put together beyond so many
RANGES, LEVELS = 4, 12
OTHER = "(other)"


def mix(material: Material) -> Exhibit:
    """The change of log loss split by each segment that holdout and production both have."""
    base = Question(
        key="mix_and_within",
        title="Another mix of segments, or worse within them",
        question="Did log loss change because other segments came, or because it changed within them?",
        steps=("covariate_seen", "concept", "covariate_unseen"),
    )
    holdout, production = material.holdout, material.production
    then = None if holdout is None else holdout.fair_features
    names = [] if then is None else [name for name in production.segments if name in then]
    why = "the holdout has none of the capture's segments among its columns"
    if holdout is None or then is None or not names or not production.mature.any():
        why = material.why_no_holdout or material.why_no_labels or why
        return base.unchecked(why)
    score = holdout.rederived[-1].score if holdout.rederived else holdout.score
    there, here = ~np.isnan(holdout.label), production.mature & np.isfinite(production.served_score)
    losses = (
        log_loss_rows(holdout.label[there], score[there]),
        log_loss_rows(production.label[here], production.served_score[here]),
    )
    found = {
        name: mix_and_within(
            (_texts(then[name])[there], losses[0]),
            (_texts(production.offline_features[name])[here], losses[1]),
        )
        for name in names
        if name in production.offline_features
    }
    lines: list[tuple[Cell, ...]] = [
        (name, one.name, one.share[0], one.share[1], one.mean[0], one.mean[1], one.mix, one.within)
        for name, split in found.items()
        for one in split.segments[:8]
    ]
    told = "; ".join(
        f"by {name}, {one.mix:+.3f} of {one.change:+.3f} is another mix" for name, one in found.items()
    )
    return base.answered(
        found=bool(any(abs(one.within) > abs(one.mix) for one in found.values())),
        answer=f"{told}.".capitalize(),
        tables=(
            table(
                "by|segment|share then:share|share now:share|log loss then:number|log loss now:number|"
                "mix:signed|within:signed",
                lines,
            ),
        ),
    )


def worst(material: Material) -> tuple[Exhibit, tuple[Slice, ...] | None]:
    """The slices of production with the highest log loss, found on one half and tested on the other."""
    base = Question(
        key="worst_slices",
        title="The worst slices",
        question="Where in production is the model much worse than elsewhere?",
        steps=("concept", "served_features"),
    )
    production = material.production
    rows = production.mature & np.isfinite(production.served_score)
    if not rows.any():
        why = material.why_no_labels or "no label is mature"
        return base.unchecked(why), None
    fields = binned(production.offline_features, rows) | {
        name: _texts(values)[rows] for name, values in production.segments.items()
    }
    loss = log_loss_rows(production.label[rows], production.served_score[rows])
    found = worst_slices(
        fields, np.maximum(loss, 0.0), units=production.unit[rows], rng=np.random.default_rng(0)
    )
    if not found:
        why = "there are too few units to search on one half and test on the other"
        return base.unchecked(why), None
    confirmed = [one for one in found if one.confirmed]
    lines: list[tuple[Cell, ...]] = [
        (named(one), one.rows, one.units, number(one.excess, (one.low, one.high)), one.p, one.confirmed)
        for one in found
    ]
    answer = (
        f"Confirmed: {'; '.join(named(one) for one in confirmed[:4])}." if confirmed else "None is confirmed."
    )
    return base.answered(
        found=bool(confirmed),
        answer=answer,
        tables=(table("slice|rows:count|units:count|excess log loss:number|p:p|confirmed", lines, most=12),),
    ), found


def named(one: Slice) -> str:
    """A slice in words: "country = PRT, adr = 90 to 120"."""
    return ", ".join(f"{name} = {level}" for name, level in one.fields.items())


def binned(features: Features, rows: NDArray[np.bool_]) -> dict[str, NDArray[np.object_]]:
    """Columns as few levels each: numbers in ranges of about equal rows, frequent texts and the others."""
    found = {}
    for name, values in features.items():
        made = column(values[rows], name)
        cut = _levels(made) if isinstance(made, Category) else _ranges(made)
        if len(set(cut.tolist())) > 1:
            found[name] = cut
    return found


def _ranges(values: Floats) -> NDArray[np.object_]:
    """Ranges between quantiles, by name; few distinct values stay themselves."""
    known = values[np.isfinite(values)]
    distinct = np.unique(known)
    if distinct.size <= RANGES:
        return np.array([f"{v:g}" if math.isfinite(v) else "missing" for v in values.tolist()], object)
    edges = np.unique(np.quantile(known, np.linspace(0, 1, RANGES + 1)[1:-1], method="lower"))
    names = [
        f"below {edges[0]:g}",
        *(f"{low:g} to {high:g}" for low, high in pairwise(edges)),
        f"{edges[-1]:g} or more",
    ]
    place = np.searchsorted(edges, values, side="right")
    found = np.array(names, object)[np.minimum(place, len(names) - 1)]
    found[~np.isfinite(values)] = "missing"
    return found


def _levels(values: Category) -> NDArray[np.object_]:
    rows = np.bincount(values.codes[values.codes >= 0], minlength=len(values.levels))
    kept = set(np.argsort(-rows, kind="stable")[:LEVELS].tolist())
    names = np.array(
        [*(level if k in kept else OTHER for k, level in enumerate(values.levels)), "missing"], object
    )
    return names[values.codes]


def _texts(values: NDArray[np.object_] | Floats) -> NDArray[np.object_]:
    return np.array(["missing" if v is None or v != v else str(v) for v in values.tolist()], object)  # noqa: PLR0124  -- NaN
