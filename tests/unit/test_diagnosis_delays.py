"""Label delays: curves by hand and in a simulated world, and what young rows look like, read three ways."""

import math

import numpy as np
import pytest

from harness.diagnosis.delays import (
    DelayCurve,
    arrival_curve,
    delay_curve,
    estimates,
    ripeness,
    three_readings,
)
from harness.errors import HarnessError
from harness.metrics import brier, log_loss, precision, recall, roc_auc


def test_curves_by_hand() -> None:
    """Old rows give the empirical curve; a young row's early label is over-represented and taken back."""
    plain = delay_curve([1, 2, 3], [10, 10, 10])
    assert plain.share.tolist() == pytest.approx([1 / 3, 2 / 3, 1.0])
    assert delay_curve([1, 1, 2], [1, 10, 10]).share.tolist() == pytest.approx([0.5, 1.0])
    assert arrival_curve([5, 5, 5, 5], [1, 2, math.nan, math.nan]).share.tolist() == pytest.approx(
        [0.25, 0.5]
    )


def test_a_label_on_its_last_day_counts() -> None:
    """Delay 2 at age 2 is seen, and so is not taken back: delays 1 and 2 are a half each."""
    assert delay_curve([2, 1], [2, 9]).share.tolist() == pytest.approx([0.5, 1.0])


def test_the_curve_between_its_days() -> None:
    """A step function from 0; the maturity age is the first at which the share is reached."""
    curve = DelayCurve(np.array([1.0, 3.0]), np.array([0.4, 1.0]))
    assert curve.at([0.5, 1.0, 2.0, 9.0]).tolist() == [0.0, 0.4, 0.4, 1.0]
    assert (curve.mature_at(0.4), curve.mature_at(0.99)) == (1.0, 3.0)


def world(seed: int, *, n: int = 40_000) -> dict[str, np.ndarray]:
    """Ages 0 to 30 days, positives reported after an exponential delay of 3 days, negatives never."""
    rng = np.random.default_rng(seed)
    scores = rng.beta(1.5, 3.0, n)
    truth = (rng.random(n) < scores).astype(float)
    age, delay = 30.0 * rng.random(n), rng.exponential(3.0, n)
    return {"scores": scores, "truth": truth, "age": age, "delay": delay, "seen": truth * (delay <= age)}


def test_the_curve_is_right_where_the_labels_seen_are_not() -> None:
    """Rows of 0 to 6 days: the naive share of delays within a day is far off, the curve is not."""
    rng = np.random.default_rng(1)
    age, delay = 6.0 * rng.random(200_000), rng.exponential(3.0, 200_000)
    seen = delay <= age
    curve = delay_curve(delay[seen], age[seen])
    true = (1 - math.exp(-1 / 3)) / (1 - math.exp(-6 / 3))  # of labels within the oldest age
    assert float(curve.at([1.0])[0]) == pytest.approx(true, abs=0.01)
    assert np.mean(delay[seen] <= 1.0) > true + 0.05


def test_three_readings_of_young_rows() -> None:
    """As seen is far off; mature only and weighted agree with the truth."""
    rows = world(2)
    came = rows["seen"] == 1.0
    curve = delay_curve(rows["delay"][came], rows["age"][came])
    found = three_readings(rows["seen"], rows["scores"], ages=rows["age"], curve=curve, threshold=0.5)
    assert found.why_not == ""
    true = estimates(rows["scores"], rows["truth"], negatives=1.0 - rows["truth"], threshold=0.5)
    for name, tolerance in (("precision", 0.02), ("log_loss", 0.01), ("base_rate", 0.01), ("roc_auc", 0.01)):
        right = getattr(true, name)
        assert getattr(found.weighted, name) == pytest.approx(right, abs=tolerance), name
        assert getattr(found.mature_only, name) == pytest.approx(right, abs=2 * tolerance), name
    assert found.as_seen.precision < true.precision - 0.04
    assert found.as_seen.base_rate < true.base_rate - 0.02
    assert found.mature_only.rows < found.weighted.rows < found.as_seen.rows + 1


def test_estimates_of_plain_labels_are_the_metrics() -> None:
    """Each row one positive or one negative: the numbers of harness.metrics."""
    rows = world(3, n=500)
    labels, scores = rows["truth"], rows["scores"]
    found = estimates(scores, labels, negatives=1.0 - labels, threshold=0.4)
    assert found.roc_auc == pytest.approx(roc_auc(labels, scores))
    assert found.log_loss == pytest.approx(log_loss(labels, scores))
    assert found.brier == pytest.approx(brier(labels, scores))
    assert found.precision == pytest.approx(precision(labels, scores, threshold=0.4))
    assert found.recall == pytest.approx(recall(labels, scores, threshold=0.4))


def test_ripeness_counts_both_sides_of_the_watermark() -> None:
    """Window 3 days as of day 100: watermark 97; two mature, one of them without a label, one open."""
    curve = DelayCurve(np.array([1.0, 3.0]), np.array([0.4, 1.0]))
    found = ripeness([5.0, 4.0, 1.0], [1.0, math.nan, math.nan], curve=curve, as_of=100.0)
    assert (found.window_days, found.watermark) == (3.0, 97.0)
    assert (found.mature, found.without, found.open) == (1, 1, 1)


def test_no_label_has_come() -> None:
    """The curve is empty, nothing is mature, and the reading says why."""
    curve = delay_curve([], [])
    assert math.isnan(curve.mature_at())
    assert np.isnan(curve.at([1.0])).all()
    found = three_readings([0, 0], [0.2, 0.8], ages=[1.0, 2.0], curve=curve, threshold=0.5)
    assert found.why_not == "no label has come yet"
    assert (found.mature_only.rows, found.weighted.rows) == (0, 0)
    assert math.isnan(found.as_seen.roc_auc)
    assert ripeness([1.0], [math.nan], curve=curve, as_of=9.0).open == 1
    assert arrival_curve([3.0, 4.0], [math.nan, math.nan]).days.size == 0


def test_no_row_is_mature() -> None:
    """There is a curve, and every row is younger than it."""
    curve = DelayCurve(np.array([1.0, 9.0]), np.array([0.5, 1.0]))
    found = three_readings([0, 1], [0.2, 0.8], ages=[2.0, 2.0], curve=curve, threshold=0.5)
    assert found.why_not == "no row is mature yet"
    assert found.weighted.base_rate == 1.0  # one seen of about two


def test_impossible_delays_are_refused() -> None:
    """Before the row, or after it was looked at."""
    for delay in (-1.0, 11.0):
        with pytest.raises(HarnessError, match="came before its row, or after it was looked at"):
            delay_curve([delay], [10.0])
