"""`json`: any service that takes JSON and gives JSON; the target's `template` and `response` say how."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, ClassVar, Literal

from msgspec import Meta

from replayers.protocols.spoken import Asked, Call, Spoken, dumped
from replayers.protocols.tables import Table
from replayers.selectors import Unreadable

Form = Literal["captured", "object", "list", "columns"]


class Json(Spoken, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="kind", tag="json"):
    """Any JSON: the captured body or its row, in the target's `template`; the score where `response` says."""

    form: Annotated[
        Form,
        Meta(
            description="What is sent, or is $body of the template: the captured body as it is, or its row: "
            "an object of features, a list of values in the order of the columns, an object of lists of one."
        ),
    ] = "captured"

    by_selector: ClassVar[bool] = True

    @property
    def shows_features(self) -> bool:
        """At the default selector."""
        return True

    @property
    def wants_columns(self) -> bool:
        """Only a row has columns."""
        return self.form != "captured" and super().wants_columns

    def call(self, asked: Asked) -> Call:
        """The captured body, or its row in another form."""
        return Call(asked.body) if self.form == "captured" else super().call(asked)

    def build(self, table: Table, *, request_id: str, features: bool) -> Call:  # noqa: ARG002  -- one signature
        """The rows in the declared form: one alone, several as a list."""
        if self.form == "list":
            rows: list[object] = list(self.spelled(table))
        elif self.form == "columns":
            named = self.spelled_by_name(table)
            return Call(dumped({name: [row[name] for row in named] for name in table.columns}))
        else:
            rows = list(self.spelled_by_name(table))
        return Call(dumped(rows[0] if len(rows) == 1 else rows))

    def pick(self, value: object) -> object:
        """A list is no score unless the column is declared."""
        return value if self.column is None else super().pick(value)

    def scores(self, document: object) -> Sequence[object]:
        """A list is one value a row, anything else the value of one row."""
        if document is None:
            raise Unreadable("body is null")
        return document if isinstance(document, list) else [document]
