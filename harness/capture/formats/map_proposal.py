"""A map to start from, for a table in no known format: what its columns look like, to be read by a person."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import msgspec

from harness.capture import times
from harness.capture.formats import mapped, tables
from harness.capture.formats.map_values import plain
from harness.errors import CaptureError

_ROWS = 200
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
_NAIVE = re.compile(r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d(\.\d+)?")
_GAPS = ("", "null", "NULL", "NA", "N/A", "None")
_NOT_NUMBERS = frozenset({"", "nan", "NaN", "inf", "-inf", "Infinity", "-Infinity"})
_NAME = re.compile(r"[^\W\d][\w.: -]{0,99}")
_PADDED = re.compile(r"0\d+")

#: names by which columns go, by our word, the likeliest first
_USUAL = {
    "request_id": r"((x_)?request|req|trace|transaction|txn|call|event|invocation)_?id|uuid|guid|id",
    "ts": r"(ts|time|timestamp)(_(s|ms|us|ns))?|when|at|date_?time|.*_(at|time|ts|timestamp)|date",
    "unit": r"(user|customer|client|account|session|member|card|device|merchant)(_?id)?",
    "score": r"score|prob(ability)?|proba|prediction|predicted|y_?hat|output_score|model_score",
    "status": r"status(_?code)?|http_status|response_code|code",
    "latency": r"(latency|duration|took|elapsed|response_time|execution_time)(_?(s|ms|us|ns))?",
    "label_at": r"label(led)?_(at|time|ts)|known_at",
    "label": r"label|target|y|y_true|ground_?truth|is_fraud|fraud|outcome",
    "body": r"body|payload|request(_body)?|input(s)?|features|data",
    "answer": r"((recorded|model)_)?(response|answer|reply|result|output|prediction|score)s?(_(body|text))?",
    "path": r"path|uri|endpoint|url",
    "method": r"method|verb|http_method",
}
_EPOCHS = (("_s", 10**8, 10**11), ("_ms", 10**11, 10**14), ("_us", 10**14, 10**17), ("_ns", 10**17, 2**63))


def proposed(path: Path) -> list[str]:
    """Lines of a TOML map for the file, with what was only guessed in comments.

    Nothing for a file that is no table: no object a line, no CSV header over equal rows, no Parquet. Raises
    CaptureError for a CSV with a header of names and no row that can be read.
    """
    delimiter = tables.delimiter_of(path)
    kind, columns, naive = mapped.seen(path, delimiter)
    rows, unread = _rows(path, delimiter)
    if not rows and unread and _has_header(path, delimiter):
        place, error = unread[0]
        raise CaptureError(error.what, where=f"{path}, offset {place:,}", found=error.found)
    if not columns or not rows or (kind == "csv" and len(columns) < 2):
        return []
    cells = {name: [row.get(name) for row in rows] for name in columns}
    words, told = _words(cells, naive=naive)
    body, answers = _body(words, columns)
    first = f"its first {times.counted(len(rows), 'row')}"
    lines = [
        f"# A map of {times.clip(path.name)} to start from, by {first}: check it.",
        *(f"# {one}" for one in (*_unread(unread), *told, *answers)),
        *([f"delimiter = {_toml(delimiter)}"] if delimiter != "," else []),
        *(['zone = "UTC"  # GUESSED: the times name no zone'] if "# zone" in words else []),
    ]
    words.pop("# zone", None)
    gaps = sorted({cell for some in cells.values() for cell in some if cell in _GAPS} | {""})
    if kind == "csv" and gaps != [""]:
        lines.append(f"null = {_toml(gaps)}")
    lines += ["", "[map]", *(f"{word} = {_toml(source)}" for word, source in words.items())]
    if not any(_is_of("ts", word) for word in words):
        return lines
    lines += [f"body = {_toml(body)}"]
    if kind == "csv" and isinstance(body, list):
        lines += ["", "[types]", *(f"{_key(name)} = {_toml(_type(cells[name]))}" for name in body)]
    return lines


def _body(words: dict[str, Any], columns: Sequence[str]) -> tuple[str | list[str], list[str]]:
    """The body, taken out of the words: its column, or all columns without a word; answers are none of it."""
    if body := words.pop("body", ""):
        return str(body), []
    left = [name for name in columns if name not in {str(source) for source in words.values()}]
    answers = [name for name in left if _named("answer", [name])]
    told = [f"{name!r} looks like an answer, so it is no input of the body" for name in answers]
    return [name for name in left if name not in answers], told


def _unread(unread: Sequence[tuple[int, CaptureError]]) -> list[str]:
    """How many rows the proposal does not know, and why the first of them."""
    if not unread:
        return []
    place, error = unread[0]
    several = times.counted(len(unread), "row")
    return [f"{several} could not be read, the first at offset {place:,}: {error.what}: {error.found}"]


def _has_header(path: Path, delimiter: str) -> bool:
    """Whether the first line of a text is two names or more."""
    with path.open("rb") as file:
        first = file.readline(10_000).decode(errors="replace")
    names = first.strip().removeprefix("\ufeff").split(delimiter)
    return len(names) > 1 and all(_NAME.fullmatch(name.strip('"')) for name in names)


def _rows(path: Path, delimiter: str) -> tuple[list[dict[str, Any]], list[tuple[int, CaptureError]]]:
    """The first rows as import reads them, and the places and reasons of those that cannot be read."""
    found: list[dict[str, Any]] = []
    unread: list[tuple[int, CaptureError]] = []
    for place, row in islice(tables.rows(path, delimiter=delimiter), _ROWS):
        try:
            one = row if isinstance(row, dict) else mapped.json_row(row)
        except CaptureError as error:
            unread.append((place, error))
            continue
        found.append({name: _cell(cell) for name, cell in one.items()})
    return found, unread


def _cell(cell: Any) -> Any:  # noqa: ANN401  -- any cell
    """The cell as its column has it: lists and objects of a line with NaN are JSON text again."""
    return plain(cell) if not isinstance(cell, dict | list) else json.dumps(cell)


def _words(cells: dict[str, list[Any]], *, naive: frozenset[str]) -> tuple[dict[str, Any], list[str]]:
    """Our words with their columns, and what a person has to decide."""
    words: dict[str, Any] = {}
    told: list[str] = []
    taken: set[str] = set()
    for word, fits in _FITS.items():
        name = _named(word, [one for one in cells if one not in taken and fits(_there(cells[one]))])
        if name is None:
            continue
        taken.add(name)
        words[_spelled(word, name, cells=_there(cells[name]))] = name
        if word in {"ts", "label_at"} and (name in naive or _is_naive(_there(cells[name]))):
            words["# zone"] = "UTC"
    if "request_id" not in words:
        words["request_id"] = "?"
        told.append("request_id: no column is unique by its looks; without one, make one in the file")
    elif len(set(map(str, cells[words["request_id"]]))) < len(cells[words["request_id"]]):
        told.append(f"{words['request_id']!r} is not unique: the later of two requests is dropped")
    if not any(_is_of("ts", word) for word in words):
        told.append(_without_time(words))
    if "label" in words and not any(word.startswith("label_at") for word in words):
        told.append(
            f"{words.pop('label')!r} looks like a label: label and label_at, when it was known, go together"
        )
        if "label_at" in words:
            words.pop("label_at")
    elif any(word.startswith("label_at") for word in words) and "label" not in words:
        words = {word: source for word, source in words.items() if not word.startswith("label_at")}
    return words, told


def _without_time(words: dict[str, Any]) -> str:
    """What a table without a time of requests is: labels alone, or one whose time a person has to name."""
    if "label" in words and any(_is_of("label_at", word) for word in words):
        return "no column is a time of requests by its looks: the rows have labels alone"
    words["ts"] = "?"
    return "ts: no column is a time by its looks; ts, ts_s, ts_ms, ts_us or ts_ns say which unit"


def _there(cells: Sequence[Any]) -> list[Any]:
    return [cell for cell in cells if cell is not None and not (isinstance(cell, str) and cell in _GAPS)]


def _named(word: str, columns: Sequence[str]) -> str | None:
    """The column whose name says the word most plainly: the whole name, by the first of the usual ones."""
    usual = _USUAL[word].split("|") if "(" not in _USUAL[word] else [_USUAL[word]]
    for pattern in usual:
        for name in columns:
            if re.fullmatch(pattern, re.sub(r"[\W]+", "_", name.strip().lower())):
                return name
    return None


def _spelled(word: str, name: str, *, cells: list[Any]) -> str:
    """The word with the unit of its numbers."""
    if word in {"ts", "label_at"}:
        return word + _epoch(cells)
    if word == "latency":
        end = re.search(r"(?<=[_a-z])(ms|us|ns|s)$", name.lower())
        return f"latency_{end[1] if end else 'ms'}"
    return word


def _epoch(cells: list[Any]) -> str:
    if not cells or isinstance(cells[0], tuple) or not _numeric(cells):
        return ""
    value = _float(cells[0])
    return next((end for end, low, high in _EPOCHS if low <= value < high), "_s")


def _spelling(cell: Any) -> str:  # noqa: ANN401  -- any cell
    return bytes(cell).decode(errors="replace") if isinstance(cell, msgspec.Raw | bytes) else str(cell)


def _float(cell: Any) -> float:  # noqa: ANN401  -- any cell
    return float(_spelling(cell))


def _numeric(cells: list[Any]) -> bool:
    return bool(cells) and all(
        not isinstance(cell, bool | tuple)
        and (_NUMBER.fullmatch(_spelling(cell)) or _spelling(cell) in _NOT_NUMBERS)
        for cell in cells
    )


def _is_naive(cells: list[Any]) -> bool:
    return bool(cells) and all(isinstance(cell, str) and _NAIVE.fullmatch(cell) for cell in cells)


def _time(cells: list[Any]) -> bool:
    if not cells:
        return False
    if isinstance(cells[0], tuple) or _is_naive(cells):
        return True
    if _numeric(cells):
        return all(10**8 <= _float(cell) < 2**63 for cell in cells)
    try:
        return all(bool(times.parse(str(cell))) for cell in cells)
    except ValueError:
        return False


def _json(cells: list[Any]) -> bool:
    return bool(cells) and all(_spelling(cell).lstrip()[:1] in {"{", "["} for cell in cells)


def _texts(cells: list[Any]) -> bool:
    return bool(cells) and not any(isinstance(cell, tuple) for cell in cells) and not _json(cells)


def _labels(cells: list[Any]) -> bool:
    return bool(cells) and {_spelling(cell).lower() for cell in cells} <= {
        "0",
        "1",
        "0.0",
        "1.0",
        "true",
        "false",
    }


def _type(cells: list[Any]) -> str:
    found = _there(cells)
    if found and {_spelling(cell).lower() for cell in found} <= {"true", "false"}:
        return "boolean"
    if _json(found):
        return "json"
    padded = any(_PADDED.fullmatch(_spelling(cell)) for cell in found)  # a code such as 01234
    return "number" if _numeric(found) and not padded else "text"


#: our words in the order in which columns are given to them, and what the cells must look like
_FITS: dict[str, Callable[[list[Any]], bool]] = {
    "label_at": _time,
    "ts": _time,
    "request_id": _texts,
    "latency": _numeric,
    "status": lambda cells: _numeric(cells) and all(100 <= _float(cell) <= 999 for cell in cells),
    "score": _numeric,
    "label": _labels,
    "answer": lambda cells: bool(cells) and not any(isinstance(cell, tuple) for cell in cells),
    "body": _json,
    "unit": _texts,
    "path": lambda cells: _texts(cells) and all(_spelling(cell).startswith("/") for cell in cells),
    "method": lambda cells: _texts(cells) and all(_spelling(cell).isupper() for cell in cells),
}


def _is_of(stem: str, word: str) -> bool:
    """Whether the word is this one, with or without a unit: `ts_ms` for `ts`."""
    return re.sub(r"_(s|ms|us|ns)$", "", word) == stem


def _toml(value: object) -> str:
    """Text or a list of texts in TOML, which spells them as JSON does, but for one control character."""
    return msgspec.json.encode(value).decode().replace("\x7f", "\\u007f")


def _key(name: str) -> str:
    return name if re.fullmatch(r"[A-Za-z0-9_-]+", name) else _toml(name)
