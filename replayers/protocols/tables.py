"""Rows of named values: the inputs of a model as every protocol carries them, each in its own shape."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from harness.errors import CaptureError
from replayers.protocols.cells import Cell

Value = float | int | str | bool | None
#: a row as it was found: by name, or by place alone
Row = dict[str, object] | tuple[object, ...]

MANY = 5
SCALARS = (str, int, float, bool, type(None))


@dataclass(frozen=True)
class Table:
    """Rows of values (n, k) in the order of `columns` (k); `columns` is () where only places are known."""

    columns: tuple[str, ...]
    rows: tuple[tuple[Value, ...], ...]

    def named(self) -> list[dict[str, Value]]:
        """The rows by name; raises CaptureError where the names are not known."""
        if not self.columns and any(self.rows):
            raise CaptureError("the row has no names, and the columns are not known", fix=DECLARE)
        return [dict(zip(self.columns, row, strict=True)) for row in self.rows]


DECLARE = "Give the target a model, or its protocol columns = [...] in the order that the service expects."


def arranged(
    rows: Sequence[Row],
    columns: tuple[str, ...],
    *,
    ignore: Collection[str] = (),
    texts: Collection[str] = (),
) -> Table:
    """The rows with their values in the order of `columns`, or in their own where that is not known.

    Raises CaptureError for a column that is missing or too many, as servers that go by position take the
    rest for something else without a word. `ignore` names columns to leave out; "*" is all that are unknown.
    A cell of CSV is a text in the columns `texts`, and elsewhere a number where it spells one.
    """
    names = columns or _own_names(rows, ignore=ignore)
    return Table(names, tuple(_values(row, names, ignore=ignore, texts=texts) for row in rows))


def _own_names(rows: Sequence[Row], *, ignore: Collection[str]) -> tuple[str, ...]:
    first = rows[0] if rows else ()
    return tuple(name for name in first if name not in ignore) if isinstance(first, dict) else ()


def _values(
    row: Row, names: tuple[str, ...], *, ignore: Collection[str], texts: Collection[str]
) -> tuple[Value, ...]:
    if isinstance(row, tuple):
        if names and len(row) != len(names):
            raise CaptureError(
                "the row has another number of values than there are columns",
                found=len(row),
                expected=len(names),
                fix="Check the columns of the target's protocol, or those of its model.",
            )
        places = names or tuple(map(str, range(len(row))))
        return tuple(_value(value, name, texts=texts) for value, name in zip(row, places, strict=True))
    missing = [name for name in names if name not in row]
    if missing:
        raise CaptureError(
            "the row lacks columns", found=f"no {_few(missing)} among {_few(list(row))}", expected=_few(names)
        )
    unknown = [] if "*" in ignore else sorted(row.keys() - set(names) - set(ignore))
    if unknown:
        raise CaptureError(
            "the row has columns that the service does not expect",
            found=_few(unknown),
            expected=_few(names),
            fix='Name them in ignore of the target\'s protocol ("*" is all), or point rows at the features.',
        )
    return tuple(_value(row[name], name, texts=texts) for name in names)


def _value(value: object, name: str, *, texts: Collection[str]) -> Value:
    if isinstance(value, Cell):
        return value.under(name, texts)
    if isinstance(value, SCALARS):
        return value
    raise CaptureError(
        "a column holds more than one value", where=f"column {name[:40]!r}", found=type(value).__name__
    )


def _few(names: Sequence[str]) -> str:
    """The first names, and how many more there are."""
    more = f" and {len(names) - MANY} more" if len(names) > MANY else ""
    return ", ".join(name[:40] for name in names[:MANY]) + more
