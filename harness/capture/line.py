"""The canonical capture record: one JSON object a line, or one Parquet row, checked and made a request.

Bodies are kept as the very bytes written, so NaN, null and missing stay three different things: a body with a
literal NaN (which JSON has not) travels as `body_text`.
"""

from __future__ import annotations

import re
from typing import Annotated, Literal

import msgspec
from msgspec import UNSET, Meta, Raw, UnsetType

from harness.capture import times
from harness.capture.sources import Unreadable, did_you_mean
from harness.errors import CaptureError
from harness.records import CapturedRequest, RecordedResponse

#: why a line is bad: few and stable words, for the ledger
Reason = Literal[
    "not JSON",
    "wrong field",
    "wrong type",
    "wrong value",
    "bad time",
    "no body",
    "duplicate request_id",
    "line too long",
    "truncated gzip",
    "damaged gzip",
    "gzip bomb",
]

Moment = Annotated[int, Meta(ge=0, le=times.MAX_NS, description="ns since the epoch, UTC")]
Resolution = Annotated[int, Meta(ge=1, le=86_400 * times.SECOND_NS)]
Finite = 1.7976931348623157e308


class BadLine(msgspec.Struct, frozen=True, kw_only=True):
    """A line that could not become a request: where, why in a stable word, and the detail of it.

    `line` counts from 1 in JSONL; it is the row number from 0 in Parquet.
    """

    file: str
    line: int
    reason: str
    detail: str = ""


class Answer(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """The `recorded_response` of a line; at most one of the three bodies."""

    status: Annotated[int, Meta(ge=100, le=999)]
    headers: dict[str, str] = {}
    body: Raw | UnsetType = UNSET
    body_text: str | UnsetType = UNSET
    body_base64: bytes | UnsetType = UNSET
    latency_ns: Annotated[int, Meta(ge=0, le=times.MAX_NS)] | None = None
    latency_kind: Literal["wait", "service", "rtt"] | None = None


class Line(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """One line of a capture: `request_id`, one of `ts` and `ts_ns`, one of three bodies; the rest if known.

    `ts` and `event_time` are RFC 3339 with a zone; `online_features` spells NaN and infinities as strings.
    """

    request_id: Annotated[str, Meta(min_length=1)]
    ts: str | None = None
    ts_ns: Moment | None = None
    ts_resolution_ns: Resolution | None = None
    event_time: str | None = None
    event_time_ns: Moment | None = None
    parent_id: str | None = None
    row_index: Annotated[int, Meta(ge=0, lt=2**31)] | None = None
    unit: str | None = None
    segments: dict[str, str] = {}
    exposed: bool | None = None
    propensity: Annotated[float, Meta(gt=0, le=1)] | None = None
    method: Annotated[str, Meta(min_length=1)] = "POST"
    path: Annotated[str, Meta(min_length=1)] = "/"
    headers: dict[str, str] = {}
    body: Raw | UnsetType = UNSET
    body_text: str | UnsetType = UNSET
    body_base64: bytes | UnsetType = UNSET
    truncated: bool = False
    recorded_response: Answer | None = None
    served_by: dict[str, str] = {}
    online_features: Raw | UnsetType = UNSET
    feature_timestamps: Raw | UnsetType = UNSET
    sampling_weight: Annotated[float, Meta(gt=0, le=Finite)] = 1.0
    tags: dict[str, str] = {}


_LINE = msgspec.json.Decoder(Line)
_FEATURES = msgspec.json.Decoder(dict[str, float | str | bool | None] | None)
_TIMESTAMPS = msgspec.json.Decoder(dict[str, str | Moment | None] | None)
_FIELD = re.compile(r"(unknown|missing required) field `(.*?)`")
_NAMES = tuple(dict.fromkeys((*Line.__struct_fields__, *Answer.__struct_fields__)))


def bad(reason: Reason, detail: str) -> CaptureError:
    """The error of one line: `what` is the stable word, `found` the detail."""
    return CaptureError(reason, found=detail)


def decoded(raw: bytes | Unreadable) -> Line:
    """One line of JSON text as a `Line`; raises `bad(...)` for anything else."""
    if isinstance(raw, Unreadable):
        raise CaptureError(raw.reason, found=raw.detail)
    try:
        return _LINE.decode(raw)
    except RecursionError as error:
        raise bad("not JSON", "nested too deeply") from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise refused(error) from error


def refused(error: msgspec.DecodeError | UnicodeDecodeError, where: str = "") -> CaptureError:
    """The decoder's complaint as a bad line, its JSON path written as plain field names."""
    message, _, path = str(error).partition(" - at `$.")
    place = ".".join(filter(None, (where, path.rstrip("`"))))
    detail = f"{place}: {message}" if place else message
    if not isinstance(error, msgspec.ValidationError):
        return bad("not JSON", detail)
    if field := _FIELD.search(message):
        hint = did_you_mean(field[2], _NAMES) if field[1] == "unknown" else ""
        return bad("wrong field", f"{detail}; {hint}" if hint else detail)
    return bad("wrong type" if ", got `" in message else "wrong value", detail)


def captured(line: Line, *, seq: int, source_file: str, source_offset: int) -> CapturedRequest:
    """The request that the line tells of; raises `bad(...)` where its parts contradict each other."""
    ts_ns, resolution_ns = stamp(line)
    body = body_of(line)
    return CapturedRequest(
        seq=seq,
        request_id=line.request_id,
        ts_ns=ts_ns,
        ts_resolution_ns=resolution_ns,
        event_time_ns=event_time(line),
        parent_id=line.parent_id,
        row_index=line.row_index,
        unit=line.unit,
        segments=line.segments,
        exposed=line.exposed,
        propensity=line.propensity,
        method=line.method,
        path=line.path,
        headers=line.headers,
        body=body,
        truncated=line.truncated,
        recorded_response=_recorded(line.recorded_response),
        served_by=line.served_by,
        online_features=features(line),
        feature_timestamps=feature_times(line),
        sampling_weight=line.sampling_weight,
        tags=line.tags,
        source_file=source_file,
        source_offset=source_offset,
    )


def stamp(line: Line) -> tuple[int, int]:
    """The line's time and its resolution in ns; raises `bad(...)` for none, two, and one that is none."""
    if line.ts is not None and line.ts_ns is None:
        ns, shown = _instant(line.ts, "ts")
        return ns, line.ts_resolution_ns or shown
    if line.ts_ns is not None and line.ts is None:
        return line.ts_ns, line.ts_resolution_ns or 1
    if line.ts is None:
        raise bad("bad time", "one of ts and ts_ns is required")
    raise bad("wrong field", "ts and ts_ns exclude each other")


def event_time(line: Line) -> int | None:
    """The line's event time in ns, where it has one; raises `bad(...)` for two, and for one that is none."""
    if line.event_time is None:
        return line.event_time_ns
    if line.event_time_ns is not None:
        raise bad("wrong field", "event_time and event_time_ns exclude each other")
    return _instant(line.event_time, "event_time")[0]


def _instant(text: str, field: str) -> tuple[int, int]:
    try:
        return times.parse(text)
    except ValueError as error:
        raise bad("bad time", f"{field}: {error}") from error


def body_of(line: Line) -> bytes:
    """The line's body; raises `bad(...)` for none and for two."""
    body = content(line)
    if body is None:
        raise bad("no body", "one of body, body_text and body_base64 is required")
    return body


def content(holder: Line | Answer) -> bytes | None:
    """The body in whichever way it is given; raises `bad(...)` for two of them."""
    given = [one for one in (holder.body, holder.body_text, holder.body_base64) if one is not UNSET]
    if not given:
        return None
    if len(given) > 1:
        raise bad("wrong field", "body, body_text and body_base64 exclude each other")
    return given[0].encode() if isinstance(given[0], str) else bytes(given[0])


def _recorded(answer: Answer | None) -> RecordedResponse | None:
    if answer is None:
        return None
    return RecordedResponse(
        status=answer.status,
        headers=answer.headers,
        body=content(answer) or b"",
        latency_ns=answer.latency_ns,
        latency_kind=answer.latency_kind,
    )


def features(line: Line) -> bytes | None:
    """The text of the line's features, where it has some; raises `bad(...)` where they are none."""
    return _object(line.online_features, _FEATURES, field="online_features")


def feature_times(line: Line) -> bytes | None:
    """The text of the times of the line's features; raises `bad(...)` where they are none."""
    return _object(line.feature_timestamps, _TIMESTAMPS, field="feature_timestamps")


def _object(
    raw: Raw | UnsetType, decoder: msgspec.json.Decoder[dict[str, object] | None], *, field: str
) -> bytes | None:
    if raw is UNSET:
        return None
    try:
        return None if decoder.decode(raw) is None else bytes(raw)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise refused(error, field) from error
