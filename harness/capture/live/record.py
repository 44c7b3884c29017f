"""What one call of a service was, and the line of a capture that tells it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Literal

import msgspec
from msgspec import UNSET, Raw, UnsetType

from .features import Plain, spelled

_ENCODER = msgspec.json.Encoder()
_JSON = msgspec.json.Decoder(Raw)

Wire = bytes | str

__all__ = ["Record", "Wire", "as_text", "decoded", "is_json_line", "spelled"]


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """One call as the service saw it; what is not known keeps its default.

    `ts_ns` is ns since the epoch, UTC, when the call came; `path` has its query. `status` None: there was no
    answer. `latency_ns` is as `latency_kind` says. `truncated` and `answer_truncated`: the body is not whole.
    `headers` may hold anything: a `Recorder` writes only those that are allowed.
    """

    request_id: str
    ts_ns: int
    method: str = "POST"
    path: str = "/"
    headers: dict[str, str] = {}
    body: bytes = b""
    truncated: bool = False
    status: int | None = None
    answer_headers: dict[str, str] = {}
    answer_body: bytes = b""
    answer_truncated: bool = False
    latency_ns: int | None = None
    latency_kind: Literal["wait", "service", "rtt"] = "service"
    unit: str | None = None
    features: Mapping[str, object] | None = None
    served_by: dict[str, str] = {}
    tags: dict[str, str] = {}
    sampling_weight: float = 1.0

    @property
    def size(self) -> int:
        """About how many bytes of memory the record takes."""
        texts = len(self.path) + 100 * (len(self.headers) + len(self.answer_headers))
        return 1_000 + len(self.body) + len(self.answer_body) + texts + 100 * len(self.features or ())

    def record(self) -> Record:
        """Itself, so that a record may be offered as it is."""
        return self

    def line(self) -> bytes:
        """The record as one line of a capture, with its end.

        A body is `body` where its bytes are JSON on one line, `body_text` where they are UTF-8, else
        `body_base64`. NaN and infinities among the features are spelled. Raises UnicodeEncodeError for text
        that UTF-8 cannot hold.
        """
        return _ENCODER.encode(_line(self)) + b"\n"


class _Answer(msgspec.Struct, kw_only=True, omit_defaults=True):
    status: int
    headers: dict[str, str] = {}
    body: Raw | UnsetType = UNSET
    body_text: str | UnsetType = UNSET
    body_base64: bytes | UnsetType = UNSET
    latency_ns: int | None = None
    latency_kind: str | None = None


class _Line(msgspec.Struct, kw_only=True, omit_defaults=True):
    request_id: str
    ts_ns: int
    method: str = "POST"
    path: str = "/"
    headers: dict[str, str] = {}
    body: Raw | UnsetType = UNSET
    body_text: str | UnsetType = UNSET
    body_base64: bytes | UnsetType = UNSET
    truncated: bool = False
    recorded_response: _Answer | None = None
    unit: str | None = None
    served_by: dict[str, str] = {}
    online_features: dict[str, Plain] | UnsetType = UNSET
    tags: dict[str, str] = {}
    sampling_weight: float = 1.0


def _line(record: Record) -> _Line:
    tags = record.tags | {"answer_truncated": "true"} if record.answer_truncated else record.tags
    line = _Line(
        request_id=record.request_id,
        ts_ns=record.ts_ns,
        method=record.method or "POST",
        path=record.path or "/",
        headers=record.headers,
        truncated=record.truncated,
        recorded_response=_answer(record),
        unit=record.unit,
        served_by=record.served_by,
        online_features=UNSET if record.features is None else spelled(record.features),
        tags=tags,
        sampling_weight=record.sampling_weight,
    )
    _put(line, record.body)
    return line


def _answer(record: Record) -> _Answer | None:
    if record.status is None or not 100 <= record.status <= 999:
        return None
    timed = record.latency_ns is not None and record.latency_ns >= 0
    answer = _Answer(
        status=record.status,
        headers=record.answer_headers,
        latency_ns=record.latency_ns if timed else None,
        latency_kind=record.latency_kind if timed else None,
    )
    if record.answer_body:
        _put(answer, record.answer_body)
    return answer


def _put(holder: _Line | _Answer, body: bytes) -> None:
    """The body stands in the one of three fields that holds its very bytes."""
    try:
        text = body.decode()
    except UnicodeDecodeError:
        holder.body_base64 = body
        return
    if is_json_line(body):
        holder.body = Raw(body)
    else:
        holder.body_text = text


def is_json_line(body: bytes) -> bool:
    """Whether these bytes, which are UTF-8, are one JSON value on one line with no space around it."""
    if not body or b"\n" in body or b"\r" in body or body[:1].isspace() or body[-1:].isspace():
        return False
    try:
        _JSON.decode(body)
    except (msgspec.DecodeError, RecursionError):
        return False
    return True


def decoded(pairs: Iterable[tuple[Wire, Wire]]) -> dict[str, str]:
    """Headers as they stand on the wire, by lower-case name; one that comes twice is joined by a comma."""
    found: dict[str, str] = {}
    for name, value in pairs:
        key, text = _header_name(name), as_text(value)
        found[key] = f"{found[key]}, {text}" if key in found else text
    return found


@lru_cache(maxsize=1_024)
def _header_name(wire: Wire) -> str:
    return as_text(wire).lower()


def as_text(wire: Wire) -> str:
    """Bytes of a head as HTTP means them."""
    return wire if isinstance(wire, str) else wire.decode("latin-1")
