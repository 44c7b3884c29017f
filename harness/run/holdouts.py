"""Holdout and training files of a diagnosis, as columns; and how often a holdout has been used."""

from __future__ import annotations

import contextlib
import fcntl
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv, parquet

from harness import diff, join
from harness.capture.intake import sha256
from harness.diagnosis.leakage import Use
from harness.errors import HoldoutError, PipelineError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    from harness.columns import Column

#: what is no feature in such a file, unless the model has a feature of that name
OWN = ("request_id", "id", "unit", "event_time", "label_at", "label", "score", "score_training_only")
USES = "holdout_uses.jsonl"


@dataclass(frozen=True)
class RowsFile:
    """A file of rows: what it says of each, None where it has no such column, and its feature columns.

    `unusable` says by feature why a column that the model needs cannot be used.
    """

    path: Path
    digest: str
    size: int
    request_id: NDArray[np.object_] | None
    unit: NDArray[np.object_] | None
    event_ns: NDArray[np.int64] | None
    label: NDArray[np.float64] | None
    score: NDArray[np.float64] | None
    training_only: NDArray[np.float64] | None
    features: dict[str, Column]
    unusable: dict[str, str]

    def lacking(self, names: Iterable[str]) -> list[str]:
        """The model's features that it does not have, or not in a usable way."""
        return [name for name in names if name not in self.features]

    def notes(self, names: Iterable[str]) -> list[str]:
        """What of the model's features it lacks, and what it has that cannot be used."""
        gone = [name for name in self.lacking(names) if name not in self.unusable]
        told = [f"no column {', '.join(gone)}"] if gone else []
        return [f"{self.path.name}: {one}" for one in (*told, *self.unusable.values())]


def read_rows(path: Path, dtypes: Mapping[str, str]) -> RowsFile:
    """The rows of a Parquet or CSV file; `dtypes` are the model's features, number or category.

    Raises HoldoutError for a file that is missing, no table, empty, or with labels that are no 0 or 1.
    """
    table = _table(path, dtypes)
    if not len(table):
        raise HoldoutError("the file has no rows", where=str(path))
    features, unusable = _features(table, dtypes)
    own = [name for name in OWN if name in table.column_names]
    return RowsFile(
        path=path,
        digest=sha256(path),
        size=len(table),
        request_id=_texts(table, "request_id" if "request_id" in own else "id", path=path),
        unit=_texts(table, "unit", path=path),
        event_ns=_times(table, "event_time", path=path),
        label=_labels(table, path=path),
        score=_numbers(table, "score", path=path),
        training_only=_numbers(table, "score_training_only", path=path),
        features=features,
        unusable=unusable,
    )


def _table(path: Path, dtypes: Mapping[str, str]) -> pa.Table:
    if not path.is_file():
        raise HoldoutError("no such file", where=str(path), fix="Mend its path under [diagnosis].")
    try:
        if path.suffix == ".parquet":
            return parquet.read_table(path)
        if path.suffix == ".csv":
            texts = {name: pa.string() for name, kind in dtypes.items() if kind == "category"}
            texts |= dict.fromkeys(("request_id", "id", "unit"), pa.string())
            return csv.read_csv(
                path,
                convert_options=csv.ConvertOptions(column_types=texts, strings_can_be_null=True),
            )
    except (OSError, pa.ArrowException) as error:
        reason = str(error).splitlines()[0]
        raise HoldoutError("the file cannot be read", where=str(path), found=reason) from error
    raise HoldoutError("unknown kind of file", where=str(path), expected="a name ending in .parquet or .csv")


def _features(table: pa.Table, dtypes: Mapping[str, str]) -> tuple[dict[str, Column], dict[str, str]]:
    found: dict[str, Column] = {}
    unusable: dict[str, str] = {}
    for name, kind in dtypes.items():
        if name not in table.column_names:
            continue
        column = table[name]
        with contextlib.suppress(pa.ArrowException):  # what cannot be turned is told as it is
            column = column.cast(pa.string() if kind == "category" else pa.float64())
        try:
            made = diff.from_table(pa.table({name: column}))[name]
        except PipelineError as error:
            unusable[name] = error.sentence()
            continue
        if made.dtype == kind:
            found[name] = made
        else:
            unusable[name] = f"{name} holds {table[name].type}, the model wants a {kind}"
    return found, unusable


def _texts(table: pa.Table, name: str, *, path: Path) -> NDArray[np.object_] | None:
    if name not in table.column_names:
        return None
    found = np.empty(len(table), dtype=object)
    try:
        found[:] = table[name].cast(pa.string()).to_pylist()
    except pa.ArrowException as error:
        raise HoldoutError(
            f"{name} is no text", where=str(path), found=str(table[name].type), expected="texts or numbers"
        ) from error
    return found


def _times(table: pa.Table, name: str, *, path: Path) -> NDArray[np.int64] | None:
    if name not in table.column_names:
        return None
    column = table[name]
    try:
        if pa.types.is_string(column.type):
            column = pc.cast(column, pa.timestamp("ns", tz="UTC"))
        stamps = column.cast(pa.timestamp("ns", tz="UTC")).cast(pa.int64())
    except pa.ArrowException as error:
        raise HoldoutError(
            f"{name} is no time", where=str(path), found=str(column.type), expected="a timestamp, or RFC 3339"
        ) from error
    if stamps.null_count:
        return None  # a time that is not known for all rows orders none of them
    found: NDArray[np.int64] = stamps.to_numpy()
    return found


def _numbers(table: pa.Table, name: str, *, path: Path) -> NDArray[np.float64] | None:
    if name not in table.column_names:
        return None
    try:
        column = pc.fill_null(table[name].cast(pa.float64()), np.nan)
    except pa.ArrowException as error:
        raise HoldoutError(
            f"{name} is no number", where=str(path), found=str(table[name].type), expected="numbers"
        ) from error
    return np.asarray(column.to_numpy(), dtype=np.float64)


def _labels(table: pa.Table, *, path: Path) -> NDArray[np.float64] | None:
    found = _numbers(table, "label", path=path)
    if found is None:
        return None
    strange = found[~(np.isnan(found) | (found == 0.0) | (found == 1.0))]
    if strange.size:
        raise HoldoutError(
            "label is not 0 or 1",
            where=str(path),
            found=f"{strange[0]:g} in {strange.size:,} of {found.size:,} rows",
            expected="0, 1 or empty",
        )
    return found


def aligned(rows: RowsFile, other: RowsFile) -> RowsFile:
    """The rows of `other` in the order of `rows`, by request_id; HoldoutError unless each is there once."""
    if rows.request_id is None or other.request_id is None:
        lacks = rows if rows.request_id is None else other
        raise HoldoutError("the file has no request_id to find the same rows by", where=str(lacks.path))
    place = {name: k for k, name in enumerate(other.request_id.tolist())}
    if len(place) != other.size:
        raise HoldoutError("a request_id is there twice", where=str(other.path), expected="each once")
    missing = [name for name in rows.request_id.tolist() if name not in place]
    if missing:
        raise HoldoutError(
            "rows of the holdout are not there",
            where=str(other.path),
            found=f"{len(missing):,} missing, {missing[0]!r} for one",
            expected="every request_id of the holdout",
        )
    take = np.array([place[name] for name in rows.request_id.tolist()], dtype=np.int64)
    return RowsFile(
        path=other.path,
        digest=other.digest,
        size=rows.size,
        request_id=rows.request_id,
        unit=None if other.unit is None else other.unit[take],
        event_ns=None if other.event_ns is None else other.event_ns[take],
        label=None if other.label is None else other.label[take],
        score=None if other.score is None else other.score[take],
        training_only=None if other.training_only is None else other.training_only[take],
        features=join.take(other.features, take),
        unusable=other.unusable,
    )


def noted_uses(results: Path, use: Use) -> tuple[Use, ...]:
    """All uses of holdouts in a results folder, this one added; the same use is not noted twice."""
    path = results / USES
    with path.open("a+b") as file:
        # Two diagnoses at once would else both find that the use is not noted; closing lets go.
        fcntl.flock(file, fcntl.LOCK_EX)
        known = _known_uses(path)
        if any(one.holdout == use.holdout and one.decision == use.decision for one in known):
            return known
        file.write(_line_end(file) + msgspec.json.encode(use) + b"\n")
        file.flush()
        os.fsync(file.fileno())
    return (*known, use)


def _line_end(file: BinaryIO) -> bytes:
    """What ends a line that a kill cut, so that the next one is not lost with it."""
    if not file.seek(0, os.SEEK_END):
        return b""
    file.seek(-1, os.SEEK_END)
    return b"" if file.read(1) == b"\n" else b"\n"


def _known_uses(path: Path) -> tuple[Use, ...]:
    """Every whole line; a line that a kill cut is left out."""
    if not path.is_file():
        return ()
    found = []
    for raw in path.read_bytes().splitlines():
        with contextlib.suppress(msgspec.MsgspecError, UnicodeDecodeError):
            found.append(msgspec.json.decode(raw, type=Use))
    return tuple(found)
