"""Group-sequential bounds against another program, against multivariate normal integrals, and their edges."""

import math

import numpy as np
import pytest
from scipy.special import ndtri
from scipy.stats import multivariate_normal

from harness.stats import Spending, crossing_by_look, drift_for_power, futility_bounds, spending_bounds

FIVE = np.arange(1, 6) / 5
OBF = Spending(kind="obrien-fleming")


@pytest.mark.parametrize(
    ("spending", "alpha", "looks", "printed"),
    [
        (OBF, 0.025, FIVE, (4.876885, 3.357011, 2.680280, 2.289817, 2.031032)),
        (OBF, 0.05, FIVE, (4.229195, 2.888136, 2.298090, 1.961822, 1.739705)),
        (
            OBF,
            0.025,
            np.array([0.1, 0.35, 0.6, 0.8, 1.0]),
            (6.991341, 3.612789, 2.673239, 2.289196, 2.030851),
        ),
        (Spending(kind="pocock"), 0.025, FIVE, (2.437977, 2.426814, 2.410194, 2.396649, 2.386000)),
        (Spending(), 0.025, FIVE, (3.090232, 2.714112, 2.472777, 2.279863, 2.114028)),
    ],
)
def test_bounds_are_those_of_gsdesign(
    spending: Spending, alpha: float, looks: np.ndarray, printed: tuple[float, ...]
) -> None:
    """To 1e-5 relative, as its C core prints them."""
    assert spending_bounds(looks, alpha=alpha, spending=spending) == pytest.approx(printed, rel=1e-5)


def test_bounds_spend_alpha_by_the_multivariate_normal() -> None:
    """The probability to cross any bound, integrated by another method, is alpha."""
    looks = np.array([0.25, 0.6, 1.0])
    bounds = spending_bounds(looks, alpha=0.05, spending=Spending(kind="pocock"))
    covariance = np.sqrt(np.minimum.outer(looks, looks) / np.maximum.outer(looks, looks))
    stays = multivariate_normal(np.zeros(3), covariance, abseps=1e-9, releps=1e-9, seed=1).cdf(bounds)
    assert 1.0 - stays == pytest.approx(0.05, abs=1e-6)


@pytest.mark.parametrize("scale", [1.0, 500.0])
@pytest.mark.parametrize("drift", [0.0, 1.3])
def test_probabilities_sum_to_one(drift: float, scale: float) -> None:
    """Each path ends above, below, or stays open; the unit of information does not matter."""
    looks = FIVE * scale
    upper = spending_bounds(looks, alpha=0.05)
    up, down = crossing_by_look(looks, upper, drift=drift / math.sqrt(scale), lower=upper - 2.0)
    last = crossing_by_look(
        looks, [*upper[:4], -50.0], drift=drift / math.sqrt(scale), lower=[*(upper[:4] - 2.0), -60.0]
    )
    assert up[:4].sum() + down[:4].sum() + last[0][4] == pytest.approx(1.0, abs=1e-9)
    if drift == 0.0:
        alone, _ = crossing_by_look(looks, upper)
        assert alone.sum() == pytest.approx(0.05, abs=1e-10)


def test_one_look_is_the_plain_test() -> None:
    """One look has the normal quantile as its bound and 80 % power at a drift of 2.486475."""
    bound = spending_bounds([300.0], alpha=0.05)
    assert bound == pytest.approx([ndtri(0.95)], abs=1e-9)
    drift = drift_for_power([1.0], bound, power=0.8)
    assert drift == pytest.approx(float(ndtri(0.95) + ndtri(0.8)), abs=1e-9)


def test_an_over_run_last_look_spends_what_is_left() -> None:
    """At 108 % of the plan the last bound spends the rest of alpha at its true information."""
    looks = np.array([0.5, 1.08])
    bounds = spending_bounds(looks, alpha=0.05, planned=1.0)
    up, _ = crossing_by_look(looks, bounds)
    assert up == pytest.approx([0.0125, 0.0375], abs=1e-9)


def test_an_unfinished_plan_spends_only_its_share() -> None:
    """Looks that end at half of the plan spend what the function allows by then."""
    up, _ = crossing_by_look([0.2, 0.5], spending_bounds([0.2, 0.5], alpha=0.05, planned=1.0))
    assert up.sum() == pytest.approx(0.0125, abs=1e-10)


def test_a_look_with_nothing_to_spend_cannot_cross() -> None:
    """Very early O'Brien-Fleming spends less than a double can hold: the bound is inf, later ones stay."""
    early = spending_bounds([0.0005, 0.5, 1.0], alpha=0.05, spending=OBF)
    assert early[0] == math.inf
    assert early[1:] == pytest.approx(spending_bounds([0.5, 1.0], alpha=0.05, spending=OBF), abs=1e-9)


def test_futility_bounds_spend_beta_and_do_not_bind() -> None:
    """With the planned drift beta is lost below them; the level of the upper bounds is as it was."""
    upper = spending_bounds(FIVE, alpha=0.05, spending=OBF)
    drift = 1.1 * drift_for_power(FIVE, upper, power=0.8)
    lower = futility_bounds(FIVE, upper, drift=drift, beta=0.2)
    _, down = crossing_by_look(FIVE, upper, drift=drift, lower=lower)
    up, _ = crossing_by_look(FIVE, upper)
    assert down[:4] == pytest.approx(np.diff(0.2 * FIVE**2, prepend=0.0)[:4], abs=1e-9)
    assert up.sum() == pytest.approx(0.05, abs=1e-9)
    assert (lower <= upper).all()


def test_one_futility_look_meets_its_upper_bound() -> None:
    """With one look of 80 % power and beta .2 both bounds are the same number."""
    lower = futility_bounds([1.0], [ndtri(0.95)], drift=float(ndtri(0.95) + ndtri(0.8)), beta=0.2)
    assert lower == pytest.approx([ndtri(0.95)], abs=1e-9)


@pytest.mark.parametrize(
    ("looks", "planned", "text"),
    [
        ([], None, "expected numbers above 0"),
        ([0.0, 1.0], None, "expected numbers above 0"),
        ([0.5, 0.5], None, "rise strictly"),
        ([0.5, 1.0, 1.5], 1.0, "past the planned end 1, expected none after it"),
        ([0.5], 0.0, "planned: found 0"),
    ],
)
def test_impossible_looks_are_refused(looks: list[float], planned: float | None, text: str) -> None:
    """No look, looks that do not rise, and looks after the planned end raise ValueError."""
    with pytest.raises(ValueError, match=text):
        spending_bounds(looks, alpha=0.05, planned=planned)
