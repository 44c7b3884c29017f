"""The columns of a diagnosis: what follows from them, and both sides in one coding."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from harness.diagnosis.material import are_probabilities, matrices
from harness.diagnosis.rows import Thresholds
from tests.kit import diagnosed

MADE = diagnosed.material()


def test_what_follows_from_the_holdout() -> None:
    """Early rows need both times; the fair score and features are those of request time where known."""
    holdout = MADE.holdout
    assert holdout is not None
    assert holdout.early is not None
    assert 0 < holdout.early.sum() < holdout.early.size
    assert replace(holdout, time_ns=None).early is None
    assert replace(holdout, trained_until_ns=None).early is None
    assert holdout.fair_score is holdout.rederived[-1].score
    assert replace(holdout, rederived=()).fair_score is holdout.score
    assert holdout.fair_features is holdout.requested
    assert replace(holdout, requested=None).fair_features is holdout.features


def test_rows_that_can_be_judged() -> None:
    """A label, mature, and a finite score."""
    holdout, production = MADE.holdout, MADE.production
    assert holdout is not None
    label, score = holdout.label.copy(), holdout.score.copy()
    label[0], score[1], score[2] = np.nan, np.nan, np.inf
    assert np.flatnonzero(~replace(holdout, label=label, score=score).judged).tolist() == [0, 1, 2]
    served = production.served_score.copy()
    served[0] = np.nan
    now = replace(production, served_score=served)
    assert int(now.judged.sum()) == int(now.mature.sum()) - 1
    assert len(now) == diagnosed.ROWS


@pytest.mark.parametrize(("serving", "expected"), [(0.7, 0.7), (None, 0.5)])
def test_the_serving_threshold_is_the_offline_one_unless_given(
    serving: float | None, expected: float
) -> None:
    """What is served is served at some threshold."""
    made = replace(MADE, thresholds=Thresholds(offline=0.5, serving=serving))
    assert made.serving_threshold == expected


def test_both_sides_get_one_coding() -> None:
    """The commonest level is 0, missing is NaN, numbers beside texts are texts."""
    one = {"n": np.array([1.0, np.nan]), "t": np.array(["b", None], object), "x": np.array([1.0, np.nan])}
    two = {"n": np.array([3.0]), "t": np.array(["a"], object), "x": np.array(["1"], object)}
    three = {"n": np.array([3.0]), "t": np.array(["a"], object), "x": np.array(["z"], object)}
    (first, second, third), levels = matrices([one, two, three], ["n", "t", "x"])
    assert levels == {"t": ("a", "b"), "x": ("1", "z")}
    np.testing.assert_array_equal(first, [[1.0, 1.0, 0.0], [np.nan, np.nan, np.nan]])
    np.testing.assert_array_equal(second, [[3.0, 0.0, 0.0]])
    np.testing.assert_array_equal(third, [[3.0, 0.0, 1.0]])


def test_a_column_without_any_value_beside_texts() -> None:
    """It is missing everywhere."""
    (first, _), levels = matrices([{"t": np.full(2, np.nan)}, {"t": np.array(["a", "b"], object)}], ["t"])
    assert np.isnan(first).all()
    assert levels == {"t": ("a", "b")}


@pytest.mark.parametrize(
    ("scores", "expected"),
    [([0.0, 1.0], True), ([], True), ([1.1], False), ([-0.1], False), ([np.nan], False)],
)
def test_probabilities_lie_between_0_and_1(scores: list[float], *, expected: bool) -> None:
    """What is no number is no probability."""
    assert are_probabilities(np.array(scores)) is expected


def test_numbers_beside_texts_keep_all_their_digits() -> None:
    """Two long ids are two levels, and the same ones as on the side that has them as texts."""
    sides = [{"id": np.array([1000001.0, 1000002.0, np.nan])}, {"id": np.array(["1000002", "0.5"], object)}]
    (one, other), levels = matrices(sides, ["id"])
    assert set(levels["id"]) == {"1000001", "1000002", "0.5"}
    assert one[1] == other[0]
    assert np.isnan(one[2])
