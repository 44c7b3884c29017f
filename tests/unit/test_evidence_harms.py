"""Harm a request: positive is to the challenger's disadvantage, whatever the metric."""

from typing import Any

import numpy as np
import pytest

from harness.evidence import harms
from harness.metrics import roc_auc
from tests.kit.some_evidence import plan

LABEL = np.array([1.0, 0.0, 1.0, 0.0])
LOW, HIGH = np.full(4, 0.4), np.full(4, 0.6)


@pytest.mark.parametrize(
    ("changes", "label", "expected"),
    [
        ({"metric": "brier"}, LABEL, [0.16 - 0.36, 0.36 - 0.16, 0.16 - 0.36, 0.36 - 0.16]),
        ({"metric": "log_loss"}, LABEL, np.log([0.4 / 0.6, 0.6 / 0.4, 0.4 / 0.6, 0.6 / 0.4])),
        ({"metric": "correct"}, LABEL, [-1, 1, -1, 1]),
        ({"metric": "value"}, LABEL * 3, [-3, 0, -3, 0]),
        ({"metric": "value", "better": "lower"}, LABEL * 3, [3, 0, 3, 0]),
    ],
)
def test_harm_of_a_challenger_that_says_more(
    changes: dict[str, Any], label: np.ndarray, expected: list[float]
) -> None:
    """The champion says .4, the challenger .6, the threshold is .5: better on ones, worse on zeros."""
    found = harms.harm(plan(**changes), label, champion=LOW, challenger=HIGH)
    assert found == pytest.approx(np.array(expected, dtype=float))
    back = harms.harm(plan(**changes), label, champion=HIGH, challenger=LOW)
    assert back == pytest.approx(-found)


def test_the_mean_harm_of_auc_is_the_difference_of_the_aucs() -> None:
    """Champion's minus challenger's, by DeLong's parts."""
    rng = np.random.default_rng(1)
    label = (rng.uniform(size=200) < 0.3).astype(float)
    good, bad = label + rng.normal(size=200), label + 3 * rng.normal(size=200)
    found = harms.harm(plan(metric="auc"), label, champion=good, challenger=bad)
    assert found.mean() == pytest.approx(roc_auc(label, good) - roc_auc(label, bad))
    assert found.mean() > 0


@pytest.mark.parametrize(
    ("changes", "label", "heavy", "told"),
    [
        ({}, LABEL, 4.0, ""),
        ({}, LABEL * 2, 1.0, "needs labels of 0 and 1"),
        ({"metric": "value"}, LABEL * 2, 1.0, ""),
        ({"metric": "auc"}, LABEL, 1.0, "2 labels of the rarer kind, AUC needs 30"),
        ({"metric": "auc"}, np.tile(LABEL, 15), 1.0, ""),
        ({"metric": "auc"}, np.tile(LABEL, 15), 100.0, "worth 1.7 of equal weight, AUC needs 30"),
        ({"metric": "auc"}, np.tile(LABEL, 30), 1.1, ""),
    ],
)
def test_labels_that_a_metric_cannot_use_are_told(
    changes: dict[str, Any], label: np.ndarray, heavy: float, told: str
) -> None:
    """Nothing is computed on them; one request of large weight is worth most of the others."""
    weight = np.ones(len(label))
    weight[0] = heavy
    found = harms.unfit(plan(**changes), label, weight=weight)
    assert told in found
    assert bool(found) == bool(told)


def test_only_losses_ask_for_probabilities() -> None:
    """A ranking score of 7 has an AUC and a decision, and no log loss."""
    scores = np.array([[0.5, 7.0, 0.2], [0.5, 0.5, -0.1]])
    assert harms.undefined(plan(), scores) == 2
    assert harms.undefined(plan(metric="auc"), scores) == 0
    assert harms.clipped(plan(metric="brier"), scores) == 0
