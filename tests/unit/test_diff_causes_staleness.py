"""Old values of the same unit."""

import numpy as np
import pytest
from numpy.random import default_rng

from harness.diff.causes import Surroundings
from harness.diff.causes.history import History
from tests.kit.struck import HIT, RARE, TIME_NS, UNIT, N, causes_of

HISTORY = History.of(UNIT, TIME_NS)
AROUND = Surroundings(unit=UNIT, time_ns=TIME_NS)
#: a value of each unit that drifts
WALK = np.round(np.cumsum(default_rng(1901).normal(size=N)) * 0.1 + UNIT * 10.0, 4)
ROWS = np.arange(N)


@pytest.mark.parametrize("lag", [1, 2, 3])
def test_the_lag_and_the_age_are_told(lag: int) -> None:
    """The value so many requests before, and how old it is in the median."""
    sources = HISTORY.before(ROWS, lag)
    served = np.where(sources >= 0, WALK[sources], WALK)
    (cause,) = causes_of(WALK, served, around=AROUND)
    seen = HIT & (sources >= 0)
    assert (cause.name, cause.parameters["lag"]) == ("stale", float(lag))
    assert cause.parameters["age_s"] == np.median(TIME_NS[seen] - TIME_NS[sources[seen]]) / 1e9


def test_the_value_of_some_hours_ago_is_stale_at_any_lag() -> None:
    """A cache that lives for two days serves values of several requests before."""
    sources = np.array(
        [
            max(
                (
                    j
                    for j in np.flatnonzero(UNIT[:i] == UNIT[i])
                    if TIME_NS[j] <= TIME_NS[i] - 2 * 864 * 10**11
                ),
                default=-1,
            )
            for i in range(N)
        ]
    )
    served = np.where(sources >= 0, WALK[sources], WALK)
    cause = causes_of(WALK, served, around=AROUND)[0]
    assert cause.name == "stale"
    assert float(cause.parameters["age_s"]) > 2 * 86_400


def test_a_snapshot_has_one_date() -> None:
    """Every unit is served what it had at one time."""
    when = int(TIME_NS[N // 3])
    rows = HISTORY.as_of(ROWS, when)
    later = when < TIME_NS
    (cause,) = causes_of(WALK, np.where(later, WALK[rows], WALK), around=AROUND)
    assert cause.name == "snapshot"
    assert abs(float(cause.parameters["time_ns"]) - when) < 864 * 10**11


def test_values_of_other_units_are_not_stale() -> None:
    """And without units nothing is."""
    served = default_rng(1902).permutation(WALK)
    assert causes_of(WALK, served, hit=RARE, around=AROUND)[0].name == "wrong_key"
    sources = HISTORY.before(ROWS, 1)
    assert causes_of(WALK, WALK[sources], hit=RARE)[0].name == "wrong_key"
