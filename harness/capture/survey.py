"""What a capture holds, before anything is done with it: how much, how fast, what of it is dubious."""

from __future__ import annotations

import re
from array import array
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import msgspec
import numpy as np

from harness import columns
from harness.capture.times import SECOND_NS
from harness.records import CapturedRequest

_KEYS = re.compile(
    rb"eyJ[\w-]{10,}\.eyJ[\w-]{10,}\.|\bAKIA[0-9A-Z]{16}\b|\bgh[pousr]_\w{36}|\bsk-[\w-]{20,}"
    rb"|-----BEGIN [A-Z ]*PRIVATE KEY-----|\bBearer [\w.~+/-]{20,}"
)
#: of a body, for the search for keys
_SEARCHED_BYTES = 1 << 20


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
    answered: int
    timed: int
    secrets: dict[str, int]
    tags: dict[str, int]


@dataclass
class Surveyor:
    """Looks at the requests that pass; 16 bytes of memory for each."""

    _times: array[int] = field(default_factory=lambda: array("q"))
    _sizes: array[int] = field(default_factory=lambda: array("q"))
    _methods: Counter[str] = field(default_factory=Counter)
    _statuses: Counter[str] = field(default_factory=Counter)
    _secrets: Counter[str] = field(default_factory=Counter)
    _tags: Counter[str] = field(default_factory=Counter)
    _counts: Counter[str] = field(default_factory=Counter)
    _newest: int = -1
    _resolution: int = 1

    def watched(self, requests: Iterable[CapturedRequest]) -> Iterator[CapturedRequest]:
        """The same requests, looked at as they pass."""
        for request in requests:
            self.look(request)
            yield request

    def look(self, request: CapturedRequest) -> None:
        """This request is counted."""
        self._times.append(request.ts_ns)
        self._sizes.append(len(request.body))
        self._methods[request.method] += 1
        self._counts["out_of_order"] += request.ts_ns < self._newest
        self._counts["truncated"] += request.truncated
        self._newest = max(self._newest, request.ts_ns)
        self._resolution = max(self._resolution, request.ts_resolution_ns)
        if (answer := request.recorded_response) is not None:
            self._statuses[str(answer.status)] += 1
            self._counts["timed"] += answer.latency_ns is not None
        self._tags.update(f"{name}={value}" for name, value in request.tags.items() if name == "ts_from")
        self._secrets.update(suspected(request))

    def survey(self) -> Survey:
        """What was seen so far."""
        times = np.sort(np.frombuffer(self._times, np.int64)) if self._times else np.empty(0, np.int64)
        sizes = np.frombuffer(self._sizes, np.int64) if self._sizes else np.zeros(1, np.int64)
        median, p95 = np.quantile(sizes, [0.5, 0.95], method="inverted_cdf")
        return Survey(
            requests=len(times),
            first_ts_ns=int(times[0]) if len(times) else None,
            last_ts_ns=int(times[-1]) if len(times) else None,
            peak_per_s=_peak(times),
            interarrival_cv=_cv(times),
            resolution_ns=self._resolution,
            methods=dict(self._methods.most_common()),
            statuses=dict(self._statuses.most_common()),
            body_median=int(median),
            body_p95=int(p95),
            body_largest=int(sizes.max()),
            answered=self._statuses.total(),
            secrets=dict(self._secrets),
            tags=dict(self._tags),
            **{name: self._counts[name] for name in ("out_of_order", "truncated", "timed")},
        )


def suspected(request: CapturedRequest) -> set[str]:
    """Where the request holds something like a credential: header, query, body, answer's header."""
    answer = request.recorded_response
    query = request.path.partition("?")[2]
    names = (pair.partition("=")[0] for pair in query.split("&"))
    found = {
        "header": any(map(columns.is_private, request.headers)),
        "query": bool(query) and any(map(columns.is_private, names)),
        "body": _KEYS.search(request.body[:_SEARCHED_BYTES]) is not None,
        "answer's header": answer is not None and any(map(columns.is_private, answer.headers)),
    }
    return {place for place, there in found.items() if there}


def _peak(times: np.ndarray[tuple[int], np.dtype[np.int64]]) -> int:
    """The most times in any window of one second; times are sorted."""
    if not len(times):
        return 0
    ends = np.searchsorted(times, times + SECOND_NS, side="left")
    return int((ends - np.arange(len(times))).max())


def _cv(times: np.ndarray[tuple[int], np.dtype[np.int64]]) -> float | None:
    gaps = np.diff(times) / SECOND_NS
    if len(gaps) < 2 or not gaps.any():
        return None
    return float(gaps.std() / gaps.mean())
