"""Windows of counts and sums."""

import numpy as np
import pytest
from numpy.random import default_rng

from harness.diff.causes import Surroundings
from tests.kit.struck import AMOUNT, DAY_NS, TIME_NS, UNIT, N, causes_of, column

AROUND = Surroundings(unit=UNIT, time_ns=TIME_NS)


def summed(weights: np.ndarray, days: float) -> np.ndarray:
    """What each unit's requests of the last days add up to, the present one included."""
    since = TIME_NS - int(days * DAY_NS)
    same = (UNIT[:, None] == UNIT[None, :]) & (TIME_NS[None, :] <= TIME_NS[:, None])
    return np.asarray(np.round((same & (TIME_NS[None, :] >= since[:, None])) @ weights, 2))


@pytest.mark.parametrize(("of", "days"), [(7, 1), (3, 7), (2, 6)])
@pytest.mark.parametrize("weights", [np.ones(N), AMOUNT], ids=["counts", "sums"])
def test_another_window_is_counted_again(weights: np.ndarray, of: int, days: int) -> None:
    """From sums over one number of days follow those over any other."""
    cause = causes_of(summed(weights, of), summed(weights, days), around=AROUND)[0]
    assert (cause.name, cause.parameters) == ("window", {"days": float(days), "of_days": float(of)})


@pytest.mark.parametrize("by", [-1.0, 1.0])
def test_the_present_amount_in_or_out(by: float) -> None:
    """A sum with or without the request's own amount."""
    total = np.round(summed(AMOUNT, 7) + 100, 2)
    around = Surroundings(columns={"x": column(total), "amount": column(AMOUNT)})
    (cause,) = causes_of(total, total + by * AMOUNT, around=around)
    assert (cause.name, cause.parameters) == ("off_by_one", {"by": by, "of": "amount"})


def test_counts_that_all_shrink_are_a_shorter_window() -> None:
    """Without a history, by their ratio; noise both ways is none."""
    counts = default_rng(2001).poisson(40, N).astype(float)
    fewer = default_rng(2002).binomial(counts.astype(int), 0.4).astype(float)
    cause = causes_of(counts, fewer)[0]
    assert cause.name == "window"
    assert cause.parameters["ratio"] == pytest.approx(0.4, abs=0.02)
    both_ways = counts + default_rng(2003).integers(-9, 10, N)
    assert causes_of(counts, both_ways)[0].name == "unexplained"


def test_units_that_never_come_back_have_no_window() -> None:
    """Of one request a unit nothing adds up, and nothing is averaged over no rows."""
    once = Surroundings(unit=np.arange(N), time_ns=TIME_NS)
    served = default_rng(2004).permutation(np.arange(N)).astype(float)
    assert "window" not in {cause.name for cause in causes_of(np.arange(N, dtype=float), served, around=once)}
