"""Where the captured requests come from: a list in memory, or the run's Parquet parts, read when wanted."""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Protocol, runtime_checkable

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from harness.errors import RunError
from harness.records import CapturedRequest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

    from numpy.typing import NDArray

_CURSORS = 8
_BATCH_ROWS = 1024
_BUFFER_BYTES = 1 << 16  # without it a column of a whole row group is in memory


@runtime_checkable
class Source(Protocol):
    """A capture as the engine reads it."""

    def seqs(self, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        """The `seq` of each of these rows, int64 (n,); known without reading the requests."""

    def read(self, rows: NDArray[np.int64]) -> Sequence[CapturedRequest]:
        """The requests of these rows, in their order; called in a thread, one call at a time."""


class Listed:
    """A capture in memory."""

    def __init__(self, requests: Sequence[CapturedRequest]) -> None:
        self._requests = requests

    def seqs(self, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        """The `seq` of each of these rows, int64 (n,)."""
        return np.fromiter((self._requests[row].seq for row in rows.tolist()), np.int64, len(rows))

    def read(self, rows: NDArray[np.int64]) -> Sequence[CapturedRequest]:
        """The requests of these rows, in their order."""
        return [self._requests[row] for row in rows.tolist()]


def as_source(requests: Sequence[CapturedRequest] | Source) -> Source:
    """The requests as a source."""
    return requests if isinstance(requests, Source) else Listed(requests)


class Parted:
    """A capture in `part-*.parquet` of a folder, rows in name order, of which a few thousand are in memory.

    `decode` makes requests of a table's rows (`harness.capture.requests`). Rows are cheap in file order, also
    that of a few interleaved files; any order is right, but what was passed is decoded again. Raises RunError
    for a folder without parts.
    """

    def __init__(self, folder: Path, *, decode: Callable[[pa.Table], Iterable[CapturedRequest]]) -> None:
        self._decode = decode
        self._files = sorted(folder.glob("part-*.parquet"))
        if not self._files:
            raise RunError("no capture in this folder", where=str(folder), expected="part-00000.parquet")
        self._seqs: NDArray[np.int64] = self.columns("seq")["seq"].to_numpy()
        self._cursors: OrderedDict[int, _Cursor] = OrderedDict()
        groups = [(file, group, size) for file in self._files for group, size in _groups(file)]
        self._groups = [(file, group) for file, group, _ in groups]
        self._starts = np.cumsum([0, *(size for _, _, size in groups)], dtype=np.int64)

    def __len__(self) -> int:
        return len(self._seqs)

    def columns(self, *names: str) -> pa.Table:
        """Some columns of the whole capture."""
        tables = []
        for file in self._files:
            with _opened(file) as part:
                tables.append(part.read(columns=list(names), use_threads=False))
        return pa.concat_tables(tables)

    def seqs(self, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        """The `seq` of each of these rows, int64 (n,)."""
        return self._seqs[rows]

    def read(self, rows: NDArray[np.int64]) -> Sequence[CapturedRequest]:
        """The requests of these rows, in their order."""
        order = np.argsort(rows, kind="stable")
        groups = np.searchsorted(self._starts, rows[order], side="right") - 1
        tables = []
        for number in np.unique(groups).tolist():
            within = rows[order][groups == number] - self._starts[number]
            tables.append(self._cursor(number).take(within))
        if not tables:
            return []
        decoded = list(self._decode(pa.concat_tables(tables)))
        return [decoded[place] for place in np.argsort(order).tolist()]

    def _cursor(self, number: int) -> _Cursor:
        """The cursor of a row group, new unless it was used lately."""
        if number not in self._cursors:
            self._cursors[number] = _Cursor(*self._groups[number])
            if len(self._cursors) > _CURSORS:
                self._cursors.popitem(last=False)[1].close()
        self._cursors.move_to_end(number)
        return self._cursors[number]


class _Cursor:
    """Goes forward through one row group, batch by batch, and remembers the last two."""

    def __init__(self, file: Path, group: int) -> None:
        self._file = file
        self._group = group
        self._last: deque[tuple[int, pa.Table]] = deque(maxlen=2)
        self._part: pq.ParquetFile | None = None
        self._batches: Iterator[pa.RecordBatch] = iter(())
        self._size = self._passed = 0

    def take(self, rows: NDArray[np.int64]) -> pa.Table:
        """These rows of the group, ascending."""
        if not self._last or rows[0] < self._last[0][0]:
            self._rewind()
        found, taken = [], 0
        while taken < len(rows):
            for start, batch in self._last:
                upto = int(np.searchsorted(rows, start + len(batch)))
                if upto > taken:
                    found.append(batch.take(pa.array(rows[taken:upto] - start)))
                    taken = upto
            if taken < len(rows):
                self._forward()
        return pa.concat_tables(found)

    def _forward(self) -> None:
        """One batch further; after the last one the file is closed, for an open group takes 30 MB."""
        batch = next(self._batches, None)
        if batch is None:
            raise RunError("an artefact of the run has fewer rows than it says", where=str(self._file))
        self._last.append((self._passed, pa.Table.from_batches([batch])))
        self._passed += len(batch)
        if self._passed == self._size:
            self.close()

    def _rewind(self) -> None:
        self.close()
        self._part = _opened(self._file)
        self._size, self._passed = self._part.metadata.row_group(self._group).num_rows, 0
        self._batches = self._part.iter_batches(_BATCH_ROWS, row_groups=[self._group], use_threads=False)
        self._last.clear()

    def close(self) -> None:
        """The file is closed."""
        self._batches = iter(())
        if self._part is not None:
            self._part.close()
            self._part = None


def _groups(file: Path) -> list[tuple[int, int]]:
    """The row groups of a part, each with its rows."""
    with _opened(file) as part:
        return [(k, part.metadata.row_group(k).num_rows) for k in range(part.num_row_groups)]


def _opened(file: Path) -> pq.ParquetFile:
    try:
        return pq.ParquetFile(file, buffer_size=_BUFFER_BYTES)
    except (OSError, pa.ArrowException) as error:
        raise RunError(f"an artefact of the run cannot be read: {error}", where=str(file)) from error


class RequestIds(Mapping[int, str]):
    """The request id of each `seq`, kept as columns: 30 bytes a request instead of 200."""

    def __init__(self, seq: NDArray[np.int64], request_id: pa.ChunkedArray | pa.Array) -> None:
        order = np.argsort(seq, kind="stable")
        self._seq = seq[order]
        ids = request_id.combine_chunks() if isinstance(request_id, pa.ChunkedArray) else request_id
        self._ids = ids if np.all(order[1:] > order[:-1]) else ids.take(pa.array(order))

    def __getitem__(self, seq: int) -> str:
        place = int(np.searchsorted(self._seq, seq))
        if place == len(self._seq) or self._seq[place] != seq:
            raise KeyError(seq)
        return str(self._ids[place].as_py())

    def __iter__(self) -> Iterator[int]:
        return iter(self._seq.tolist())

    def __len__(self) -> int:
        return len(self._seq)
