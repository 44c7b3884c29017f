"""Requests as GoReplay `.gor` records: what goreplay itself replays, and what `goreplay.read` gives back."""

from __future__ import annotations

from urllib.parse import quote

from harness.capture.formats.goreplay import SEPARATOR
from harness.capture.formats.http_message import written
from harness.records import CapturedRequest

_TOKEN = "".join(chr(code) for code in range(33, 127) if chr(code) != "%")


def record_of(request: CapturedRequest) -> bytes:
    """The request and, where it has one, its recorded answer, each with its separator.

    The id is written without spaces, percent-encoded where it has any; `-row` is added for a row of a batch.
    """
    row = "" if request.row_index is None else f"-{request.row_index}"
    name = quote(request.request_id, safe=_TOKEN)[:200] + row
    target = quote(request.path, safe=_TOKEN + "%")
    method = quote(request.method, safe=_TOKEN)
    found = _record(
        1, name, request.ts_ns, written(f"{method} {target} HTTP/1.1", request.headers, body=request.body)
    )
    answer = request.recorded_response
    if answer is None:
        return found
    message = written(f"HTTP/1.1 {answer.status} recorded", answer.headers, body=answer.body)
    return found + _record(2, name, request.ts_ns + (answer.latency_ns or 0), message)


def _record(kind: int, name: str, ns: int, message: bytes) -> bytes:  # noqa: PLR0917  -- the words of a meta line
    return f"{kind} {name} {ns} 0\n".encode() + message + SEPARATOR
