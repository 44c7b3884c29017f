"""The figures of a scenario's README: how good scores are, how features differ, how labels come in."""

from collections.abc import Iterable

import lightgbm as lgb
import numpy as np
import numpy.typing as npt
import pandas as pd

from harness.metrics import log_loss, precision, predicted_positive_rate, recall, roc_auc

Array = npt.NDArray[np.float64]


def quality(labels: Array, scores: Array, *, threshold: float) -> dict[str, float]:
    """Rows, share of positives, and the metrics at the threshold."""
    return {
        "rows": len(labels),
        "base_rate": float(labels.mean()),
        "roc_auc": roc_auc(labels, scores),
        "log_loss": log_loss(labels, scores),
        "precision": precision(labels, scores, threshold=threshold),
        "recall": recall(labels, scores, threshold=threshold),
        "predicted_positive_rate": predicted_positive_rate(scores, threshold=threshold),
        "mean_score": float(scores.mean()),
    }


def predict(model: lgb.Booster, features: pd.DataFrame) -> Array:
    """The model's scores on its own columns of the features."""
    return np.asarray(model.predict(features[model.feature_name()], num_threads=1), dtype=np.float64)


def changed_share(one: pd.DataFrame, two: pd.DataFrame, *, names: Iterable[str]) -> dict[str, float]:
    """The share of rows in which each feature differs; two missing values agree."""
    both = {name: (one[name].astype("object"), two[name].astype("object")) for name in names}
    return {name: float(((a != b) & ~(a.isna() & b.isna())).mean()) for name, (a, b) in both.items()}


def maturity(delays: pd.Series, labels: Array, *, days: Iterable[int]) -> dict[str, dict[str, float]]:
    """What is known after so many days: the share of the outcomes, and of positives among them."""
    known = {age: (delays <= pd.Timedelta(days=age)).to_numpy() for age in days}
    return {
        f"{age} d": {"known": float(rows.mean()), "positive": float(labels[rows].mean())}
        for age, rows in known.items()
    }
