"""What served values alone do to the offline score."""

import math
from dataclasses import replace

import numpy as np
import pytest

from harness.columns import Column, Kind, Pair, Side
from harness.diff.damage import damage
from harness.diff.scores import as_column
from harness.records import Damage

NAN = math.nan


def rescore(columns: dict[str, Column]) -> np.ndarray:
    """The model a + 10 b, with -1 for an empty a, which can be computed by hand."""
    assert list(columns) == ["a", "b"]
    a = columns["a"].values
    return np.asarray(np.where(np.isnan(a), -1.0, a) + 10 * columns["b"].values)


def pair(served: dict[str, Column]) -> Pair:
    """Three requests with a = 1, 2, 3 and b = 0 offline."""
    offline = {"a": as_column(np.array([1.0, 2.0, 3.0])), "b": as_column(np.zeros(3))}
    scores = rescore(offline)
    ns, names = np.arange(3), np.array(["r0", "r1", "r2"], object)
    return Pair(
        left=Side("offline:v1", scores, offline),
        right=Side("challenger", scores, served),
        seq=ns,
        request_id=names,
        ts_ns=ns,
        event_time_ns=ns,
        unit=names,
        segments={},
        unstable=np.zeros(3, bool),
    )


A = as_column(np.array([1.0, 2.5, 5.0]))
B = as_column(np.ones(3))


@pytest.mark.parametrize(
    ("fields", "rows", "expected"),
    [
        pytest.param({"a"}, [1, 2], Damage(rows=2, mean_abs=1.25, max_abs=2.0, flips=1), id="one-field"),
        pytest.param({"a"}, [0], Damage(rows=1, mean_abs=0.0, max_abs=0.0, flips=0), id="equal-values"),
        pytest.param({"b"}, [0, 1, 2], Damage(rows=3, mean_abs=10.0, max_abs=10.0, flips=3), id="other"),
        pytest.param({"a", "b"}, [2], Damage(rows=1, mean_abs=12.0, max_abs=12.0, flips=1), id="together"),
        pytest.param({"a"}, [], Damage(rows=0, mean_abs=0.0, max_abs=0.0, flips=0), id="no-rows"),
    ],
)
def test_only_the_named_fields_are_substituted(fields: set[str], rows: list[int], expected: Damage) -> None:
    """Every other feature stays as offline, every other request is not scored."""
    found = damage(
        pair({"a": A, "b": B}), fields, rows=np.array(rows, np.int64), threshold=4.5, rescore=rescore
    )
    assert found == expected


@pytest.mark.parametrize(
    "served",
    [
        pytest.param(
            {"a": Column("number", np.full(3, NAN), np.full(3, kind, np.uint8)), "b": B}, id=kind.name
        )
        for kind in (Kind.NAN, Kind.NULL, Kind.MISSING, Kind.WRONG_TYPE)
    ]
    + [
        pytest.param({"b": B}, id="not-shown"),
        pytest.param(
            {"a": Column("category", np.array(["x"] * 3, object), np.zeros(3, np.uint8))}, id="changed"
        ),
    ],
)
def test_what_has_no_value_is_scored_as_empty(served: dict[str, Column]) -> None:
    """Missing, null, NaN and wrong types all reach the model as NaN, marked as NaN or null."""
    kinds: list[int] = []

    def watching(columns: dict[str, Column]) -> np.ndarray:
        kinds.extend(columns["a"].kind.tolist())
        return rescore(columns)

    found = damage(pair(served), {"a"}, rows=np.arange(3), threshold=None, rescore=watching)
    assert found == Damage(rows=3, mean_abs=3.0, max_abs=4.0, flips=0)
    assert max(kinds) <= Kind.NULL


def test_a_score_that_becomes_nan_flips_and_is_not_averaged() -> None:
    """NaN decides no."""
    case = pair({"a": A, "b": B})
    case = replace(case, left=replace(case.left, scores=np.full(3, 9.0)))
    found = damage(
        case, {"a"}, rows=np.arange(3), threshold=5.0, rescore=lambda c: np.full(len(c["a"].kind), NAN)
    )
    assert found == Damage(rows=3, mean_abs=0.0, max_abs=0.0, flips=3)
