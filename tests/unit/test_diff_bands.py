"""When two numbers count as equal, rule by rule."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.diff.bands import BLOCK, Band, Exact, Float32, Rounded, Rule, Whole, as_band, fitted, whole

INF = math.inf
NUMBERS = st.floats(allow_nan=False) | st.integers(-(10**12), 10**12).map(float)
RULES = [Band(), Exact(), Whole(), Float32(), Rounded(2), Rounded(None)]


@pytest.mark.parametrize(
    ("left", "right", "agree"),
    [
        pytest.param(1.0, 1.0 + 9e-10, True, id="within-relative"),
        pytest.param(1.0, 1.0 + 2e-9, False, id="beyond-relative"),
        pytest.param(0.0, 1e-12, True, id="at-absolute"),
        pytest.param(0.0, 3e-12, False, id="beyond-absolute"),
        pytest.param(0.0, -0.0, True, id="signed-zero"),
        pytest.param(INF, INF, True, id="same-infinity"),
        pytest.param(INF, -INF, False, id="opposite-infinities"),
        pytest.param(INF, 1e308, False, id="infinity-and-number"),
        pytest.param(1e308, -1e308, False, id="difference-overflows"),
        pytest.param(math.nan, math.nan, False, id="nan"),
    ],
)
def test_band_has_an_exact_edge(left: float, right: float, agree: bool) -> None:  # noqa: FBT001  -- a table
    """Two numbers agree up to atol + rtol of the larger, and infinities with themselves alone."""
    assert Band().holds(np.array([left]), np.array([right])).tolist() == [agree]


@pytest.mark.parametrize(
    ("rule", "left", "right", "agree"),
    [
        pytest.param(Exact(), 1.0, 1.0 + 2**-52, False, id="last-bit"),
        pytest.param(Exact(), INF, INF, True, id="exact-infinity"),
        pytest.param(Whole(), 1e10, 1e10 + 1, False, id="the-next-id"),
        pytest.param(Whole(), 1e10, 1e10 + 1e-6, True, id="a-sum-of-many"),
        pytest.param(Whole(), 3.0, 3.1, False, id="a-fraction-far-off"),
        pytest.param(Float32(), 0.1, float(np.float32(0.1)), True, id="cast"),
        pytest.param(Float32(), 0.1, 0.1000001, False, id="beyond-the-cast"),
        pytest.param(Float32(), 1e39, 2e39, False, id="overflow-is-no-agreement"),
        pytest.param(Float32(), 1e-50, 1e-12, True, id="band-still-holds"),
        pytest.param(Rounded(2), 1.234, 1.23, True, id="rounded"),
        pytest.param(Rounded(2), 1.234, 1.24, False, id="rounded-up-wrongly"),
        pytest.param(Rounded(2), 1.234, 1.235, False, id="not-on-the-grid"),
        pytest.param(Rounded(2), 2.5, 2.505, True, id="a-tie"),
        pytest.param(Rounded(2), 100.0, INF, False, id="infinity-is-not-rounded"),
        pytest.param(Rounded(None), 1.234, 1.23, False, id="no-decimals-found"),
    ],
)
def test_a_rule_has_an_exact_edge(rule: Rule, left: float, right: float, agree: bool) -> None:  # noqa: FBT001  -- a table
    """What passes and what does not, by the reason that the rule stands for."""
    assert rule.holds(np.array([left]), np.array([right])).tolist() == [agree]


@pytest.mark.parametrize("rule", RULES, ids=str)
@given(cells=st.lists(st.tuples(NUMBERS, NUMBERS), min_size=1, max_size=20))
def test_a_rule_does_not_care_which_side_is_left(rule: Rule, cells: list[tuple[float, float]]) -> None:
    """And a number agrees with itself."""
    left, right = np.array([a for a, _ in cells]), np.array([b for _, b in cells])
    np.testing.assert_array_equal(rule.holds(left, right), rule.holds(right, left))
    assert rule.holds(left, left).all()


@pytest.mark.parametrize(
    ("served", "decimals"),
    [
        pytest.param([1.5, 2.25, 3.0], 2, id="fewest-that-hold-all"),
        pytest.param([1.0, 7.0], 0, id="whole"),
        pytest.param([1 / 3, 2 / 3], None, id="none"),
        pytest.param([0.25] * 99 + [1 / 3], 2, id="one-bug-among-many"),
        pytest.param([math.nan, INF], None, id="nothing-finite"),
    ],
)
def test_open_decimals_are_read_off_the_served_values(served: list[float], decimals: int | None) -> None:
    """Given ones stay as they are, and so do rules of other kinds."""
    assert fitted(Rounded(None), np.array(served)) == Rounded(decimals)
    assert fitted(Rounded(1), np.array(served)) == Rounded(1)
    assert fitted(Exact(), np.array(served)) == Exact()


@pytest.mark.parametrize(
    ("values", "expected"),
    [([1.0, 2.0, math.nan], True), ([1.0, 2.5], False), ([math.nan], False), ([2.0**54], False), ([], False)],
)
def test_whole_columns_hold_whole_numbers_alone(values: list[float], expected: bool) -> None:  # noqa: FBT001  -- a table
    """Up to where doubles have gaps."""
    assert whole(np.array(values)) is expected


@pytest.mark.parametrize(
    ("rule", "widens"),
    [
        (Band(), False),
        (Band(1e-3), True),
        (Band(0, 0), False),
        (Exact(), False),
        (Whole(), False),
        (Float32(), True),
        (Rounded(2), True),
    ],
    ids=str,
)
def test_only_what_lets_more_pass_than_shipped_needs_a_reason(rule: Rule, widens: bool) -> None:  # noqa: FBT001  -- a table
    """Tightening is free."""
    assert rule.widens is widens


@pytest.mark.parametrize("n", [0, 1, BLOCK - 1, BLOCK, 2 * BLOCK + 7])
@pytest.mark.parametrize(
    "band", [Band(), Band(0.0, 0.0), Band(1e-6, 0.0), Band(0.5, 5.0), Band(1e308, 0.0)], ids=str
)
def test_a_block_of_rows_is_compared_as_each_row_alone(band: Band, n: int) -> None:
    """Whatever the block a row falls into: the formula of the docstring, on numbers of all kinds."""
    rng = np.random.default_rng(n)
    left = rng.standard_normal(n) * 10.0 ** rng.integers(-13, 4, n)
    right = left * (1 + rng.choice([0, 1e-9, 9e-10, 1e-7, 0.5], n))
    for side in (left, right):
        odd = rng.random(n) < 0.05
        side[odd] = rng.choice([0.0, -0.0, INF, -INF, math.nan, 1.7e308, -1.7e308, 5e-324], int(odd.sum()))
    with np.errstate(invalid="ignore", over="ignore"):
        room = band.atol + band.rtol * np.maximum(np.abs(left), np.abs(right))
        near = (np.abs(left - right) <= room) & np.isfinite(left) & np.isfinite(right)
    assert np.array_equal(band.holds(left, right), near | (left == right))


@pytest.mark.parametrize(
    ("rule", "room"),
    [
        (Band(1e-3, 1e-2), (1e-3, 1e-2)),
        (Exact(), (0.0, 0.0)),
        (Float32(), (1e-12, 2.0**-24)),
        (Rounded(2), (0.005 * (1 + 1e-9), 0.0)),
    ],
    ids=str,
)
def test_a_rule_as_a_band_holds_what_the_rule_lets_pass(rule: Rule, room: tuple[float, float]) -> None:
    """A test outside of this project knows no rules, only how far apart two numbers may be."""
    assert as_band(rule) == room
