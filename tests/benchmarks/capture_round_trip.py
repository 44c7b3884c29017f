"""Whether captures of others are understood, and whether what goes out comes in again unchanged."""

from __future__ import annotations

import math
import tempfile
from pathlib import Path
from typing import TypeVar

import msgspec
import numpy as np

from harness.capture.exporting import OTHERS, OURS, write_capture, write_tables
from harness.capture.importing import Ledger, requests_of, tables_of
from harness.records import CapturedRequest, RecordedResponse
from tests.benchmarks.figures import Goal, Rows, row
from tests.kit.real_captures import REAL, is_right

T = TypeVar("T")
CAPTURES = 50
EXPOSED = (None, True, False)

REAL_FILES = Goal(
    id="real_files",
    figure=f"{len(REAL)} capture files that other projects published, read as what they hold or refused for "
    "the right reason",
    unit="%",
    better="higher",
    floor=100,
    aim=100,
)
ROUND_TRIP = Goal(
    id="round_trip",
    figure=f"requests with a difference after import, export, import, of {CAPTURES:,} generated captures, "
    f"through each of {', '.join((*OURS, *OTHERS))}",
    unit="requests",
    better="lower",
    floor=0,
    aim=0,
)


def real_rows() -> Rows:
    """Every file of tests/data/captures."""
    return [row(REAL_FILES, [100 * sum(map(is_right, REAL)) / len(REAL)])]


def round_trip_rows() -> Rows:
    """Each capture out and in again through every format, `.gor` with what HTTP has words for."""
    different = 0
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        for seed in range(CAPTURES):
            for ending in (*OURS, *OTHERS):
                some = some_requests(seed, rich=not ending.startswith(".gor"))
                different += differing(some, place, ending=ending)
    return [row(ROUND_TRIP, [different])]


def differing(some: list[CapturedRequest], place: Path, *, ending: str) -> int:
    """How many requests are not what they were: JSON Lines in, exported, in again."""
    write_capture(some, place / "a.jsonl")
    write_tables(tables_of([place / "a.jsonl"], Ledger()), place / "b.parquet")
    write_capture(requests_of([place / "b.parquet"], Ledger()), place / f"c{ending}", known=(*OURS, *OTHERS))
    found = [placeless(one) for one in requests_of([place / f"c{ending}"], Ledger())]
    wrong = sum(one != other for one, other in zip(map(placeless, some), found, strict=False))
    return wrong + abs(len(some) - len(found))


def placeless(one: CapturedRequest) -> CapturedRequest:
    """The request without its place in a file."""
    return msgspec.structs.replace(one, seq=0, source_file="", source_offset=0)


def some_requests(seed: int, *, rich: bool) -> list[CapturedRequest]:
    """Some requests with odd bodies; where `rich` with all that HTTP has no words for."""
    rng = np.random.default_rng(seed)
    return [_request(rng, number, rich=rich) for number in range(rng.integers(1, 30))]


def _one(rng: np.random.Generator, *values: T) -> T:
    return values[rng.integers(len(values))]


def _request(rng: np.random.Generator, number: int, *, rich: bool) -> CapturedRequest:
    answer = RecordedResponse(
        status=_one(rng, 200, 404, 503),
        headers=_headers(rng),
        body=_odd_body(rng),
        latency_ns=int(rng.integers(1, 10**10)),
        latency_kind="service",
    )
    plain = CapturedRequest(
        seq=0,
        request_id=f"r-{number}-{rng.random()}",
        ts_ns=int(rng.integers(2**62)),
        method=_one(rng, "GET", "POST"),
        path=f"/p?q={rng.random()}",
        headers=_headers(rng),
        body=_odd_body(rng),
        recorded_response=_one(rng, None, answer),
    )
    if not rich:
        return plain
    return msgspec.structs.replace(
        plain,
        ts_resolution_ns=_one(rng, 1, 10**6, 10**9),
        event_time_ns=_one(rng, None, int(rng.integers(2**62))),
        parent_id=_one(rng, None, "p"),
        row_index=_one(rng, None, 0, 7),
        unit=_one(rng, None, "u", "ü"),
        segments=_one(rng, {}, {"country": "DE"}),
        exposed=_one(rng, *EXPOSED),
        propensity=_one(rng, None, math.ulp(0), 0.1 + 0.2, 1.0),
        truncated=rng.random() < 0.5,
        served_by=_one(rng, {}, {"build": "b1"}),
        online_features=_one(rng, None, b'{"a":1.50,"b":"NaN","c":null}'),
        feature_timestamps=_one(rng, None, b'{"a":5}'),
        sampling_weight=_one(rng, 1.0, 1 / 3, 1e9),
        tags=_one(rng, {}, {"k": "v\n"}),
    )


def _headers(rng: np.random.Generator) -> dict[str, str]:
    return {f"X-{name}": str(rng.random()) for name in "ABCD" if rng.random() < 0.5}


def _odd_body(rng: np.random.Generator) -> bytes:
    numbers = b'{"a":1.50,"b":%a,"c":1e400}' % rng.random()
    odd = [b"", b'{"a": NaN}\n', rng.bytes(40), b"null", "\n🐵🙈🙉\n1 a 5 0\n".encode(), numbers]
    return _one(rng, *odd)
