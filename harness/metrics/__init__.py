"""Quality metrics by task type on plain arrays; undefined is nan, invalid input is a ValueError.

`classification`  binary: log loss, Brier, ROC-AUC, PR-AUC, precision, recall, predicted positive rate
`registry`        the same as a table to loop over, with directions and losses by row
"""

from harness.metrics.classification import (
    LOG_LOSS_CLIP,
    brier,
    brier_rows,
    log_loss,
    log_loss_rows,
    pr_auc,
    precision,
    predicted_positive_rate,
    recall,
    roc_auc,
)
from harness.metrics.registry import METRICS, Better, Metric, MetricValue

__all__ = [
    "LOG_LOSS_CLIP",
    "METRICS",
    "Better",
    "Metric",
    "MetricValue",
    "brier",
    "brier_rows",
    "log_loss",
    "log_loss_rows",
    "pr_auc",
    "precision",
    "predicted_positive_rate",
    "recall",
    "roc_auc",
]
