"""What a format's reader gives: requests, answers that come apart from them, labels, and what was dropped."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, NamedTuple

import msgspec

from harness.capture import times
from harness.capture.sources import Unreadable
from harness.errors import CaptureError
from harness.records import ANSWER_TRUNCATED, STATUS_FROM, CapturedRequest, RecordedResponse

#: why a record is dropped, beside the reasons of `harness.capture.line`: few and stable words
Why = Literal[
    "answer not of these rows",
    "answer without a request",
    "cut short",
    "duplicate request_id",
    "feedback without a label",
    "kept whole",
    "no body",
    "not a record",
    "not a single request",
    "not HTTP",
    "not JSON",
    "not this format",
    "replayed answer",
    "second answer",
    "bad time",
    "wrong field",
    "wrong type",
    "wrong value",
]

#: reasons that end a file early: nobody knows how many records are missing, or whether those read are true
BROKEN = frozenset({"damaged gzip", "gzip bomb"})

#: reasons of records that are no requests to replay: told, but nothing is missing without them
PASSED_OVER = frozenset(
    {
        *("replayed answer", "not a single request", "feedback without a label"),
        *("answer not of these rows", "kept whole"),
    }
)


class Dropped(msgspec.Struct, frozen=True, kw_only=True):
    """A record that gave nothing: where, why in a stable word, and the detail of it.

    `offset` counts the bytes of the unpacked file from 0; lines from 1 in CSV and JSON Lines, rows from 0 in
    Parquet.
    """

    file: str
    offset: int
    reason: str
    detail: str = ""


class Place(msgspec.Struct, frozen=True, gc=False):
    """Where a record stands: file, offset as in Dropped, and how many records of the file came before."""

    file: str
    offset: int
    number: int = 0

    def dropped(self, reason: Why, detail: str = "") -> Dropped:
        """The record here, dropped."""
        return Dropped(file=self.file, offset=self.offset, reason=reason, detail=detail)


class Asked(msgspec.Struct, frozen=True, gc=False):
    """A request; with `waits` its answer comes as a piece of its own, `sent_ns` being when all was sent."""

    request: CapturedRequest
    waits: bool = False
    sent_ns: int = 0


class Answered(msgspec.Struct, frozen=True, gc=False):
    """An answer that is joined to its request by id; `at_ns` is when its first bytes came.

    Of one that is `truncated` the body is not whole; one that is `delivered` is known for no status.
    """

    request_id: str
    response: RecordedResponse
    at_ns: int
    place: Place
    truncated: bool = False
    delivered: bool = False


class Labelled(NamedTuple):
    """A label that came with the capture; `resolution_ns` says how coarse its time is.

    `row_index` names a row of a batch request. `offset` is where it stands in a file to which a correction
    is added at the end: there the last of one time counts. None where the format has no such order.
    """

    request_id: str
    label: float
    label_at_ns: int
    resolution_ns: int = 1
    outcome: str = "label"
    row_index: int | None = None
    offset: int | None = None


Piece = Asked | Answered | Labelled | Dropped


@dataclass(frozen=True)
class Head:
    """What a format is recognised by: the first 64 KiB, unpacked, or the column names of a Parquet file.

    `keys` are the words of the first JSON object (also of one cut by the end of `start`), or of a CSV header;
    `cut` is why `start` is not longer, where the file's gzip stream ends or breaks so early.
    """

    name: str
    start: bytes
    keys: frozenset[str]
    parquet: bool = False
    cut: Unreadable | None = None


@dataclass(frozen=True)
class Format:
    """A capture format: its name on the command line, what it is called, how it is recognised and read.

    `read` gives the pieces of one file in file order and in constant memory. It raises CaptureError only for
    a file that cannot be opened; whatever is wrong inside comes as Dropped. `read_as` does so under another
    name than the file's own, in a format that makes ids of it: two files may have one name.
    """

    name: str
    title: str
    detects: Callable[[Head], bool]
    read: Callable[[Path], Iterator[Piece]]
    read_as: Callable[[Path, str], Iterator[Piece]] | None = None


def cut(truncated: bool) -> dict[str, str]:  # noqa: FBT001  -- its only argument
    """The tag of a request whose answer is not whole; of another none."""
    return {ANSWER_TRUNCATED: "true"} if truncated else {}


#: the status of an answer whose format keeps none: it was delivered, and whether well nobody wrote down
DELIVERED = 200


def unstated(delivered: bool) -> dict[str, str]:  # noqa: FBT001  -- its only argument
    """The tag of a request whose answer is only known to have been delivered; of another none."""
    return {STATUS_FROM: "assumed"} if delivered else {}


def guarded(pieces: Iterable[Piece], place: Place) -> Iterator[Piece]:
    """The pieces of one record; where it is refused, the refusal as Dropped."""
    try:
        yield from pieces
    except CaptureError as error:
        detail = str(error.found)
        yield Dropped(file=place.file, offset=place.offset, reason=error.what, detail=detail[:200])


def broken(reason: Why, detail: str) -> CaptureError:
    """The error of one record: `what` is the stable word, `found` the detail."""
    return CaptureError(reason, found=detail)


def readable(raw: bytes | Unreadable) -> bytes:
    """The record's bytes; raises CaptureError with the reason where they could not be had."""
    if isinstance(raw, Unreadable):
        raise CaptureError(raw.reason, found=raw.detail)
    return raw


def instant(value: object, name: str) -> tuple[int, int]:
    """An RFC 3339 text as (ns, resolution in ns); raises `broken("bad time")`."""
    if not isinstance(value, str):
        raise broken("bad time", f"{name} is {times.clip(value)}, not a text")
    try:
        return times.parse(value)
    except ValueError as error:
        raise broken("bad time", f"{name}: {error}") from error


def epoch(ns: int, name: str) -> int:
    """The same ns, once they are known to lie in 1970-2262; raises `broken("bad time")`."""
    try:
        return times.in_range(ns, str(ns))
    except ValueError as error:
        raise broken("bad time", f"{name}: {error}") from error


def name_of(value: object, name: str) -> str:
    """An id: a text that is not empty; raises `broken("wrong field")`."""
    if isinstance(value, str) and value:
        return value
    raise broken("wrong field", f"{name} is {times.clip(value)}, not an id")


def object_of(value: object, name: str) -> dict[str, Any]:
    """A JSON object; raises `broken("wrong type")`."""
    if isinstance(value, dict):
        return value
    raise broken("wrong type", f"{name} is {times.clip(value, 40)}, not an object")


def answer(
    status: object,
    body: bytes,
    *,
    headers: dict[str, str] | None = None,
    latency_ns: int | None = None,
    kind: Literal["wait", "service", "rtt"] = "service",
) -> RecordedResponse:
    """A recorded answer, its latency kept where it is a time; raises `broken` for a status that is none."""
    if not isinstance(status, int) or not 100 <= status <= 999:
        raise broken("wrong value", f"status {times.clip(status)}")
    known = latency_ns is not None and 0 < latency_ns <= times.MAX_NS
    return RecordedResponse(
        status=status,
        headers=headers or {},
        body=body,
        latency_ns=latency_ns if known else None,
        latency_kind=kind if known else None,
    )


def headers_of(pairs: Iterator[tuple[str, str]]) -> dict[str, str]:
    """The headers by name as first spelled, repeated ones joined by commas, without HTTP/2's `:names`."""
    found: dict[str, str] = {}
    spelled: dict[str, str] = {}
    for name, value in pairs:
        if not name or name.startswith(":"):
            continue
        key = spelled.setdefault(name.lower(), name)
        found[key] = f"{found[key]}, {value}" if key in found else value
    return found


def header(headers: dict[str, str], name: str) -> str:
    """The value of a header whose `name` is in lower case; empty where there is none."""
    return next((value for key, value in headers.items() if key.lower() == name), "")
