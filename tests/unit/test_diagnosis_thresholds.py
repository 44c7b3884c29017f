"""Thresholds: the curve by hand, the cheapest cut, what reviewers can take, a share explained in parts."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.diagnosis.thresholds import (
    Column,
    capacity_threshold,
    costs,
    operating,
    precision_recall,
    queue,
    share_parts,
)
from harness.errors import HarnessError

LABELS, SCORES = [0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8]
TENTHS = st.lists(st.integers(0, 10).map(lambda k: k / 10), min_size=1, max_size=40)


def test_the_curve_by_hand() -> None:
    """The four rows of scikit-learn's documentation."""
    found = precision_recall(LABELS, SCORES, threshold=0.38)
    assert found.thresholds.tolist() == [0.8, 0.4, 0.35, 0.1]
    assert found.precision.tolist() == pytest.approx([1.0, 1 / 2, 2 / 3, 1 / 2])
    assert found.recall.tolist() == [0.5, 0.5, 1.0, 1.0]
    assert found.average_precision == pytest.approx(0.83333, abs=1e-5)
    assert (found.serving.precision, found.serving.recall, found.serving.flagged) == (0.5, 0.5, 0.5)


def test_a_long_curve_is_thinned_and_keeps_its_ends() -> None:
    """10,000 distinct scores become at most 200 points, first and last among them."""
    rng = np.random.default_rng(1)
    scores = rng.random(10_000)
    found = precision_recall((rng.random(10_000) < scores).astype(float), scores, threshold=0.5)
    assert found.thresholds.size <= 200
    assert found.thresholds[0] == scores.max()
    assert found.thresholds[-1] == scores.min()


@given(scores=TENTHS, seed=st.integers(0, 2**16), cost=st.floats(0.0, 5.0))
def test_the_cheapest_threshold_is_the_cheapest(scores: list[float], seed: int, cost: float) -> None:
    """Against counting the cost of every cut, and of the serving one."""
    labels = np.random.default_rng(seed).integers(0, 2, len(scores))
    score = np.array(scores)

    def price(cut: float) -> float:
        flagged = score >= cut
        return float((cost * (flagged & (labels == 0)) + (~flagged & (labels == 1))).mean())

    found = costs(labels, score, threshold=0.45, false_alarm=cost, miss=1.0)
    every = [price(cut) for cut in (math.inf, *scores)]
    assert found.best_cost == pytest.approx(min(every))
    assert price(found.best_threshold) == pytest.approx(min(every))
    assert found.serving_cost == pytest.approx(price(0.45))


def test_calibrated_scores_have_the_threshold_of_the_costs() -> None:
    """A miss costs 4 false alarms: flag from 1 / 5 on (Elkan 2001)."""
    rng = np.random.default_rng(2)
    scores = rng.random(200_000)
    labels = (rng.random(200_000) < scores).astype(float)
    found = costs(labels, scores, threshold=0.5, false_alarm=1.0, miss=4.0)
    assert found.best_threshold == pytest.approx(0.2, abs=0.03)
    assert found.best_cost < found.serving_cost


def test_capacity_by_hand() -> None:
    """Two of four scores a day; ties that do not fit stay out; nothing fits at capacity 0."""
    assert capacity_threshold([0.9, 0.8, 0.7, 0.6], [1, 1, 1, 1], per_day=2) == 0.8
    assert capacity_threshold([0.9, 0.7, 0.7, 0.6], [1, 1, 1, 1], per_day=2) == 0.9
    assert capacity_threshold([0.9, 0.8], [1, 1], per_day=0) == math.inf
    assert capacity_threshold([0.9, 0.8, 0.7, 0.6], [1, 1, 2, 2], per_day=1) == 0.8


@given(
    scores=TENTHS,
    seed=st.integers(0, 2**16),
    per_day=st.integers(1, 5),
    share=st.sampled_from([0.5, 0.8, 1.0]),
)
def test_capacity_holds_and_is_not_stricter_than_needed(
    scores: list[float], seed: int, per_day: int, share: float
) -> None:
    """On average, and on the share of days asked for; the next lower score would break it."""
    score = np.array(scores)
    days = np.random.default_rng(seed).integers(0, 4, score.size)
    many = len(set(days.tolist()))
    mean = capacity_threshold(score, days, per_day=per_day)
    assert np.count_nonzero(score >= mean) <= per_day * many
    lower = score[score < mean]
    assert not lower.size or np.count_nonzero(score >= lower.max()) > per_day * many
    cut = capacity_threshold(score, days, per_day=per_day, share_of_days=share)
    assert queue(score, days, threshold=cut, per_day=per_day).days_over <= (1 - share) * many + 1e-9


def test_the_queue_by_day_and_segment() -> None:
    """Two days: three flagged, then one; one label is not known."""
    found = queue(
        [0.9, 0.8, 0.7, 0.9, 0.1],
        ["mo", "mo", "mo", "tu", "tu"],
        threshold=0.7,
        per_day=2,
        segments=["eu", "eu", "us", "us", "us"],
        labels=[1.0, 0.0, math.nan, 1.0, 1.0],
    )
    assert (found.a_day, found.busiest, found.days_over, found.days) == (2.0, 3, 1, 2)
    assert found.expected == {"eu": 1.0, "us": 1.0}
    assert found.precision == pytest.approx(2 / 3)
    assert found.recall == pytest.approx(2 / 3)


def world() -> list[Column]:
    """31 % to about 18 %: other rows, other features, another threshold."""
    rng = np.random.default_rng(3)
    offline, production = rng.normal(0.5, 1.0, 4_000), rng.normal(0.3, 1.0, 5_000)
    served = production - 0.1 * (rng.random(5_000) < 0.3)
    units = np.arange(5_000) // 5
    return [
        Column(name="holdout", scores=offline, threshold=1.0, rows="holdout"),
        Column(name="other rows", scores=production, threshold=1.0, rows="now", units=units),
        Column(name="served features", scores=served, threshold=1.0, rows="now", units=units),
        Column(name="served threshold", scores=served, threshold=1.2, rows="now", units=units),
    ]


def test_the_parts_of_a_share_add_up() -> None:
    """Exactly; the threshold's part is what it does on the same scores, its interval is paired."""
    columns = world()
    parts = share_parts(columns)
    first, last = (np.mean(np.asarray(c.scores) >= c.threshold) for c in (columns[0], columns[-1]))
    assert sum(part.change for part in parts) == pytest.approx(last - first, abs=1e-15)
    assert [part.name for part in parts] == ["other rows", "served features", "served threshold"]
    assert all(part.high < 0.0 for part in parts)
    assert parts[1].high - parts[1].low < 0.2 * (parts[0].high - parts[0].low)


def test_a_step_that_changes_nothing_is_nothing_for_sure() -> None:
    """The same scores at the same threshold: 0 [0, 0]."""
    same = world()[1]
    (part,) = share_parts([same, same])
    assert (part.change, part.low, part.high) == (0.0, 0.0, 0.0)


def test_no_rows_and_one_class() -> None:
    """Undefined is nan where it can be; what has no answer is refused."""
    assert math.isnan(operating([], [], threshold=0.5).precision)
    assert math.isnan(precision_recall([0, 0], [0.1, 0.2], threshold=0.5).average_precision)
    assert math.isnan(queue([], [], threshold=0.5, per_day=1).a_day)
    with pytest.raises(HarnessError, match="has no cost"):
        costs([], [], threshold=0.5, false_alarm=1, miss=1)
    with pytest.raises(HarnessError, match="has no rows"):
        capacity_threshold([], [], per_day=1)
    with pytest.raises(HarnessError, match="empty: has no rows"):
        share_parts([world()[0], Column(name="empty", scores=[], threshold=1.0, rows="now")])
