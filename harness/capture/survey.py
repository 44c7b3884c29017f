"""What a capture holds, before anything is done with it: how much, how fast, what of it is dubious."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from math import sqrt
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from harness import columns
from harness.capture.intake import private_headers
from harness.capture.times import SECOND_NS
from harness.records import ANSWER_TRUNCATED, STATUS_FROM

Times = NDArray[np.int64]

#: how what `_KEYS` finds may begin, for a search of many bodies at once
_BEGINNINGS = "eyJ|AKIA|gh[pousr]_|sk-|-----BEGIN |Bearer "
_KEYS = re.compile(
    rb"eyJ[\w-]{10,}\.eyJ[\w-]{10,}\.|\bAKIA[0-9A-Z]{16}\b|\bgh[pousr]_\w{36}|\bsk-[\w-]{20,}"
    rb"|-----BEGIN [A-Z ]*PRIVATE KEY-----|\bBearer [\w.~+/-]{20,}"
)
#: of a body, for the search for keys
_SEARCHED_BYTES = 1 << 20
_SLICE = 1 << 16


class Survey(msgspec.Struct, frozen=True, kw_only=True):
    """Counts and times over all requests; times in ns since the epoch, sizes of bodies in bytes.

    `peak_per_s` is the most requests in one second, wherever it begins; `interarrival_cv` the standard
    deviation of the gaps over their mean (1 for Poisson arrivals, None below three requests or without
    duration); `out_of_order` requests are older than one before them; `secrets` counts requests by where
    something like a credential stands.
    """

    requests: int
    first_ts_ns: int | None
    last_ts_ns: int | None
    peak_per_s: int
    interarrival_cv: float | None
    out_of_order: int
    resolution_ns: int
    methods: dict[str, int]
    statuses: dict[str, int]
    body_median: int
    body_p95: int
    body_largest: int
    truncated: int
    answers_truncated: int
    answered: int
    timed: int
    secrets: dict[str, int]
    tags: dict[str, int]


@dataclass
class Surveyor:
    """Looks at the requests that pass; at most eight bytes of memory for each, and a count of each body size.

    Times are kept by table, as what they lie behind its earliest.
    """

    _times: list[tuple[int, NDArray[Any]]] = field(default_factory=list)
    _sizes: Counter[int] = field(default_factory=Counter)
    _methods: Counter[str] = field(default_factory=Counter)
    _statuses: Counter[str] = field(default_factory=Counter)
    _secrets: Counter[str] = field(default_factory=Counter)
    _tags: Counter[str] = field(default_factory=Counter)
    _counts: Counter[str] = field(default_factory=Counter)
    _newest: int = -1
    _resolution: int = 1

    def watched(self, tables: Iterable[pa.Table]) -> Iterator[pa.Table]:
        """The same requests, looked at as they pass."""
        for table in tables:
            self.look(table)
            yield table

    def look(self, table: pa.Table) -> None:
        """These requests are counted."""
        if not table.num_rows:
            return
        self._look_at_times(table.column("ts_ns").to_numpy())
        self._resolution = max(self._resolution, pc.max(table.column("ts_resolution_ns")).as_py())
        self._sizes.update(_counted(pc.binary_length(table.column("body"))))
        self._methods.update(_counted(table.column("method")))
        statuses = table.column("recorded_status").drop_null()
        self._statuses.update({str(status): count for status, count in _counted(statuses).items()})
        self._counts["truncated"] += pc.sum(table.column("truncated")).as_py()
        self._counts["timed"] += pc.count(table.column("recorded_latency_ns")).as_py()
        self._counts["answers_truncated"] += len(_tag(table, ANSWER_TRUNCATED))
        for name in ("ts_from", STATUS_FROM):
            self._tags.update(_counted(_tag(table, name)))
        self._secrets.update(suspected(table))

    def _look_at_times(self, times: Times) -> None:
        newest = np.maximum.accumulate(np.concatenate([[self._newest], times]))
        self._counts["out_of_order"] += int((times < newest[:-1]).sum())
        self._newest = int(newest[-1])
        first = int(times.min())
        since = times - first
        self._times.append((first, since.astype(np.min_scalar_type(int(since.max())))))

    def _sorted_times(self) -> Times:
        every = np.empty(sum(len(since) for _, since in self._times), np.int64)
        place = 0
        for first, since in self._times:
            every[place : place + len(since)] = since
            every[place : place + len(since)] += first
            place += len(since)
        every.sort()
        return every

    def survey(self) -> Survey:
        """What was seen so far."""
        times = self._sorted_times()
        median, p95, largest = _quantiles(self._sizes, [0.5, 0.95, 1.0])
        return Survey(
            requests=len(times),
            first_ts_ns=int(times[0]) if len(times) else None,
            last_ts_ns=int(times[-1]) if len(times) else None,
            peak_per_s=_peak(times),
            interarrival_cv=_cv(times),
            resolution_ns=self._resolution,
            methods=dict(self._methods.most_common()),
            statuses=dict(self._statuses.most_common()),
            body_median=median,
            body_p95=p95,
            body_largest=largest,
            answered=self._statuses.total(),
            secrets=dict(self._secrets),
            tags=dict(self._tags),
            **{name: self._counts[name] for name in _COUNTED},
        )


_COUNTED = ("out_of_order", "truncated", "answers_truncated", "timed")


def suspected(table: pa.Table) -> dict[str, int]:
    """In how many requests something like a credential stands: header, query, body, answer's header."""
    header, answer = (private_headers(table, name) for name in ("headers", "recorded_headers"))
    queries = _counted(table.column("path"))
    found = {
        "header": int(header.sum()),
        "query": sum(count for path, count in queries.items() if "?" in path and _asks_with_secret(path)),
        "body": _with_key(table.column("body")),
        "answer's header": int(answer.sum()),
    }
    return {place: count for place, count in found.items() if count}


def _asks_with_secret(path: str) -> bool:
    names = (pair.partition("=")[0] for pair in path.partition("?")[2].split("&"))
    return any(map(columns.is_private, names))


def _with_key(bodies: pa.ChunkedArray) -> int:
    """How many bodies hold something in the shape of a key; first all are searched for how such begin."""
    likely = bodies.filter(pc.match_substring_regex(bodies, _BEGINNINGS))
    return sum(_KEYS.search(body.as_buffer(), 0, _SEARCHED_BYTES) is not None for body in likely)


def _tag(table: pa.Table, name: str) -> pa.Array:
    """The texts `name=value` of all requests that have this tag."""
    tags = table.column("tags").combine_chunks()
    values = tags.items.filter(pc.equal(tags.keys, name))
    return pc.binary_join_element_wise(pa.scalar(name), values, "=")


def _counted(values: pa.Array | pa.ChunkedArray) -> dict[Any, int]:
    found = values.value_counts()
    return dict(zip(found.field("values").to_pylist(), found.field("counts").to_pylist(), strict=True))


def _quantiles(sizes: Counter[int], ranks: list[float]) -> list[int]:
    """The sizes at these ranks: of n sizes the smallest that at least rank * n do not exceed."""
    if not sizes:
        return [0 for _ in ranks]
    order = np.array(sorted(sizes))
    upto = np.cumsum([sizes[size] for size in order.tolist()])
    return [int(order[np.searchsorted(upto, rank * upto[-1])]) for rank in ranks]


def _peak(times: Times) -> int:
    """The most times in any window of one second; times are sorted. Some at a time, to need little memory."""
    most = 0
    for start in range(0, len(times), _SLICE):
        some = times[start : start + _SLICE]
        ends = np.searchsorted(times, some + SECOND_NS, side="left")
        most = max(most, int((ends - np.arange(start, start + len(some))).max()))
    return most


def _cv(times: Times) -> float | None:
    count = len(times) - 1
    if count < 2 or times[0] == times[-1]:
        return None
    mean = (int(times[-1]) - int(times[0])) / count
    starts = range(0, count, _SLICE)
    squares = sum(float(((np.diff(times[at : at + _SLICE + 1]) - mean) ** 2).sum()) for at in starts)
    return sqrt(squares / count) / mean
