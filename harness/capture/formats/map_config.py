"""A map: which column, JMESPath or constant of any table gives which word of our captures."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec
from msgspec import Meta

from harness.capture.sources import did_you_mean, existing
from harness.errors import UsageError

#: ns of one tick of a time that is a number, by the end of its word; without one it is text with a zone
UNITS_NS = {"_s": 10**9, "_ms": 10**6, "_us": 10**3, "_ns": 1}

_MOMENTS = ("ts", "event_time", "label_at")
_SINGLE = (
    *("request_id", "unit", "exposed", "propensity", "method", "path", "status", "answer", "score"),
    *("latency_kind", "sampling_weight", "parent_id", "row_index", "truncated", "label"),
)
#: of these a table gives a source for each name, or one source gives all of them as an object
_NAMED = ("headers", "segments", "served_by", "tags", "feature_timestamps", "labels")
_MADE = ("body", "online_features")
WORDS = frozenset(
    (
        *(*_SINGLE, *_NAMED, *_MADE),
        *(f"{word}{unit}" for word in _MOMENTS for unit in ("", *UNITS_NS)),
        *(f"latency{unit}" for unit in UNITS_NS),
    )
)

#: what others call our words, in the singular
_MEANT = {
    **dict.fromkeys(("response", "prediction", "output", "result", "reply"), "answer"),
    **dict.fromkeys(("time", "timestamp", "date"), "ts"),
    **dict.fromkeys(("id", "uuid"), "request_id"),
    **dict.fromkeys(("input", "feature", "payload", "request"), "body"),
    **dict.fromkeys(("user", "user_id", "customer_id"), "unit"),
    **dict.fromkeys(("latency", "duration"), "latency_ms"),
    **dict.fromkeys(("weight",), "sampling_weight"),
}

Cell = Literal["number", "text", "boolean", "json"]


class MapFile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A map as a TOML file says it: `[map]`, `[types]` of CSV columns, and how times and gaps are written."""

    map: Annotated[dict[str, Any], Meta(description="Our word to a column, a JMESPath or a constant.")]
    types: Annotated[
        dict[str, Cell], Meta(description="What the cells of a CSV column are that go into a body.")
    ] = {}
    zone: Annotated[
        str | None, Meta(description="Of times written without one, as Europe/Lisbon or UTC.")
    ] = None
    time_format: Annotated[
        str | None, Meta(description="How times are written (strptime), where not as RFC 3339.")
    ] = None
    null: Annotated[tuple[str, ...], Meta(description="How a CSV cell says that there is nothing.")] = ("",)
    delimiter: Annotated[str, Meta(min_length=1, max_length=1, description="Between CSV cells.")] = ","

    def __post_init__(self) -> None:
        """Every word is known, every time and latency given once, and the zone exists."""
        for word in self.map:
            if word not in WORDS:
                meant = _MEANT.get(word.lower().rstrip("s"))
                hint = f"did you mean {meant!r}?" if meant else did_you_mean(word, WORDS)
                raise ValueError(f"no word {word!r} of a capture{'; ' + hint if hint else ''}")
        for word in (*_MOMENTS, "latency"):
            if len(given := [name for name in self.map if _stem(name) == word]) > 1:
                raise ValueError(f"{' and '.join(given)} exclude each other")
        if self.zone is not None:
            _zone(self.zone)
        _complete(self.map)

    @property
    def makes_requests(self) -> bool:
        """Whether a row becomes a request; without a time it has a label alone."""
        return self.moment("ts") is not None

    def moment(self, word: str) -> str | None:
        """The spelling of a time or latency that the map has: `ts_ms` for `ts`."""
        return next((name for name in self.map if _stem(name) == word), None)


def _stem(name: str) -> str:
    """A word of time without its unit."""
    return re.sub(r"_(s|ms|us|ns)$", "", name)


def _complete(words: dict[str, Any]) -> None:
    stems = {_stem(word) for word in words}
    labelled = bool(stems & {"label", "labels"})
    if "request_id" not in words:
        raise ValueError("request_id is not mapped")
    if labelled != ("label_at" in stems):
        raise ValueError("a label and label_at, when it became known, are mapped together or not at all")
    if "ts" in stems and "body" not in words and "method" not in words:
        raise ValueError("body is not mapped; a request without one has a method, as { constant = 'GET' }")
    if "ts" not in stems and not labelled:
        raise ValueError("neither ts (or ts_s, ts_ms, ts_us, ts_ns) nor a label is mapped")


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ValueError(f"no time zone {name!r}; one is called as Europe/Lisbon, or UTC") from error


def load_map(given: Sequence[str]) -> MapFile:
    """The map of `--map`: TOML files, and single words as `ts_ms=when`, later ones over earlier.

    A dot leads into a table (`segments.country=country`), commas make a list of columns
    (`body=amount,country`), and words beside the map are its settings (`zone=UTC`, `types.amount=number`).
    Raises UsageError.
    """
    words: dict[str, Any] = {"map": {}}
    for one in given:
        name, sign, value = one.partition("=")
        if sign and re.fullmatch(r"\w+(\..+)?", name):
            _put(words, name=name, value=value)
        else:
            found = _toml(existing(Path(one), UsageError))
            words = {**words, **found, "map": {**words["map"], **_table(found.get("map", {}), one)}}
    try:
        return msgspec.convert(words, MapFile)
    except msgspec.ValidationError as error:
        raise UsageError("not a map of a capture", where=", ".join(given), found=error) from error


def _table(value: object, where: str) -> dict[str, Any]:
    if isinstance(value, dict):
        return value
    raise UsageError("not a map of a capture", where=where, found="map is no table")


def _put(words: dict[str, Any], *, name: str, value: str) -> None:
    first, dot, rest = name.partition(".")
    settings = MapFile.__struct_fields__
    into = words if first in settings and first != "map" else words["map"]
    made: Any = value.split(",") if first in {*_MADE, "null"} and ("," in value or first == "null") else value
    if dot:
        into[first] = {**_table(into.get(first, {}), name), rest: made}
    else:
        into[first] = made


def _toml(path: Path) -> dict[str, Any]:
    try:
        found: dict[str, Any] = msgspec.toml.decode(path.read_bytes(), type=dict[str, Any])
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise UsageError("not valid TOML", where=str(path), found=error) from error
    except OSError as error:
        raise UsageError("cannot be read", where=str(path), found=error.strerror) from error
    return found
