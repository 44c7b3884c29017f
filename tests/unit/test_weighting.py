"""What each captured request stands for."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.records import Sampled
from harness.weighting import alike, relative, sampled, traffic_share, weights


def capture(kept: list[float | None], propensity: list[float | None]) -> pa.Table:
    """Two columns of a capture."""
    return pa.table(
        {
            "sampling_weight": pa.array(kept, pa.float64()),
            "propensity": pa.array(propensity, pa.float64()),
        }
    )


@pytest.mark.parametrize(
    ("kept", "propensity", "traffic", "exposed"),
    [
        ([1, 4], [0.5, 0.25], [1, 4], [2, 16]),
        ([1, 4], [None, None], [1, 4], [1, 4]),
        ([1, 1], [0.5, 0.25], [1, 1], [2, 4]),
        ([1, None], [None, 0.5], [1, 1], [1, 1]),
        ([7, 7], [None, None], [1, 1], [1, 1]),
        ([7, 7], [0.5, 0.5], [1, 1], [1, 1]),
        ([2, 1], [0.5, 0.25], [2, 1], [1, 1]),
        ([], [], [], []),
    ],
)
def test_a_weight_is_how_many_requests_one_stands_for(
    kept: list[float | None], propensity: list[float | None], traffic: list[float], exposed: list[float]
) -> None:
    """Inverse probability of being kept, times that of being shown where all have one; alike is one each."""
    found = weights(capture(kept, propensity))
    assert found.traffic.tolist() == traffic
    assert found.exposed.tolist() == exposed
    assert found.kept.tolist() == [1.0 if one is None else one for one in kept]
    assert found.by_propensity == (bool(kept) and None not in propensity)
    used = found.by_propensity
    assert found.partial.tolist() == [one is not None and not used for one in propensity]
    assert found.uneven == (len(set(traffic)) > 1)


def test_a_capture_that_is_no_sample_says_nothing() -> None:
    """Each request is one of the traffic."""
    assert sampled(np.ones(3)) is None
    assert sampled(np.ones(0)) is None


@pytest.mark.parametrize(
    ("kept", "effective", "uneven"), [([1, 1, 1, 97], 10_000 / 9_412, True), ([20, 20, 20], 3.0, False)]
)
def test_a_sample_is_worth_fewer_requests_the_less_equal_it_is(
    kept: list[float], effective: float, *, uneven: bool
) -> None:
    """Kish: (sum w)^2 / sum w^2."""
    found = sampled(np.array(kept, np.float64))
    assert isinstance(found, Sampled)
    assert (found.requests, found.low, found.high) == (len(kept), min(kept), max(kept))
    assert found.mean == pytest.approx(np.mean(kept))
    assert found.effective == pytest.approx(effective)
    assert found.uneven is uneven


def test_a_share_of_the_traffic_is_weighted_and_bounded() -> None:
    """One light request of a hundred in the traffic is hit: 1 %, with a bound that knows how little."""
    found = traffic_share("flips", np.array([True, False, False, False]), weight=np.array([1.0, 1, 1, 97]))
    assert found is not None
    assert (found.value, found.count, found.n, found.note) == (0.01, 1, 4, "n_eff 1 of 4")
    assert 0.9 < (found.upper or 0) <= 1.0
    assert found.name == "flips of the traffic"


def test_requests_that_weigh_alike_have_no_other_share() -> None:
    """Their plain share is it."""
    assert traffic_share("flips", np.array([True, False]), weight=np.array([3.0, 3.0])) is None


@given(st.lists(st.floats(1e-6, 1e6), min_size=1, max_size=20), st.floats(1e-3, 1e3))
def test_only_ratios_of_weights_count(given_weights: list[float], times: float) -> None:
    """All alike are ones to the last bit; others stay as they are."""
    weight = np.array(given_weights)
    assert alike(np.full(weight.size, times))
    assert relative(np.full(weight.size, times)).tolist() == [1.0] * weight.size
    assert np.array_equal(relative(weight), np.ones(weight.size) if alike(weight) else weight)
