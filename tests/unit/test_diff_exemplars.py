"""The first requests of a finding, with what both arms say there."""

import numpy as np

from harness.columns import Pair, Side
from harness.diff.cells import judge
from harness.diff.exemplars import exemplars_of
from harness.diff.places import EXEMPLARS, Places
from harness.diff.scores import as_column
from harness.diff.tolerance import Tolerances

N = 9
A, B = np.linspace(0.5, 8.5, N), np.linspace(0.5, 16.5, N)
NAMES = np.array([f"r{i}" for i in range(N)], object)
SIDE = Side("x", A, None)
PLACES = Places.of(
    Pair(SIDE, SIDE, np.arange(N), NAMES, np.arange(N), np.arange(N), NAMES, {}, np.zeros(N, bool))
)


def test_one_field_shows_its_cells_and_several_a_json_object_of_what_differs() -> None:
    """The first five requests."""
    a = judge(as_column(A), as_column(A + 1), name="a", tolerances=Tolerances())
    b = judge(as_column(B), as_column(np.where(np.arange(N) == 0, B, -B)), name="b", tolerances=Tolerances())
    (first, *_) = found = exemplars_of(PLACES, [a], rows=np.arange(N))
    assert (len(found), first.request_id, first.left, first.right) == (EXEMPLARS, "r0", "0.5", "1.5")
    zero, one, *_ = exemplars_of(PLACES, [a, b], rows=np.arange(N))
    assert (zero.left, zero.right) == ('{"a": 0.5}', '{"a": 1.5}')
    assert (one.left, one.right) == ('{"a": 1.5, "b": 2.5}', '{"a": 2.5, "b": -2.5}')
