"""How sure a calibration error is."""

import math

import numpy as np
import pytest

from harness.diagnosis.calibration import calibration_error, error_interval

ROWS = 4_000


def drawn(seed: int, *, off: float) -> tuple[np.ndarray, np.ndarray]:
    """Labels and scores that promise `off` too much."""
    rng = np.random.default_rng(seed)
    truth = rng.uniform(0.1, 0.8, ROWS)
    return (rng.random(ROWS) < truth).astype(float), truth + off


@pytest.mark.parametrize("off", [0.05, 0.15])
def test_the_interval_of_an_error_holds_it(off: float) -> None:
    """In at least 17 of 20 draws, and never reaches down to 0."""
    held = 0
    for seed in range(20):
        low, high = error_interval(*drawn(seed, off=off))
        held += low <= off <= high
        assert low > 0.0
        assert low < calibration_error(*drawn(seed, off=off)).root < high
    assert held >= 17


def test_a_right_model_may_have_no_error_at_all() -> None:
    """Its interval begins at 0."""
    assert error_interval(*drawn(1, off=0.0))[0] == 0.0


def test_rows_of_one_unit_are_drawn_together() -> None:
    """Each row ten times over is no surer than once."""
    label, score = drawn(2, off=0.1)
    once = error_interval(label, score)
    units = np.repeat(np.arange(ROWS), 10)
    again = error_interval(np.repeat(label, 10), np.repeat(score, 10), units=units)
    blind = error_interval(np.repeat(label, 10), np.repeat(score, 10))
    assert again[1] - again[0] == pytest.approx(once[1] - once[0], rel=0.15)
    assert blind[1] - blind[0] < 0.5 * (once[1] - once[0])


def test_no_rows_have_no_interval() -> None:
    """Nothing is said of nothing."""
    assert all(map(math.isnan, error_interval([], [])))
