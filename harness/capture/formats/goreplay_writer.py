"""Requests as GoReplay `.gor` records: what goreplay itself replays, and what `goreplay.read` gives back."""

from __future__ import annotations

from urllib.parse import quote

from harness.capture.formats.goreplay import SEPARATOR
from harness.capture.formats.http_message import Message, parsed, written
from harness.errors import CaptureError
from harness.records import CapturedRequest, RecordedResponse

_TOKEN = "".join(chr(code) for code in range(33, 127) if chr(code) != "%")


def record_of(request: CapturedRequest) -> bytes:
    """The request and, where it has one, its recorded answer, each with its separator.

    The id is written without spaces, percent-encoded where it has any; `-row` is added for a row of a batch.
    """
    name, answer = _name(request), request.recorded_response
    found = _record(1, name, request.ts_ns, _asked(request))
    if answer is None:
        return found
    return found + _record(2, name, request.ts_ns + (answer.latency_ns or 0), _answered(answer))


def changed(request: CapturedRequest) -> list[str]:
    """The columns that come back otherwise, of those that a record has; by reading what is written."""
    asked = _parsed(_asked(request))
    same = {
        "request_id": _name(request) == request.request_id,
        "ts_resolution_ns": request.ts_resolution_ns == 1,
        "method": asked is not None and asked.start[0] == request.method,
        "path": asked is not None and asked.start[1] == request.path and request.path.startswith("/"),
        "headers": asked is not None and asked.headers == request.headers,
        "body": asked is not None and asked.body == request.body,
    }
    if (answer := request.recorded_response) is not None:
        said = _parsed(_answered(answer))
        same |= {
            "recorded_headers": said is not None and said.headers == answer.headers,
            "recorded_body": said is not None and said.body == answer.body,
            "recorded_latency_ns": answer.latency_ns != 0,
            "recorded_latency_kind": answer.latency_ns is None or answer.latency_kind == "service",
        }
    return [name for name, kept in same.items() if not kept]


def _name(request: CapturedRequest) -> str:
    row = "" if request.row_index is None else f"-{request.row_index}"
    return quote(request.request_id, safe=_TOKEN)[:200] + row


def _asked(request: CapturedRequest) -> bytes:
    target = quote(request.path, safe=_TOKEN + "%")
    method = quote(request.method, safe=_TOKEN)
    return written(f"{method} {target} HTTP/1.1", request.headers, body=request.body)


def _answered(answer: RecordedResponse) -> bytes:
    return written(f"HTTP/1.1 {answer.status} recorded", answer.headers, body=answer.body)


def _parsed(message: bytes) -> Message | None:
    try:
        return parsed(message)
    except CaptureError:
        return None


def _record(kind: int, name: str, ns: int, message: bytes) -> bytes:  # noqa: PLR0917  -- the words of a meta line
    return f"{kind} {name} {ns} 0\n".encode() + message + SEPARATOR
