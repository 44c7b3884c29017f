"""Binomial bounds against known numbers and against the definition, summed exactly."""

import math

import pytest

from harness.stats import (
    clopper_pearson_interval,
    clopper_pearson_lower,
    clopper_pearson_upper,
    detectable_rate,
    wilson_lower,
)


def binomial_tail(k: int, n: int, *, p: float) -> float:
    """P(X <= k) for X ~ Binomial(n, p), term by term."""
    return math.fsum(math.comb(n, i) * p**i * (1.0 - p) ** (n - i) for i in range(k + 1))


@pytest.mark.parametrize(
    ("k", "n", "upper"),
    [
        (0, 1497, 0.0019991561833475),
        (0, 2995, 0.0009997444209011),
        (0, 598, 0.0049971),
        (0, 299, 0.0099691),
        (0, 59, 0.0495076),
        (10, 100, 0.1637177),
        (7, 7, 1.0),
    ],
)
def test_upper_bound_has_the_known_value(k: int, n: int, upper: float) -> None:
    """The 95 % bound equals the tabled one; k = n bounds nothing."""
    assert clopper_pearson_upper(k, n) == pytest.approx(upper, rel=1e-5)


@pytest.mark.parametrize("level", [0.5, 0.9, 0.95, 0.999])
@pytest.mark.parametrize(("k", "n"), [(0, 1), (0, 40), (3, 40), (20, 40), (39, 40)])
def test_upper_bound_solves_its_definition(k: int, n: int, level: float) -> None:
    """At the bound, k or fewer events have probability exactly 1 - level."""
    upper = clopper_pearson_upper(k, n, level=level)
    assert binomial_tail(k, n, p=upper) == pytest.approx(1.0 - level, rel=1e-9)


@pytest.mark.parametrize("p", [0.001, 0.01, 0.05, 0.2, 0.5, 0.93])
@pytest.mark.parametrize("n", [1, 7, 60])
def test_bounds_cover_by_the_exact_sum(n: int, p: float) -> None:
    """Summed over all outcomes, each bound covers the true rate with probability at least 95 %."""
    chance = [math.comb(n, k) * p**k * (1.0 - p) ** (n - k) for k in range(n + 1)]
    upper = math.fsum(c for k, c in enumerate(chance) if clopper_pearson_upper(k, n) >= p)
    lower = math.fsum(c for k, c in enumerate(chance) if clopper_pearson_lower(k, n) <= p)
    both = math.fsum(
        c
        for k, c in enumerate(chance)
        if clopper_pearson_interval(k, n)[0] <= p <= clopper_pearson_interval(k, n)[1]
    )
    assert min(upper, lower, both) >= 0.95


@pytest.mark.parametrize(
    ("k", "n", "low", "high"),
    [(10, 100, 0.0490047, 0.1762226), (0, 10, 0.0, 0.3084971), (10, 10, 0.6915029, 1.0)],
)
def test_interval_has_the_known_value(k: int, n: int, low: float, high: float) -> None:
    """The two-sided 95 % interval equals the tabled one, closed at 0 and at 1."""
    assert clopper_pearson_interval(k, n) == pytest.approx((low, high), abs=1e-7)


def test_lower_bound_mirrors_the_upper_bound() -> None:
    """A lower bound for events is one minus the upper bound for non-events."""
    assert clopper_pearson_lower(3, 50) == pytest.approx(1.0 - clopper_pearson_upper(47, 50), rel=1e-12)


@pytest.mark.parametrize(
    ("hits", "n", "bound"),
    [(50, 50, 0.9287), (8, 10, 0.4902), (10, 10, 0.7225), (50, 100, 0.4038), (0, 10, 0.0), (0, 0, 0.0)],
)
def test_the_wilson_bound_has_the_known_value(hits: int, n: int, bound: float) -> None:
    """As statsmodels' proportion_confint(hits, n, method="wilson") has it; no trials bound nothing."""
    assert wilson_lower(hits, n) == pytest.approx(bound, abs=1e-4)


def test_the_wilson_bound_is_of_counts() -> None:
    """More hits than trials are no count."""
    with pytest.raises(ValueError, match="hits: found 3 of 2"):
        wilson_lower(3, 2)


@pytest.mark.parametrize("n", [1, 59, 1497, 10**7])
def test_detectable_rate_is_the_bound_of_no_event(n: int) -> None:
    """What n requests can show is what 0 of n excludes."""
    assert detectable_rate(n) == pytest.approx(clopper_pearson_upper(0, n), rel=1e-9)


@pytest.mark.parametrize(
    ("k", "n", "level", "text"),
    [
        (0, 0, 0.95, "n: found 0 trials, expected at least 1"),
        (0, -1, 0.95, "n: found -1"),
        (3, 2, 0.95, "k: found 3 of 2"),
        (-1, 2, 0.95, "k: found -1 of 2"),
        (1, 2, 1.0, "level: found 1.0"),
        (1, 2, math.nan, "level: found nan"),
    ],
)
def test_impossible_input_is_refused_by_name(k: int, n: int, level: float, text: str) -> None:
    """Counts and levels out of range raise ValueError that names the argument and what was found."""
    with pytest.raises(ValueError, match=text):
        clopper_pearson_upper(k, n, level=level)
    with pytest.raises(ValueError, match=text):
        clopper_pearson_interval(k, n, level=level)
