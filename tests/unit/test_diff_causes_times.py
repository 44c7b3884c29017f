"""Clocks: zones, hours, seasons, shifts."""

import datetime as dt

import numpy as np
import pytest

from harness.diff.causes import Surroundings
from harness.diff.causes.times import _american, _european
from tests.kit.struck import AMOUNT, COUNT, EPOCH, HOUR, RARE, SHARE, TIME_NS, N, causes_of


@pytest.mark.parametrize("unit", [1.0, 1e3, 1e6])
@pytest.mark.parametrize("hours", [-8.0, 1.0, 5.5])
def test_a_time_zone_on_a_time(unit: float, hours: float) -> None:
    """In seconds, milliseconds or microseconds, by quarters of an hour."""
    (cause,) = causes_of(EPOCH * unit, EPOCH * unit + hours * 3600 * unit, hit=RARE)
    assert (cause.name, cause.parameters) == ("time_shift", {"by": hours * 3600 * unit})
    assert "time zone" in cause.phrase


@pytest.mark.parametrize(
    ("values", "by", "name"),
    [(EPOCH, 17.0, "shift"), (AMOUNT, 3600.0, "shift"), (COUNT, -1.0, "off_by_one"), (COUNT, 2.0, "shift")],
)
def test_other_shifts_are_no_time_zone(values: np.ndarray, by: float, name: str) -> None:
    """17 s is no zone, an amount no time, and a count may be one off."""
    cause = causes_of(values, values + by, hit=RARE)[0]
    assert (cause.name, cause.parameters) == (name, {"by": by})


@pytest.mark.parametrize("by", [1.0, 5.0, 23.0])
def test_an_hour_goes_round_the_clock(by: float) -> None:
    """Shifts pass midnight, and are told from 0 to 23."""
    (cause,) = causes_of(HOUR, (HOUR + by) % 24, hit=RARE)
    assert (cause.name, cause.parameters) == ("modular_shift", {"by": by, "modulus": 24.0})


def test_an_hour_that_never_passes_midnight_is_no_clock() -> None:
    """What would have wrapped and did not is cut off instead."""
    names = {cause.name for cause in causes_of(HOUR, np.minimum(HOUR + 4, 23))}
    assert "modular_shift" not in names


def test_an_hour_wrong_in_one_season_is_daylight_saving() -> None:
    """All affected rows lie on one side of a change of the clocks that the capture sees."""
    change = int(dt.datetime(2025, 10, 26, 1, tzinfo=dt.UTC).timestamp()) * 10**9
    when = TIME_NS - TIME_NS[N // 2] + change
    served = np.where(when >= change, EPOCH - 3600, EPOCH)
    (cause,) = causes_of(EPOCH, served, around=Surroundings(time_ns=when))
    assert (cause.name, cause.parameters["by"]) == ("daylight_saving", -3600.0)
    assert causes_of(EPOCH, EPOCH - 3600, around=Surroundings(time_ns=when))[0].name == "time_shift"


@pytest.mark.parametrize(
    ("changes", "year", "starts", "ends"),
    [
        (_european, 2025, "2025-03-30T01", "2025-10-26T01"),
        (_european, 2026, "2026-03-29T01", "2026-10-25T01"),
        (_american, 2025, "2025-03-09T07", "2025-11-02T06"),
        (_american, 2026, "2026-03-08T07", "2026-11-01T06"),
    ],
)
def test_clocks_change_on_the_days_of_the_law(changes: object, year: int, starts: str, ends: str) -> None:
    """Against the published dates."""
    assert callable(changes)
    found = [str(np.datetime64(ns, "ns"))[:13] for ns in changes(year)]
    assert found == [starts, ends]


def test_a_large_constant_is_no_shift_of_small_numbers() -> None:
    """1.7 billion plus a share is 1.7 billion to nine digits, and still a constant."""
    assert causes_of(SHARE, np.full(N, 1.7e9))[0].name == "constant"
