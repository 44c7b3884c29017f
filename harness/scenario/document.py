"""The scenario format, told from its types: a JSON Schema for editors, and a page for people."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec

from harness.scenario.config import Scenario

if TYPE_CHECKING:
    from collections.abc import Iterator

SCHEMA_ID = "replaygate/scenario/v1"
#: all that a service of one's own needs
EXAMPLE = """\
name = "checkout"

[capture]
path = "capture.jsonl"

[models.challenger]
file = "model.txt"
features = "features:build"

[targets.challenger]
kind = "http"
url = "http://127.0.0.1:8000/score"
model = "challenger"
"""
_HEAD = f"""\
# The scenario file

A scenario says which captured requests are sent to which builds of a service, what their answers are held
against, and what decides. It is TOML; a word that is not on this page is an error, and so is a value of
another type. `replaygate init NAME` writes one with comments, `replaygate check FILE` tries it without
sending anything, and `replaygate schema` prints a JSON Schema for editors. This much is enough:

```toml
{EXAMPLE}```

Paths are relative to the folder of the file. Times are RFC 3339 texts with a zone, as "2025-06-18T20:40:45Z".

This page is written by `replaygate schema --write docs` from the types in the code; `make check` fails when
it is out of date.
"""
_TYPES = {
    "StrType": "text",
    "FloatType": "number",
    "IntType": "whole number",
    "BoolType": "true or false",
    "AnyType": "any value",
}
_MANY = 3


@dataclass(frozen=True)
class _Table:
    """A struct and where its table stands in the file: `$`, `capture`, `targets.NAME`, `phases[]`."""

    place: str
    kind: msgspec.inspect.StructType

    @property
    def title(self) -> str:
        if self.place == "$":
            return "The top of the file"
        name = self.place.replace("[]", "")
        shown = f"`[[{name}]]`" if self.place.endswith("[]") else f"`[{name}]`"
        return f'{shown}, `{self.kind.tag_field} = "{self.kind.tag}"`' if self.kind.tag else shown

    @property
    def anchor(self) -> str:
        """The heading's id, as GitHub makes it."""
        return re.sub(r"[^\w\- ]", "", self.title.lower()).replace(" ", "-")


def schema() -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of a scenario file."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": SCHEMA_ID,
        "title": "replaygate scenario",
        **msgspec.json.schema(Scenario),
    }


def markdown() -> str:
    """A page with a section for each table that a scenario may hold: word, type, default, meaning."""
    root = msgspec.inspect.type_info(Scenario)
    tables: dict[type, _Table] = {}
    for table in _tables(root, "$"):
        tables.setdefault(table.kind.cls, table)
    return "\n".join([_HEAD, *(_section(table, tables) for table in tables.values())])


def _tables(kind: msgspec.inspect.Type, place: str) -> Iterator[_Table]:
    """Every table below a type with its place, outermost first; one that stands in two places comes twice."""
    if isinstance(kind, msgspec.inspect.StructType):
        yield _Table(place, kind)
        for field in kind.fields:
            yield from _tables(
                field.type, field.encode_name if place == "$" else f"{place}.{field.encode_name}"
            )
    elif isinstance(kind, msgspec.inspect.Metadata):
        yield from _tables(kind.type, place)
    elif isinstance(kind, msgspec.inspect.UnionType):
        for one in kind.types:
            yield from _tables(one, place)
    elif isinstance(kind, msgspec.inspect.DictType):
        yield from _tables(kind.value_type, f"{place}.NAME")
    elif isinstance(kind, msgspec.inspect.VarTupleType):
        yield from _tables(kind.item_type, f"{place}[]")


def _section(table: _Table, tables: dict[type, _Table]) -> str:
    about = " ".join((table.kind.cls.__doc__ or "").strip().split("\n\n")[0].split())
    lines = [f"## {table.title}", "", about, ""]
    if table.kind.fields:
        lines += ["| word | type | default | meaning |", "|---|---|---|---|"]
    for field in table.kind.fields:
        cells = (
            f"`{field.encode_name}`",
            _name(field.type, tables),
            _default(field),
            _description(field.type),
        )
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join([*lines, ""])


def _name(kind: msgspec.inspect.Type, tables: dict[type, _Table]) -> str:  # noqa: PLR0911  -- a line a kind of type
    """A type in words, with a link to each table it names."""
    if isinstance(kind, msgspec.inspect.Metadata):
        return _name(kind.type, tables)
    if isinstance(kind, msgspec.inspect.UnionType):
        return _union([t for t in kind.types if not isinstance(t, msgspec.inspect.NoneType)], tables)
    if isinstance(kind, msgspec.inspect.StructType):
        table = tables[kind.cls]
        return f"[{kind.tag or 'table'}](#{table.anchor})"
    if isinstance(kind, msgspec.inspect.DictType):
        return f"by name: {_name(kind.value_type, tables)}"
    if isinstance(kind, msgspec.inspect.VarTupleType):
        return f"list of {_name(kind.item_type, tables)}"
    if isinstance(kind, msgspec.inspect.LiteralType):
        return " or ".join(f'`"{value}"`' for value in kind.values)
    return _TYPES.get(type(kind).__name__, type(kind).__name__)


def _union(kinds: list[msgspec.inspect.Type], tables: dict[type, _Table]) -> str:
    if len(kinds) > _MANY:
        return f"tables of the {len(kinds)} kinds below"
    return " or ".join(_name(kind, tables) for kind in kinds)


def _default(field: msgspec.inspect.Field) -> str:  # noqa: PLR0911  -- a line a kind of default
    """A default as TOML writes it; tables that are there by default by their names."""
    if field.required:
        return "required"
    factory = field.default_factory
    value = factory() if callable(factory) else field.default
    match value:
        case msgspec.Struct():
            return f"`{kind}`" if (kind := value.__struct_config__.tag) else "as below"
        case (msgspec.Struct(), *_):
            return " and ".join(f"`{one.name}`" for one in value)
        case None | "" | ():
            return "none"
        case dict() if any(isinstance(one, msgspec.Struct) for one in value.values()):
            return " and ".join(f"`{name}`" for name in value)
        case dict():
            inside = ", ".join(f"{key} = {json.dumps(v)}" for key, v in value.items())
            return f"`{{ {inside} }}`" if value else "none"
        case _:
            return f"`{json.dumps(value)}`"


def _description(kind: msgspec.inspect.Type) -> str:
    texts = []
    while isinstance(kind, msgspec.inspect.Metadata):
        texts.append(str((kind.extra_json_schema or {}).get("description", "")))
        kind = kind.type
    return " ".join(t for t in texts if t).replace("|", "\\|")
