"""The AUC of one score: the worked example, pair counting, coverage of its interval, undefined cases."""

import math

import numpy as np
import pytest

from harness.diagnosis.delong import delong
from harness.errors import HarnessError
from harness.stats import auc_difference


def test_the_worked_example() -> None:
    """Four rows: .75, se .353553."""
    found = delong([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8])
    assert (found.value, found.positives, found.negatives) == (0.75, 2, 2)
    assert found.se == pytest.approx(0.353553, abs=1e-6)


def test_it_is_half_of_the_paired_difference() -> None:
    """Against a constant score, whose components have no spread, the difference has this error."""
    rng = np.random.default_rng(1)
    labels = (rng.random(500) < 0.3).astype(float)
    scores = labels + rng.normal(size=500)
    found, paired = delong(labels, scores), auc_difference(labels, champion=np.ones(500), challenger=scores)
    assert found.value - 0.5 == pytest.approx(paired.difference, abs=1e-12)
    assert found.se == pytest.approx(paired.se, rel=1e-12)


def test_its_interval_covers() -> None:
    """The true AUC of two normals 1 apart, .76025, in about 95 % of 400 samples of 150 rows."""
    rng = np.random.default_rng(2)
    held = 0
    for _ in range(400):
        labels = (rng.random(150) < 0.4).astype(float)
        found = delong(labels, labels + rng.normal(size=150))
        held += found.low <= 0.76025 <= found.high
    assert held >= 0.92 * 400


@pytest.mark.parametrize(
    "labels", [[], [1.0, 1.0], [0.0]], ids=["no rows", "positives only", "negatives only"]
)
def test_one_class_has_no_auc(labels: list[float]) -> None:
    """Everything is nan, and nothing is raised."""
    found = delong(labels, np.arange(float(len(labels))))
    assert all(math.isnan(one) for one in (found.value, found.se, found.low, found.high))


def test_one_row_of_an_outcome_has_an_area_and_no_error() -> None:
    """A perfect one has no interval either."""
    found = delong([0, 1], [0.1, 0.9])
    assert found.value == 1.0
    assert math.isnan(found.se)
    assert math.isnan(found.low)


def test_other_labels_are_refused() -> None:
    """0 and 1, with finite scores."""
    with pytest.raises(HarnessError, match="labels: row 1 cannot be used"):
        delong([0, 2], [0.1, 0.2])
    with pytest.raises(HarnessError, match="scores: row 0 cannot be used"):
        delong([0, 1], [math.nan, 0.2])
