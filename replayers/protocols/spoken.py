"""What every protocol has: a builder of requests from rows, a reader of answers, and where an identity is."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any, ClassVar, Self

import jmespath
import msgspec
from jmespath.exceptions import JMESPathError
from msgspec import Meta

from harness.errors import CaptureError
from replayers.protocols.cells import OfTheModel
from replayers.protocols.finding import document_of, rows_of
from replayers.protocols.numbers import Column, Missing, Transform, json_value, picked, transformed
from replayers.protocols.tables import SCALARS, Row, Table, Value, arranged
from replayers.selectors import NOWHERE, Unreadable, decode_json, finite

#: captured headers that speak of the captured body, and would lie about one that is built
OF_THE_BODY = frozenset({"content-type", "content-encoding", "accept", "inference-header-content-length"})
JSON = "application/json"
ONE_ROW = "Import the capture with: replaygate capture import FILE... --to CAPTURE --explode"


@dataclass(frozen=True)
class Asked:
    """One captured request as a protocol sees it."""

    body: bytes
    request_id: str
    headers: Mapping[str, str] = field(default_factory=dict)
    features: bool = False

    @property
    def content_type(self) -> str:
        """What the captured body says that it is."""
        return next((v for k, v in self.headers.items() if k.lower() == "content-type"), "")


@dataclass(frozen=True)
class Call:
    """A request in the words of a protocol: its body and the headers that go with it."""

    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)


class Spoken(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="kind"):
    """The fields and the behaviour that protocols share; each states `build` and `scores`."""

    rows: Annotated[
        str,
        Meta(
            description="JMESPath to the row of features in a captured body; empty recognises it: an object "
            "of features, {features}, {instances}, {rows}, {inputs}, {dataframe_split}, {dataframe_records}, "
            "Seldon's {data}, Open Inference tensors, CSV."
        ),
    ] = ""
    columns: Annotated[
        tuple[str, ...],
        Meta(
            description="The inputs of the served model in its order; empty takes the features of the "
            "offline model that the target must match. Servers that go by position believe this order."
        ),
    ] = ()
    text_columns: Annotated[
        tuple[str, ...],
        Meta(
            description="Columns that carry text: a captured cell of CSV stays as it stands (01234), and "
            'oip-v2 with tensors = "columns" sends a text also where it is missing or a number. Empty takes '
            "the model's categorical features of text levels; a number that was captured then stays one."
        ),
    ] = ()
    ignore: Annotated[
        tuple[str, ...],
        Meta(
            description='Names in a captured row that the service does not expect; "*" is all others. Else '
            "such a row is not sent, and counted."
        ),
    ] = ()
    missing: Annotated[
        Missing,
        Meta(
            description="How null and NaN are spelled: null, the word NaN (no JSON, yet some want it), the "
            'text "NaN", `empty` (of csv, and of texts of oip-v2), or not at all: such a row is then not '
            "sent, and counted."
        ),
    ] = "null"
    pass_through: Annotated[
        bool,
        Meta(description="Send a captured body that speaks this protocol already as it is, but for its id."),
    ] = True
    column: Annotated[
        Column | None,
        Meta(description="Which of several numbers for a row is the score; empty takes the second of two."),
    ] = None
    transform: Annotated[
        Transform, Meta(description="What is compared: the number, its sigmoid (of a margin), or 1 less it.")
    ] = "none"

    #: where an answer's body may name its model by a hash; "" for nowhere
    identity_at: ClassVar[str] = ""
    #: headers of an answer that it is read by, in lower case
    answer_headers: ClassVar[frozenset[str]] = frozenset()
    #: whether the score is where the target's `response.score` says, whatever that is
    by_selector: ClassVar[bool] = False

    def __post_init__(self) -> None:
        # msgspec puts the path before a ValueError from here: `$.targets.x.protocol: ...`
        repeated = sorted({name for name in self.columns if self.columns.count(name) > 1})
        if repeated:
            raise ValueError(f"columns: {repeated[0]!r} stands there twice")
        try:
            if self.rows:
                jmespath.compile(self.rows)
        except JMESPathError as error:
            reason = " ".join(str(error).split())[:120]
            raise ValueError(f"rows: {self.rows!r} is not a JMESPath expression: {reason}") from None

    @property
    def over_grpc(self) -> bool:
        """Whether it is spoken over gRPC and not over HTTP."""
        return False

    @property
    def is_text(self) -> bool:
        """Whether requests can be written down as text."""
        return True

    @property
    def shows_features(self) -> bool:
        """Whether answers may show features where nothing else is declared."""
        return False

    @property
    def echoes_header(self) -> bool:
        """Whether the X-Request-Id of an answer is ours, echoed."""
        return True

    @property
    def place(self) -> str:
        """Where a test that only knows JSON finds the score of one row; "" where it cannot."""
        return ""

    def warnings(self) -> tuple[str, ...]:
        """What is legal here and likely wrong, a sentence each."""
        return ()

    @property
    def wants_columns(self) -> bool:
        """Whether the offline model would tell it columns, or those of text, that it does not declare."""
        return not (self.columns and self.text_columns)

    def known(self, columns: tuple[str, ...], texts: tuple[str, ...] | None = None) -> Self:
        """The protocol with these columns where it wants some; `texts` are those of text, if a model says."""
        if not self.wants_columns:
            return self
        found = self.columns or columns
        declared = self.text_columns
        if not declared and texts is not None:
            others = set(columns) - set(texts)
            declared = OfTheModel((name for name in texts if name in found), numbers=others)
        return msgspec.structs.replace(self, columns=found, text_columns=declared)

    def call(self, asked: Asked) -> Call:
        """The one row of a captured body as a request; raises CaptureError for what must not be sent."""
        document = self.document(asked)
        if self.pass_through and not self.rows and self.is_ours(document):
            rows = self.count(document)
            if rows is not None and rows != 1:
                raise _several(rows)
            return self.adopt(document, asked)
        table = self.table(document)
        if len(table.rows) != 1:
            raise _several(len(table.rows))
        return self.build(table, request_id=asked.request_id, features=asked.features)

    def document(self, asked: Asked) -> Any:  # noqa: ANN401  -- any JSON
        """The captured body, decoded; raises CaptureError."""
        return document_of(asked.body, content_type=asked.content_type)

    def table(self, document: Any) -> Table:  # noqa: ANN401  -- any JSON
        """The rows of a captured document, in the order of the columns."""
        rows = rows_of(document, where=self.rows)
        if not self.rows and isinstance(document, dict) and self.columns:
            _check_once(document, rows, columns=self.columns)
        return arranged(rows, self.columns, ignore=self.ignore, texts=self.text_columns)

    def is_ours(self, document: Any) -> bool:  # noqa: ANN401, ARG002  -- any JSON; one signature
        """Whether a captured body speaks this protocol."""
        return False

    def count(self, document: Any) -> int | None:  # noqa: ANN401  -- any JSON
        """How many rows a captured body of this protocol has; None where that is not known."""
        try:
            return len(rows_of(document))
        except CaptureError:
            return None

    def adopt(self, document: Any, asked: Asked) -> Call:  # noqa: ANN401, ARG002  -- any JSON; one signature
        """A captured body of this protocol, byte for byte."""
        return Call(asked.body, {"content-type": asked.content_type or JSON})

    def build(self, table: Table, *, request_id: str, features: bool) -> Call:
        """The rows as one request; `features` asks for their echo. Raises CaptureError."""
        raise NotImplementedError

    def spelled(self, table: Table) -> list[list[Value]]:
        """The values as JSON is to have them."""
        names = table.columns or tuple(map(str, range(len(table.rows[0]) if table.rows else 0)))
        return [
            [json_value(v, self.missing, column=name) for v, name in zip(row, names, strict=True)]
            for row in table.rows
        ]

    def spelled_by_name(self, table: Table) -> list[dict[str, Value]]:
        """The same, by name; raises CaptureError where the names are not known."""
        return Table(table.columns, tuple(map(tuple, self.spelled(table)))).named()

    def decode(self, body: bytes, headers: Mapping[str, str]) -> tuple[object, str]:  # noqa: ARG002  -- one signature
        """An answer as a document that selectors look into, and what is wrong with it."""
        return decode_json(body)

    def scores(self, document: object) -> Sequence[object]:
        """What the answer gives for each row, in their order; raises Unreadable."""
        raise NotImplementedError

    def single(self, document: object) -> object:
        """What the answer gives for the one row that was asked; raises Unreadable."""
        found = self.scores(document)
        if len(found) != 1:
            raise Unreadable(f"{len(found)} scores for one row")
        return self.pick(found[0])

    def pick(self, value: object) -> object:
        """The score among what the answer gives for a row; raises Unreadable where none is declared."""
        chosen = picked(value, self.column)
        if isinstance(chosen, list):
            wanted = "which is the score? Declare column" if self.column is None else f"column {self.column}?"
            raise Unreadable(f"{len(chosen)} numbers for a row: {wanted}")
        return chosen

    def read(
        self,
        body: bytes,
        headers: Mapping[str, str],
        *,
        rows: int | None = None,  # noqa: ARG002  -- one signature
    ) -> list[float]:
        """The scores of an answer to so many rows, in order, as they are compared; raises Unreadable."""
        document, broken = self.decode(body, headers)
        if broken:
            raise Unreadable(broken)
        return [self.finished(self.pick(value)) for value in self.scores(document)]

    def finished(self, value: object) -> float:
        """The number that is compared; raises Unreadable for what is no finite number."""
        score, wrong = finite(value)
        if score is None:
            raise Unreadable(wrong)
        return transformed(score, self.transform)

    def features(self, document: object) -> object:  # noqa: ARG002  -- one signature
        """The features that the answer echoes of one row, by name; NOWHERE without any."""
        return NOWHERE

    def model(self, document: object) -> str | None:  # noqa: ARG002  -- one signature
        """The hash of the model that the answer names."""
        return None

    def echoed(self, document: object) -> str | None:  # noqa: ARG002  -- one signature
        """The request's own id, as the answer's body repeats it."""
        return None


def _several(rows: int) -> CaptureError:
    return CaptureError(
        "requests are compared row by row, and a captured body holds another number of rows",
        found=rows,
        expected=1,
        fix=ONE_ROW,
    )


def _check_once(document: dict[str, Any], rows: Sequence[Row], *, columns: tuple[str, ...]) -> None:
    """Raises CaptureError where all columns stand in the body itself, and a row within it was taken."""
    if all(isinstance(document.get(name, ()), SCALARS) for name in columns) and rows != [document]:
        raise CaptureError(
            "a captured body has all the columns itself and holds a row within it too",
            found=f"an object with {', '.join(map(str, list(document)[:5]))}",
            fix="Say which is sent: rows = <JMESPath> in the target's protocol.",
        )


def dumped(document: object) -> bytes:
    """JSON as it is sent; a NaN that is left in it is meant as the word."""
    return json.dumps(document, allow_nan=True).encode()


def with_fields(body: bytes, document: dict[str, Any], **fields: object) -> bytes:
    """A captured object with some of its fields set, every other byte of a value as it was captured."""
    try:
        raw = msgspec.json.decode(body, type=dict[str, msgspec.Raw])
    except (msgspec.MsgspecError, RecursionError):
        return dumped({**document, **fields})
    return msgspec.json.encode(
        {**raw, **{name: msgspec.Raw(dumped(value)) for name, value in fields.items()}}
    )
