"""Numbers and lists as sentences show them."""

import pytest

from harness.diff.sentences import LONGEST, duration, listed, number, percent, quoted, reference, small


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (3600.0, "3,600"),
        (-1.0, "−1"),
        (0.5, "0.5"),
        (1234.5678, "1,234.57"),
        (-2.5, "−2.5"),
        (1e300, "1e+300"),
    ],
)
def test_numbers_have_commas_and_six_digits(value: float, text: str) -> None:
    """Whole numbers stay whole, a minus is a minus."""
    assert number(value) == text


@pytest.mark.parametrize(
    ("part", "whole", "text"),
    [(292, 7122, "4.1 %"), (7122, 7122, "100.0 %"), (3, 7122, "0.042 %"), (0, 10, "0 %"), (0, 0, "0 %")],
)
def test_percent_keeps_two_digits_of_small_shares(part: int, whole: int, text: str) -> None:
    """A share below 1 % does not round to nothing."""
    assert percent(part, whole) == text


def test_small_numbers_have_two_digits_and_no_exponent() -> None:
    """A mean change reads without a calculator."""
    assert [small(value) for value in (0.02134, 0.5, 0.0, 0.000012345)] == ["0.021", "0.5", "0", "0.000012"]


@pytest.mark.parametrize(
    ("names", "text"),
    [
        ([], ""),
        (["a"], "a"),
        (["a", "b"], "a and b"),
        (["a", "b", "c"], "a, b and c"),
        (list("abcdefgh"), "a, b, c, d, e and 3 more"),
    ],
)
def test_names_are_listed_as_one_speaks(names: list[str], text: str) -> None:
    """Commas, one and, and a count beyond six."""
    assert listed(names) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(3600, "1 h"), (1800, "30 min"), (86_400, "1 d"), (5 * 3600, "5 h"), (90, "90 s"), (0.25, "0.25 s")],
)
def test_durations_come_in_their_largest_whole_unit(seconds: float, text: str) -> None:
    """One hour is 1 h, not 3,600 s."""
    assert duration(int(seconds * 10**9)) == text


def test_arms_are_named_by_their_role() -> None:
    """An offline model is just offline; an endpoint has its article."""
    assert [reference(arm) for arm in ("offline:v7", "offline", "champion")] == [
        "offline",
        "offline",
        "the champion",
    ]


def test_long_levels_are_cut() -> None:
    """A megabyte of text does not fill the report."""
    assert quoted("ab") == '"ab"'
    assert len(quoted("a" * 10**6)) == LONGEST + 3
