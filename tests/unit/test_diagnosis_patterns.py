"""The pattern reader as a table: numbers a team has, and the cause that must come first."""

import math

import pytest

from harness.diagnosis.patterns import Metrics, read_table, signs
from harness.errors import HarnessError

GOOD = Metrics(roc_auc=0.91, precision=0.84, recall=0.71, log_loss=0.29, flagged=0.31)


@pytest.mark.parametrize(
    ("production", "first"),
    [
        pytest.param(
            Metrics(roc_auc=0.74, precision=0.58, recall=0.52, log_loss=0.67, flagged=0.18),
            "features or scores differ between offline and serving",
            id="everything fell",
        ),
        pytest.param(
            Metrics(roc_auc=0.91, precision=0.90, recall=0.52, log_loss=0.29, flagged=0.18),
            "another threshold is served",
            id="precision up, recall down",
        ),
        pytest.param(
            Metrics(roc_auc=0.905, precision=0.84, recall=0.71, log_loss=0.55, flagged=0.31),
            "the probabilities are off (calibration)",
            id="log loss alone",
        ),
        pytest.param(
            Metrics(roc_auc=0.91, precision=0.70, recall=0.71, log_loss=0.33, flagged=0.22),
            "only the share of positives moved (label shift)",
            id="precision alone, fewer positives",
        ),
        pytest.param(
            Metrics(roc_auc=0.91, precision=0.84, recall=0.71, log_loss=0.29, flagged=0.31, base_rate=0.9),
            "the two columns are not the same metric",
            id="numbers that contradict each other",
        ),
    ],
)
def test_the_cause_that_fits_comes_first(production: Metrics, first: str) -> None:
    """With a reason and a measurement; scores fall."""
    found = read_table(GOOD, production)
    assert found[0].name == first
    assert found[0].because
    assert found[0].next_measurement
    assert [one.score for one in found] == sorted((one.score for one in found), reverse=True)


def test_a_threshold_cannot_lower_the_auc() -> None:
    """Where the AUC fell far it is not in front of what can lower it, and says so if named."""
    found = [
        one.name for one in read_table(GOOD, Metrics(roc_auc=0.74, precision=0.9, recall=0.4, log_loss=0.3))
    ]
    assert found.index("features or scores differ between offline and serving") == 0
    assert "only the share of positives moved (label shift)" not in found


def test_nothing_changed_is_no_cause() -> None:
    """And so is a table with nothing on both sides."""
    assert read_table(GOOD, GOOD) == ()
    assert read_table(GOOD, Metrics()) == ()
    assert read_table(Metrics(), Metrics()) == ()


def test_one_number_is_enough_to_begin() -> None:
    """Only the AUC is known."""
    found = read_table(Metrics(roc_auc=0.91), Metrics(roc_auc=0.74))
    assert len(found) >= 3
    assert not any("log loss" in reason for one in found for reason in one.because)


def test_the_share_of_positives_follows_from_the_others() -> None:
    """Precision x flagged / recall: .84 x .31 / .71 = .3668; as given where it is given."""
    assert GOOD.implied_base_rate() == pytest.approx(0.3668, abs=1e-4)
    assert Metrics(precision=0.5, recall=0.5, flagged=0.5, base_rate=0.1).implied_base_rate() == 0.1
    assert math.isnan(Metrics(recall=0.0).implied_base_rate())


def test_signs_are_offline_minus_production() -> None:
    """And the relative rise of log loss."""
    found = signs(GOOD, Metrics(roc_auc=0.74, log_loss=0.58))
    assert found.auc == pytest.approx(0.17)
    assert found.loss == pytest.approx(1.0)
    assert math.isnan(found.precision)


@pytest.mark.parametrize("side", [Metrics(roc_auc=91.0), Metrics(log_loss=-0.1), Metrics(precision=1.5)])
def test_numbers_out_of_range_are_refused(side: Metrics) -> None:
    """A percentage typed as a share is the usual slip."""
    with pytest.raises(HarnessError, match="is out of range"):
        read_table(GOOD, side)
