"""A small gap between a holdout and production, with every column that the ladder can use."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from harness.diagnosis.rows import Holdout, Overlap, Production, Rederived, Thresholds

if TYPE_CHECKING:
    import numpy.typing as npt

THRESHOLDS = Thresholds(offline=0.4, serving=0.55)
#: every step after the reported holdout, in order
STEPS = (
    "repeated_rows",
    "time_order",
    "leak: outcome",
    "covariate_seen",
    "concept",
    "covariate_unseen",
    "served_features",
    "served_scores",
    "serving_threshold",
    "label_definition",
    "label_maturity",
    "join_loss",
    "exposure",
)


def gap(seed: int = 1, rows: int = 240) -> tuple[Holdout, Production]:
    """Both populations with all columns, three rows a unit, scores in hundredths so that some are tied."""
    rng = np.random.default_rng(seed)

    def scores(latent: npt.NDArray[np.float64], noise: float) -> npt.NDArray[np.float64]:
        noisy: npt.NDArray[np.float64] = latent + noise * rng.standard_normal(rows)
        return np.round(1.0 / (1.0 + np.exp(-noisy)), 2)

    there, here = rng.standard_normal((2, rows))
    label, now = ((rng.random(rows) < 1.0 / (1.0 + np.exp(-2.0 * x))).astype(float) for x in (there, here))
    strict = now * (rng.random(rows) < 0.8)
    unit = np.arange(rows, dtype=np.int64) // 3
    holdout = Holdout(
        label=label,
        score=scores(there + 2.0 * label, 0.2),
        unit=unit,
        time_ns=rng.integers(0, 100, rows),
        trained_until_ns=20,
        repeated=rng.random(rows) < 0.2,
        rederived=(Rederived(column="outcome", score=scores(there, 0.5)),),
        overlap=_overlap(rng, rows),
    )
    production = Production(
        offline_score=scores(here, 0.5),
        label=now,
        unit=unit + rows,
        served_features_score=scores(here, 1.0),
        served_score=scores(here, 1.5),
        served_model_score=scores(here, 1.2),
        production_label=strict,
        seen_label=strict * (rng.random(rows) < 0.7),
        early_label=now * (rng.random(rows) < 0.7),
        joined=rng.random(rows) < 0.8,
        exposed=rng.random(rows) < 0.7,
        overlap=_overlap(rng, rows),
    )
    return holdout, production


def alike(rows: int = 240) -> tuple[Holdout, Production]:
    """Production is the holdout, row by row, and everything in it is as it was offline."""
    holdout, _ = gap(rows=rows)
    score, label = holdout.score, holdout.label
    even = Overlap(produced=np.full(rows, 0.5), label_before=np.full(rows, 0.4), label_now=np.full(rows, 0.4))
    production = Production(
        offline_score=score,
        label=label,
        unit=holdout.unit,
        served_features_score=score,
        served_score=score,
        served_model_score=score,
        production_label=label,
        seen_label=label,
        early_label=label,
        joined=np.ones(rows, dtype=bool),
        exposed=np.ones(rows, dtype=bool),
        overlap=even,
    )
    fair = replace(
        holdout,
        repeated=np.zeros(rows, dtype=bool),
        trained_until_ns=-1,
        rederived=(Rederived(column="outcome", score=score),),
        overlap=even,
    )
    return fair, production


def _overlap(rng: np.random.Generator, rows: int) -> Overlap:
    produced, before, now = rng.uniform(0.1, 0.9, (3, rows))
    return Overlap(produced=produced, label_before=before, label_now=now)
