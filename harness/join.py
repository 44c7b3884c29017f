"""Requests, outcomes and labels joined by `seq`: a scatter into dense arrays, never a sort of strings."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from harness.columns import Column, Kind, Pair, Side
from harness.errors import HarnessError
from harness.records import State
from harness.weighting import weights

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from numpy.typing import NDArray

    from harness.capture import CaptureConfig


@dataclass(frozen=True)
class Keys:
    """What a captured request is known by, over all n requests in `seq` order.

    `weight` is what each stands for among all of the traffic; only ratios of it count. `most` is the largest
    that any request may have, None where nobody says.
    """

    request_id: NDArray[np.object_]
    ts_ns: NDArray[np.int64]
    event_time_ns: NDArray[np.int64]
    unit: NDArray[np.object_]
    segments: dict[str, NDArray[np.object_]]
    tags: dict[str, NDArray[np.object_]] = field(default_factory=dict)
    weight: NDArray[np.float64] | None = None
    most: float | None = None

    def __len__(self) -> int:
        """The number of captured requests."""
        return len(self.ts_ns)


@dataclass(frozen=True)
class Answers:
    """One arm's answer to each of n requests: NaN and None where it gave none.

    `unstable` marks requests answered more than once with unequal scores. `features` holds the echoed JSON.
    `row` is the place among the outcomes of the answer that counts, -1 where there is none.
    """

    arm: str
    scores: NDArray[np.float64]
    features: NDArray[np.object_]
    answered: NDArray[np.bool_]
    unstable: NDArray[np.bool_]
    row: NDArray[np.int64]


def keys(capture: pa.Table, config: CaptureConfig | None = None) -> Keys:
    """The keys of a capture whose `seq` is dense and ascending; event time falls back to the arrival time."""
    seq = capture["seq"].to_numpy()
    if not np.array_equal(seq, np.arange(len(seq))):
        raise HarnessError("the capture's seq is not dense", found=f"{len(seq)} rows", expected="0, 1, 2, …")
    ts = capture["ts_ns"].to_numpy()
    event = capture["event_time"].cast(pa.int64())
    weighed = weights(capture, config)
    return Keys(
        request_id=_objects(capture["request_id"].to_pylist()),
        ts_ns=ts,
        event_time_ns=np.where(event.is_null().to_numpy(), ts, event.fill_null(0).to_numpy()),
        unit=_objects(capture["unit"].to_pylist()),
        segments=_segments(capture["segments"].to_pylist())
        | {f"served by {name}": one for name, one in _segments(capture["served_by"].to_pylist()).items()},
        tags=_segments(capture["tags"].to_pylist()),
        weight=weighed.traffic,
        most=weighed.most,
    )


def _segments(cells: list[Any]) -> dict[str, NDArray[np.object_]]:
    rows = [dict(cell or ()) for cell in cells]
    names = sorted({name for row in rows for name in row})
    return {name: _objects([row.get(name) for row in rows]) for name in names}


def _objects(values: list[Any]) -> NDArray[np.object_]:
    array = np.empty(len(values), dtype=object)
    array[:] = values
    return array


def answers(arm: str, outcomes: pa.Table, *, n: int) -> Answers:
    """The answer that counts for each of n requests: the first with features, else the first; all must agree.

    `outcomes` has one row for each (phase, seq), phases in the order they ran. Raises HarnessError for the
    outcome of a request outside the capture.
    """
    ok = np.flatnonzero(outcomes["state"].to_numpy(zero_copy_only=False) == State.OK)
    seq = _inside(outcomes["seq"].to_numpy(), n, what=f"an outcome of {arm}")[ok]
    scores = outcomes["score"].to_numpy(zero_copy_only=False).astype(np.float64)[ok]
    cells = _objects(outcomes["features"].take(ok).to_pylist())
    bare = np.array([cell is None for cell in cells], dtype=bool)
    order = np.lexsort((np.arange(len(seq)), bare, seq))
    first_of = order[np.unique(seq[order], return_index=True)[1]]
    result = Answers(
        arm=arm,
        scores=np.full(n, np.nan),
        features=np.full(n, None, dtype=object),
        answered=np.zeros(n, dtype=bool),
        unstable=np.zeros(n, dtype=bool),
        row=np.full(n, -1, dtype=np.int64),
    )
    result.row[seq[first_of]] = ok[first_of]
    result.scores[seq[first_of]] = scores[first_of]
    result.features[seq[first_of]] = cells[first_of]
    result.answered[seq[first_of]] = True
    agreed = result.scores[seq]
    result.unstable[seq[(scores != agreed) & ~(np.isnan(scores) & np.isnan(agreed))]] = True
    return result


def _inside(seq: NDArray[np.int64], n: int, *, what: str) -> NDArray[np.int64]:
    """Places that exist; a negative one would quietly count from the end."""
    strangers = seq[(seq < 0) | (seq >= n)]
    if strangers.size:
        raise HarnessError(
            f"{what} is of no captured request", found=f"seq {strangers[0]}", expected=f"0 to {n - 1}"
        )
    return seq


def offline_answers(arm: str, scores: NDArray[np.float64]) -> Answers:
    """The offline model as an arm: it answers every captured request, once."""
    n = len(scores)
    none = np.full(n, None, dtype=object)
    return Answers(
        arm, scores, none, np.ones(n, dtype=bool), np.zeros(n, dtype=bool), np.full(n, -1, dtype=np.int64)
    )


def units(known: Keys) -> NDArray[np.int64]:
    """Units as whole numbers, int64 (n,); a request without a unit is one of its own."""
    names = [u if u is not None else f"\0{r}" for u, r in zip(known.unit, known.request_id, strict=True)]
    return np.unique(np.asarray(names, dtype=str), return_inverse=True)[1].astype(np.int64)


def both(left: Answers, right: Answers) -> NDArray[np.int64]:
    """The requests that both arms answered, ascending."""
    return np.flatnonzero(left.answered & right.answered).astype(np.int64)


def pair(
    known: Keys,
    arms: tuple[Answers, Answers],
    *,
    rows: NDArray[np.int64],
    features: tuple[Mapping[str, Column] | None, Mapping[str, Column] | None],
) -> Pair:
    """Two arms aligned on `rows`; `features` are each side's columns, already on those rows."""
    left, right = arms
    return Pair(
        left=_side(left, rows, features=features[0]),
        right=_side(right, rows, features=features[1]),
        seq=rows,
        request_id=known.request_id[rows],
        ts_ns=known.ts_ns[rows],
        event_time_ns=known.event_time_ns[rows],
        unit=known.unit[rows],
        segments={name: values[rows] for name, values in known.segments.items()},
        unstable=left.unstable[rows] | right.unstable[rows],
    )


def _side(arm: Answers, rows: NDArray[np.int64], *, features: Mapping[str, Column] | None) -> Side:
    return Side(arm.arm, arm.scores[rows], None if features is None else dict(features))


def take(columns: Mapping[str, Column], rows: NDArray[np.int64]) -> dict[str, Column]:
    """The same columns on some rows."""
    place = {int(row): i for i, row in enumerate(rows)}
    return {
        name: replace(
            column,
            values=column.values[rows],
            kind=column.kind[rows],
            text={place[r]: text for r, text in column.text.items() if r in place},
        )
        for name, column in columns.items()
    }


def asked(outcomes: pa.Table, *, n: int, silent: Collection[str]) -> NDArray[np.bool_]:
    """The requests answered in a phase that asks for features, bool (n,); `silent` are those that do not."""
    ok = outcomes["state"].to_numpy(zero_copy_only=False) == State.OK
    loud = np.array([phase not in silent for phase in outcomes["phase"].to_pylist()], dtype=bool)
    result = np.zeros(n, dtype=bool)
    result[outcomes["seq"].to_numpy()[ok & loud]] = True
    return result


def keep(columns: Mapping[str, Column], where: NDArray[np.bool_]) -> dict[str, Column]:
    """The same columns, MISSING wherever `where` (n,) is false."""
    return {
        name: replace(column, kind=np.where(where, column.kind, Kind.MISSING).astype(np.uint8))
        for name, column in columns.items()
    }


def labels(table: pa.Table, *, n: int, as_of_ns: int) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Each request's label as known at `as_of` (NaN: none) and when it became known; the latest known wins.

    Of labels that became known at the same moment the later row wins.
    """
    values, times = np.full(n, np.nan), np.zeros(n, dtype=np.int64)
    found = label_events(table, n=n, as_of_ns=as_of_ns)
    values[found.seq], times[found.seq] = found.label, found.at_ns
    return values, times


@dataclass(frozen=True)
class LabelEvents:
    """Labels in the order they became known, revisions too: `seq` int64, `label` float64, `at_ns` int64."""

    seq: NDArray[np.int64]
    label: NDArray[np.float64]
    at_ns: NDArray[np.int64]


def label_events(table: pa.Table, *, n: int, as_of_ns: int) -> LabelEvents:
    """Every label known at `as_of`, those that were revised later too; HarnessError for one of no request."""
    at = table["label_at"].cast(pa.int64()).to_numpy()
    known = np.flatnonzero(at <= as_of_ns)
    order = known[np.argsort(at[known], kind="stable")]
    seq = _inside(table["seq"].to_numpy(), n, what="a label")[order]
    return LabelEvents(seq, table["label"].to_numpy()[order].astype(np.float64), at[order])
