"""The normal mixture against the published test values of confseq, and far out on the wrong side."""

import math

import pytest
from scipy.integrate import quad

from harness.stats import best_rho, log_mixture, mixture_bound
from harness.stats.normal_mixture import Sides


def test_tuning_has_the_published_value() -> None:
    """best_rho(100, .05), printed to seven digits."""
    assert best_rho(100, 0.05, sides=2) == pytest.approx(12.60056, abs=5e-6)


@pytest.mark.parametrize(("sides", "value"), [(2, -0.6510052), (1, -0.06502391)])
def test_log_mixture_has_the_published_value(sides: Sides, value: float) -> None:
    """The evidence of s = 10 at v = 100, tuned for v = 100 and alpha = .05."""
    rho = best_rho(100, 0.05, sides=sides)
    assert log_mixture(10, 100, rho=rho, sides=sides) == pytest.approx(value, abs=1e-7)


@pytest.mark.parametrize(("sides", "value"), [(2, 30.35209), (1, 27.66071)])
def test_bound_has_the_published_value(sides: Sides, value: float) -> None:
    """The rejection boundary at v = 100, tuned for v = 100 and alpha = .05."""
    rho = best_rho(100, 0.05, sides=sides)
    assert mixture_bound(100, 0.05, rho=rho, sides=sides) == pytest.approx(value, abs=5e-6)


@pytest.mark.parametrize("sides", [1, 2])
@pytest.mark.parametrize("alpha", [0.001, 0.05, 0.3])
@pytest.mark.parametrize("v", [0.0, 1.0, 100.0, 1e9])
def test_the_e_value_at_the_bound_is_one_over_alpha(sides: Sides, alpha: float, v: float) -> None:
    """Boundary and evidence are the same statement."""
    rho = best_rho(100, alpha, sides=sides)
    bound = mixture_bound(v, alpha, rho=rho, sides=sides)
    assert log_mixture(bound, v, rho=rho, sides=sides) == pytest.approx(-math.log(alpha), rel=1e-9)


@pytest.mark.parametrize("s", [-1e2, -1e4, -1e8, -1e100, -1e300])
def test_the_wrong_side_is_never_evidence(s: float) -> None:
    """One-sided log evidence stays negative and finite or -inf, however far the sum is below 0."""
    assert log_mixture(s, 100, rho=12.6, sides=1) < 0.0


@pytest.mark.parametrize("s", [-30.0, -3.0, -0.5, 0.0, 0.5, 3.0])
def test_one_sided_is_the_mixture_over_positive_drifts(s: float) -> None:
    """The closed form equals the integral of exp(m s - m^2 v / 2) over a half-normal prior, by quadrature."""
    v, rho = 20.0, 5.0
    prior = 2.0 * math.sqrt(rho / (2.0 * math.pi))
    total, _ = quad(lambda m: prior * math.exp(m * s - 0.5 * m * m * (v + rho)), 0.0, 6.0, epsabs=1e-13)
    assert log_mixture(s, v, rho=rho, sides=1) == pytest.approx(math.log(total), abs=1e-9)


@pytest.mark.parametrize(
    ("alpha", "sides", "text"), [(0.0, 2, "alpha"), (1.0, 2, "alpha"), (0.5, 1, "below 0.5")]
)
def test_impossible_levels_are_refused(alpha: float, sides: Sides, text: str) -> None:
    """A level out of range raises ValueError from the tuning and from the bound."""
    with pytest.raises(ValueError, match=text):
        best_rho(100, alpha, sides=sides)
    with pytest.raises(ValueError, match=text):
        mixture_bound(100, alpha, rho=12.6, sides=sides)
