"""Days of a source as moments in the place's own time zone, and its codes as texts."""

from __future__ import annotations

import pandas as pd
import pytest

from scenarios.sources import as_text, over, spread


@pytest.mark.parametrize(
    ("days", "expected"),
    [
        (["2017-01-10"] * 3, ["01-10 04:00", "01-10 12:00", "01-10 20:00"]),
        (["2017-06-01"], ["06-01 11:00"]),
        (["2017-03-26", "2017-01-10", "2017-03-26"], ["03-26 05:45", "01-10 12:00", "03-26 17:15"]),
    ],
)
def test_the_rows_of_a_day_are_spread_over_it(days: list[str], expected: list[str]) -> None:
    """A Lisbon day begins at 23 h UTC in summer, and one of 23 hours in March is spread over those."""
    stamps = spread(pd.to_datetime(pd.Series(days)), "Europe/Lisbon")
    assert list(stamps) == [pd.Timestamp(f"2017-{text}", tz="UTC") for text in expected]


def test_a_day_is_over_at_its_midnight() -> None:
    """1 July in Chicago ends at 5 h UTC of the 2nd."""
    days = pd.to_datetime(pd.Series(["2014-07-01"]))
    assert over(days, "America/Chicago").item() == pd.Timestamp("2014-07-02 05:00", tz="UTC")


def test_codes_are_texts_and_missing_ones_none() -> None:
    """9.0 is "9"."""
    assert list(as_text(pd.Series([9, None, 240]))) == ["9", None, "240"]
    assert list(as_text(pd.Series(["A", None]))) == ["A", None]
