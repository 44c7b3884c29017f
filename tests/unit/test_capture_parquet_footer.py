"""The footer of a Parquet file read by ourselves: the sizes that pyarrow says, and no crash on any bytes."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from harness.capture.parquet_footer import columns_of
from tests.kit import captures


def test_the_sizes_are_those_that_pyarrow_says(tmp_path: Path) -> None:
    """Of every column of every row group, nested ones too."""
    path = tmp_path / "c.parquet"
    table = pa.table({"a": ["x", "y"] * 50, "b": [{"c": [1.5, None]}] * 100, "d": [True] * 100})
    pq.write_table(table, path, row_group_size=30)
    metadata = pq.read_metadata(path)
    groups = [metadata.row_group(group) for group in range(metadata.num_row_groups)]
    said = [group.column(place) for group in groups for place in range(group.num_columns)]
    assert columns_of(path) == [
        (
            one.dictionary_page_offset or one.data_page_offset,
            one.total_uncompressed_size,
            one.total_compressed_size,
        )
        for one in said
    ]


def test_a_spoiled_footer_is_not_understood_and_never_more(tmp_path: Path) -> None:
    """Each of its bytes changed in turn: sizes, or nothing."""
    whole = captures.feast()
    path = tmp_path / "c.parquet"
    length = int.from_bytes(whole[-8:-4], "little")
    nothing = 0
    for place in range(len(whole) - 8 - length, len(whole), 3):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 0x5A]) + whole[place + 1 :])
        nothing += columns_of(path) is None
    assert nothing > 10
    path.write_bytes(b"PAR1")
    assert columns_of(path) is None


def test_a_column_whose_metadata_is_a_number_is_not_understood(tmp_path: Path) -> None:
    """Found by fuzzing: field 3 of a column is a number in place of a struct."""
    column = bytes([0x36, 0x02, 0x00])
    groups = bytes([0x49, 0x1C, 0x19, 0x1C, *column, 0x00, 0x00])
    path = tmp_path / "c.parquet"
    path.write_bytes(b"PAR1" + groups + len(groups).to_bytes(4, "little") + b"PAR1")
    assert columns_of(path) is None
