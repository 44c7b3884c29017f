"""Features and scores as served against the offline ones, with what each costs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from harness.diagnosis.exhibits.numbers import share, table
from harness.diagnosis.exhibits.question import Question
from harness.diagnosis.influence import NAMES, grid
from harness.diagnosis.influence import table as metrics_of
from harness.stats import weighted_mean

if TYPE_CHECKING:
    from harness.diagnosis.material import Floats, Mask, Material
    from harness.records import Cell, Exhibit

AUC, LOSS = NAMES.index("roc_auc"), NAMES.index("log_loss")
#: a score that is carried as float32 differs by less than this of itself
SAME = 1e-6


def features(material: Material) -> Exhibit:
    """The features that differ, and what putting each right alone would give back."""
    base = Question(
        key="feature_skew",
        title="Served features against offline ones",
        question="On which requests did production compute other features than the offline pipeline?",
        steps=("served_features",),
    )
    production = material.production
    if production.served_features is None or not len(production):
        return base.unchecked("the answers of production hold no features")
    ordered = sorted(production.differing.items(), key=lambda pair: -pair[1])
    differing = {name: part for name, part in ordered if part > 0.0}
    served = production.served_features_score
    now = None if served is None else _metrics(material, served)
    lines: list[tuple[Cell, ...]] = []
    for name, part in differing.items():
        then = _metrics(material, production.fixed[name]) if name in production.fixed else None
        gained = (
            [None, None] if then is None or now is None else [float(then[k] - now[k]) for k in (AUC, LOSS)]
        )
        lines.append((name, part, *gained))
    answer = (
        f"{len(differing)} of {len(production.differing)} features differ somewhere: "
        f"{', '.join(f'{name} ({share(part)})' for name, part in list(differing.items())[:5])}."
        if differing
        else "No feature differs on any request."
    )
    return base.answered(
        found=bool(differing),
        answer=answer,
        tables=(
            table(
                "feature|requests that differ:share|ROC-AUC once right:signed|log loss once right:signed",
                lines,
            ),
        ),
        why_not=""
        if material.production.mature.any()
        else "without mature labels nothing says what it costs",
    )


def scores(material: Material) -> Exhibit:
    """The served score against the offline model on the very features that were served."""
    base = Question(
        key="score_skew",
        title="Served scores against the offline model",
        question="Does production score the served features as the offline model does?",
        steps=("served_scores",),
    )
    found = rescored(material)
    if found is None:
        return base.unchecked("no request has a served score and one to hold it against")
    differ, flips, kept = found.differ, found.flips, found.weight
    lines: list[tuple[Cell, ...]] = [
        ("requests with both", differ.size, None),
        ("scores that differ", int(differ.sum()), weighted_mean(differ, kept)),
        ("decisions that flip", int(flips.sum()), weighted_mean(flips, kept)),
    ]
    told = f"{np.count_nonzero(differ):,} of {differ.size:,} scores differ, by up to {found.most:.3g}"
    return base.answered(
        found=bool(differ.any()),
        answer=f"{told}; {np.count_nonzero(flips):,} decisions flip.",
        tables=(table("what|requests:count|share:share", lines),),
        why_not=""
        if material.production.served_features_score is not None
        else "the served features are not known, so this holds their effect too",
    )


@dataclass(frozen=True, kw_only=True)
class Rescored:
    """Requests with both scores: whose differ (n,), whose decision flips (n,), and by how much at most.

    `weight` (n,) is what each stands for in the traffic.
    """

    differ: Mask
    flips: Mask
    most: float
    weight: Floats


def rescored(material: Material) -> Rescored | None:
    """The served scores against the offline model's on the served features; None where none has both.

    Where the served features are not known, those of the offline pipeline stand in for them.
    """
    production = material.production
    on_served = production.served_features_score
    offline = production.offline_score if on_served is None else on_served
    both = np.isfinite(offline) & np.isfinite(production.served_score)
    if not both.any():
        return None
    served, ours = production.served_score[both], offline[both]
    return Rescored(
        differ=~np.isclose(served, ours, rtol=SAME, atol=1e-12),
        flips=_decided(material, served) != _decided(material, ours),
        most=float(np.abs(served - ours).max(initial=0.0)),
        weight=np.ones(served.size) if production.weight is None else production.weight[both],
    )


def _decided(material: Material, scores: Floats) -> np.ndarray:
    return scores >= material.serving_threshold


def _metrics(material: Material, scores: Floats) -> Floats:
    label = material.production.label
    known = np.isfinite(scores) & ~np.isnan(label)
    made = metrics_of(
        grid(scores[known]),
        label[known],
        weight=np.ones(int(known.sum()))
        if material.production.weight is None
        else material.production.weight[known],
        threshold=material.serving_threshold,
    )
    return made.values
