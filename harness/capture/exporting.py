"""Requests written as a capture: our own JSON Lines or Parquet, a `.gor` file, or HAR."""

from __future__ import annotations

import gzip
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, cast

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

from harness import columns
from harness.capture import recorded
from harness.capture.formats.goreplay_writer import record_of
from harness.capture.formats.har_writer import CLOSING, OPENING, entry_of
from harness.capture.intake import parted
from harness.capture.sources import target_of
from harness.capture.table import regrouped, rows
from harness.capture.write import write_jsonl
from harness.records import CapturedRequest

OURS = (".jsonl", ".jsonl.gz", ".parquet")
OTHERS = (".gor", ".gor.gz", ".har")

_GROUP_ROWS = 8_192
_GROUP_BYTES = 64 << 20

#: columns with hardly a value twice: a dictionary of theirs is in vain, and takes time
_UNLIKE = frozenset(
    {"seq", "request_id", "ts_ns", "body", "recorded_body", "online_features", "source_offset"}
)
_LEAVES = (".key_value.key", ".key_value.value")
_ALIKE = [
    column.name + leaf
    for column in columns.CAPTURE
    if column.name not in _UNLIKE
    for leaf in (_LEAVES if pa.types.is_map(column.type) else ("",))
]


#: by reason, what is missing in a capture of so many requests
Lost = Callable[[int], Mapping[str, int]]


def _nothing(_written: int) -> Mapping[str, int]:
    return {}


def write_capture(
    requests: Iterable[CapturedRequest],
    path: Path,
    *,
    known: tuple[str, ...] = OURS,
    lost: Lost = _nothing,
) -> int:
    """The requests are in `path`, whole or not at all, in the format of its ending; returns how many.

    `.gor` holds what an HTTP message can say, `.har` and our own formats all. What was `lost` on the way, as
    is known at the end, goes into a `.parquet` and beside a file of another kind. Raises UsageError for an
    ending that is not `known`; what the iterable raises leaves nothing behind.
    """
    ending = target_of(path, known)
    if ending == ".parquet":
        return _parquet(parted(requests, _GROUP_ROWS), path, lost=lost)
    try:
        count = _WRITERS[ending](requests, path)
    finally:
        _temporary(path).unlink(missing_ok=True)
    recorded.keep(lost(count), path)
    return count


def write_tables(tables: Iterable[pa.Table], path: Path, *, lost: Lost = _nothing) -> int:
    """As `write_capture`, for requests that are columns already: they stay so in a `.parquet`."""
    if target_of(path, OURS) != ".parquet":
        return write_capture(rows(tables), path, lost=lost)
    return _parquet(regrouped(tables, _GROUP_ROWS, most_bytes=_GROUP_BYTES), path, lost=lost)


def _parquet(tables: Iterable[pa.Table], path: Path, *, lost: Lost) -> int:
    path.parent.mkdir(parents=True, exist_ok=True)
    count = 0
    try:
        with pq.ParquetWriter(
            _temporary(path),
            columns.CAPTURE,
            compression="zstd",
            compression_level=1,
            use_dictionary=_ALIKE,
        ) as file:
            for table in tables:
                file.write_table(table)
                count += table.num_rows
            if missing := lost(count):
                file.add_key_value_metadata({recorded.KEY: recorded.encoded(missing)})
        columns.publish(_temporary(path), path)
    finally:
        _temporary(path).unlink(missing_ok=True)
    return count


def _temporary(path: Path) -> Path:
    return path.with_name(path.name + ".tmp")


def _gor(requests: Iterable[CapturedRequest], path: Path) -> int:
    count = 0
    with _published(path) as file:
        for request in requests:
            file.write(record_of(request))
            count += 1
    return count


def _har(requests: Iterable[CapturedRequest], path: Path) -> int:
    count = 0
    with _published(path) as file:
        file.write(OPENING)
        for request in requests:
            file.write((b",\n" if count else b"") + entry_of(request))
            count += 1
        file.write(CLOSING)
    return count


@contextmanager
def _published(path: Path) -> Iterator[BinaryIO]:
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = _temporary(path)
    with temporary.open("wb") as file:
        if path.name.lower().endswith(".gz"):
            with gzip.GzipFile(filename="", mode="wb", fileobj=file, mtime=0) as stream:
                yield cast("BinaryIO", stream)
        else:
            yield file
    columns.publish(temporary, path)


_WRITERS: dict[str, Callable[[Iterable[CapturedRequest], Path], int]] = {
    ".jsonl": write_jsonl,
    ".jsonl.gz": write_jsonl,
    ".gor": _gor,
    ".gor.gz": _gor,
    ".har": _har,
}


@dataclass
class Unsaid:
    """What of the requests an HTTP message has no words for, counted by field; truncated ones too."""

    counts: Counter[str] = field(default_factory=Counter)

    def watched(self, requests: Iterable[CapturedRequest]) -> Iterator[CapturedRequest]:
        """The same requests, looked at as they pass."""
        for request in requests:
            self.counts.update(name for name in _UNSAID if getattr(request, name) != _PLAIN[name])
            yield request

    def sentence(self) -> str:
        """The fields and in how many requests each is lost."""
        return ", ".join(f"{name} of {count:,}" for name, count in sorted(self.counts.items()))


_UNSAID = (
    *("event_time_ns", "parent_id", "row_index", "unit", "segments", "exposed", "propensity", "truncated"),
    *("served_by", "online_features", "feature_timestamps", "sampling_weight", "tags"),
)
_PLAIN = msgspec.structs.asdict(CapturedRequest(seq=0, request_id="", ts_ns=0))
