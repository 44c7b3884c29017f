"""What a dashboard saw is what it would have read at its own time, whatever was revised since."""

from __future__ import annotations

import math

import numpy as np
import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from harness.run.label_columns import seen_by

N = 4
EVENTS = st.lists(
    st.tuples(st.integers(0, N - 1), st.integers(0, 20), st.sampled_from([0.0, 1.0])), max_size=12
)


def table(events: list[tuple[int, int, float]]) -> pa.Table:
    """Labels as a run keeps them."""
    seq, at, label = zip(*events, strict=True) if events else ((), (), ())
    return pa.table(
        {
            "seq": pa.array(seq, pa.int64()),
            "label_at": pa.array(at, pa.timestamp("ns", tz="UTC")),
            "label": pa.array(label, pa.float64()),
        }
    )


@given(EVENTS, st.lists(st.integers(0, 20), min_size=N, max_size=N), st.permutations(range(N)))
def test_each_row_has_the_last_label_that_had_come_by_its_time(
    events: list[tuple[int, int, float]], at: list[int], order: list[int]
) -> None:
    """One by one: of the events of a request no later than its time, the last one; none is NaN."""
    rows = order[:3]
    times = [at[seq] for seq in rows]
    found = seen_by(table(events), rows=np.array(rows), at_ns=np.array(times, dtype=np.int64), n=N).tolist()
    for seq, until, label in zip(rows, times, found, strict=True):
        came = sorted((one for one in events if one[0] == seq and one[1] <= until), key=lambda one: one[1])
        assert label == came[-1][2] if came else math.isnan(label)


def test_a_label_that_was_revised_later_had_its_first_value_then() -> None:
    """A chargeback on day 9 does not make the label of day 2 one that never came."""
    made = table([(0, 2, 0.0), (0, 9, 1.0)])
    when = [(1, math.nan), (5, 0.0), (9, 1.0)]
    for at, label in when:
        found = seen_by(made, rows=np.array([0]), at_ns=np.array([at]), n=1)
        np.testing.assert_array_equal(found, [label])
