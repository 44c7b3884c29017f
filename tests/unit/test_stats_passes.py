"""Several passes of the same arrivals: one by one, by the variance between them, and refusals."""

import pytest

from harness.stats import SlowShareTest, between_pass_inflation, judge_passes, judge_slow_share


def test_one_pass_is_the_gate_of_one_pass() -> None:
    """With one pass declared nothing is split."""
    for slow in (0, 11, 12, 53, 54):
        assert judge_passes([slow], [632], planned=1).ruling == judge_slow_share(slow, 632).ruling


@pytest.mark.parametrize(
    ("slow", "ruling"),
    [
        ([], "undecided"),
        ([5], "undecided"),
        ([5, 5], "undecided"),
        ([5, 5, 11], "within"),
        ([5, 5, 12], "undecided"),
        ([0, 50, 50], "undecided"),
        ([9, 9, 5], "within"),
        ([5, 5, 80], "over"),
        ([80], "over"),
        ([20, 20, 20], "undecided"),
    ],
)
def test_fewer_than_five_passes_are_within_together_and_over_by_one(slow: list[int], ruling: str) -> None:
    """Of 3 declared passes of 632 all are within at alpha, or one is over at alpha / 3."""
    found = judge_passes(slow, [632] * len(slow), planned=3)
    assert found.ruling == ruling
    assert found.alpha_within == 0.05
    assert found.alpha_over == pytest.approx(0.05 / 3)


def test_a_pass_that_is_over_is_over_at_its_part_of_alpha() -> None:
    """The fewest slow requests that are over, one pass of three, whatever the others are."""
    fewest = SlowShareTest(alpha=0.05 / 3).smallest_over(632)
    assert fewest is not None
    assert judge_passes([fewest, 0, 0], [632] * 3, planned=3).ruling == "over"
    assert judge_passes([fewest - 1, 0, 0], [632] * 3, planned=3).ruling == "undecided"


@pytest.mark.parametrize(
    ("slow", "ruling"),
    [
        ([3, 5, 2, 4, 6], "within"),
        ([60, 75, 50, 66, 80], "over"),
        ([31, 32, 31, 32, 31], "undecided"),
        ([0, 0, 0, 0, 0], "within"),
        ([630] * 5, "over"),
        ([0, 0, 0, 0, 90], "undecided"),
        ([3, 5, 2, 4], "undecided"),
    ],
)
def test_five_passes_are_judged_together_when_all_have_finished(slow: list[int], ruling: str) -> None:
    """The variance between them decides: one bad pass among good ones is noise that cannot be ruled on."""
    assert judge_passes(slow, [630] * len(slow), planned=5).ruling == ruling


def test_inflation_is_the_pearson_statistic_by_its_degrees_of_freedom() -> None:
    """10 to 50 slow of 1,000: 34.364 over 4; equal counts vary less than chance, so it is 1."""
    assert between_pass_inflation([10, 20, 30, 40, 50], [1000] * 5) == pytest.approx(8.591065, abs=1e-6)
    assert between_pass_inflation([30] * 5, [1000] * 5) == 1.0
    assert between_pass_inflation([0] * 5, [1000] * 5) == 1.0
    assert between_pass_inflation([10, 20], [1000, 2000]) == 1.0


def test_a_ruling_says_what_it_used() -> None:
    """Counts, passes, the measured inflation, and the tail that Student's quantile leaves."""
    found = judge_passes([60, 75, 50, 66, 80], [630] * 5, planned=5)
    assert (found.slow, found.n, found.passes, found.planned) == (331, 3150, 5, 5)
    assert found.inflation == pytest.approx(2.400253, abs=1e-6)
    assert found.alpha_within == found.alpha_over == pytest.approx(0.016510, abs=1e-6)


@pytest.mark.parametrize(
    ("slow", "n", "planned", "text"),
    [
        ([1, 2], [10, 10], 1, "found 2 passes, expected at most the 1 declared"),
        ([1], [10, 10], 5, "found 1 and 2 passes"),
        ([1], [0], 5, "n: found 0"),
        ([11], [10], 5, "slow: found 11 of 10"),
        ([], [], 0, "planned: found 0"),
    ],
)
def test_impossible_passes_are_refused(slow: list[int], n: list[int], planned: int, text: str) -> None:
    """More passes than declared, empty ones, and counts out of range."""
    with pytest.raises(ValueError, match=text):
        judge_passes(slow, n, planned=planned)


def test_one_pass_has_no_variance_between_passes() -> None:
    """Two at least."""
    with pytest.raises(ValueError, match="at least 2"):
        between_pass_inflation([1], [10])
