"""The features that a service wrote to a log of its own, joined to its answers by an id that both know."""

from __future__ import annotations

import json
import math
import sqlite3
import time
import uuid
import weakref
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from harness.errors import DataError
from replayers.log_files import LogFiles
from replayers.protocols.cells import field
from replayers.selectors import HEADER, NOWHERE, canonical, compile_selector

Spelling = Literal["text", "hex", "decimal", "uuid", "traceparent"]
Key = int | str
POLL_S = 0.05
_AT_ONCE = 1000


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
    text_columns: Annotated[
        tuple[str, ...],
        Meta(
            description="Features whose cells in a log of CSV are texts, also where they look like numbers; "
            "empty takes the categorical features of the offline model."
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
    """The log while it grows: read on where an id is looked for that is not there yet.

    Its rows are kept in a temporary file and not in memory, for a log may be that of all traffic.
    """

    def __init__(self, log: FeatureLog, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._log = log
        self._clock = clock
        self._files = LogFiles(Path(log.path))
        self._identity, self._inside = compile_selector(log.id), compile_selector(log.features)
        self._rows = sqlite3.connect("", check_same_thread=False)  # a file without a name
        self._rows.executescript("PRAGMA synchronous=OFF; CREATE TABLE known (id PRIMARY KEY, row, cells)")
        weakref.finalize(self, self._rows.close)
        self._patience_s = log.wait_s
        self._looked_s = -math.inf

    def features(self, *, request_id: str | None, trace: str, headers: Mapping[str, str]) -> bytes | None:
        """Those of the answer to this request."""
        return self.find(self._log.key(request_id=request_id, trace=trace, headers=headers))

    def find(self, key: Key | None) -> bytes | None:
        """The features of an id as canonical JSON, None where the log has none; raises DataError."""
        if key is None:
            return None
        found = self._known(key)
        if found is None and self._is_due():
            self.refresh()
            found = self._known(key)
        while found is None and self._patience_s > 0:
            began_s = self._clock()
            time.sleep(POLL_S)
            self.refresh()
            self._patience_s -= self._clock() - began_s
            found = self._known(key)
        if found is None:
            self._check()
        return found

    def _is_due(self) -> bool:
        """Whether there may be more: while it is waited for, and then no more often than it was."""
        return self._patience_s > 0 or self._clock() - self._looked_s > POLL_S

    def refresh(self) -> None:
        """What was written since; of an id that comes twice the later of those that are there counts."""
        new = self._new()
        while some := list(islice(new, _AT_ONCE)):
            self._rows.executemany("INSERT OR REPLACE INTO known VALUES (?, ?, ?)", some)
            self._rows.commit()
        self._looked_s = self._clock()

    def _new(self) -> Iterator[tuple[bytes, bytes, bool]]:
        name = self._log.id
        for row in self._files.rows():
            found = row.fields[name] if name in row.fields else self._identity.find(row.fields, {})
            key = None if found is NOWHERE else normal(found, self._log.id_is)
            if key is not None:
                yield _bytes(key), row.text, row.cells

    def _known(self, key: Key) -> bytes | None:
        asked = self._rows.execute("SELECT row, cells FROM known WHERE id = ?", (_bytes(key),))
        text, cells = asked.fetchone() or (b"null", False)
        row = json.loads(text)
        held = self._inside.find(row, {}) if self._log.features and not cells else row
        if not isinstance(held, dict):
            return None
        names = self._log.columns or [name for name in held if name != self._log.id]
        chosen = {name: held[name] for name in names if name in held}
        with suppress(RecursionError):  # such features are none
            return canonical(self._typed(chosen) if cells else chosen)
        return None

    def _typed(self, cells: Mapping[str, str]) -> dict[str, object]:
        """Cells of CSV as what they are: missing, a text, or a number where one is written."""
        texts = self._log.text_columns
        return {name: (cell or None) if name in texts else field(cell) for name, cell in cells.items()}

    def _check(self) -> None:
        """Raises DataError for a log that is one Parquet file, and none that can be read."""
        for path, why in self._files.broken.items():
            if path == self._files.path:
                raise DataError("a feature log cannot be read", where=str(path), found=why)


def _bytes(key: Key) -> bytes:
    """An id as it is kept: numbers may be larger than those of a database."""
    return str(key).encode("utf-8", "surrogatepass")
