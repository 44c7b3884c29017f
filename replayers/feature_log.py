"""The features that a service wrote to a log of its own, joined to its answers by an id that both know."""

from __future__ import annotations

import csv
import io
import json
import time
import uuid
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq
from msgspec import Meta

from harness.errors import DataError
from replayers.protocols.cells import field
from replayers.selectors import HEADER, NOWHERE, canonical, compile_selector

Spelling = Literal["text", "hex", "decimal", "uuid", "traceparent"]
Key = int | str
POLL_S = 0.05
_SUFFIXES = (".jsonl", ".json", ".log", ".csv", ".parquet")


class FeatureLog(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A log of features that the service writes, for answers that do not show any."""

    path: Annotated[
        str,
        Meta(
            description="File or folder of such (.jsonl, .json, .log of JSON lines, .csv with a header, "
            ".parquet), relative to the scenario."
        ),
    ]
    id: Annotated[str, Meta(description="Column or dotted path of the id in the log.")] = "request_id"
    id_is: Annotated[
        Spelling,
        Meta(description="How the log spells it; hex, decimal, uuid and traceparent are one number to us."),
    ] = "text"
    joins: Annotated[
        str,
        Meta(
            description="What the id is of: `request_id` (the X-Request-Id that was sent), `traceparent` "
            "(the trace that was sent, another for each request), or `header:<name>` of the answer."
        ),
    ] = "request_id"
    joins_is: Annotated[Spelling, Meta(description="How that is spelled; of a traceparent it is known.")] = (
        "text"
    )
    features: Annotated[
        str, Meta(description="Column or dotted path of an object of features; empty takes the row itself.")
    ] = ""
    columns: Annotated[
        tuple[str, ...],
        Meta(
            description="Which of its fields are features; empty takes those of the offline model, else all."
        ),
    ] = ()
    wait_s: Annotated[
        float,
        Meta(ge=0, description="How long answers wait in all for what the service has not written yet."),
    ] = 5.0

    def __post_init__(self) -> None:
        # msgspec puts the path before a ValueError from here: `$.targets.x.feature_log: ...`
        if self.joins not in {"request_id", "traceparent"} and not self.header:
            raise ValueError(f"joins: request_id, traceparent or header:<name>, found {self.joins!r}")
        if (self.id_is == "text") != (self.ours == "text"):
            raise ValueError(f"id_is {self.id_is} and joins_is {self.ours} never meet: only numbers do")
        for selector in (self.id, self.features, self.joins):
            compile_selector(selector)

    @property
    def header(self) -> str:
        """The header of answers that it is joined by, in lower case, or none."""
        return self.joins.removeprefix(HEADER).lower() if self.joins.startswith(HEADER) else ""

    @property
    def ours(self) -> Spelling:
        """How our side of the join is spelled."""
        return "traceparent" if self.joins == "traceparent" else self.joins_is

    def key(self, *, request_id: str | None, trace: str, headers: Mapping[str, str]) -> Key | None:
        """What the log should have for this answer; None where the answer does not say."""
        if self.joins == "traceparent":
            return normal(trace, "hex")
        value = headers.get(self.header) if self.header else request_id
        return None if value is None else normal(value, self.ours)


def normal(value: object, spelling: Spelling) -> Key | None:
    """An id without its spelling: a number but for text; None for what is not spelled so.

    BentoML answers 18fef814bce72378 in hex and logs 1801149668947075960.
    """
    text = str(value).strip()
    readers: dict[Spelling, Callable[[str], Key]] = {
        "text": str,
        "hex": lambda one: int(one.removeprefix("0x"), 16),
        "decimal": int,
        "uuid": lambda one: uuid.UUID(one).int,
        "traceparent": lambda one: int(one.split("-")[1] if "-" in one else one, 16),
    }
    try:
        return readers[spelling](text) if text else None
    except (ValueError, IndexError):
        return None


class LoggedFeatures:
    """The log while it grows: read again where an id is looked for that is not there yet."""

    def __init__(self, log: FeatureLog) -> None:
        self._log = log
        self._known: dict[Key, bytes] = {}
        self._read: dict[Path, tuple[int, int]] = {}
        self._patience_s = log.wait_s

    def features(self, *, request_id: str | None, trace: str, headers: Mapping[str, str]) -> bytes | None:
        """Those of the answer to this request."""
        return self.find(self._log.key(request_id=request_id, trace=trace, headers=headers))

    def find(self, key: Key | None) -> bytes | None:
        """The features of an id as canonical JSON, None where the log has none; raises DataError."""
        if key is None:
            return None
        if key not in self._known:
            self.refresh()
        while key not in self._known and self._patience_s > 0:
            time.sleep(POLL_S)
            self._patience_s -= POLL_S
            self.refresh()
        return self._known.get(key)

    def refresh(self) -> None:
        """What was written since; of an id that comes twice the later of those that are there counts."""
        for path in files(Path(self._log.path)):
            stat = path.stat()
            if self._read.get(path) != (stat.st_size, stat.st_mtime_ns):
                self._read[path] = (stat.st_size, stat.st_mtime_ns)
                self._take(path)

    def _take(self, path: Path) -> None:
        identity, inside = compile_selector(self._log.id), compile_selector(self._log.features)
        for row in rows_of_log(path):
            found = identity.find(row, {}) if self._log.id not in row else row[self._log.id]
            key = None if found is NOWHERE else normal(found, self._log.id_is)
            held = inside.find(row, {}) if self._log.features else row
            if key is not None and isinstance(held, dict):
                with suppress(RecursionError):  # such features are none
                    self._known[key] = canonical(self._chosen(held))

    def _chosen(self, row: dict[str, Any]) -> dict[str, Any]:
        names = self._log.columns or [name for name in row if name != self._log.id]
        return {name: row[name] for name in names if name in row}


def files(path: Path) -> list[Path]:
    """The file, or those in the folder and below that a log may be; none where there is nothing yet."""
    if path.is_dir():
        return sorted(one for one in path.rglob("*") if one.is_file() and one.suffix in _SUFFIXES)
    return [path] if path.is_file() else []


def rows_of_log(path: Path) -> Iterable[dict[str, Any]]:
    """The whole rows of a file: the last may be half written, and then counts once the rest is there.

    Lines that are no JSON object are passed over, and so are lines of CSV with fewer cells than there are
    names or without their end of line.
    """
    try:
        if path.suffix == ".parquet":
            rows: list[dict[str, Any]] = pq.read_table(path).to_pylist()
            return rows
        text = path.read_text(encoding="utf-8", errors="replace")
    except (OSError, pa.ArrowInvalid) as error:
        raise DataError("a feature log cannot be read", where=str(path), found=str(error)[:80]) from None
    if path.suffix == ".csv":
        return [{name: field(cell) for name, cell in row.items() if name} for row in _csv(text)]
    return filter(None, map(_object, text.splitlines()))


def _csv(text: str) -> Iterable[dict[str, str]]:
    """The rows with a cell for each name, up to the last whole line: a number cut short is another number."""
    whole = text[: text.rfind("\n") + 1]
    rows = list(csv.DictReader(io.StringIO(whole, newline="")))
    if rows and whole.count('"') % 2 and _last(rows[-1]).endswith("\n"):
        rows.pop()  # the line ends in the middle of a quoted text
    return [row for row in rows if None not in row.values()]


def _last(row: Mapping[str, str | list[str] | None]) -> str:
    """The last cell that a row has."""
    cells = [cell for cell in row.values() if cell]
    return "" if not cells else cells[-1] if isinstance(cells[-1], str) else cells[-1][-1]


def _object(line: str) -> dict[str, Any]:
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}
