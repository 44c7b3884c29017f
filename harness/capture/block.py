"""Many JSON lines decoded together into columns: the same requests as one after another, only faster."""

from __future__ import annotations

import re
from operator import attrgetter
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np
import pyarrow as pa
from msgspec import Raw

from harness import columns
from harness.capture.line import (
    Answer,
    Line,
    Moment,
    bad,
    body_of,
    content,
    event_time,
    feature_times,
    features,
    stamp,
)
from harness.capture.table import texts, to_table
from harness.errors import CaptureError
from harness.records import CapturedRequest

if TYPE_CHECKING:
    from collections.abc import Sequence

    Cells = list[Any]

#: what `table_of` raises for lines that have to be read one by one
ODD = (msgspec.DecodeError, UnicodeError, RecursionError, CaptureError)

_NO_TEXTS = Raw(b"{}")
_MAPS = ("segments", "headers", "served_by", "tags")
#: fields that stand in a line as in their column; those of an answer by their column
_PLAIN = (
    *("request_id", "parent_id", "row_index", "unit", "exposed", "propensity"),
    *("method", "path", "truncated", "sampling_weight"),
)
_ANSWER = {f"recorded_{name}": name for name in ("status", "latency_ns", "latency_kind")}
#: a newline between two objects, whatever white space there is
_BETWEEN = re.compile(rb"\}[ \t\r]*\n[ \t\r]*\{")
_DEFAULTS = to_table([CapturedRequest(seq=0, request_id="r", ts_ns=0)])
_TEXTS = msgspec.json.Decoder(dict[str, str])


def _lean(kind: type[msgspec.Struct], names: Sequence[str], **others: Any) -> Any:  # noqa: ANN401  -- types
    """These fields of a record, `others` with another type than there; not for the garbage collector.

    Maps of texts stay undecoded, since most are alike.
    """
    fields: list[Any] = [(name, *kind_) for name, kind_ in others.items()]
    for one in msgspec.structs.fields(kind):
        if one.name in _MAPS:
            fields.append((one.name, Raw, _NO_TEXTS))
        elif one.name in names and one.name not in others:
            fields.append((one.name, one.type) if one.required else (one.name, one.type, one.default))
    wanted = [one for one in fields if one[0] in names]
    return msgspec.defstruct("Lean", wanted, frozen=True, kw_only=True, forbid_unknown_fields=True, gc=False)


#: lines as most are, their bodies JSON and their times numbers: the fewer fields, the faster
_USUAL = ("request_id", "ts_ns", "unit", "method", "path", "headers", "body", "recorded_response")
_USUAL_ANSWER = _lean(Answer, ("status", "headers", "body", *_ANSWER.values()), body=(Raw,))
_USUAL_LINES: msgspec.json.Decoder[Any] = msgspec.json.Decoder(
    _lean(Line, _USUAL, ts_ns=(Moment,), body=(Raw,), recorded_response=(_USUAL_ANSWER | None, None))
)
#: lines as they may be
_ANY_ANSWER = _lean(Answer, Answer.__struct_fields__)
_ANY_LINES: msgspec.json.Decoder[Any] = msgspec.json.Decoder(
    _lean(Line, Line.__struct_fields__, recorded_response=(_ANY_ANSWER | None, None))
)


def table_of(text: bytes, *, file: str, first: int) -> pa.Table:
    """The requests of some lines as columns, `seq` 0; `first` is the number of the first line.

    Raises one of `ODD` where a line is bad or empty.
    """
    try:
        lines, given = _USUAL_LINES.decode_lines(text), _usual
    except msgspec.ValidationError:
        lines, given = _ANY_LINES.decode_lines(text), _any
    count = len(lines)
    if not _is_one_a_line(text, count):
        raise bad("not JSON", "not one object a line")
    made = given(lines) | {
        "source_file": pa.repeat(pa.scalar(file, pa.string()), count),
        "source_offset": np.arange(first, first + count),
    }
    missing = _DEFAULTS.drop_columns(list(made)).take(np.zeros(count, np.int64))
    names = columns.CAPTURE.names
    cells = [made[name] if name in made else missing.column(name) for name in names]
    return pa.table(cells, schema=columns.CAPTURE)


def _is_one_a_line(text: bytes, objects: int) -> bool:
    """Whether each line of a text that was decoded into so many objects holds one of them.

    Inside JSON no `}` stands before a `{` without something between them: a newline there is between objects.
    """
    letters = np.frombuffer(text, np.uint8)
    newlines = np.flatnonzero(letters[:-1] == ord("\n"))
    if len(newlines) != objects - 1:
        return False
    between = (letters[newlines - 1] == ord("}")) & (letters[newlines + 1] == ord("{"))
    return bool(between.all()) or len(_BETWEEN.findall(text)) == len(newlines)


def _usual(lines: Cells) -> dict[str, pa.Array]:
    answers = _cells(lines, "recorded_response")
    there = [one for one in answers if one is not None]
    return {
        **{name: _plain(lines, name, name=name) for name in _USUAL if name in _PLAIN},
        "ts_ns": pa.array(_cells(lines, "ts_ns")),
        "headers": _texts(_cells(lines, "headers")),
        "body": _bodies(_cells(lines, "body")),
        **_spread({"recorded_body": _bodies(_cells(there, "body")), **_answered(there)}, answers),
    }


def _any(lines: Cells) -> dict[str, pa.Array]:
    answers = _cells(lines, "recorded_response")
    there = [one for one in answers if one is not None]
    bodies = pa.array([content(one) or b"" for one in there], pa.binary())
    stamps = [stamp(line) for line in lines]
    return {
        **{name: _plain(lines, name, name=name) for name in _PLAIN},
        **{name: _texts(_cells(lines, name)) for name in _MAPS},
        "ts_ns": pa.array([ns for ns, _ in stamps]),
        "ts_resolution_ns": pa.array([resolution for _, resolution in stamps]),
        "event_time": pa.array(map(event_time, lines), columns.CAPTURE.field("event_time").type),
        "body": pa.array(map(body_of, lines), pa.binary()),
        "online_features": pa.array(map(features, lines), pa.binary()),
        "feature_timestamps": pa.array(map(feature_times, lines), pa.binary()),
        **_spread({"recorded_body": bodies, **_answered(there)}, answers),
    }


def _answered(answers: Cells) -> dict[str, pa.Array]:
    return {
        "recorded_headers": _texts(_cells(answers, "headers")),
        **{name: _plain(answers, field, name=name) for name, field in _ANSWER.items()},
    }


def _spread(found: dict[str, pa.Array], answers: Cells) -> dict[str, pa.Array]:
    """The columns of the answers that are there, with a null for each that is not."""
    lacking = np.array([one is None for one in answers])
    if not lacking.any():
        return found
    places = pa.array(np.cumsum(~lacking) - 1, mask=lacking)
    return {name: column.take(places) for name, column in found.items()}


def _bodies(bodies: list[Raw]) -> pa.Array:
    """The texts byte for byte, put together at once."""
    ends = np.zeros(len(bodies) + 1, np.int32)
    np.cumsum(np.fromiter(map(len, bodies), np.int32, len(bodies)), out=ends[1:])
    buffers = [None, pa.py_buffer(ends), pa.py_buffer(b"".join(bodies))]
    return pa.Array.from_buffers(pa.binary(), len(bodies), buffers)


def _texts(raws: list[Raw]) -> pa.Array:
    """A map column: what is spelled alike is decoded once."""
    spelled = _bodies(raws).dictionary_encode()
    return texts(list(map(_TEXTS.decode, spelled.dictionary.to_pylist()))).take(spelled.indices)


def _plain(rows: Cells, field: str, *, name: str) -> pa.Array:
    return pa.array(_cells(rows, field), columns.CAPTURE.field(name).type)


def _cells(rows: Cells, field: str) -> Cells:
    return list(map(attrgetter(field), rows))
