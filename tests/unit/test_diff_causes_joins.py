"""Values in the wrong place."""

import numpy as np
import pytest
from numpy.random import default_rng

from harness.diff.causes import Surroundings
from harness.diff.causes.history import History
from tests.kit.struck import (
    AMOUNT,
    COUNT,
    HOUR,
    LEVELS,
    RARE,
    SHARE,
    SIGNED,
    TIME_NS,
    UNIT,
    N,
    causes_of,
    column,
)

COLUMNS = {"x": column(AMOUNT), "share": column(SHARE), "signed": column(SIGNED), "count": column(COUNT)}
KEY = default_rng(1501).integers(0, 100, N)
OF_UNIT = np.round(default_rng(1502).gamma(2, 9, 100), 3)[UNIT]


@pytest.mark.parametrize("name", ["share", "signed", "count"])
def test_another_feature_is_named(name: str) -> None:
    """The one whose value is served."""
    (cause,) = causes_of(AMOUNT, COLUMNS[name].values, hit=RARE, around=Surroundings(columns=COLUMNS))
    assert (cause.name, cause.parameters) == ("swapped", {"from": name})


def test_another_category_is_named() -> None:
    """Levels are swapped like numbers."""
    others = default_rng(1503).choice(np.array(["p", "q", "r", "s", "t"], object), N)
    columns = {"x": column(LEVELS), "other": column(others), "count": column(COUNT)}
    (cause,) = causes_of(LEVELS, others, around=Surroundings(columns=columns))
    assert (cause.name, cause.parameters) == ("swapped", {"from": "other"})


def test_a_feature_like_many_is_not_swapped() -> None:
    """Two hours of the day agree on many rows by chance."""
    columns = {"x": column(HOUR), "hour": column(default_rng(1504).permutation(HOUR))}
    served = default_rng(1505).integers(0, 24, N).astype(float)
    assert causes_of(HOUR, served, around=Surroundings(columns=columns))[0].name == "unexplained"


def test_a_wrong_key_is_named() -> None:
    """The value of the unit that another id of the request stands for, and which id."""
    history = History.of(UNIT, TIME_NS)
    sources = history.latest(KEY, np.arange(N))
    served = np.where(sources >= 0, OF_UNIT[sources], OF_UNIT)
    around = Surroundings(
        unit=UNIT, time_ns=TIME_NS, keys={"other": default_rng(1506).integers(0, 100, N), "payee": KEY}
    )
    (cause,) = causes_of(OF_UNIT, served, around=around)
    assert (cause.name, cause.parameters) == ("wrong_key", {"key": "payee"})


def test_anybodys_value_is_a_wrong_key_where_values_are_rare() -> None:
    """On few values everything is anybody's, and nothing is said."""
    assert causes_of(SIGNED, default_rng(1507).permutation(SIGNED))[0].name == "wrong_key"
    assert causes_of(HOUR, default_rng(1508).permutation(HOUR))[0].name == "unexplained"
    assert causes_of(COUNT, default_rng(1509).permutation(COUNT))[0].name == "unexplained"


def test_shares_of_the_last_hundred_are_crowded_for_all_a_few_short_pasts() -> None:
    """Nearly every hundredth is somebody's share, so that an older share is no other request's."""
    shares = default_rng(1510).binomial(100, 0.15, N) / 100
    shares[:36] = np.arange(1, 37) / 37  # pasts of fewer than a hundred
    older = np.round(
        shares + default_rng(1511).integers(1, 4, N) * default_rng(1512).choice([-0.01, 0.01], N), 2
    )
    assert causes_of(shares, older.clip(min=0))[0].name != "wrong_key"
