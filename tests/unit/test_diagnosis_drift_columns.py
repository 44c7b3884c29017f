"""Whatever a column holds: turned missing it is flagged, and it never stops the columns beside it."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import pytest

from harness.diagnosis.bins import Category
from harness.diagnosis.drift import ColumnDrift, drifts, drifts_by_segment
from harness.errors import HarnessError

N, GONE = 1000, 400
UNITS = (np.repeat(np.arange(N // 2), 2), np.repeat(np.arange(N // 2), 2).astype(str).astype(object))
SEGMENTS = (np.array(["de", "fr"] * (N // 2), object), np.array(["de", "fr"] * (N // 2)))

Drifts = Callable[[dict[str, Any], dict[str, Any]], tuple[ColumnDrift, ...]]
WAYS: dict[str, Drifts] = {
    "in all": drifts,
    "in all, by unit": lambda then, now: drifts(then, now, units=UNITS),
    "by segment": lambda then, now: drifts_by_segment(then, now, segments=SEGMENTS),
    "by segment and unit": lambda then, now: drifts_by_segment(then, now, segments=SEGMENTS, units=UNITS),
}
KINDS = ("float", "float32", "with infinities", "whole", "bool", "decimal", "text", "fixed text", "category")
in_every_way = pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)


def made(kind: str, seed: int) -> Any:  # noqa: ANN401  -- whatever a user hands in
    """A column without drift and without missing cells."""
    rng = np.random.default_rng(seed)
    values, codes = rng.normal(size=N), rng.integers(0, 3, N)
    texts = np.array(["a", "b", "c"], object)[codes]
    columns: dict[str, Any] = {
        "float": values,
        "float32": values.astype(np.float32),
        "with infinities": np.where(codes == 0, np.inf, np.where(codes == 1, -np.inf, values)),
        "whole": np.arange(N) % 50,
        "bool": codes == 1,
        "decimal": np.array([Decimal(f"{value:.2f}") for value in values], object),
        "text": texts,
        "fixed text": texts.astype(str),
        "category": Category(codes, ("a", "b", "c")),
    }
    return columns[kind]


def gone(column: Any, rows: slice, missing: object) -> Any:  # noqa: ANN401  -- as above
    """The column without these cells, as it then comes: whole numbers, bools and texts become objects."""
    if isinstance(column, Category):
        codes = column.codes.copy()
        codes[rows] = -1
        return Category(codes, column.levels)
    cells = column.copy() if column.dtype.kind == "f" else column.astype(object)
    cells[rows] = np.nan if column.dtype.kind == "f" else missing
    return cells


@in_every_way
@pytest.mark.parametrize("missing", [None, np.nan, pd.NA], ids=["None", "NaN", "NA"])
@pytest.mark.parametrize("kind", KINDS)
def test_a_column_that_turns_40_percent_missing_is_flagged(kind: str, missing: object, way: Drifts) -> None:
    """Of any type, whatever stands for a missing cell; one that stays is not."""
    then, now = made(kind, 1), made(kind, 2)
    stays = way({"x": then}, {"x": then})
    turned = way({"x": then}, {"x": gone(now, slice(GONE), missing)})
    assert not any(one.flagged for one in stays)
    for one in turned:
        assert one.turned_missing
        assert one.drifted
        assert one.missing == (0.0, GONE / N)
        assert not one.retyped


@in_every_way
@pytest.mark.parametrize("kind", KINDS)
def test_a_column_that_is_missing_altogether_is_flagged(kind: str, way: Drifts) -> None:
    """All cells gone, in the type of the column or in none, and the other way when they come back."""
    full = {"x": made(kind, 1)}
    for nothing in (np.full(N, None, object), np.full(N, np.nan)):
        for found in (way(full, {"x": nothing}), way({"x": nothing}, full)):
            assert all(one.turned_missing and one.drifted and not one.retyped for one in found)
        assert not any(one.flagged for one in way({"x": nothing}, {"x": nothing}))


BAD: dict[str, Any] = {
    "empty": [],
    "constant": np.full(N, 5.0),
    "constant text": np.full(N, "a", object),
    "always true": np.full(N, fill_value=True),
    "always infinite": np.full(N, np.inf),
    "missing": np.full(N, np.nan),
    "None": np.full(N, None, object),
    "NA": np.full(N, pd.NA, object),
    "mixed": np.array([1, "1", 1.5, True, None, b"x", ("a", 1), np.nan, pd.NA, pd.NaT] * (N // 10), object),
    "lists": [[1.0, 2.0]] * N,
    "lists of unequal length": [[1.0], [1.0, 2.0]] * (N // 2),
    "arrays": pd.Series([np.zeros(2), np.zeros(3)] * (N // 2)).to_numpy(),
    "beyond float64": np.full(N, 10**400, object),
    "huge": np.full(N, 1e308) * np.resize([1.0, -1.0], N),
    "times": np.full(N, "2026-01-01", "datetime64[s]"),
    "complex": np.full(N, 1j),
    "one number": 1.0,
    "too short": np.zeros(3),
}


@in_every_way
@pytest.mark.parametrize("bad", BAD.values(), ids=BAD)
def test_no_column_stops_the_report(bad: object, way: Drifts) -> None:
    """On either side or on both: the column beside it is judged all the same."""
    rng = np.random.default_rng(3)
    then, now, fine = rng.normal(size=N), rng.normal(1.0, 1.0, N), rng.normal(size=N)
    for both, sides in ((True, (bad, bad)), (False, (bad, fine)), (False, (fine, bad))):
        found = way({"bad": sides[0], "good": then}, {"bad": sides[1], "good": now})
        assert [one.name for one in found] == ["bad", "good"] * (len(found) // 2)
        assert all(one.drifted for one in found if one.name == "good")
        if both:
            assert not any(one.flagged for one in found if one.name == "bad")


@in_every_way
def test_numbers_that_become_texts_are_flagged(way: Drifts) -> None:
    """No statistic compares them; the missing cells are counted all the same."""
    texts = made("text", 1)
    for found in (way({"x": made("float", 1)}, {"x": texts}), way({"x": texts}, {"x": made("whole", 1)})):
        assert all(one.retyped and one.flagged and not one.turned_missing for one in found)
        assert all(one.why_not.startswith("went from ") for one in found)
    turned = way({"x": made("float", 1)}, {"x": gone(texts, slice(GONE), None)})
    assert all(one.retyped and one.turned_missing for one in turned)


def test_units_widen_the_null_of_every_segment() -> None:
    """100 users with 20 rows each and a value of their own drift by row in each segment, and not by user."""
    rng = np.random.default_rng(7)
    users = np.repeat(np.arange(100), 20)
    then, now = ({"x": rng.normal(size=100)[users] + 0.01 * rng.normal(size=2000)} for _ in range(2))
    segments = np.where(users % 2 == 0, "de", "fr")
    by_row = drifts_by_segment(then, now, segments=(segments, segments))
    by_user = drifts_by_segment(then, now, segments=(segments, segments), units=(users, users))
    assert all(one.drifted for one in by_row)
    assert not any(one.drifted for one in by_user)
    assert all(one.inflation > 10 for one in by_user)
    inside = segments == "de"
    alone = drifts({"x": then["x"][inside]}, {"x": now["x"][inside]}, units=(users[inside], users[inside]))
    assert by_user[0].inflation == alone[0].inflation
    assert by_user[0].null == alone[0].null


def test_units_of_another_length_than_the_segments_are_refused() -> None:
    """A unit for each row that has a segment."""
    table = {"x": np.zeros(N)}
    with pytest.raises(HarnessError, match="different lengths"):
        drifts_by_segment(table, table, segments=SEGMENTS, units=(UNITS[0][1:], UNITS[1]))


def test_columns_side_by_side_are_judged_as_alone() -> None:
    """Threads change nothing: not the order, not a number, not the seeds of what is dealt again."""
    tables = [{kind: made(kind, seed) for kind in KINDS} for seed in (1, 2)]
    together = drifts(*tables)
    alone = [drifts({kind: tables[0][kind]}, {kind: tables[1][kind]})[0] for kind in KINDS]
    assert [(one.name, one.psi, one.null, one.ks_p) for one in together] == [
        (one.name, one.psi, one.null, one.ks_p) for one in alone
    ]
