"""Streamed traces of Envoy, put together: headers and pieces of bodies that share their `trace_id`."""

from __future__ import annotations

import base64
import binascii
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from harness.capture.formats.pieces import Place, broken, name_of
from harness.capture.formats.streams import MAX_RECORD_BYTES

#: traces that are open at once, and what their bodies may come to; the oldest is closed above it
MOST_TRACES = 20_000
_SIDES = ("request", "response")

Closed = tuple[Place, dict[str, Any]]


@dataclass
class _Side:
    """What came of one side: its headers, and its body so far."""

    headers: list[Any] | None = None
    parts: list[bytes] = field(default_factory=list)
    truncated: bool = False

    def message(self) -> dict[str, Any]:
        """The side as a buffered trace has it; empty where no headers came."""
        if self.headers is None:
            return {}
        return {"headers": self.headers, "body": {"bytes": b"".join(self.parts), "truncated": self.truncated}}


@dataclass
class Streams:
    """The open traces of one file in the order of their first pieces; bounded in number and bytes."""

    _open: OrderedDict[str, tuple[Place, dict[str, _Side]]] = field(default_factory=OrderedDict)
    _held: int = 0

    def put(self, segment: dict[str, Any], place: Place) -> Iterator[Closed]:
        """The piece is kept; the traces that have to be closed for it are given, as a buffered trace."""
        number = segment.get("trace_id", segment.get("traceId", 0))  # proto3 leaves out a zero
        name = name_of(str(number), "trace_id")
        side, kind, value = _content(segment)
        if name not in self._open:
            self._open[name] = (place, {one: _Side() for one in _SIDES})
        into = self._open[name][1][side]
        if kind == "headers":
            listed = value.get("headers") if isinstance(value, dict) else None
            into.headers = listed if isinstance(listed, list) else []
        elif kind == "body_chunk":
            part, truncated = body_of(value)
            into.parts.append(part)
            into.truncated |= truncated
            self._held += len(part) + 64
        while len(self._open) > MOST_TRACES or self._held > 2 * MAX_RECORD_BYTES:
            yield self._close()

    def rest(self) -> Iterator[Closed]:
        """All that are open, the oldest first."""
        while self._open:
            yield self._close()

    def _close(self) -> Closed:
        _, (place, sides) = self._open.popitem(last=False)
        self._held -= sum(len(part) + 64 for side in sides.values() for part in side.parts)
        return place, {name: side.message() for name, side in sides.items()}


def _content(segment: dict[str, Any]) -> tuple[str, str, object]:
    """Which side a piece is of, what it is, and its value, by its snake_case or camelCase name."""
    for side in _SIDES:
        for kind in ("headers", "body_chunk", "trailers"):
            snake = f"{side}_{kind}"
            first, *others = snake.split("_")
            camel = first + "".join(one.title() for one in others)
            if (found := segment.get(snake, segment.get(camel))) is not None:
                return side, kind, found
    raise broken("wrong field", "a piece with neither headers nor a part of a body")


def body_of(body: object) -> tuple[bytes, bool]:
    """The bytes of a body as Envoy's JSON spells it, and whether Envoy cut it."""
    if not isinstance(body, dict):
        return b"", False
    truncated = body.get("truncated") is True
    if isinstance(body.get("bytes"), bytes):
        return body["bytes"], truncated
    packed = body.get("as_bytes", body.get("asBytes"))
    if packed is None:
        text = body.get("as_string", body.get("asString", ""))
        return str(text).encode(), truncated
    try:
        return base64.b64decode(str(packed), validate=True), truncated
    except (binascii.Error, ValueError) as error:
        raise broken("wrong value", f"as_bytes: {error}") from error
