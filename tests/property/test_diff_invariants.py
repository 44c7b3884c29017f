"""What holds for any two columns: symmetry, reflexivity, and no damage where nothing differs."""

import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from harness.columns import Column, Kind, Pair, Side
from harness.diff import Band, Tolerances, compare, damage, mismatch

CELLS = st.one_of(
    st.floats(allow_nan=False),
    st.sampled_from([0.0, 1.0, 1.0 + 1e-10, 1.0 + 1e-8, math.inf, -math.inf]),
    st.sampled_from([Kind.NAN, Kind.NULL, Kind.MISSING]),
    st.sampled_from(['"a"', '"b"', "[]"]),
)
LEVELS = st.one_of(st.sampled_from(["a", "A", "", "NaN"]), st.sampled_from([Kind.NULL, Kind.MISSING]))
BANDS = st.builds(Band, st.floats(0, 10), st.floats(0, 10))


def column(cells: list[float | str | Kind]) -> Column:
    """Numbers: floats are values, text is the raw JSON of a wrong type, a Kind is itself."""
    kind = [
        c if isinstance(c, Kind) else Kind.WRONG_TYPE if isinstance(c, str) else Kind.VALUE for c in cells
    ]
    values = [c if isinstance(c, float) else math.nan for c in cells]
    text = {i: c for i, c in enumerate(cells) if isinstance(c, str)}
    return Column("number", np.array(values, float), np.array(kind, np.uint8), text)


def levels(cells: list[str | Kind]) -> Column:
    """Categories: text is a level, a Kind is itself."""
    kind = [c if isinstance(c, Kind) else Kind.VALUE for c in cells]
    values = np.array([None if isinstance(c, Kind) else c for c in cells], object)
    return Column("category", values, np.array(kind, np.uint8))


def pair(left: Side, right: Side) -> Pair:
    """Two arms over the same requests."""
    n = len(left.scores)
    names = np.array([f"r{i}" for i in range(n)], object)
    return Pair(left, right, np.arange(n), names, np.arange(n), np.arange(n), names, {}, np.zeros(n, bool))


@given(st.lists(st.tuples(CELLS, CELLS), max_size=30), BANDS)
def test_mismatch_is_symmetric(
    cells: list[tuple[float | str | Kind, float | str | Kind]], band: Band
) -> None:
    """Which side is left does not matter, whatever the tolerance."""
    left, right = column([a for a, _ in cells]), column([b for _, b in cells])
    np.testing.assert_array_equal(
        mismatch(left, right, tolerance=band), mismatch(right, left, tolerance=band)
    )


@given(st.lists(CELLS, max_size=30), st.lists(LEVELS, max_size=30))
def test_mismatch_between_types_is_symmetric(
    numbers: list[float | str | Kind], texts: list[str | Kind]
) -> None:
    """Numbers against levels, too."""
    n = min(len(numbers), len(texts))
    left, right = column(numbers[:n]), levels(texts[:n])
    np.testing.assert_array_equal(mismatch(left, right), mismatch(right, left))


@given(st.lists(st.tuples(CELLS, CELLS), max_size=30), BANDS, st.floats(1, 10))
def test_a_wider_tolerance_never_finds_more(
    cells: list[tuple[float | str | Kind, float | str | Kind]], band: Band, factor: float
) -> None:
    """What passes a band passes every wider one."""
    left, right = column([a for a, _ in cells]), column([b for _, b in cells])
    wider = Band(band.atol * factor, band.rtol * factor)
    assert not np.any(
        (mismatch(left, right, tolerance=wider) > 0) & (mismatch(left, right, tolerance=band) == 0)
    )


@given(st.lists(st.tuples(CELLS, LEVELS, st.floats(0, 1)), max_size=30), st.floats(0, 1))
def test_an_arm_against_itself_has_no_mismatch_and_no_finding(
    rows: list[tuple[float | str | Kind, str | Kind, float]], threshold: float
) -> None:
    """Whatever its cells hold."""
    features = {"x": column([a for a, _, _ in rows]), "c": levels([b for _, b, _ in rows])}
    side = Side("arm", np.array([s for _, _, s in rows], float), features)
    found = compare(pair(side, side), tolerances=Tolerances(), threshold=threshold)
    assert (found.summary.feature_mismatches, found.summary.score_mismatches, found.summary.flips) == (
        0,
        0,
        0,
    )
    assert found.findings == ()
    assert found.differences.num_rows == 0


@given(st.lists(st.tuples(CELLS, CELLS, st.floats(0, 1)), max_size=30))
def test_the_counts_agree_with_the_differences(
    rows: list[tuple[float | str | Kind, float | str | Kind, float]],
) -> None:
    """Every mismatch that is counted is a row of the table, and every finding is about counted requests."""
    left = Side("offline", np.array([s for _, _, s in rows], float), {"x": column([a for a, _, _ in rows])})
    right = Side("arm", left.scores, {"x": column([b for _, b, _ in rows])})
    found = compare(pair(left, right), tolerances=Tolerances(), threshold=0.5)
    field = found.summary.fields[0]
    assert field.mismatches == sum(field.kinds.values()) == found.differences.num_rows
    assert field.mismatches == found.summary.feature_mismatches == sum(f.requests for f in found.findings)
    assert all(0 <= f.explained <= f.requests for f in found.findings)


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=30))
def test_equal_values_do_no_damage(cells: list[float]) -> None:
    """Substituting what is there already changes nothing."""
    values = np.array(cells)
    features = {"x": column(list(cells))}
    side = Side("arm", values / 3, features)
    found = damage(
        pair(side, side),
        {"x"},
        rows=np.arange(len(cells)),
        threshold=0.0,
        rescore=lambda v: v["x"].values / 3,
    )
    assert (found.rows, found.mean_abs, found.max_abs, found.flips) == (len(cells), 0.0, 0.0, 0)
