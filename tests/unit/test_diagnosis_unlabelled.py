"""The estimate without labels: right where its conditions hold, withheld with the reason elsewhere."""

import math

import numpy as np
import pytest

from harness.diagnosis.unlabelled import Domain, Labelled, expected_metrics, unlabelled
from harness.metrics import log_loss, pr_auc, precision, recall, roc_auc

NEAR = Domain(auc=0.51, high=0.53)


def drawn(n: int, *, seed: int, concept: float = 0.0) -> Labelled:
    """Rows with an over-sharp score; `concept` moves the chance of a positive, not the score."""
    rng = np.random.default_rng(seed)
    logit = rng.normal(0.0, 1.0, n)
    labels = (rng.random(n) < 1 / (1 + np.exp(-(logit + concept)))).astype(float)
    return Labelled(labels=labels, scores=1 / (1 + np.exp(-2.0 * logit)))


def test_certain_rows_have_certain_metrics() -> None:
    """Probabilities 1 1 0 0: every metric is 1."""
    found = expected_metrics([1, 1, 0, 0], [0.9, 0.8, 0.2, 0.1], threshold=0.5)
    assert (found.roc_auc, found.average_precision, found.precision) == (1.0, 1.0, 1.0)
    assert (found.recall, found.f1, found.accuracy, found.specificity, found.flagged) == (
        1.0,
        1.0,
        1.0,
        1.0,
        0.5,
    )


def test_it_is_right_where_its_conditions_hold() -> None:
    """20,000 rows: within sampling of the metrics that their labels then give."""
    now = drawn(20_000, seed=3)
    found = unlabelled(
        drawn(20_000, seed=1), drawn(5_000, seed=2), scores=now.scores, threshold=0.6, domain=NEAR
    )
    assert found.why_not == ""
    assert found.estimate is not None
    labels, scores = np.asarray(now.labels), np.asarray(now.scores)
    assert found.estimate.roc_auc == pytest.approx(roc_auc(labels, scores), abs=0.015)
    assert found.estimate.average_precision == pytest.approx(pr_auc(labels, scores), abs=0.015)
    assert found.estimate.log_loss == pytest.approx(log_loss(labels, scores), abs=0.03)
    assert found.estimate.precision == pytest.approx(precision(labels, scores, threshold=0.6), abs=0.02)
    assert found.estimate.recall == pytest.approx(recall(labels, scores, threshold=0.6), abs=0.02)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"latest": drawn(5_000, seed=2, concept=1.0)}, "calibration does not hold"),
        ({"latest": None}, "no labelled window to check calibration on"),
        ({"latest": drawn(50, seed=2)}, "the latest labelled window has 50 rows"),
        ({"domain": Domain(auc=0.75, high=0.78)}, "tells these rows from the reference with AUC 0.750"),
        ({"domain": None}, "the shift from the reference was not measured"),
        ({"scores": np.full(5_000, 1.0)}, "100 % of the scores lie outside the reference's"),
        ({"scores": []}, "0 without labels"),
        ({"reference": drawn(100, seed=1)}, "100 labelled rows of both classes"),
        ({"reference": Labelled(labels=[1.0] * 400, scores=[0.5] * 400)}, "of one class"),
        ({"reference": Labelled(labels=[], scores=[])}, "0 labelled rows of one class"),
    ],
)
def test_it_is_withheld_with_the_reason(change: dict[str, object], why: str) -> None:
    """Each condition on its own; what is not given does not hold."""
    given = {
        "reference": drawn(5_000, seed=1),
        "latest": drawn(5_000, seed=2),
        "scores": drawn(5_000, seed=3).scores,
        "domain": NEAR,
    } | change
    found = unlabelled(
        given["reference"],  # type: ignore[arg-type]
        given["latest"],  # type: ignore[arg-type]
        scores=given["scores"],  # type: ignore[arg-type]
        threshold=0.6,
        domain=given["domain"],  # type: ignore[arg-type]
    )
    assert found.estimate is None
    assert why in found.why_not
    assert len(found.checks) == 4


def test_nothing_flagged_has_no_precision() -> None:
    """nan, and no error; no rows neither."""
    assert math.isnan(expected_metrics([0.2, 0.4], [0.1, 0.2], threshold=0.9).precision)
    assert math.isnan(expected_metrics([], [], threshold=0.9).roc_auc)
