"""Requests, outcomes and labels brought together by `seq`: which answer counts, which label is known."""

from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from harness import columns, join
from harness.columns import Column, Kind
from harness.errors import HarnessError
from harness.records import State

Row = dict[str, Any]


def outcomes(*rows: Row) -> pa.Table:
    """Outcomes with these fields, answered unless said otherwise."""
    full = [{"phase": "parity", "target": "challenger", "state": "ok", "attempts": 1} | row for row in rows]
    return pa.Table.from_pylist(full, schema=columns.OUTCOMES)


def capture(*rows: Row) -> pa.Table:
    """Captured requests with these fields."""
    full = [{"seq": i, "request_id": f"r{i}", "ts_ns": 100 + i} | row for i, row in enumerate(rows)]
    return pa.Table.from_pylist(full, schema=columns.CAPTURE)


def label_table(*rows: tuple[int, float, int]) -> pa.Table:
    """Labels as (seq, label, known at ns)."""
    seq, label, at = ([row[i] for row in rows] for i in range(3))
    stamps = pa.array(at, pa.int64()).cast(columns.LABELS.field("label_at").type)
    names = pa.array([f"r{s}" for s in seq], pa.string())
    outcomes = pa.repeat("label", len(rows))
    cells = [pa.array(seq, pa.int64()), names, outcomes, pa.array(label, pa.float64()), stamps]
    return pa.table(cells, schema=columns.LABELS)


def test_the_first_answer_counts() -> None:
    """Later phases must agree with it."""
    table = outcomes({"seq": 1, "score": 0.5}, {"seq": 1, "score": 0.5, "phase": "rush"})
    found = join.answers("challenger", table, n=3)
    assert found.answered.tolist() == [False, True, False]
    assert found.scores.tolist()[1] == 0.5
    assert np.isnan(found.scores[[0, 2]]).all()
    assert not found.unstable.any()


def test_the_first_answer_with_features_counts_over_an_earlier_one_without() -> None:
    """A phase without echo does not hide the features of another."""
    table = outcomes(
        {"seq": 0, "score": 0.1, "phase": "rush"},
        {"seq": 0, "score": 0.1, "features": b"{1}"},
        {"seq": 0, "score": 0.1, "features": b"{2}", "phase": "again"},
    )
    assert join.answers("challenger", table, n=1).features.tolist() == [b"{1}"]


@pytest.mark.parametrize(
    ("scores", "unstable"),
    [
        ((0.5, 0.5), False),
        ((0.5, 0.6), True),
        ((0.5, None), True),
        ((None, 0.5), True),
        ((None, None), False),
    ],
)
def test_a_request_answered_differently_is_unstable(
    scores: tuple[float | None, ...], *, unstable: bool
) -> None:
    """Two unequal scores of one request, or one score and none; none twice is the same answer."""
    table = outcomes(*({"seq": 2, "score": score} for score in scores))
    assert join.answers("challenger", table, n=3).unstable.tolist() == [False, False, unstable]


@pytest.mark.parametrize("state", [s for s in State if s is not State.OK])
def test_only_an_ok_is_an_answer(state: State) -> None:
    """A failed request has no score, even where one was read; a later answer counts."""
    failed = {"seq": 0, "state": str(state), "score": 0.9, "features": b"{}"}
    assert not join.answers("challenger", outcomes(failed), n=1).answered.any()
    both = join.answers("challenger", outcomes(failed, {"seq": 0, "score": 0.1}), n=1)
    assert (both.scores.tolist(), both.features.tolist(), both.unstable.tolist()) == ([0.1], [None], [False])


@pytest.mark.parametrize("seq", [-1, 3])
def test_an_outcome_of_no_request_is_refused(seq: int) -> None:
    """A negative place would quietly count from the end."""
    with pytest.raises(
        HarnessError, match=f"an outcome of challenger is of no captured request; found seq {seq}"
    ):
        join.answers("challenger", outcomes({"seq": seq, "score": 0.5}), n=3)


def test_no_outcome_is_no_answer() -> None:
    """An arm that was sent nothing answered nothing."""
    assert not join.answers("challenger", outcomes(), n=2).answered.any()


def test_the_offline_model_answers_everything() -> None:
    """Once each, and the same whenever asked."""
    found = join.offline_answers("offline:new", np.array([0.1, 0.2]))
    assert found.answered.all()
    assert not found.unstable.any()
    assert found.features.tolist() == [None, None]


def test_both_are_the_requests_that_both_answered() -> None:
    """In ascending order."""
    left = join.answers("a", outcomes({"seq": 3, "score": 1.0}, {"seq": 1, "score": 1.0}), n=4)
    right = join.answers(
        "b", outcomes({"seq": 1, "score": 1.0}, {"seq": 3, "score": 1.0}, {"seq": 0, "score": 1.0}), n=4
    )
    assert join.both(left, right).tolist() == [1, 3]


def test_keys_fall_back_to_the_arrival_time() -> None:
    """A request without an event time is as of its arrival; segments that a request lacks are None."""
    known = join.keys(
        capture({"event_time": 7, "unit": "u", "segments": [("plan", "a")]}, {"segments": [("os", "x")]}, {})
    )
    assert len(known) == 3
    assert known.event_time_ns.tolist() == [7, 101, 102]
    assert known.ts_ns.tolist() == [100, 101, 102]
    assert known.unit.tolist() == ["u", None, None]
    assert {k: v.tolist() for k, v in known.segments.items()} == {
        "os": [None, "x", None],
        "plan": ["a", None, None],
    }


def test_tags_are_known_beside_segments() -> None:
    """What the log knows besides stands apart from what reports are broken down by."""
    known = join.keys(capture({"tags": [("payee", "p1")], "segments": [("plan", "a")]}, {}))
    assert {name: tag.tolist() for name, tag in known.tags.items()} == {"payee": ["p1", None]}
    assert set(known.segments) == {"plan"}


@pytest.mark.parametrize("seqs", [(1, 0), (0, 2), (0, 0)])
def test_a_capture_that_is_not_dense_is_refused(seqs: tuple[int, int]) -> None:
    """A scatter by seq needs 0, 1, 2, …."""
    with pytest.raises(HarnessError, match="seq is not dense"):
        join.keys(capture(*({"seq": seq} for seq in seqs)))


def test_a_pair_is_aligned_on_its_rows() -> None:
    """Every column of a pair speaks of the same request, and either arm's instability is kept."""
    known = join.keys(capture({"unit": "u"}, {"unit": "v"}, {"segments": [("plan", "a")]}))
    left = join.answers("champion", outcomes(*({"seq": i, "score": i / 10} for i in range(3))), n=3)
    right = join.answers(
        "challenger",
        outcomes({"seq": 2, "score": 0.5}, {"seq": 2, "score": 0.6}, {"seq": 1, "score": 0.4}),
        n=3,
    )
    one = Column("number", np.array([1.0, 2.0]), np.zeros(2, np.uint8))
    found = join.pair(known, (left, right), rows=join.both(left, right), features=({"x": one}, None))
    assert (found.left.arm, found.left.scores.tolist()) == ("champion", [0.1, 0.2])
    assert (found.right.arm, found.right.scores.tolist()) == ("challenger", [0.4, 0.5])
    assert (found.left.features, found.right.features) == ({"x": one}, None)
    assert (found.seq.tolist(), found.request_id.tolist()) == ([1, 2], ["r1", "r2"])
    assert (found.ts_ns.tolist(), found.event_time_ns.tolist()) == ([101, 102], [101, 102])
    assert (found.unit.tolist(), found.segments["plan"].tolist()) == (["v", None], [None, "a"])
    assert found.unstable.tolist() == [False, True]
    swapped = join.pair(known, (right, left), rows=join.both(left, right), features=(None, None))
    assert swapped.unstable.tolist() == [False, True]


def test_taking_rows_takes_their_kinds_and_texts_along() -> None:
    """A wrong-typed cell keeps its own text, in its new place."""
    kinds = np.array([Kind.VALUE, Kind.WRONG_TYPE, Kind.NULL, Kind.WRONG_TYPE], np.uint8)
    column = Column("category", np.array(["a", None, None, None], object), kinds, {1: "[1]", 3: "{}"})
    found = join.take({"x": column}, np.array([3, 0]))["x"]
    assert (found.values.tolist(), found.kind.tolist()) == ([None, "a"], [Kind.WRONG_TYPE, Kind.VALUE])
    assert found.text == {0: "{}"}


def test_a_label_is_the_latest_that_was_known() -> None:
    """Corrections count from the moment they became known."""
    table = label_table((0, 1.0, 10), (0, 0.0, 20), (2, 1.0, 15))
    values, times = join.labels(table, n=3, as_of_ns=19)
    assert (values[0], values[2], times.tolist()) == (1.0, 1.0, [10, 0, 15])
    assert np.isnan(values[1])
    corrected, at = join.labels(table, n=3, as_of_ns=20)
    assert (corrected[0], at[0]) == (0.0, 20)


def test_labels_known_after_as_of_do_not_exist_yet() -> None:
    """Not even as a time."""
    values, times = join.labels(label_table((0, 1.0, 10)), n=1, as_of_ns=9)
    assert np.isnan(values).all()
    assert times.tolist() == [0]


def test_the_order_of_label_files_does_not_matter_but_for_ties() -> None:
    """The later moment wins wherever it stands; of one moment the later row does."""
    assert join.labels(label_table((0, 0.0, 20), (0, 1.0, 10)), n=1, as_of_ns=99)[0].tolist() == [0.0]
    assert join.labels(label_table((0, 0.0, 20), (0, 1.0, 20)), n=1, as_of_ns=99)[0].tolist() == [1.0]


def test_a_label_of_no_request_is_refused() -> None:
    """It was joined to another capture."""
    with pytest.raises(HarnessError, match="a label is of no captured request"):
        join.labels(label_table((5, 1.0, 10)), n=3, as_of_ns=99)


def test_label_events_keep_what_was_revised_later() -> None:
    """Every label known by then, in the order it became known; one that comes later is not among them."""
    table = label_table((1, 1.0, 20), (0, 0.0, 10), (0, 1.0, 30), (1, 0.0, 50))
    found = join.label_events(table, n=2, as_of_ns=30)
    assert (found.seq.tolist(), found.label.tolist()) == ([0, 1, 0], [0.0, 1.0, 1.0])
    assert found.at_ns.tolist() == [10, 20, 30]


def test_features_are_compared_only_where_they_were_asked_for() -> None:
    """A request answered only in a phase that asks for no features is blank on both sides."""
    table = pa.table(
        {
            "seq": [0, 1, 1, 2],
            "phase": ["latency", "latency", "parity", "parity"],
            "state": ["ok", "ok", "ok", "timeout"],
        }
    )
    where = join.asked(table, n=4, silent={"latency"})
    assert where.tolist() == [False, True, False, False]
    columns = {"x": Column("number", np.arange(4.0), np.zeros(4, np.uint8))}
    kept = join.keep(columns, where)["x"]
    assert kept.kind.tolist() == [Kind.MISSING, Kind.VALUE, Kind.MISSING, Kind.MISSING]
    assert columns["x"].kind.tolist() == [0, 0, 0, 0]
