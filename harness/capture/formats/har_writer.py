"""Requests as HAR 1.2 entries, for browsers and proxies to open; our own words go into `_replaygate`."""

from __future__ import annotations

import base64
from typing import Any

import msgspec

from harness.capture import times
from harness.capture.formats.har import JSON_TEXTS, OURS
from harness.capture.formats.pieces import header
from harness.capture.write import line_of
from harness.records import CapturedRequest, RecordedResponse

OPENING = b'{"log":{"version":"1.2","creator":{"name":"replaygate","version":"1"},"entries":[\n'
CLOSING = b"\n]}}\n"

_APART = ("body", "body_text", "body_base64", "method", "headers")
_MS = 1_000_000


def entry_of(request: CapturedRequest) -> bytes:
    """One entry; `har.read` gives the very same request back."""
    answer = request.recorded_response
    latency_ms = answer.latency_ns / _MS if answer and answer.latency_ns is not None else -1
    entry = {
        "startedDateTime": times.rfc3339(request.ts_ns),
        "time": max(0, latency_ms),
        "request": _request(request),
        "response": _response(answer),
        "cache": {},
        "timings": {"send": 0, "wait": latency_ms, "receive": 0},
        OURS: _ours(request),
    }
    return msgspec.json.encode(entry)


def _request(request: CapturedRequest) -> dict[str, Any]:
    host = header(request.headers, "host") or "localhost"
    mime = header(request.headers, "content-type")
    slash = "" if request.path.startswith("/") else "/"
    return {
        "method": request.method,
        "url": f"http://{host}{slash}{request.path}",
        "httpVersion": "HTTP/1.1",
        "cookies": [],
        "headers": _headers(request.headers),
        "queryString": [],
        "postData": {"mimeType": mime, **_text(request.body)},
        "headersSize": -1,
        "bodySize": len(request.body),
    }


def _response(answer: RecordedResponse | None) -> dict[str, Any]:
    mime = "" if answer is None else header(answer.headers, "content-type")
    body = b"" if answer is None else answer.body
    return {
        "status": 0 if answer is None else answer.status,
        "statusText": "",
        "httpVersion": "HTTP/1.1",
        "cookies": [],
        "headers": [] if answer is None else _headers(answer.headers),
        "content": {"size": len(body), "mimeType": mime, **_text(body)},
        "redirectURL": "",
        "headersSize": -1,
        "bodySize": len(body),
    }


def _ours(request: CapturedRequest) -> dict[str, Any]:
    line = line_of(msgspec.structs.replace(request, body=b"", recorded_response=None))
    kept: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(line))
    kept = {name: value for name, value in kept.items() if name not in _APART}
    kept["headers"] = request.headers
    texts = {name: getattr(request, name) for name in JSON_TEXTS}
    kept |= {name: text.decode() for name, text in texts.items() if text is not None}
    answer = request.recorded_response
    if answer is not None:
        kept["recorded_response"] = {
            "status": answer.status,
            "headers": answer.headers,
            "latency_ns": answer.latency_ns,
            "latency_kind": answer.latency_kind,
        }
    return kept


def _headers(headers: dict[str, str]) -> list[dict[str, str]]:
    return [{"name": name, "value": value} for name, value in headers.items()]


def _text(body: bytes) -> dict[str, str]:
    try:
        return {"text": body.decode()}
    except UnicodeDecodeError:
        return {"text": base64.b64encode(body).decode(), "encoding": "base64"}
