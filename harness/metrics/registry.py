"""The metrics a report loops over, each with its direction and one way to be called."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal, Protocol

from harness.metrics import classification

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy.typing as npt

    from harness.metrics._checks import Floats

Better = Literal["higher", "lower", "neither"]


class MetricValue(Protocol):
    """A metric as every entry of `METRICS` is called, whether or not it needs the threshold."""

    def __call__(
        self,
        labels: npt.ArrayLike,
        scores: npt.ArrayLike,
        *,
        threshold: float,
        weight: npt.ArrayLike | None = None,
    ) -> float:
        """Return the value, or nan where the data leave it undefined; raise ValueError for invalid input."""
        ...


@dataclass(frozen=True, kw_only=True)
class Metric:
    """One metric: its key, its title, which direction is better, its value, and its loss a row if it has one.

    `loss_rows(labels, scores)` is what a paired test compares; None where the metric is not a mean over rows.
    """

    name: str
    title: str
    better: Better
    value: MetricValue
    loss_rows: Callable[[npt.ArrayLike, npt.ArrayLike], Floats] | None = None


def _without_threshold(function: Callable[..., float]) -> MetricValue:
    def value(
        labels: npt.ArrayLike,
        scores: npt.ArrayLike,
        *,
        threshold: float,  # noqa: ARG001  -- one signature for all metrics
        weight: npt.ArrayLike | None = None,
    ) -> float:
        return function(labels, scores, weight=weight)

    return value


def _without_labels(
    labels: npt.ArrayLike,  # noqa: ARG001  -- one signature for all metrics
    scores: npt.ArrayLike,
    *,
    threshold: float,
    weight: npt.ArrayLike | None = None,
) -> float:
    return classification.predicted_positive_rate(scores, threshold=threshold, weight=weight)


_ALL = (
    Metric(
        name="log_loss",
        title="Log loss",
        better="lower",
        value=_without_threshold(classification.log_loss),
        loss_rows=classification.log_loss_rows,
    ),
    Metric(
        name="brier",
        title="Brier score",
        better="lower",
        value=_without_threshold(classification.brier),
        loss_rows=classification.brier_rows,
    ),
    Metric(
        name="roc_auc",
        title="ROC-AUC",
        better="higher",
        value=_without_threshold(classification.roc_auc),
    ),
    Metric(
        name="pr_auc",
        title="PR-AUC (average precision)",
        better="higher",
        value=_without_threshold(classification.pr_auc),
    ),
    Metric(
        name="precision",
        title="Precision at the threshold",
        better="higher",
        value=classification.precision,
    ),
    Metric(
        name="recall",
        title="Recall at the threshold",
        better="higher",
        value=classification.recall,
    ),
    Metric(
        name="predicted_positive_rate",
        title="Predicted positive rate",
        better="neither",
        value=_without_labels,
    ),
)

#: every metric of a binary classifier by its key, in the order of a report
METRICS: Mapping[str, Metric] = MappingProxyType({metric.name: metric for metric in _ALL})
