"""The p95 gate of one pass: known limits, agreement with the plain binomial, and its edges."""

import math

import pytest

from harness.stats import SlowShareTest, detectable_slow_share, judge_slow_share, min_requests_within


@pytest.mark.parametrize(
    ("slow", "ruling"),
    [(0, "within"), (11, "within"), (12, "undecided"), (53, "undecided"), (54, "over"), (632, "over")],
)
def test_632_requests_are_ruled_as_documented(slow: int, ruling: str) -> None:
    """Within up to 11 slow, over from 54, undecided between (alpha .05, inflation 4.5)."""
    found = judge_slow_share(slow, 632)
    assert (found.ruling, found.largest_within, found.smallest_over) == (ruling, 11, 54)
    assert (found.slow, found.n) == (slow, 632)


@pytest.mark.parametrize("slow", [0, 1, 5, 20, 40])
def test_without_inflation_the_tails_are_the_binomials(slow: int) -> None:
    """With v = 1 both tail probabilities are the exact binomial sums."""
    rule = SlowShareTest(inflation=1.0)
    chance = [math.comb(40, k) * 0.05**k * 0.95 ** (40 - k) for k in range(41)]
    assert rule.p_within(slow, 40) == pytest.approx(math.fsum(chance[: slow + 1]), rel=1e-10)
    assert rule.p_over(slow, 40) == pytest.approx(math.fsum(chance[slow:]), rel=1e-10)


def test_the_share_that_is_seen_is_ruled_over_with_its_chance() -> None:
    """With v = 1 the binomial sums from the deciding count on give the chance."""
    rule = SlowShareTest(inflation=1.0)
    share, fewest = rule.share_seen(240, chance=0.9), rule.smallest_over(240)
    assert share is not None
    assert fewest is not None
    terms = (math.comb(240, k) * share**k * (1 - share) ** (240 - k) for k in range(fewest, 241))
    assert math.fsum(terms) == pytest.approx(0.9, rel=1e-9)
    assert SlowShareTest().share_seen(632) == pytest.approx(0.1263, abs=5e-5)
    assert SlowShareTest().share_seen(4) is None


@pytest.mark.parametrize("inflation", [1.0, 2.0, 4.5])
def test_inflation_by_a_whole_number_is_a_smaller_binomial(inflation: float) -> None:
    """Counts that are multiples of v give the plain test of the divided counts."""
    rule, plain = SlowShareTest(inflation=inflation), SlowShareTest(inflation=1.0)
    slow, n = round(4 * inflation), round(100 * inflation)
    assert rule.p_within(slow, n) == pytest.approx(plain.p_within(4, 100), rel=1e-12)


@pytest.mark.parametrize(
    ("n", "within", "over"),
    [(1, None, None), (4, None, None), (5, None, 5), (262, None, 29), (263, 0, 29), (632, 11, 54)],
)
def test_limits_are_none_where_no_count_reaches_them(n: int, within: int | None, over: int | None) -> None:
    """Short passes cannot prove anything, and say so with None."""
    rule = SlowShareTest()
    assert (rule.largest_within(n), rule.smallest_over(n)) == (within, over)


@pytest.mark.parametrize("n", [50, 263, 632, 1500])
def test_limits_separate_the_rulings(n: int) -> None:
    """One more or one fewer slow request than the limits changes the ruling."""
    found = judge_slow_share(0, n)
    if found.largest_within is not None:
        assert judge_slow_share(found.largest_within, n).ruling == "within"
        assert judge_slow_share(found.largest_within + 1, n).ruling == "undecided"
    assert found.smallest_over is not None
    assert judge_slow_share(found.smallest_over, n).ruling == "over"
    assert judge_slow_share(found.smallest_over - 1, n).ruling == "undecided"


def test_an_empty_pass_is_undecided() -> None:
    """No requests are no evidence, never a pass."""
    found = judge_slow_share(0, 0)
    assert (found.ruling, found.largest_within, found.smallest_over) == ("undecided", None, None)


@pytest.mark.parametrize(
    ("alpha", "inflation", "limit", "n"),
    [(0.05, 4.5, 0.05, 263), (0.05, 1.0, 0.05, 59), (0.01, 4.5, 0.05, 405)],
)
def test_fewest_requests_that_can_prove_within(alpha: float, inflation: float, limit: float, n: int) -> None:
    """At n a flawless pass is within, at n - 1 it is not."""
    assert min_requests_within(alpha=alpha, inflation=inflation, limit=limit) == n
    rule = SlowShareTest(alpha=alpha, inflation=inflation, limit=limit)
    assert rule.judge(0, n).ruling == "within"
    assert rule.judge(0, n - 1).ruling == "undecided"


def test_detectable_share_is_the_smallest_count_over_by_n() -> None:
    """54 of 632 is the smallest share called over; a pass of one request can call nothing over."""
    assert detectable_slow_share(632) == pytest.approx(54 / 632)
    assert detectable_slow_share(1) is None


@pytest.mark.parametrize(
    ("rule", "text"),
    [
        ({"limit": 0.0}, "limit: found 0.0"),
        ({"limit": 1.0}, "limit: found 1.0"),
        ({"alpha": 0.5}, "alpha: found 0.5, expected a number above 0 and below 0.5"),
        ({"alpha": math.nan}, "alpha: found nan"),
        ({"inflation": 0.9}, "inflation: found 0.9, expected a finite number of at least 1"),
        ({"inflation": math.inf}, "inflation: found inf"),
    ],
)
def test_impossible_rules_are_refused(rule: dict[str, float], text: str) -> None:
    """A rule out of range raises ValueError that names it."""
    with pytest.raises(ValueError, match=text):
        SlowShareTest(**rule)


@pytest.mark.parametrize(("slow", "n"), [(2, 1), (-1, 5), (0, -1)])
def test_impossible_counts_are_refused(slow: int, n: int) -> None:
    """Counts out of range raise ValueError."""
    with pytest.raises(ValueError, match="found"):
        judge_slow_share(slow, n)
