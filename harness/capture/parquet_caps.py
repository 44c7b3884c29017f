"""What a Parquet file may become in memory, known from its footer and page headers before a page is unpacked.

A dictionary holds a value once that a column has a million times, and zstd packs zeros two thousand to one: a
file of kilobytes can ask for terabytes. https://parquet.apache.org/docs/file-format/ has the layout.
"""

from __future__ import annotations

from pathlib import Path
from typing import IO

import pyarrow.parquet as pq

from harness.errors import DataError

#: of a column of one row group, unpacked, where it is more than `_RATIO` times its size in the file
MOST_BYTES = 256 << 20
_RATIO = 250
_BATCH_ROWS = 2_048
_BATCH_BYTES = 4 << 20
#: rows that are fewer than this are borne however small the file
FEW_ROWS = 1_000_000
_DICTIONARY_PAGE = 2
_HEADER_BYTES = 64
_I32 = 0x15  # a field that follows the one before it, of type i32, in Thrift's compact protocol


def rows_at_once(file: pq.ParquetFile, path: Path, *, error: type[DataError]) -> int:
    """So many rows that a batch of them stays in memory, dictionaries written out.

    Raises `error` for a file that was made to fill the memory or to be read for ever: a column or dictionary
    that unpacks to more than 256 MiB and 250 times its size, or more rows than bytes.
    """
    metadata = file.metadata
    size = path.stat().st_size
    if metadata.num_rows > max(FEW_ROWS, size):
        raise _bomb(path, f"{metadata.num_rows:,} rows in {size:,} bytes", error=error)
    largest = 1
    with path.open("rb") as raw:
        for group in range(metadata.num_row_groups):
            for column in range(metadata.num_columns):
                found = metadata.row_group(group).column(column)
                _check(found, path, error=error)
                largest = max(largest, _dictionary_bytes(raw, found))
    if largest > MOST_BYTES:
        raise _bomb(path, f"a dictionary of {largest:,} bytes", error=error)
    return max(1, min(_batch_rows(metadata), MOST_BYTES // largest))


def _batch_rows(metadata: pq.FileMetaData) -> int:
    """So many rows that a batch of them stays near 4 MiB: bodies may be large."""
    size = sum(metadata.row_group(group).total_byte_size for group in range(metadata.num_row_groups))
    return int(min(_BATCH_ROWS, max(1, _BATCH_BYTES * metadata.num_rows // max(size, 1))))


def _check(column: pq.ColumnChunkMetaData, path: Path, *, error: type[DataError]) -> None:
    unpacked, packed = column.total_uncompressed_size, max(1, column.total_compressed_size)
    if unpacked > MOST_BYTES and unpacked > _RATIO * packed:
        found = f"{unpacked:,} bytes out of {packed:,} in column {column.path_in_schema!r}"
        raise _bomb(path, found, error=error)


def _bomb(path: Path, found: str, *, error: type[DataError]) -> DataError:
    return error(
        "this file would fill the memory",
        where=str(path),
        found=found,
        fix="If it is honest, write it again with smaller row groups.",
    )


def _dictionary_bytes(raw: IO[bytes], column: pq.ColumnChunkMetaData) -> int:
    """How large the dictionary of a column is when unpacked; 0 where none can be seen."""
    start = column.dictionary_page_offset or column.data_page_offset
    if start is None or not 0 <= start < 2**63:
        return 0
    raw.seek(start)
    numbers = _numbers(raw.read(_HEADER_BYTES))
    return numbers[1] if len(numbers) == 2 and numbers[0] == _DICTIONARY_PAGE else 0


def _numbers(header: bytes) -> list[int]:
    """The first two fields of a page header, its type and unpacked size: zigzag varints."""
    found: list[int] = []
    place = 0
    while len(found) < 2 and header[place : place + 1] == bytes([_I32]):
        value = shift = 0
        place += 1
        while place < len(header) and shift < 35:
            value |= (header[place] & 0x7F) << shift
            place, shift = place + 1, shift + 7
            if header[place - 1] < 0x80:
                break
        found.append(value >> 1 ^ -(value & 1))
    return found
