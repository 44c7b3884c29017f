"""Two columns compared cell by cell: which cells differ, in what way, and how they read."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from enum import IntEnum
from typing import Any, Final

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from harness.columns import Column, Kind
from harness.diff.bands import SHIPPED, Band, Rule, Whole, fitted, whole
from harness.diff.tolerance import Tolerances

#: characters of a text that an artefact keeps; an Arrow array of texts holds 2 GB at most
KEPT = 10_000


class Difference(IntEnum):
    """In what way two cells differ; its name in lower case is the `kind` of an artefact."""

    EQUAL = 0
    VALUE = 1
    CATEGORY = 2
    NAN = 3
    NULL = 4
    MISSING = 5
    TYPE = 6
    NONDETERMINISTIC = 7

    @property
    def label(self) -> str:
        """How reports and artefacts spell it."""
        return self.name.lower()


def _verdicts() -> NDArray[np.uint8]:
    """What two kinds of cell say before any value is read: NaN and null are one and the same to JSON."""
    table = np.zeros((len(Kind), len(Kind)), np.uint8)
    # Later lines win: a field left out is missing whatever the other side holds.
    for kind, difference in (
        (Kind.NAN, Difference.NAN),
        (Kind.NULL, Difference.NULL),
        (Kind.WRONG_TYPE, Difference.TYPE),
        (Kind.MISSING, Difference.MISSING),
    ):
        table[kind, :] = table[:, kind] = difference
    table[np.ix_([Kind.NAN, Kind.NULL], [Kind.NAN, Kind.NULL])] = Difference.EQUAL
    table[Kind.MISSING, Kind.MISSING] = Difference.EQUAL
    return table


_VERDICTS: Final = _verdicts()


@dataclass(frozen=True)
class Judged:
    """One feature compared over n requests: uint8 codes (n,) of `Difference`, and the rows that differ.

    `compared` counts the requests on which at least one arm shows the feature; `silenced` int64 are the rows
    that differ by the shipped tolerance and pass by the user's.
    """

    field: str
    left: Column
    right: Column
    codes: NDArray[np.uint8]
    rows: NDArray[np.int64]
    compared: int
    band: Rule
    silenced: NDArray[np.int64]
    ignored: bool = False

    @property
    def rule(self) -> str:
        """The tolerance in words."""
        if self.ignored:
            return "ignored"
        return "same text" if self.left.dtype == "category" else str(self.band)


def mismatch(left: Column, right: Column, *, tolerance: Rule = SHIPPED) -> NDArray[np.uint8]:
    """How each cell differs: uint8 (n,) of `Difference`, 0 where equal, the same with the sides exchanged.

    NaN and null equal themselves and each other; against a value they are `nan` and `null`. A field that one
    side leaves out is `missing`; a wrong-typed cell is `type` unless the other side holds the same raw text.
    Numbers differ beyond the tolerance (`value`), categories by the text of their level (`category`).
    """
    codes = _unequal(left, right, tolerance=tolerance)
    special = np.flatnonzero((left.kind | right.kind).astype(np.bool_))  # VALUE is 0: one side holds none
    codes[special] = _VERDICTS[left.kind[special], right.kind[special]]
    for row in left.text.keys() & right.text.keys():
        codes[row] = Difference.EQUAL if left.text[row] == right.text[row] else Difference.TYPE
    return codes


def _unequal(left: Column, right: Column, *, tolerance: Rule) -> NDArray[np.uint8]:
    """How each cell would differ if both held a value; uint8 (n,)."""
    if left.dtype != right.dtype:
        return np.full(len(left.kind), Difference.TYPE, np.uint8)
    if left.dtype == "category":
        return np.where(left.values != right.values, Difference.CATEGORY, Difference.EQUAL).astype(np.uint8)
    unequal = ~tolerance.holds(left.values, right.values)
    return unequal.view(np.uint8)  # True is 1 is Difference.VALUE


def judge(left: Column, right: Column, *, name: str, tolerances: Tolerances) -> Judged:
    """One feature compared under the user's tolerance, with what that tolerance silenced."""
    shipped = _by_type(left, SHIPPED)
    mine = name in tolerances.features or tolerances.default.widens
    rule = tolerances.rule(name) if mine else _by_type(left, tolerances.default)
    band = fitted(rule, _numbers(right))
    codes = mismatch(left, right, tolerance=band)
    silenced = np.zeros(0, np.int64)
    if tolerances.ignores(name) or band.widens:
        strict = mismatch(left, right, tolerance=shipped)
        if tolerances.ignores(name):
            codes = np.zeros_like(codes)
        silenced = np.flatnonzero((strict != Difference.EQUAL) & (codes == Difference.EQUAL))
    missing = Kind.MISSING.value  # to numpy a member is an int64, and comparing with one is ten times slower
    unseen = (left.kind == missing) & (right.kind == missing)
    return Judged(
        field=name,
        left=left,
        right=right,
        codes=codes,
        rows=np.flatnonzero(codes.astype(np.bool_)),
        compared=len(codes) - int(np.count_nonzero(unseen)),
        band=band,
        silenced=silenced,
        ignored=tolerances.ignores(name),
    )


def _by_type(left: Column, band: Band) -> Rule:
    """What holds for a column by its type: whole numbers exactly, other numbers within a band."""
    return Whole(band) if whole(_numbers(left)) else band


def _numbers(column: Column) -> NDArray[np.float64]:
    """The values of a column of numbers, none of another."""
    return column.values if column.dtype == "number" else np.zeros(0)


def absent(like: Column) -> Column:
    """The column of an arm that leaves a feature out on every request."""
    values = np.full_like(like.values, np.nan if like.dtype == "number" else None)
    return Column(like.dtype, values, np.full(len(like.kind), Kind.MISSING, np.uint8))


def take(column: Column, rows: NDArray[np.int64]) -> Column:
    """The cells of some rows, in their order."""
    text = (
        {i: column.text[row] for i, row in enumerate(rows.tolist()) if row in column.text}
        if column.text
        else {}
    )
    return Column(column.dtype, column.values[rows], column.kind[rows], text)


def signed(judged: Judged, rows: NDArray[np.int64]) -> NDArray[np.float64]:
    """The change right − left on some rows, float64 (rows,); NaN where it is no finite number."""
    if judged.left.dtype != "number" or judged.right.dtype != "number":
        return np.full(len(rows), np.nan)
    with np.errstate(invalid="ignore", over="ignore"):
        change = judged.right.values[rows] - judged.left.values[rows]
    return np.where(np.isfinite(change), change, np.nan)


def largest(judged: Judged, rows: NDArray[np.int64]) -> float | None:
    """The largest finite absolute change on some rows, None where there is none."""
    sizes = np.abs(signed(judged, rows))
    sizes = sizes[np.isfinite(sizes)]
    return float(sizes.max()) if len(sizes) else None


def texts(column: Column, rows: NDArray[np.int64]) -> pa.StringArray:
    """Cells as JSON texts (rows,), NaN and infinities spelled as strings, null where the field is missing."""
    kind, values = column.kind[rows], column.values[rows]
    spoken = _number_texts(values) if column.dtype == "number" else _level_texts(values)
    blank = pa.array(["", '"NaN"', "null", None, ""], pa.string()).take(pa.array(kind))
    found = pc.if_else(pa.array(kind == Kind.VALUE), spoken, blank)
    wrong = kind == Kind.WRONG_TYPE
    if not wrong.any():
        return found
    raw = [_raw_text(column.text.get(row, "")) for row in rows[wrong].tolist()]
    return pc.replace_with_mask(found, pa.array(wrong), pa.array(raw, pa.string()))


def _kept(text: str) -> str:
    """A text as artefacts keep it: of one that is longer than a page, its start, length and checksum."""
    if len(text) <= KEPT:
        return text
    return f"{text[:KEPT]}… ({len(text):,} characters, crc32 {zlib.crc32(text.encode()):08x})"


def _number_texts(values: NDArray[np.float64]) -> pa.StringArray:
    plain = pa.array(values).cast(pa.string())
    if not np.isinf(values).any():
        return plain
    infinite = pa.array(np.where(values > 0, '"Infinity"', '"-Infinity"'))
    return pc.if_else(pa.array(np.isinf(values)), infinite, plain)


def _raw_text(text: str) -> str:
    """The JSON of a wrong-typed cell as it stands; cut it is no JSON any more, and becomes a string."""
    return text if len(text) <= KEPT else msgspec.json.encode(_kept(text)).decode()


def _level_texts(values: NDArray[Any]) -> pa.StringArray:
    short = [value if value is None else _kept(value) for value in values.tolist()]
    coded = pa.array(short, pa.string()).dictionary_encode()
    levels = [msgspec.json.encode(level).decode() for level in coded.dictionary.to_pylist()]
    return pa.array(levels, pa.string()).take(coded.indices)
