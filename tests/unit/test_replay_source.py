"""A capture in parts reads like one in memory, whatever the order, and its ids are found by seq."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from harness import capture
from harness.capture.table import to_table
from harness.errors import RunError
from harness.records import CapturedRequest
from harness.replay.source import Listed, Parted, RequestIds, as_source

N = 5000


def captured(n: int = N) -> list[CapturedRequest]:
    """Requests whose seq is not their row."""
    return [CapturedRequest(seq=10 + 3 * k, request_id=f"r{k}", ts_ns=k, body=b"%d" % k) for k in range(n)]


@pytest.fixture(scope="module")
def parts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The capture in two parts, of three row groups and one."""
    folder = tmp_path_factory.mktemp("capture")
    table = to_table(captured())
    pq.write_table(table.slice(0, 3500), folder / "part-00000.parquet", row_group_size=1300)
    pq.write_table(table.slice(3500), folder / "part-00001.parquet")
    (folder / "part-00002.parquet.tmp").write_bytes(b"torn")
    return folder


def read(source: Parted, rows: list[int]) -> list[int]:
    """The rows that come back, read from the bodies."""
    return [int(request.body) for request in source.read(np.array(rows, np.int64))]


def orders() -> Iterator[list[int]]:
    """Orders a schedule may want rows in."""
    yield list(range(N))
    yield list(range(N - 1, -1, -1000))
    yield [4999, 0, 1299, 1300, 2599, 2600, 3499, 3500, 0, 0]
    yield [k for pair in zip(range(1000), range(3500, 4500), strict=True) for k in pair]
    yield []
    yield np.random.default_rng(1).permutation(N)[:40].tolist()


@pytest.mark.parametrize("order", list(orders()))
def test_rows_come_in_the_order_they_were_asked_for(parts: Path, order: list[int]) -> None:
    """Across groups and parts, forward and back, in one call or in many."""
    source = Parted(parts, decode=capture.requests)
    assert read(source, order) == order
    assert [row for k in range(0, len(order), 64) for row in read(source, order[k : k + 64])] == order


def test_a_request_is_read_whole(parts: Path) -> None:
    """Equal to the one that was written, as from a list."""
    rows = np.array([4100, 17], np.int64)
    source = Parted(parts, decode=capture.requests)
    assert list(source.read(rows)) == list(Listed(captured()).read(rows))
    assert source.seqs(rows).tolist() == Listed(captured()).seqs(rows).tolist() == [12310, 61]
    assert len(source) == N


def test_lists_become_sources_and_sources_stay(parts: Path) -> None:
    """Both kinds of capture go into the engine."""
    source = Parted(parts, decode=capture.requests)
    assert as_source(source) is source
    assert as_source(captured(3)).seqs(np.array([2], np.int64)).tolist() == [16]


def test_a_folder_without_parts_or_with_a_broken_one_is_named(tmp_path: Path) -> None:
    """RunError with the place."""
    with pytest.raises(RunError, match="no capture"):
        Parted(tmp_path, decode=capture.requests)
    (tmp_path / "part-00000.parquet").write_bytes(b"PAR1 or not")
    with pytest.raises(RunError, match=r"part-00000\.parquet.*cannot be read"):
        Parted(tmp_path, decode=capture.requests)


def test_ids_are_found_by_seq_in_any_order() -> None:
    """A seq that is not there is a KeyError, so that `get` says None."""
    ids = RequestIds(np.array([9, 2, 5], np.int64), pa.chunked_array([["nine"], ["two", "five"]]))
    assert dict(ids) == {2: "two", 5: "five", 9: "nine"}
    assert (ids.get(5), ids.get(4), ids.get(10), len(ids)) == ("five", None, None, 3)
