"""`csv`: SageMaker's containers and services like them: lines of values by position, and so the answer."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal

from msgspec import Meta

from harness.errors import CaptureError
from replayers.protocols.cells import number_or_text
from replayers.protocols.instances import FIELD, check_path, place_of
from replayers.protocols.numbers import Missing, is_missing, json_value
from replayers.protocols.plain_rows import entries, field_of
from replayers.protocols.spoken import JSON, Asked, Call, Spoken, dumped
from replayers.protocols.tables import DECLARE, Table, Value
from replayers.selectors import Unreadable, decode_json

CSV = "text/csv"
#: whole numbers up to here are floats without loss
EXACT = 2**53
_KEYS = ("predictions", "scores", "score", "outputs")


class Csv(Spoken, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="kind", tag="csv"):
    """SageMaker's contract: a line a row without a header, by position; no id and no model in answers."""

    missing: Annotated[
        Missing,
        Meta(description="How null and NaN are spelled: an empty field, or the word nan; or refused."),
    ] = "empty"
    body: Annotated[
        Literal["csv", "json"],
        Meta(description="What is sent: lines of CSV, or a JSON list of rows by position."),
    ] = "csv"
    accept: Annotated[
        Literal["csv", "json"], Meta(description="What is asked for; an answer in either is read.")
    ] = "csv"
    trailing_newline: Annotated[bool, Meta(description="Whether the last line ends with a newline too.")] = (
        False
    )
    echoes_request_id: Annotated[
        bool,
        Meta(
            description="Whether X-Request-Id of an answer is the one that was sent; SageMaker's containers "
            "make up their own."
        ),
    ] = False
    field: Annotated[str, Meta(description=FIELD)] = ""

    def __post_init__(self) -> None:
        super().__post_init__()
        check_path(self.field, where="field")

    @property
    def echoes_header(self) -> bool:
        """As declared."""
        return self.echoes_request_id

    @property
    def place(self) -> str:
        """Only of JSON answers."""
        return place_of("predictions", self) if self.accept == "json" else ""

    def is_ours(self, document: Any) -> bool:  # noqa: ANN401  -- any JSON
        """Rows by position, as lines of CSV or as a JSON list; not what a header names."""
        rows = document if isinstance(document, list) else []
        return bool(rows) and all(isinstance(row, list) for row in rows)

    def adopt(self, document: Any, asked: Asked) -> Call:  # noqa: ANN401, ARG002  -- any JSON; one signature
        """The captured lines, byte for byte; both types are always said, for containers go by them."""
        is_json = asked.body.lstrip()[:1] == b"["
        return Call(asked.body, self._types(JSON if is_json else CSV))

    def _types(self, content_type: str) -> dict[str, str]:
        return {"content-type": content_type, "accept": CSV if self.accept == "csv" else JSON}

    def build(self, table: Table, *, request_id: str, features: bool) -> Call:  # noqa: ARG002  -- one signature
        """The rows as lines, or as a JSON list."""
        if not table.columns:
            raise CaptureError("the order of the columns is not known", fix=DECLARE)
        if self.body == "json":
            return Call(dumped(self.spelled(table)), self._types(JSON))
        out = io.StringIO()
        writer = csv.writer(out, lineterminator="\n")
        for row in table.rows:
            writer.writerow([self._field(v, name) for v, name in zip(row, table.columns, strict=True)])
        text = out.getvalue()
        try:
            return Call((text if self.trailing_newline else text[:-1]).encode(), self._types(CSV))
        except UnicodeEncodeError:
            raise CaptureError("a text of the row is no Unicode that can be sent") from None

    def _field(self, value: Value, name: str) -> str:
        """A number as a float to the last bit: some decoders give a column that looks whole another type."""
        if value is None or is_missing(value):
            return str(json_value(value, self.missing, column=name) or "")
        if isinstance(value, str):
            return value
        if isinstance(value, int) and abs(value) > EXACT:
            return str(value)
        return repr(float(value))

    def decode(self, body: bytes, headers: Mapping[str, str]) -> tuple[object, str]:
        """Lines as a list of rows of numbers, or JSON."""
        if not body.strip() or body.lstrip()[:1] in {b"[", b"{", b"<"}:
            return super().decode(body, headers)
        try:
            text = body.decode("utf-8-sig")
        except UnicodeDecodeError:
            return decode_json(body)
        return [_line(line) for line in csv.reader(io.StringIO(text)) if any(map(str.strip, line))], ""

    def scores(self, document: object) -> Sequence[object]:
        """A line a row, or the predictions of a JSON answer."""
        if isinstance(document, dict) and not isinstance(document.get(_key(document)), list):
            return [field_of({_key(document): document.get(_key(document))}, "")]
        return [field_of(one, self.field) for one in entries(document, _KEYS)]

    def read(self, body: bytes, headers: Mapping[str, str], *, rows: int | None = None) -> list[float]:
        """The scores, one a row; where as many rows were asked as one line has values, it is theirs."""
        document, broken = self.decode(body, headers)
        if broken:
            raise Unreadable(broken)
        found = self.scores(document)
        if len(found) == 1 and isinstance(found[0], list) and rows is not None and len(found[0]) == rows > 1:
            found = found[0]
        return [self.finished(self.pick(one)) for one in found]


def _key(document: dict[str, object]) -> str:
    return next((key for key in _KEYS if key in document), _KEYS[0])


def _line(line: list[str]) -> object:
    values = [number_or_text(text) for text in line]
    return values[0] if len(values) == 1 else values
