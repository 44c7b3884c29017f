"""Numbers, times and names are written one way everywhere."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.records import Estimate
from harness.report import words


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (0.0, "0"),
        (-0.0, "0"),
        (1.0, "1"),
        (0.0041234, "0.00412"),
        (12.345, "12.3"),
        (234.0, "234"),
        (999.7, "1,000"),
        (7122.4, "7,122"),
        (-0.012, "−0.012"),
        (-12345.0, "−12,345"),
        (0.000000123, "1.23e-7"),
        (-1.5e20, "−1.50e20"),
        (math.nan, "NaN"),
        (math.inf, "∞"),
        (-math.inf, "−∞"),
        (None, "–"),
    ],
)
def test_numbers_have_three_digits(value: float | None, written: str) -> None:
    """Three significant digits, whole thousands kept, a true minus, and nothing never reads as a number."""
    assert words.number(value) == written


@pytest.mark.parametrize(
    ("share", "written"),
    [
        (0.859312, "85.9 %"),
        (0.002, "0.2 %"),
        (0.0405, "4.05 %"),
        (0.0, "0 %"),
        (1.0, "100 %"),
        (0.99999, "> 99.9 %"),
        (1e-9, "< 0.0001 %"),
        (None, "–"),
    ],
)
def test_shares_are_per_cent(share: float | None, written: str) -> None:
    """What is not quite all is never "100 %", and what is not quite nothing never "0 %"."""
    assert words.percent(share) == written


@pytest.mark.parametrize(
    ("value", "unit", "written"),
    [
        (0.002, "share", "0.2 %"),
        (0.002, "share of requests", "0.2 %"),
        (120.0, "ms", "120 ms"),
        (3.123, "ms", "3.12 ms"),
        (6120.0, "requests", "6,120 requests"),
        (-0.0041, "mean loss difference", "−0.0041"),
        (None, "ms", "–"),
    ],
)
def test_quantities_carry_their_unit(value: float | None, unit: str, written: str) -> None:
    """A share is per cent, other units follow the number, and long ones are left to the sentence."""
    assert words.quantity(value, unit) == written


@pytest.mark.parametrize(
    ("estimate", "written"),
    [
        (
            Estimate(name="x", value=0.1, lower=0.05, upper=0.2, level=0.95, unit="share"),
            "5 % to 20 % (95 %)",
        ),
        (Estimate(name="x", value=0.1, upper=0.2, level=0.95, unit="share"), "≤ 20 % (95 %)"),
        (Estimate(name="x", value=0.1, lower=0.05, unit="share"), "≥ 5 %"),
        (
            Estimate(name="x", value=0.1, upper=0.2, unit="share", method="exact count; bound"),
            "exact; future ≤ 20 %",
        ),
        (Estimate(name="x", value=0.1), "–"),
    ],
)
def test_intervals_say_what_they_hold(estimate: Estimate, written: str) -> None:
    """Both bounds, the one there is, or a dash; a census is exact."""
    assert words.interval(estimate) == written


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("2025-06-03T14:00:00Z", "2025-06-03 14:00 UTC"),
        ("2025-06-03T14:00:07.25Z", "2025-06-03 14:00:07 UTC"),
        ("2025-06-03T16:00:00+02:00", "2025-06-03 14:00 UTC"),
        ("2025-06-03T14:00:00", "2025-06-03 14:00 UTC"),
        ("yesterday\n", "yesterday\\n"),
        (None, "–"),
        ("", "–"),
    ],
)
def test_times_are_short_and_utc(text: str | None, written: str) -> None:
    """RFC 3339 becomes minutes in UTC, seconds only where there are any."""
    assert words.moment(text) == written


@pytest.mark.parametrize(
    ("names", "written"),
    [
        ((), ""),
        (("a",), "a"),
        (("a", "b", "c"), "a, b and c"),
        (("a", "b", "c", "d", "e"), "a, b, c and 2 more"),
    ],
)
def test_names_are_listed(names: tuple[str, ...], written: str) -> None:
    """Four names are named; of more, three and how many are left."""
    assert words.listed(names) == written


def test_tallies_are_largest_first() -> None:
    """Counts by name, the largest first, zeros left out, the rest counted."""
    assert words.tally({"null": 120, "value": 6000, "nan": 0}) == "value 6,000 · null 120"
    assert words.tally(dict.fromkeys("abcdefg", 1)) == "a 1 · b 1 · c 1 · d 1 · e 1 · 2 more"
    assert words.tally({}) == "–"


@pytest.mark.parametrize(("n", "written"), [(0, "0 requests"), (1, "1 request"), (7122, "7,122 requests")])
def test_counted_agrees_in_number(n: int, written: str) -> None:
    """One thing is singular, any other count plural."""
    assert words.counted(n, "request") == written


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("since 2025-03-03T14:49:04Z, and", "since 2025-03-03 14:49 UTC, and"),
        ("at 2025-03-03T14:49Z.", "at 2025-03-03 14:49 UTC."),
        ("(87.92%) differ; the budget is 0.20%.", "(87.92 %) differ; the budget is 0.2 %."),
        ("3 of 712,200 (0.00%)", "3 of 712,200 (0.00 %)"),
        ("below 88.555% (95 %)", "below 88.555 % (95 %)"),
        ("10%", "10 %"),
        ("/a/1%20b field_5% 50%_off 7,122%", "/a/1%20b field_5% 50%_off 7,122%"),
    ],
)
def test_sentences_write_per_cent_as_tables_do(text: str, written: str) -> None:
    """One blank before the sign and no idle zeros; a rounded nothing stays rounded, names stay names."""
    assert words.sentence(text) == written
    assert words.sentence(written) == written


@given(st.text())
def test_printable_text_moves_no_cursor(text: str) -> None:
    """Whatever a capture holds becomes one line without control, direction or surrogate characters."""
    clean = words.printable(text)
    assert clean.isprintable()
    assert clean.encode("utf-8").decode("utf-8") == clean


@given(st.text(), st.integers(min_value=1, max_value=20))
def test_clipped_text_keeps_its_limit(text: str, limit: int) -> None:
    """Clipped text is never longer than asked for."""
    assert len(words.clipped(text, limit)) <= limit


def test_remarks_are_whole_sentences_side_by_side() -> None:
    """None is cut where a name would be; beyond the limit the rest is counted."""
    long = "challenger shows no features: scores and decisions are compared, features are not judged"
    assert words.remarks([long, "b: so"]) == f"{long}; b: so"
    assert words.remarks(["a", "b", "c"], 1) == "a; and 2 more"
