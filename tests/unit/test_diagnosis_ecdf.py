"""Kolmogorov's and Wasserstein's distances: cells give what sorting gives, whatever the data."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import ks_2samp, wasserstein_distance

from harness.diagnosis import ecdf

SHAPES = ("normal", "shifted", "integers", "cents", "heavy", "constant and one", "two points", "tiny numbers")


def sample(shape: str, *, seed: int, n: int) -> np.ndarray:
    """Values of a shape that is hard in its own way."""
    rng = np.random.default_rng(seed)
    made: dict[str, Callable[[], np.ndarray]] = {
        "normal": lambda: rng.normal(size=n),
        "shifted": lambda: rng.normal(1e6, 1.0 + seed % 2, size=n),
        "integers": lambda: rng.integers(-20, 20 + seed % 3, n).astype(float),
        "cents": lambda: np.round(rng.gamma(2.0, 50.0, n), 2),
        "heavy": lambda: np.exp(3.0 * rng.normal(size=n)),
        "constant and one": lambda: np.append(np.full(n - 1, 3.0), float(seed % 5)),
        "two points": lambda: (rng.random(n) < 0.3).astype(float),
        "tiny numbers": lambda: 1e-200 * rng.random(n),
    }
    return made[shape]()


def test_the_worked_example() -> None:
    """0 1 2 against 1 2 3: a third apart at most, and one unit in all."""
    found = ecdf.distances(np.array([0.0, 1.0, 2.0]), np.array([1.0, 2.0, 3.0]))
    assert (found.ks, found.wasserstein) == pytest.approx((1 / 3, 1.0))


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize(
    "sizes", [(700, 900), (12_000, 9_500), (90_000, 80_000)], ids=["sorted", "in cells", "in finer cells"]
)
def test_they_are_those_of_scipy(shape: str, sizes: tuple[int, int]) -> None:
    """Both ways of counting give scipy's numbers."""
    one, other = sample(shape, seed=1, n=sizes[0]), sample(shape, seed=2, n=sizes[1])
    found = ecdf.distances(one, other)
    assert found.ks == pytest.approx(ks_2samp(one, other, method="asymp").statistic, rel=1e-12)
    assert found.wasserstein == pytest.approx(wasserstein_distance(one, other), rel=1e-9)


@settings(max_examples=40, deadline=None)
@given(
    values=st.lists(st.floats(-1e6, 1e6, allow_subnormal=False), min_size=1, max_size=12),
    seed=st.integers(0, 2**32 - 1),
)
def test_cells_give_what_sorting_gives(values: list[float], seed: int) -> None:
    """Any few values, repeated at random: the two ways agree, whatever falls on a border of a cell."""
    rng = np.random.default_rng(seed)
    one, other = (rng.choice(np.array(values), ecdf.FEW_ROWS) for _ in range(2))
    cells, plain = ecdf.distances(one, other), ecdf._by_sorting(one, other)  # noqa: SLF001  -- the reference
    assert cells.ks == plain.ks
    assert cells.wasserstein == pytest.approx(plain.wasserstein, rel=1e-9, abs=1e-9)


def test_they_are_symmetric_and_shift_with_the_data() -> None:
    """Swapped samples are as far apart; a shift by d is d of Wasserstein."""
    one = sample("normal", seed=3, n=15_000)
    other = sample("heavy", seed=4, n=15_000)
    assert ecdf.distances(one, other) == ecdf.distances(other, one)
    assert ecdf.distances(one, one + 0.25).wasserstein == pytest.approx(0.25, rel=1e-12)


@pytest.mark.parametrize("n", [3, 30_000], ids=["few", "many"])
def test_equal_samples_are_not_apart(n: int) -> None:
    """No gap, no area, for values and for a constant."""
    for one in (sample("normal", seed=5, n=n), np.full(n, 7.0)):
        found = ecdf.distances(one, one[::-1].copy())
        assert (found.ks, found.wasserstein) == (0.0, 0.0)


def test_empty_and_infinite_samples() -> None:
    """Nothing to compare is nan; infinities count in KS and make the area infinite."""
    nothing = ecdf.distances(np.empty(0), np.ones(3))
    assert np.isnan([nothing.ks, nothing.wasserstein]).all()
    found = ecdf.distances(np.array([0.0, np.inf]), np.array([0.0, 1.0]))
    assert (found.ks, found.wasserstein) == (0.5, np.inf)
    same = ecdf.distances(np.array([-np.inf, 0.0, np.inf]), np.array([-np.inf, 0.0, np.inf]))
    assert (same.ks, same.wasserstein) == (0.0, 0.0)
