"""The table of metrics that a report loops over."""

import pytest

from harness.metrics import METRICS


@pytest.mark.parametrize(
    ("name", "better"),
    [
        ("log_loss", "lower"),
        ("brier", "lower"),
        ("roc_auc", "higher"),
        ("pr_auc", "higher"),
        ("precision", "higher"),
        ("recall", "higher"),
        ("predicted_positive_rate", "neither"),
    ],
)
def test_every_metric_says_which_direction_is_better(name: str, better: str) -> None:
    """The key is the metric's own name, and its direction is the one of its definition."""
    assert METRICS[name].name == name
    assert METRICS[name].better == better


def test_no_metric_is_missing_from_the_table_of_directions() -> None:
    """A metric added later needs a direction here."""
    assert len(METRICS) == 7


def test_direction_agrees_with_a_perfect_and_a_hopeless_model() -> None:
    """Scores that order everything right beat those that order everything wrong, in the stated direction."""
    labels, good, bad = [0, 0, 1, 1], [0.1, 0.6, 0.7, 0.9], [0.9, 0.7, 0.6, 0.1]
    for metric in METRICS.values():
        gain = metric.value(labels, good, threshold=0.65) - metric.value(labels, bad, threshold=0.65)
        assert {"higher": gain > 0, "lower": gain < 0, "neither": gain == 0}[metric.better]


def test_the_table_cannot_be_changed() -> None:
    """METRICS is read-only, so that one caller cannot change another's report."""
    with pytest.raises(TypeError):
        METRICS["other"] = METRICS["brier"]  # type: ignore[index]
