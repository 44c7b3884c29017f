"""Segments: another mix of them, or worse within; and the worst slices, confirmed on the other half."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import ndtri

from harness.diagnosis.bins import Category, column
from harness.diagnosis.exhibits.numbers import number, table
from harness.diagnosis.exhibits.question import Question
from harness.diagnosis.fair import fair_rows, units
from harness.diagnosis.material import are_probabilities, digits
from harness.diagnosis.slices import LEAST_UNITS, mix_and_within, worst_slices
from harness.diagnosis.usual_causes import Interval
from harness.metrics import log_loss_rows

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from harness.diagnosis.material import Codes, Features, Floats, Mask, Material
    from harness.diagnosis.slices import MixAndWithin, Slice
    from harness.records import Cell, Exhibit

#: numbers are cut into so many ranges of about equal rows, rare levels put together beyond so many
RANGES, LEVELS = 4, 12
OTHER = "(other)"
NO_LOSS = "{} has no labelled rows with probabilities"


def mix(material: Material) -> tuple[Exhibit, Interval | None]:
    """The change of log loss split by each segment that both have, and the change within the worst."""
    base = Question(
        key="mix_and_within",
        title="Another mix of segments, or worse within them",
        question="Did log loss change because other segments came, or because it changed within them?",
        steps=("covariate_seen", "concept", "covariate_unseen"),
    )
    losses = _losses(material)
    if isinstance(losses, str):
        return base.unchecked(losses), None
    then = {} if material.holdout is None else material.holdout.fair_features or {}
    now = material.production.offline_features
    found = {
        name: mix_and_within(
            (_texts(then[name])[losses[0].rows], losses[0].loss),
            (_texts(now[name])[losses[1].rows], losses[1].loss),
            units=(losses[0].unit, losses[1].unit),
            weights=(losses[0].weight, losses[1].weight),
        )
        for name in material.production.segments
        if name in then and name in now
    }
    if not found:
        return base.unchecked("the holdout has none of the capture's segments among its columns"), None
    lines: list[tuple[Cell, ...]] = [
        (name, one.name, one.share[0], one.share[1], one.mean[0], one.mean[1], one.mix, one.within)
        for name, split in found.items()
        for one in split.segments[:8]
    ]
    # As many intervals as segments hold at once (Bonferroni).
    z = -float(ndtri(0.025 / len(found)))
    within = {name: _within(one, z) for name, one in found.items()}
    told = "; ".join(
        f"by {name}, {one.mix:+.3f} of {one.change:+.3f} is another mix and {one.within:+.3f}"
        f"{f' [{made.low:+.3f}, {made.high:+.3f}]' if (made := within[name]) else ''} is within"
        for name, one in found.items()
    )
    known = [one for one in within.values() if one is not None]
    worst_within = max(known, key=lambda one: one.low, default=None)
    return base.answered(
        found=None if worst_within is None else worst_within.low > 0.0,
        answer=f"{told[0].upper()}{told[1:]}.",
        why_not="" if known else "there are too few units to tell how far units differ",
        tables=(
            table(
                "by|segment|share then:share|share now:share|log loss then:number|log loss now:number|"
                "mix:signed|within:signed",
                lines,
            ),
        ),
    ), worst_within


def _within(one: MixAndWithin, z: float) -> Interval | None:
    if math.isnan(one.within_se):
        return None
    half = z * one.within_se
    return Interval(value=one.within, low=one.within - half, high=one.within + half)


@dataclass(frozen=True)
class _Losses:
    """The rows of a side that can be judged, with the log loss, the unit and the weight of each."""

    rows: Mask
    loss: Floats
    unit: Codes
    weight: Floats


def _losses(material: Material) -> tuple[_Losses, _Losses] | str:
    """Log loss by row in the holdout, leaks put right, and in production; or why not."""
    holdout = material.holdout
    if holdout is None:
        return material.why_no_holdout
    production, score = material.production, holdout.fair_score
    rows = fair_rows(holdout) & ~np.isnan(holdout.label) & np.isfinite(score)
    codes = units(holdout, production)
    there = _lost(holdout.label, score, rows=rows, unit=codes[0])
    here = _lost(
        production.label,
        production.served_score,
        rows=production.judged,
        unit=codes[1],
        weight=production.weight,
    )
    if here is None:
        return material.why_no_labels or NO_LOSS.format("production")
    return NO_LOSS.format("the holdout") if there is None else (there, here)


def _lost(
    label: Floats, score: Floats, *, rows: Mask, unit: Codes, weight: Floats | None = None
) -> _Losses | None:
    """The losses of these rows; None where there is no row, or a score is no probability."""
    if not rows.any() or not are_probabilities(score[rows]):
        return None
    kept = np.ones(int(np.count_nonzero(rows))) if weight is None else weight[rows]
    return _Losses(rows, np.maximum(log_loss_rows(label[rows], score[rows]), 0.0), unit[rows], kept)


def worst(material: Material) -> tuple[Exhibit, tuple[Slice, ...] | None]:
    """The slices of production with the highest log loss, found on one half and tested on the other."""
    base = Question(
        key="worst_slices",
        title="The worst slices",
        question="Where in production is the model much worse than elsewhere?",
        steps=("concept", "served_features"),
    )
    production = material.production
    lost = _lost(
        production.label,
        production.served_score,
        rows=production.judged,
        unit=production.unit,
        weight=production.weight,
    )
    if lost is None:
        return base.unchecked(material.why_no_labels or NO_LOSS.format("production")), None
    rows = lost.rows
    fields = binned(production.offline_features, rows) | {
        name: _texts(values)[rows] for name, values in production.segments.items()
    }
    found = worst_slices(
        fields, lost.loss, units=production.unit[rows], rng=np.random.default_rng(0), weight=lost.weight
    )
    if np.unique(production.unit[rows]).size < 2 * LEAST_UNITS:
        why = "there are too few units to search on one half and test on the other"
        return base.unchecked(why), None
    if not found:
        return base.answered("None loses more than the others by enough to be tested.", found=False), ()
    confirmed = [one for one in found if one.confirmed]
    lines: list[tuple[Cell, ...]] = [
        (
            named(one),
            one.rows,
            one.units,
            *([] if production.weight is None else [one.share]),
            number(one.excess, (one.low, one.high)),
            one.p,
            one.confirmed,
        )
        for one in found
    ]
    share = "" if production.weight is None else "share of traffic:share|"
    heads = f"slice|rows:count|units:count|{share}excess log loss:number|p:p|confirmed"
    answer = (
        f"Confirmed: {'; '.join(named(one) for one in confirmed[:4])}." if confirmed else "None is confirmed."
    )
    return base.answered(
        found=bool(confirmed),
        answer=answer,
        tables=(table(heads, lines, most=12),),
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
        return np.array([digits(v) if math.isfinite(v) else "missing" for v in values.tolist()], object)
    edges = np.unique(np.quantile(known, np.linspace(0, 1, RANGES + 1)[1:-1], method="lower"))
    said = _distinct(edges)
    names = [f"below {said[0]}", *(f"{low} to {high}" for low, high in pairwise(said)), f"{said[-1]} or more"]
    place = np.searchsorted(edges, values, side="right")
    found = np.array(names, object)[np.minimum(place, len(names) - 1)]
    found[~np.isfinite(values)] = "missing"
    return found


def _distinct(edges: Floats) -> list[str]:
    """The edges as short as they are told apart: 1000001 and 1000002 with all their digits."""
    short = [f"{edge:g}" for edge in edges.tolist()]
    return short if len(set(short)) == len(short) else [digits(edge) for edge in edges.tolist()]


def _levels(values: Category) -> NDArray[np.object_]:
    rows = np.bincount(values.codes[values.codes >= 0], minlength=len(values.levels))
    kept = set(np.argsort(-rows, kind="stable")[:LEVELS].tolist())
    names = np.array(
        [*(level if k in kept else OTHER for k, level in enumerate(values.levels)), "missing"], object
    )
    return names[values.codes]


def _texts(values: NDArray[np.object_] | Floats) -> NDArray[np.object_]:
    return np.array(["missing" if v is None or v != v else str(v) for v in values.tolist()], object)  # noqa: PLR0124  -- NaN
