"""Requests of several rows taken apart: a request a row, answers split alike where they have as many."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import msgspec
import pyarrow as pa

from harness.capture import times
from harness.capture.formats import Dropped
from harness.capture.formats.batches import bodies_of, rows_of
from harness.capture.formats.pieces import header
from harness.records import CapturedRequest


@dataclass
class Batches:
    """How many requests hold several rows, and how many rows those are together."""

    requests: int = 0
    rows: int = 0

    def look(self, table: pa.Table) -> None:
        """The rows of the requests in the table (CAPTURE) are counted."""
        for body, headers in zip(table["body"].to_pylist(), table["headers"].to_pylist(), strict=True):
            found = len(bodies_of(body, header(dict(headers), "content-type")))
            if found > 1:
                self.requests += 1
                self.rows += found

    def sentences(self) -> list[str]:
        """What to do about them, as `wording.told` writes; nothing where there are none."""
        if not self.requests:
            return []
        hold = "holds" if self.requests == 1 else "hold"
        told = f"{times.counted(self.requests, 'request')} {hold} {self.rows:,} rows: import --explode makes"
        told += " a request of each"
        return [f"{'several rows:':<18} {told}"]


def exploded(
    requests: Iterable[CapturedRequest], on_dropped: Callable[[Dropped], None]
) -> Iterator[CapturedRequest]:
    """Each row of a batch as a request of its own, `seq` dense; others as they are.

    A row has its number, the id of its batch as `parent_id`, and its own part of the answer. How long the
    batch took is not its latency. An answer of another number of rows is left out and told, as is a body that
    has the looks of rows and was not taken apart.
    """
    seq = 0
    for request in requests:
        for row in rows_of(request, on_dropped):
            yield row if row.seq == seq else msgspec.structs.replace(row, seq=seq)
            seq += 1
