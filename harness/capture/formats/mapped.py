"""Any JSON Lines, CSV or Parquet as a capture, by a map that says which column is which of our words."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any, Literal, cast
from zoneinfo import ZoneInfo

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

from harness.capture import times
from harness.capture.formats import tables
from harness.capture.formats.json_objects import encoded
from harness.capture.formats.map_bodies import Kind, as_json, builder
from harness.capture.formats.map_config import UNITS_NS, MapFile
from harness.capture.formats.map_times import Clock
from harness.capture.formats.map_values import Get, getter, number, text, truth
from harness.capture.formats.pieces import (
    DELIVERED,
    Asked,
    Format,
    Labelled,
    Piece,
    Place,
    answer,
    broken,
    guarded,
    name_of,
    readable,
    unstated,
)
from harness.capture.formats.tables import Row
from harness.capture.sources import Unreadable
from harness.errors import CaptureError, UsageError
from harness.records import CapturedRequest, RecordedResponse

#: rows that are looked at to know the columns of JSON Lines
LOOKED_AT = 1_000

_FEATURES = msgspec.json.Decoder(dict[str, float | str | bool | None])
_OBJECT = msgspec.json.Decoder(dict[str, msgspec.Raw])
_KINDS = ("wait", "service", "rtt")


def mapped(config: MapFile) -> Format:
    """The format that this map makes of any table; `read` raises UsageError for a column that it lacks."""
    return Format("mapped", "any JSON Lines, CSV or Parquet by a map", lambda _: False, partial(read, config))


def read(config: MapFile, path: Path) -> Iterator[Piece]:
    """The requests and labels of one table, row by row."""
    kind, columns, naive = seen(path, config.delimiter)
    if kind == "csv" and len(columns) < 2 and (likely := tables.delimiter_of(path)) != config.delimiter:
        raise _other_delimiter(path, config.delimiter, likely=likely)
    reader = _Reader.of(config, columns, kind=kind, naive=naive) if columns else None
    for offset, found in tables.rows(path, delimiter=config.delimiter):
        place = Place(path.name, offset)
        yield from guarded(_empty(found, place) if reader is None else reader.pieces(found, place), place)


def _other_delimiter(path: Path, given: str, *, likely: str) -> UsageError:
    spelled = "$'\\t'" if likely == "\t" else f"'{likely}'"
    return UsageError(
        f"the columns are not parted by {given!r}",
        where=str(path),
        found=f"a first line with {likely!r}",
        fix=f"Say so: --map delimiter={spelled}, or delimiter = {json.dumps(likely)} in the map.",
    )


def _empty(found: Row | bytes | Unreadable, place: Place) -> Iterator[Piece]:
    """A row of a file in which no row has a column."""
    row = found if isinstance(found, dict) else json_row(found)
    yield place.dropped("wrong field", f"no columns: {times.clip(str(row))}")


def seen(path: Path, delimiter: str = ",") -> tuple[Kind, list[str], frozenset[str]]:
    """What kind of table a file is, its columns, and those of its times that name no zone."""
    with path.open("rb") as file:
        if file.read(4) == b"PAR1":
            schema = pq.read_schema(path)
            stamps = [one for one in schema if pa.types.is_timestamp(one.type) and one.type.tz is None]
            return "parquet", list(schema.names), frozenset(one.name for one in stamps)
    columns: dict[str, None] = {}
    kind: Kind = "csv"
    for _, found in islice(tables.rows(path, delimiter=delimiter), LOOKED_AT):
        if isinstance(found, bytes):
            kind = "json"
            try:
                columns |= dict.fromkeys(json_row(found))
            except CaptureError:
                continue
        elif isinstance(found, dict):
            return "csv", list(found), frozenset()
    return kind, list(columns), frozenset()


def json_row(found: bytes | Unreadable) -> Row:
    """The words of one object, each with its text; a literal NaN is understood as Python writes it."""
    raw = readable(found)
    try:
        return dict(_OBJECT.decode(raw))
    except RecursionError as error:
        raise broken("not JSON", "nested too deeply") from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        if b"NaN" not in raw and b"Infinity" not in raw:
            raise broken("not JSON", str(error)) from error
    try:
        row = json.loads(raw)
    except (ValueError, RecursionError) as error:
        raise broken("not JSON", str(error)) from error
    if not isinstance(row, dict):
        raise broken("wrong type", "not an object")
    return row


@dataclass(frozen=True)
class _Reader:
    """A map with all its columns found in one table."""

    config: MapFile
    kind: Kind
    clock: Clock
    single: dict[str, Get]
    named: dict[str, Get | dict[str, Get]]
    made: dict[str, Callable[[Row], bytes]]
    naive: frozenset[str]

    @classmethod
    def of(cls, config: MapFile, columns: Collection[str], *, kind: Kind, naive: frozenset[str]) -> _Reader:
        """Raises UsageError for a source that is not in the table, or a CSV column whose type is not said."""
        words = config.map
        find = partial(_find, columns=columns)
        naive_words = frozenset(word for word, source in words.items() if source in naive) if naive else naive
        if naive_words and config.zone is None and any(_is_moment(word) for word in naive_words):
            raise UsageError(
                "times without a zone",
                found=f"column {words[min(naive_words)]!r}",
                fix='Say zone = "UTC" in the map.',
            )
        made: dict[str, object] = {word: words[word] for word in _MADE if word in words}
        single = {word: find(words[word], word=word) for word in words if word not in {*made, *_NAMED}}
        named = {
            word: {name: find(one, word=word) for name, one in source.items()}
            if isinstance(source := words[word], dict) and "constant" not in source
            else find(source, word=word)
            for word in words
            if word in _NAMED
        }
        builders: dict[str, Callable[[Row], bytes]] = {
            word: builder(config, source, columns=columns, kind=kind, word=word)
            for word, source in made.items()
        }
        zone = ZoneInfo(config.zone) if config.zone else None
        clock = Clock(zone, config.time_format)
        return cls(config, kind, clock, single, named, builders, naive_words)

    def pieces(self, found: Row | bytes | Unreadable, place: Place) -> Iterator[Piece]:
        """The request of a row, and its labels."""
        row = found if isinstance(found, dict) else json_row(found)
        if self.kind == "csv":
            row = {name: None if cell in self.config.null else cell for name, cell in row.items()}
        name = name_of(self._text(row, "request_id"), "request_id")
        index = self._index(row)
        if self.config.makes_requests:
            yield Asked(self._request(row, name, index=index, place=place))
        yield from self._labels(row, name, index=index)

    def _request(self, row: Row, name: str, *, index: int | None, place: Place) -> CapturedRequest:
        ts_ns, resolution_ns = self._moment(row, "ts") or (0, 1)
        headers = self._texts(row, "headers")
        body = self.made["body"](row) if "body" in self.made else b""
        if body[:1] in (b"{", b"[") and not any(one.lower() == "content-type" for one in headers):
            headers["Content-Type"] = "application/json"
        weight = self._number(row, "sampling_weight")
        if weight is not None and not 0 < weight < float("inf"):
            raise broken("wrong value", f"sampling_weight {weight}")
        propensity = self._number(row, "propensity")
        if propensity is not None and not 0 < propensity <= 1:
            raise broken("wrong value", f"propensity {propensity}")
        event = self._moment(row, "event_time", needed=False)
        stamps = {key: get(row) for key, get in self._table("feature_timestamps").items()}
        known = {k: self.clock.moment(v, "feature_timestamps")[0] for k, v in stamps.items() if v is not None}
        answered = self._answered(row)
        bare = answered is not None and self._number(row, "status") is None
        return CapturedRequest(
            seq=0,
            request_id=name,
            ts_ns=ts_ns,
            ts_resolution_ns=resolution_ns,
            event_time_ns=None if event is None else event[0],
            parent_id=self._text(row, "parent_id"),
            row_index=index,
            unit=self._text(row, "unit"),
            segments=self._texts(row, "segments"),
            exposed=truth(self._get(row, "exposed"), "exposed"),
            propensity=propensity,
            method=self._text(row, "method") or "POST",
            path=self._text(row, "path") or "/",
            headers=headers,
            body=body,
            truncated=truth(self._get(row, "truncated"), "truncated") or False,
            recorded_response=answered,
            served_by=self._texts(row, "served_by"),
            online_features=self._features(row),
            feature_timestamps=msgspec.json.encode(known) if known else None,
            sampling_weight=1.0 if weight is None else weight,
            tags=self._texts(row, "tags") | unstated(bare),
            source_file=place.file,
            source_offset=place.offset,
        )

    def _answered(self, row: Row) -> RecordedResponse | None:
        """The recorded answer: its body a column, or one score as `{"score": …}`; None for nothing."""
        said, score = self._get(row, "answer"), self._get(row, "score")
        status, word = self._number(row, "status"), self.config.moment("latency")
        took = None if word is None else self._number(row, word)
        if said is None and score is None and status is None and took is None:
            return None
        body = b"" if said is None else encoded(said)
        if said is None and score is not None:
            body = b'{"score":' + as_json(score, "number", word="score") + b"}"
        kind = self._text(row, "latency_kind") or "service"
        if kind not in _KINDS:
            raise broken("wrong value", f"latency_kind {times.clip(kind)}, not {', '.join(_KINDS)}")
        code = DELIVERED if status is None else int(status) if status.is_integer() else status
        unit = next((ns for end, ns in UNITS_NS.items() if word and word.endswith(end)), 1)
        known = took is not None and 0 < took * unit < times.MAX_NS
        return answer(
            code,
            body,
            latency_ns=round(took * unit) if known and took is not None else None,
            kind=cast("Literal['wait', 'service', 'rtt']", kind),
        )

    def _features(self, row: Row) -> bytes | None:
        if "online_features" not in self.made:
            return None
        found = self.made["online_features"](row)
        if not found:
            return None
        try:
            _FEATURES.decode(found)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise broken("wrong type", f"online_features: {error}") from error
        return found

    def _labels(self, row: Row, name: str, *, index: int | None) -> Iterator[Labelled]:
        """A label for each outcome that the row knows."""
        sources = (
            self._table("labels") | {"label": self.single["label"]}
            if "label" in self.single
            else (self._table("labels"))
        )
        for outcome, get in sources.items():
            value = get(row)
            if value is None:
                continue
            spelled = truth(value, outcome) if str(value).strip().lower() in {"true", "false"} else None
            label = number(value, outcome) if spelled is None else float(spelled)
            at = self._moment(row, "label_at")
            if label is None or at is None or label != label:  # noqa: PLR0124  -- NaN says that there is none
                continue
            yield Labelled(name, label, *at, outcome=outcome, row_index=index)

    def _index(self, row: Row) -> int | None:
        found = self._number(row, "row_index")
        if found is None:
            return None
        if not found.is_integer() or not 0 <= found < 2**31:
            raise broken("wrong value", f"row_index {found}")
        return int(found)

    def _get(self, row: Row, word: str) -> Any:  # noqa: ANN401  -- any cell
        get = self.single.get(word)
        return None if get is None else get(row)

    def _text(self, row: Row, word: str) -> str | None:
        return text(self._get(row, word), word)

    def _number(self, row: Row, word: str) -> float | None:
        return number(self._get(row, word), word)

    def _moment(self, row: Row, stem: str, *, needed: bool = True) -> tuple[int, int] | None:
        word = self.config.moment(stem)
        value = None if word is None else self._get(row, word)
        if word is None or (value is None and not needed):
            return None
        return self.clock.moment(value, word, naive=word in self.naive)

    def _table(self, word: str) -> dict[str, Get]:
        found = self.named.get(word, {})
        return found if isinstance(found, dict) else {}

    def _texts(self, row: Row, word: str) -> dict[str, str]:
        """Names and texts: of a source each, or of one source that gives an object."""
        found = self.named.get(word, {})
        if not isinstance(found, dict):
            return tables.texts(found(row))
        given = {name: text(get(row), f"{word}.{name}") for name, get in found.items()}
        return {name: value for name, value in given.items() if value is not None}


_MADE = ("body", "online_features")
_NAMED = ("headers", "segments", "served_by", "tags", "feature_timestamps", "labels")


def _is_moment(word: str) -> bool:
    return word in {"ts", "event_time", "label_at"}


def _find(source: object, *, columns: Collection[str], word: str) -> Get:
    if word == "latency_kind" and source in _KINDS and source not in columns:
        return lambda _: source
    return getter(source, columns, word=word)
