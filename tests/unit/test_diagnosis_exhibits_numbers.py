"""Numbers and tables as records: nothing that JSON cannot hold."""

from __future__ import annotations

import math

import numpy as np
import pytest

from harness.diagnosis.exhibits.numbers import cell, figure, number, of_interval, share, table
from harness.diagnosis.intervals import Interval
from harness.records import Number

NAN, INF = math.nan, math.inf


@pytest.mark.parametrize(
    ("value", "ends", "expected"),
    [
        (0.5, (0.4, 0.6), Number(value=0.5, lower=0.4, upper=0.6)),
        (0.5, (NAN, 0.6), Number(value=0.5)),
        (0.5, (-INF, INF), Number(value=0.5)),
        (NAN, (0.4, 0.6), None),
        (INF, (0.4, 0.6), None),
    ],
)
def test_a_number_is_finite_or_none(value: float, ends: tuple[float, float], expected: Number | None) -> None:
    """An interval is there with both ends or not at all."""
    assert number(value, ends) == expected


@pytest.mark.parametrize(
    ("together", "expected"),
    [
        ((0.3, 0.7), Number(value=0.5, lower=0.4, upper=0.6, lower_all=0.3, upper_all=0.7)),
        ((NAN, NAN), Number(value=0.5, lower=0.4, upper=0.6)),
    ],
)
def test_an_interval_keeps_both_its_widths(together: tuple[float, float], expected: Number) -> None:
    """Alone, and with all others at once where there is one."""
    found = Interval(value=0.5, se=0.05, lower=0.4, upper=0.6, lower_all=together[0], upper_all=together[1])
    assert of_interval(found) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (np.float64(0.5), 0.5),
        (np.int64(3), 3),
        (np.bool_(1), True),
        (np.str_("a"), "a"),
        (NAN, None),
        (INF, None),
    ],
)
def test_a_cell_is_plain(value: np.generic, expected: object) -> None:
    """Numbers of arrays become those of the language, what is not finite becomes nothing."""
    assert cell(value) == expected
    assert type(cell(value)) is type(expected)


def test_a_table_counts_the_rows_that_it_leaves_out() -> None:
    """Forms are read after a colon, and default to text."""
    made = table("name|part:share", [("a", 0.5), ("b", NAN), ("c", 0.1)], title="t", most=2)
    assert [(one.name, one.form) for one in made.columns] == [("name", "text"), ("part", "share")]
    assert made.rows == (("a", 0.5), ("b", None))
    assert (made.title, made.more) == ("t", 1)


@pytest.mark.parametrize(("value", "told"), [(0.1234, "12.3 %"), (0.0, "0 %"), (NAN, "unknown")])
def test_a_share_in_words(value: float, told: str) -> None:
    """What is not known is not called nan."""
    assert share(value) == told


@pytest.mark.parametrize(("value", "told"), [(0.8124, "0.812"), (NAN, "undefined"), (INF, "undefined")])
def test_a_metric_in_words(value: float, told: str) -> None:
    """A metric that is undefined is called so."""
    assert figure(value) == told
