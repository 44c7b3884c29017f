"""Joining by `seq` on any outcomes and labels equals a plain loop over them."""

import numpy as np
import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from harness import columns, join
from harness.columns import Column

N = 6
ROWS = st.lists(
    st.tuples(
        st.integers(0, N - 1),
        st.sampled_from(["ok", "ok", "timeout", "shed"]),
        st.sampled_from([None, 0.1, 0.2]),
        st.sampled_from([None, b"{}", b'{"a":1}']),
    ),
    max_size=20,
)
LABELS = st.lists(
    st.tuples(st.integers(0, N - 1), st.sampled_from([0.0, 1.0]), st.integers(0, 9)), max_size=20
)
Rows = list[tuple[int, str, float | None, bytes | None]]


def table(rows: Rows) -> pa.Table:
    """These rows as outcomes."""
    named = [
        {"seq": seq, "state": state, "score": score, "features": features}
        for seq, state, score, features in rows
    ]
    return pa.Table.from_pylist(named, schema=columns.OUTCOMES)


@given(rows=ROWS)
def test_answers_equal_a_loop(rows: Rows) -> None:
    """For each request: the first OK with features, else the first; unstable when scores differ."""
    found = join.answers("challenger", table(rows), n=N)
    for seq in range(N):
        mine = [(score, features) for s, state, score, features in rows if s == seq and state == "ok"]
        assert found.answered[seq] == bool(mine)
        if not mine:
            assert np.isnan(found.scores[seq])
            continue
        score, features = next((m for m in mine if m[1] is not None), mine[0])
        assert (None if np.isnan(found.scores[seq]) else found.scores[seq]) == score
        assert found.features[seq] == features
        assert found.unstable[seq] == any(other != score for other, _ in mine)


@given(left=ROWS, right=ROWS)
def test_what_both_answered_is_the_same_from_either_side(left: Rows, right: Rows) -> None:
    """Sorted, distinct, and symmetric; with itself an arm shares all its answers."""
    one, other = (join.answers("x", table(rows), n=N) for rows in (left, right))
    rows = join.both(one, other)
    assert rows.tolist() == join.both(other, one).tolist() == sorted(set(rows.tolist()))
    assert len(join.both(one, one)) == one.answered.sum()


@given(rows=LABELS, as_of=st.integers(-1, 9))
def test_labels_equal_a_loop(rows: list[tuple[int, float, int]], as_of: int) -> None:
    """The last label in (time, row) order that is known at `as_of`; a later `as_of` never loses one."""
    stamps = pa.array([at for _, _, at in rows], pa.int64()).cast(columns.LABELS.field("label_at").type)
    made = pa.table(
        [
            pa.array([seq for seq, _, _ in rows], pa.int64()),
            pa.array([""] * len(rows), pa.string()),
            pa.array(["label"] * len(rows), pa.string()),
            pa.array([label for _, label, _ in rows], pa.float64()),
            stamps,
        ],
        schema=columns.LABELS,
    )
    values, times = join.labels(made, n=N, as_of_ns=as_of)
    for seq in range(N):
        known = sorted((at, i, label) for i, (s, label, at) in enumerate(rows) if s == seq and at <= as_of)
        if known:
            assert (values[seq], times[seq]) == (known[-1][2], known[-1][0])
        else:
            assert np.isnan(values[seq])
    later = join.labels(made, n=N, as_of_ns=as_of + 1)[0]
    assert np.isnan(values[np.isnan(later)]).all()


@given(rows=st.lists(st.integers(0, 9), unique=True))
def test_taking_is_indexing(rows: list[int]) -> None:
    """Values, kinds and texts of the chosen rows, in their order."""
    column = Column(
        "number", np.arange(10.0), np.arange(10).astype(np.uint8) % 5, {i: str(i) for i in range(0, 10, 3)}
    )
    found = join.take({"x": column}, np.array(rows, dtype=np.int64))["x"]
    assert found.values.tolist() == [float(row) for row in rows]
    assert found.kind.tolist() == [row % 5 for row in rows]
    assert {rows[place]: text for place, text in found.text.items()} == {
        r: str(r) for r in rows if r % 3 == 0
    }
