"""Bodies and answers of several rows, taken apart without touching the digits of a number."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from math import prod
from typing import Any

import msgspec

from harness.capture.formats.pieces import Dropped, Place, header
from harness.records import CapturedRequest, RecordedResponse

#: a body that would become more than this is kept whole
MOST_ROWS, MOST_BYTES = 10_000, 32 << 20

#: NumPy's own limit
_MOST_SIZES = 64

_OBJECT = msgspec.json.Decoder(dict[str, msgspec.Raw])
_LIST = msgspec.json.Decoder(list[msgspec.Raw])
_SHAPE = msgspec.json.Decoder(list[int])
#: what a list of rows is called, in the order in which a body is asked for it
_ROWS = ("dataframe_records", "instances", "inputs", "rows")
_ANSWERS = ("predictions", "outputs", "results", "scores", "rows")
_MARKS = tuple(f'"{name}"'.encode() for name in (*_ROWS, "dataframe_split"))
_NOT_ROWS = (msgspec.DecodeError, UnicodeDecodeError, RecursionError, KeyError)

Raws = dict[str, msgspec.Raw]


def rows_of(request: CapturedRequest, on_dropped: Callable[[Dropped], None]) -> Iterator[CapturedRequest]:
    """The request itself, or one for each row of its body; a list that is none of rows is told."""
    place = Place(request.source_file, request.source_offset)
    if request.row_index is not None:
        yield request
        return
    bodies = [] if request.truncated else bodies_of(request.body, header(request.headers, "content-type"))
    if len(bodies) < 2:
        if not bodies and _may_be_rows(request.body):
            why = "its body is cut" if request.truncated else "no rows of one kind are known in it"
            on_dropped(place.dropped("kept whole", f"{request.request_id}: {why}"))
        yield request
        return
    response = request.recorded_response
    answers = None if response is None else _answers(response, len(bodies))
    if answers == []:
        on_dropped(place.dropped("answer not of these rows", f"{request.request_id}: {len(bodies)} rows"))
    for index, body in enumerate(bodies):
        own = None
        if response is not None and answers:
            own = msgspec.structs.replace(response, body=answers[index], latency_ns=None, latency_kind=None)
        yield msgspec.structs.replace(
            request, body=body, row_index=index, parent_id=request.request_id, recorded_response=own
        )


def _may_be_rows(body: bytes) -> bool:
    return body.lstrip()[:1] == b"[" or any(mark in body for mark in _MARKS)


def _answers(response: RecordedResponse, rows: int) -> list[bytes]:
    """The answer of each row; one that is no success is that of each, its words only where they are few."""
    if 200 <= response.status < 300:
        return answers_of(response.body, rows)
    return [response.body if len(response.body) * rows <= MOST_BYTES else b""] * rows


def bodies_of(body: bytes, content_type: str = "") -> list[bytes]:
    """A body for each row of a batch; none for a body of one row or of no known batch shape.

    Known are `dataframe_records`, `dataframe_split`, `instances`, `rows` and `inputs` of JSON (as rows, as
    columns, and as the tensors of the Open Inference Protocol, by the first number of their shape), a list of
    lists or of objects, and lines of CSV, whose first is a header where the type says `header=present` or no
    cell of it is a number while every other line has one.
    """
    if content_type.partition(";")[0].strip().lower() in {"text/csv", "application/csv"}:
        return _bodies_of_csv(body, header="header=present" in content_type.lower().replace(" ", ""))
    if not _may_be_rows(body):
        return []
    try:
        if body.lstrip()[:1] == b"[":
            return _of_list(body)
        words = _OBJECT.decode(body)
        key = next((one for one in _ROWS if one in words), None)
        if key is None:
            return _of_split(words, beside=len(body))
        return _of_key(words, key, beside=len(body))
    except _NOT_ROWS:
        return []


def answers_of(body: bytes, rows: int) -> list[bytes]:
    """The part of an answer that belongs to each of so many rows; none where it has more or fewer."""
    start = body.lstrip()[:1]
    try:
        if start == b"{":
            words = _OBJECT.decode(body)
            key = next((one for one in _ANSWERS if one in words), None)
            found = [] if key is None else _of_key(words, key, beside=len(body))
        elif start == b"[":
            found = [b"[" + bytes(one) + b"]" for one in _listed(msgspec.Raw(body), beside=len(body))]
        else:
            found = _answers_of_csv(body, rows)
    except _NOT_ROWS:
        return []
    return found if len(found) == rows else []


def _of_key(words: Raws, key: str, *, beside: int) -> list[bytes]:
    """One of each row of a list, of a table by columns, or of tensors."""
    beyond = beside - len(bytes(words[key]))
    if bytes(words[key])[:1] == b"{":
        table = _OBJECT.decode(words[key])
        columns = {name: _listed(raw, beside=beyond + len(bytes(raw))) for name, raw in table.items()}
        rows = _agreed([len(column) for column in columns.values()])
        if rows * sum(map(len, table)) > MOST_BYTES:  # each row says the names of all columns
            return []
        return [
            _with(words, key, {name: [column[row]] for name, column in columns.items()})
            for row in range(rows)
        ]
    found = _listed(words[key], beside=beside)
    if key in {"inputs", "outputs"} and _are_tensors(found):
        whole = [_OBJECT.decode(one) for one in found]
        rows = _agreed([next(iter(_shape(one)), 0) for one in whole])
        if rows * (beside - sum(len(bytes(one["data"])) for one in whole)) > MOST_BYTES:
            return []
        tensors = [_rows_of_tensor(one) for one in whole]
        rows = _agreed([len(tensor) for tensor in tensors])
        return [_with(words, key, [tensor[row] for tensor in tensors]) for row in range(rows)]
    return [_with(words, key, [one]) for one in found]


def _of_list(body: bytes) -> list[bytes]:
    """A list of one row for each list or object of a list; none where it holds anything else."""
    rows = _listed(msgspec.Raw(body.strip()), beside=len(body))
    alike = {bytes(one)[:1] for one in rows} in ({b"["}, {b"{"})
    return [b"[" + bytes(one) + b"]" for one in rows] if alike else []


def _of_split(words: Raws, *, beside: int) -> list[bytes]:
    table = _OBJECT.decode(words["dataframe_split"])
    plain = {name: raw for name, raw in table.items() if name != "index"}
    return [
        _with(words, "dataframe_split", {**plain, "data": [one]})
        for one in _listed(table["data"], beside=beside)
    ]


def _agreed(lengths: list[int]) -> int:
    """The one length of all; 0 where they differ, or there is none."""
    return lengths[0] if len(set(lengths)) == 1 and lengths[0] <= MOST_ROWS else 0


def _are_tensors(found: list[msgspec.Raw]) -> bool:
    """Whether these are tensors: named, of a shape and a type."""
    return bool(found) and all(
        bytes(one)[:1] == b"{" and _OBJECT.decode(one).keys() >= {"name", "shape", "data"} for one in found
    )


def _shape(tensor: Raws) -> list[int]:
    """The sizes of a tensor; none where there are more than any tensor has."""
    shape = _SHAPE.decode(tensor["shape"])
    return shape if len(shape) <= _MOST_SIZES else []


def _rows_of_tensor(tensor: Raws) -> list[dict[str, Any]]:
    """A tensor for each first index; nothing where its data does not fill its shape."""
    shape = _shape(tensor)
    data = _LIST.decode(tensor["data"])
    if not shape or not 0 < shape[0] <= MOST_ROWS or any(size < 0 for size in shape):
        return []
    each = prod(shape[1:])
    if len(data) == shape[0]:  # one value a row, or rows as lists
        parts = [[one] for one in data]
    elif len(data) == shape[0] * each:
        parts = [data[row * each : (row + 1) * each] for row in range(shape[0])]
    else:
        return []
    return [{**tensor, "shape": [1, *shape[1:]], "data": part} for part in parts]


def _listed(raw: msgspec.Raw, *, beside: int) -> list[msgspec.Raw]:
    """The rows of a list; none where they, each with what stands beside the list, would be too much."""
    size = len(bytes(raw))
    if size > MOST_BYTES // 16:
        return []
    rows = _LIST.decode(raw)
    return rows if len(rows) <= MOST_ROWS and len(rows) * (beside - size) <= MOST_BYTES else []


def _with(words: Raws, key: str, value: Any) -> bytes:  # noqa: ANN401, PLR0917  -- any JSON
    return msgspec.json.encode({**words, key: value})


def _bodies_of_csv(body: bytes, *, header: bool) -> list[bytes]:
    lines = _csv_lines(body)
    if not 2 <= len(lines) <= MOST_ROWS or len(lines) * len(lines[0]) > MOST_BYTES:
        return []
    if header or (not _has_number(lines[0]) and all(map(_has_number, lines[1:]))):
        return [lines[0] + b"\n" + line for line in lines[1:]]
    return lines


def _csv_lines(body: bytes) -> list[bytes]:
    """The lines that are not blank, none of what is too much; a line break inside of quotes is none."""
    if len(body) > MOST_BYTES // 16:
        return []
    found: list[bytes] = []
    open_cell: list[bytes] = []
    for line in body.replace(b"\r\n", b"\n").split(b"\n"):
        if bool(open_cell) is bool(line.count(b'"') % 2):  # a quote is closed, or opened
            if open_cell or line.strip():
                found.append(b"\n".join([*open_cell, line]))
                open_cell = []
        else:
            open_cell.append(line)
    return [*found, b"\n".join(open_cell)] if open_cell else found


def _has_number(line: bytes) -> bool:
    for cell in line.split(b","):
        try:
            float(cell)
        except ValueError:
            continue
        return True
    return False


def _answers_of_csv(body: bytes, rows: int) -> list[bytes]:
    """A line for each row, or one line with a cell for each."""
    lines = _csv_lines(body)
    if len(lines) == rows:
        return lines
    return lines[0].strip().split(b",") if len(lines) == 1 else []
