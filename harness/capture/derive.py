"""What the scenario reads out of the bodies: unit, segments and event time of records that name none."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import jmespath
import msgspec
from jmespath.exceptions import JMESPathError

from harness.capture import times
from harness.capture.config import CaptureConfig, expressions
from harness.capture.line import bad
from harness.records import CapturedRequest

Search = Callable[[Any], Any]


def deriving(config: CaptureConfig) -> Callable[[CapturedRequest], CapturedRequest]:
    """A function that completes a request from its decoded body as `config` says; the record's own stands.

    A body that is not JSON, and an expression that finds nothing, add nothing. The function raises
    CaptureError("bad time") where `event_time` finds something else than a time, and
    CaptureError("wrong value") where an expression cannot be applied.
    """
    searches = {key: jmespath.compile(text).search for key, text in expressions(config).items()}
    if not searches:
        return lambda request: request
    return lambda request: _completed(request, searches)


def _completed(request: CapturedRequest, searches: dict[str, Search]) -> CapturedRequest:
    body = _json(request.body)
    segments = dict(request.segments)
    changes: dict[str, Any] = {"segments": segments}
    for key, search in searches.items():
        if _given(request, key):
            continue
        found = _found(search, body, key=key)
        if found is None:
            continue
        if key == "event_time":
            changes["event_time_ns"] = _moment(found)
        elif key == "unit":
            changes["unit"] = _text(found, key)
        else:
            segments[key.removeprefix("segments.")] = _text(found, key)
    return msgspec.structs.replace(request, **changes)


def _given(request: CapturedRequest, key: str) -> bool:
    if key == "unit":
        return request.unit is not None
    if key == "event_time":
        return request.event_time_ns is not None
    return key.removeprefix("segments.") in request.segments


def _found(search: Search, body: object, *, key: str) -> object:
    try:
        return search(body)
    except JMESPathError as error:
        raise bad("wrong value", f"{key}: {str(error).splitlines()[0]}") from error


def _json(body: bytes) -> Any:  # noqa: ANN401  -- any JSON at all
    """The decoded body; a literal NaN is understood, and what is no JSON is None."""
    try:
        return msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        pass
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None


def _text(value: object, key: str) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    if not text.isascii() and any("\ud800" <= letter <= "\udfff" for letter in text):
        raise bad("wrong value", f"{key}: half a surrogate pair is no text")
    return text


def _moment(value: object) -> int:
    try:
        if isinstance(value, str):
            return times.parse(value)[0]
        if isinstance(value, int | float) and not isinstance(value, bool):
            return times.from_epoch_seconds(value)
    except ValueError as error:
        raise bad("bad time", f"event_time: {error}") from error
    raise bad("bad time", f"event_time: {times.clip(json.dumps(value))} is neither a time nor epoch seconds")
