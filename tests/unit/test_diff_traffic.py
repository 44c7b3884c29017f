"""The differences of a pair as shares of the traffic."""

from __future__ import annotations

import numpy as np
import pytest
from msgspec import UNSET

from harness.columns import Column, Pair, Side
from harness.diff import Context, Tolerances, compare
from harness.records import PairSummary

N = 6
WEIGHT = np.array([1.0, 1.0, 1.0, 1.0, 1.0, 95.0])


def side(arm: str, first: float) -> Side:
    """Scores and one feature; those of the first request are given."""
    values = np.array([first, *[0.1] * (N - 1)])
    return Side(arm, values, {"amount": Column("number", values, np.zeros(N, np.uint8))})


def judged(weight: np.ndarray | None, *, most: float | None = None) -> PairSummary:
    """The first request's feature, score and decision differ."""
    names = np.array([f"r{i}" for i in range(N)], object)
    order = np.arange(N)
    pair = Pair(
        side("offline:v1", 0.1), side("challenger", 0.9), order, names, order, order, names, {}, order < 0
    )
    return compare(
        pair, tolerances=Tolerances(), threshold=0.5, context=Context(weight=weight, most=most)
    ).summary


def test_a_light_request_is_a_small_share_of_the_traffic() -> None:
    """One of six requests is exact; of a hundred in the traffic it is one."""
    found = judged(WEIGHT)
    assert (found.feature_mismatches, found.score_mismatches, found.flips, found.compared) == (1, 1, 1, N)
    assert found.traffic
    for share in (found.traffic.features, found.traffic.scores, found.traffic.flips):
        assert share is not None
        assert share.value == pytest.approx(0.01)
        assert (share.upper or 0) > 0.5
    assert found.traffic.fields == {"amount": pytest.approx(0.01)}


def test_counts_of_unequal_requests_have_no_bound_for_traffic_to_come() -> None:
    """Clopper and Pearson's takes the requests for a sample of equal ones."""
    (field,) = judged(WEIGHT).fields
    assert (field.rate, field.lower, field.upper) == (1 / N, None, None)
    (field,) = judged(None).fields
    assert field.upper is not None


def test_light_requests_alone_are_bounded_by_the_heavier_that_may_be_missing() -> None:
    """Clopper and Pearson's bound is of requests that weigh alike, captured or not."""
    found = judged(np.ones(N), most=95.0)
    assert found.traffic
    assert found.traffic.flips is not None
    assert (found.traffic.flips.value, found.traffic.flips.note) == (1 / N, "n_eff 6 of 6")
    assert found.fields[0].upper is None
    assert judged(np.ones(N), most=1.0) == judged(None)


@pytest.mark.parametrize("weight", [None, np.ones(N), np.full(N, 20.0)])
def test_requests_that_weigh_alike_say_nothing_more(weight: np.ndarray | None) -> None:
    """The summary is the very same as without weights."""
    assert judged(weight).traffic is UNSET
    assert judged(weight) == judged(None)
