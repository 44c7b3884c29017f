"""Bugs of several features that are one finding with all fields, and those that are not."""

import numpy as np
import pyarrow as pa
import pytest
from numpy.random import default_rng

from harness.columns import Column, Kind
from harness.diff.bugs import Bug, separate
from harness.diff.cells import judge
from harness.diff.features import from_table
from harness.diff.scores import as_column
from harness.diff.together import longer, together
from harness.diff.tolerance import Tolerances

N = 600
OFFLINE = dict(zip("pqrstuv", default_rng(21).normal(size=(7, N)), strict=True))
SOME = np.arange(N) % 5 == 0
OTHER = np.arange(N) % 7 == 0
FAST = default_rng(502).normal(20e6, 2e6, N)


def bugs(served: dict[str, np.ndarray | Column]) -> list[Bug]:
    """Each feature served otherwise with its cause."""
    found = []
    for name, values in served.items():
        right = values if isinstance(values, Column) else as_column(values)
        found.append(judge(as_column(OFFLINE[name]), right, name=name, tolerances=Tolerances()))
    return separate(found, other="offline")


def merged(served: dict[str, np.ndarray | Column], latency: np.ndarray | None = None) -> list[Bug]:
    """The same, those of one origin as one."""
    return together(bugs(served), n=N, service_ns=latency)


def on(where: np.ndarray, name: str, value: np.ndarray | float) -> np.ndarray:
    """A feature served otherwise on some requests."""
    return np.where(where, value, OFFLINE[name])


def nulls(where: np.ndarray, name: str) -> Column:
    """A feature that is null on some requests."""
    kind = np.where(where, Kind.NULL, Kind.VALUE).astype(np.uint8)
    return Column("number", np.where(where, np.nan, OFFLINE[name]), kind)


def fields(found: list[Bug]) -> list[tuple[str, ...]]:
    """The fields of each bug, in order."""
    return sorted(bug.fields for bug in found)


def test_two_columns_in_each_others_place_are_one_bug() -> None:
    """On all requests or on some."""
    for where in (np.ones(N, bool), SOME):
        (bug,) = merged({"p": on(where, "p", OFFLINE["q"]), "q": on(where, "q", OFFLINE["p"])})
        assert (bug.cause.name, bug.phrase, bug.what) == ("swapped", "swaps p and q", "they differ")
        assert (len(bug.rows), bug.cause.explained) == (where.sum(), where.sum())


def test_a_permutation_is_one_bug_that_says_which_holds_which() -> None:
    """Three in a circle, with two that swap beside them."""
    turned = {"p": OFFLINE["q"], "q": OFFLINE["r"], "r": OFFLINE["p"], "s": OFFLINE["t"], "t": OFFLINE["s"]}
    found = merged(dict(turned))
    assert fields(found) == [("p", "q", "r"), ("s", "t")]
    assert "serves p, q and r in each other's place (p holds q, q holds r and r holds p)" in {
        bug.phrase for bug in found
    }


def test_columns_moved_by_one_place_are_one_bug() -> None:
    """A column was left out of the vector; the last one holds something else."""
    moved = {"p": OFFLINE["q"], "q": OFFLINE["r"], "r": OFFLINE["s"], "s": default_rng(503).normal(size=N)}
    (bug,) = merged(dict(moved))
    assert bug.fields == ("p", "q", "r", "s")
    assert bug.phrase.startswith(
        "serves p, q, r and s moved by one place (p holds q, q holds r and r holds s)"
    )


def test_levels_swap_too() -> None:
    """Two categories, not a category and a number."""
    x, y = default_rng(504).choice(["a", "b", "c", "d"], (2, N))
    table = pa.table({"x": x, "y": y})
    left = from_table(table)
    judged = [
        judge(left[name], left[other], name=name, tolerances=Tolerances())
        for name, other in (("x", "y"), ("y", "x"))
    ]
    (bug,) = together(separate(judged, other="offline"), n=N)
    assert bug.phrase == "swaps x and y"


def test_a_copy_is_not_a_swap() -> None:
    """One feature holds another one's values, which is right itself or wrong in its own way."""
    found = merged({"p": OFFLINE["q"], "q": OFFLINE["q"] * 1000})
    assert fields(found) == [("p",), ("q",)]


def test_a_view_that_times_out_is_one_bug() -> None:
    """Its features are filled in their own ways on the same slow requests."""
    latency = np.where(SOME, 950e6, FAST)
    served: dict[str, np.ndarray | Column] = {
        "p": on(SOME, "p", 0.0),
        "q": on(SOME, "q", -1.0),
        "r": nulls(SOME, "r"),
        "s": on(OTHER, "s", 0.0),
    }
    found = {bug.fields: bug for bug in merged(served, latency)}
    assert set(found) == {("p", "q", "r"), ("s",)}
    view = found["p", "q", "r"]
    assert view.cause.name == "timeout_fill"
    assert view.phrase == ("serves the constant 0 for p, serves the constant −1 for q and serves null for r")
    assert view.also == (
        "These requests took 950 ms at the median, the others 20 ms: a feature view that times out.",
    )


def test_fills_on_the_same_requests_without_delay_keep_their_names() -> None:
    """The two constants are of one origin; what is null may be of another."""
    served: dict[str, np.ndarray | Column] = {
        "p": on(SOME, "p", 0.0),
        "q": on(SOME, "q", -1.0),
        "r": nulls(SOME, "r"),
    }
    for latency in (None, FAST, np.full(N, np.nan)):
        assert fields(merged(served, latency)) == [("p", "q"), ("r",)]


def test_one_cause_on_the_same_requests_is_one_bug() -> None:
    """Also where a few requests are not the same, or the fill happens to be right."""
    nearly = SOME.copy()
    nearly[np.flatnonzero(SOME)[:4]] = False
    (bug,) = merged({"p": on(SOME, "p", -OFFLINE["p"]), "q": on(nearly, "q", -OFFLINE["q"])})
    assert (bug.fields, bug.phrase, len(bug.rows)) == (("p", "q"), "swaps the sign of p and q", SOME.sum())
    zeros = {"p": on(SOME, "p", 0.0), "q": on(SOME, "q", 0.0)}
    half = np.where(np.arange(N) % 10 == 0, 0.0, OFFLINE["q"])
    judged = [
        judge(as_column(OFFLINE["p"]), as_column(zeros["p"]), name="p", tolerances=Tolerances()),
        judge(as_column(half), as_column(np.where(SOME, 0.0, half)), name="q", tolerances=Tolerances()),
    ]
    assert fields(together(separate(judged, other="offline"), n=N)) == [("p", "q")]


@pytest.mark.parametrize(
    "served",
    [
        pytest.param({"p": on(SOME, "p", 0.0), "q": on(OTHER, "q", 0.0)}, id="other-requests"),
        pytest.param({"p": on(SOME, "p", 0.0), "q": on(SOME, "q", OFFLINE["q"] * 2)}, id="other-causes"),
        pytest.param({"p": OFFLINE["p"] * 1000, "q": OFFLINE["q"] * 60}, id="other-factors-everywhere"),
        pytest.param(
            {"p": default_rng(505).normal(size=N), "q": default_rng(506).normal(size=N)},
            id="unexplained-everywhere",
        ),
    ],
)
def test_other_bugs_stay_apart(served: dict[str, np.ndarray]) -> None:
    """Two findings, and nothing lost."""
    found = merged(dict(served))
    assert fields(found) == [("p",), ("q",)]


def test_one_cause_everywhere_is_one_bug_where_its_parameters_agree() -> None:
    """A whole vector in cents."""
    found = merged({name: OFFLINE[name] * 100 for name in "pqr"})
    assert [bug.phrase.partition(" (")[0] for bug in found] == ["serves p, q and r as 100 times offline"]


def test_many_features_are_told_briefly() -> None:
    """More phrases than a sentence can hold."""
    served = {name: on(SOME, name, float(i)) for i, name in enumerate("pqrstuv")}
    (bug,) = merged(dict(served), np.where(SOME, 950e6, FAST))
    assert bug.phrase == "serves something in place of p, q, r, s, t and 2 more"


def test_how_much_longer_can_be_computed_by_hand() -> None:
    """Ties count half."""
    assert longer(np.array([2.0, 4.0]), np.array([1.0, 3.0])) == 0.75
    assert longer(np.array([1.0]), np.array([1.0])) == 0.5
