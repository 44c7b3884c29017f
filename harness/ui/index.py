"""The requests of a run as columns on disk, mapped into memory: made once a run, asked in milliseconds.

Two Arrow files without compression. One has a row for each captured request, in the order of `seq`: id, unit,
segments, the score of every arm, and of every target the states it ended in and its slowest answer. The other
has the `seq` of every differing cell, sorted by pair and field, so that a field's requests are one slice.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import time
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.ipc
import pyarrow.parquet as pq

from harness import columns, join
from harness.records import State
from harness.report import words
from harness.run.folder import MANIFEST

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from harness.ui.library import Opened

VERSION = 1
STATES = tuple(State)
#: between the arms of a pair, as everywhere
VERSUS = " vs "
_REQUESTS, _CELLS, _META = "requests.arrow", "cells.arrow", "meta.json"
_SLIM = ["seq", "phase", "state", "due_ns", "written_ns", "done_ns", "score"]
_MOST_SEGMENTS = 20
#: values of a segment that are offered
_MOST_VALUES = 60
_KEPT = 20
_UNFINISHED = ".tmp"
#: an index that has not grown for so long is finished by nobody
_GIVEN_UP_NS = 86_400 * 10**9


class Meta(msgspec.Struct, frozen=True, kw_only=True):
    """What is in the columns: `cells` gives by pair and field the slice of differing requests."""

    version: int = VERSION
    n: int
    threshold: float
    pairs: tuple[tuple[str, str], ...]
    targets: tuple[str, ...]
    segments: tuple[str, ...]
    cells: dict[str, dict[str, tuple[int, int]]] = {}


@dataclass(frozen=True)
class Index:
    """The columns of one run; arrays are views of the mapped files."""

    meta: Meta
    requests: pa.Table
    cells: NDArray[np.int32]

    @classmethod
    def read(cls, folder: Path) -> Self:
        """The index in a folder."""
        meta = msgspec.json.decode((folder / _META).read_bytes(), type=Meta)
        cells = _mapped(folder / _CELLS)["seq"]
        return cls(meta, _mapped(folder / _REQUESTS), _numpy(cells))

    @cached_property
    def ids(self) -> pa.Array:
        """The id of each request."""
        return self.requests["request_id"].chunk(0)

    def numbers(self, name: str) -> NDArray[Any]:
        """A column of numbers (n,)."""
        return _numpy(self.requests[name])

    def texts(self, name: str) -> pa.DictionaryArray:
        """A column of texts that come again: units, segments."""
        return self.requests[name].chunk(0)

    def differing(self, pair: str, field: str) -> NDArray[np.int32]:
        """The requests in which a field differs between the arms of a pair, ascending."""
        start, end = self.meta.cells.get(pair, {}).get(field, (0, 0))
        return self.cells[start:end]

    @property
    def pair_names(self) -> list[tuple[str, str]]:
        """Every pair, as it is spelled in a question and in words."""
        names = [f"{right}{VERSUS}{left}" for left, right in self.meta.pairs]
        return [(name, words.printable(name)) for name in names]

    @property
    def state_names(self) -> list[tuple[str, str]]:
        """Every state a request can end in."""
        return [(str(state), state.value.replace("_", " ")) for state in STATES]

    def field_names(self, pair: str) -> list[tuple[str, str]]:
        """The fields that differ between a pair, and on how many requests, the most frequent first."""
        counts = {name: end - start for name, (start, end) in self.meta.cells.get(pair, {}).items()}
        ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
        return [(name, f"{words.clipped(name)} ({words.count(n)})") for name, n in ordered]

    @cached_property
    def segment_values(self) -> list[tuple[str, str]]:
        """The segments with few values, to choose from."""
        found = []
        for name in self.meta.segments:
            values = self.texts(f"segment:{name}").dictionary
            if len(values) <= _MOST_VALUES:
                found += [(name, value) for value in sorted(values.drop_null().to_pylist())]
        return found


def place(cache: Path, opened: Opened) -> Path:
    """Where the index of a run stands, as its files are now: another manifest is another place."""
    root = opened.folder.root.resolve()
    told = f"{VERSION} {root}\n".encode() + (root / MANIFEST).read_bytes()
    return cache / hashlib.sha256(told).hexdigest()[:32]


def made(cache: Path, opened: Opened) -> Index:
    """The index of a run, made if it is not there; the oldest ones are cleared away.

    Raises RunError where an artefact is missing or not as the run wrote it.
    """
    folder = place(cache, opened)
    if not (folder / _META).is_file():
        cache.mkdir(mode=0o700, parents=True, exist_ok=True)
        unfinished = folder.with_name(f"{folder.name}.{os.getpid()}{_UNFINISHED}")
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir(mode=0o700)
        try:
            _make(unfinished, opened)
            _publish(unfinished, folder)
        finally:
            shutil.rmtree(unfinished, ignore_errors=True)
        _clear(cache)
    return Index.read(folder)


def _publish(unfinished: Path, folder: Path) -> None:
    """The index has its name; another process may have made the same meanwhile, and then that one stands."""
    try:
        unfinished.replace(folder)
    except OSError:
        if not (folder / _META).is_file():
            raise


def _clear(cache: Path) -> None:
    """The oldest indexes go, and what nobody finishes any more."""
    kept: list[tuple[int, Path]] = []
    long_ago = time.time_ns() - _GIVEN_UP_NS
    for one in cache.iterdir():
        with contextlib.suppress(FileNotFoundError):  # another process clears the same folder
            made_ns = one.stat().st_mtime_ns
            if one.suffix != _UNFINISHED:
                kept.append((made_ns, one))
            elif made_ns < long_ago:
                shutil.rmtree(one, ignore_errors=True)
    for _, folder in sorted(kept)[:-_KEPT]:
        shutil.rmtree(folder, ignore_errors=True)


def _make(folder: Path, opened: Opened) -> None:
    loaded, run = opened.loaded, opened.folder
    known = run.read(run.capture, ["request_id", "unit", "ts_ns", "segments"])
    n = len(known)
    found: dict[str, pa.Array] = {
        "request_id": known["request_id"].combine_chunks(),
        "unit": known["unit"].combine_chunks().dictionary_encode(),
    }
    segments = _segments(known["segments"])
    found |= {f"segment:{name}": array for name, array in segments.items()}
    for model in loaded.models():
        scores = run.read(run.offline(model), ["score"])["score"].to_numpy().astype(np.float64)
        found[f"score:offline:{model}"] = pa.array(scores)
    targets = [t for t in loaded.scenario.targets if any(run.outcomes(t).glob("part-*.parquet"))]
    for target in targets:
        found |= {
            f"{name}:{target}": pa.array(one) for name, one in _answers(run.outcomes(target), n).items()
        }
    cells, places = _cells(run.differences)
    _save(pa.table(found), folder / _REQUESTS)
    _save(pa.table({"seq": pa.array(cells, pa.int32())}), folder / _CELLS)
    meta = Meta(
        n=n,
        threshold=loaded.scenario.threshold,
        pairs=tuple((one.left, one.right) for one in opened.report.pairs),
        targets=tuple(targets),
        segments=tuple(segments),
        cells=places,
    )
    columns.write_bytes(msgspec.json.encode(meta), folder / _META)


def _segments(maps: pa.ChunkedArray) -> dict[str, pa.Array]:
    """Each segment's values, as dictionaries."""
    keys = pa.chunked_array([chunk.keys for chunk in maps.chunks], pa.string())
    names = sorted(pc.unique(keys).to_pylist())[:_MOST_SEGMENTS]
    return {
        name: pc.map_lookup(maps, pa.scalar(name), "first").combine_chunks().dictionary_encode()
        for name in names
    }


def _answers(path: Path, n: int) -> dict[str, NDArray[Any]]:
    """Of one target: the score that is compared, the states a request ended in, one bit each, and its ms.

    `ms` is that of the slowest answer: response time where the request was due at a time, else service time.
    """
    outcomes = pa.concat_tables(_slim(path))
    seq = outcomes["seq"].to_numpy()
    state = outcomes["state"].to_numpy(zero_copy_only=False)
    states = np.zeros(n, np.uint16)
    for bit, one in enumerate(STATES):
        states[seq[state == one]] |= np.uint16(1 << bit)
    start = pc.coalesce(outcomes["due_ns"], outcomes["written_ns"])
    took = pc.subtract(outcomes["done_ns"], start).cast(pa.float64(), safe=False).to_numpy()
    ms = np.full(n, np.nan, np.float64)
    np.fmax.at(ms, seq, took / 1e6)
    return {
        "score": join.answers(path.name, outcomes, n=n).scores,
        "states": states,
        "ms": ms.astype(np.float32),
    }


def _slim(path: Path) -> Iterator[pa.Table]:
    """The outcomes without their texts: features are empty where there are any, for only that is asked."""
    for part in sorted(path.glob("part-*.parquet")):
        for batch in pq.ParquetFile(part).iter_batches(columns=[*_SLIM, "features"]):
            there = pc.if_else(batch["features"].is_valid(), pa.scalar(b""), pa.scalar(None, pa.binary()))
            yield pa.Table.from_batches([batch]).set_column(len(_SLIM), "features", there)


def _cells(path: Path) -> tuple[NDArray[np.int64], dict[str, dict[str, tuple[int, int]]]]:
    """The `seq` of all differing cells by pair and field, and where each of these stands among them."""
    if not any(path.glob("part-*.parquet")):
        return np.empty(0, np.int64), {}
    table = columns.read(path, ["seq", "left_arm", "right_arm", "field"])
    named = pc.binary_join_element_wise(table["right_arm"], table["left_arm"], table["field"], "\0")
    key = named.combine_chunks().dictionary_encode()
    codes, seq = key.indices.to_numpy(), table["seq"].to_numpy()
    order = np.lexsort((seq, codes))
    ends = np.searchsorted(codes[order], np.arange(len(key.dictionary) + 1))
    places: dict[str, dict[str, tuple[int, int]]] = {}
    for name, (start, end) in zip(key.dictionary.to_pylist(), pairwise(ends.tolist()), strict=True):
        right, left, field = name.split("\0", 2)
        places.setdefault(f"{right}{VERSUS}{left}", {})[field] = (start, end)
    return seq[order], places


def _save(table: pa.Table, path: Path) -> None:
    with pa.OSFile(str(path), "wb") as file, pa.ipc.new_file(file, table.schema) as writer:
        writer.write_table(table.combine_chunks())


def _mapped(path: Path) -> pa.Table:
    table = pa.ipc.open_file(pa.memory_map(str(path))).read_all()
    return table.combine_chunks() if any(c.num_chunks != 1 for c in table.columns) else table


def _numpy(column: pa.ChunkedArray) -> NDArray[Any]:
    if not column.num_chunks:
        return np.empty(0, column.type.to_pandas_dtype())
    array: NDArray[Any] = column.chunk(0).to_numpy(zero_copy_only=True)
    return array
