"""What a Parquet file may become in memory, known from its footer and page headers before a page is unpacked.

A dictionary holds a value once that a column has a million times, and zstd packs zeros two thousand to one: a
file of kilobytes can ask for terabytes. https://parquet.apache.org/docs/file-format/ has the layout.
"""

from __future__ import annotations

from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import IO

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from harness.capture.parquet_footer import Column, columns_of, varint
from harness.errors import DataError

#: of a column of one row group, unpacked, where it is more than `_RATIO` times its size in the file
MOST_BYTES = 256 << 20
_RATIO = 250
_BATCH_ROWS = 2_048
#: at once, of a file whose footer was not understood
_BLIND_ROWS = 16
_BATCH_BYTES = 4 << 20
#: of the rows at once, were each the widest that the dictionaries of its row group can make
_WRITTEN_OUT_BYTES = 32 << 20
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
    columns = columns_of(path)
    if columns is None or len(columns) != metadata.num_row_groups * metadata.num_columns:
        return _BLIND_ROWS
    for column in columns:
        _check(column, path, error=error)
    with path.open("rb") as raw:
        sizes = [_dictionary_bytes(raw, column.start) for column in columns]
    largest = max(sizes, default=0)
    if largest > MOST_BYTES:
        raise _bomb(path, f"a dictionary of {largest:,} bytes", error=error)
    rows = _batch_rows(metadata)
    if rows * sum(sizes) > _WRITTEN_OUT_BYTES:
        rows = min(rows, _WRITTEN_OUT_BYTES // max(1, _widest(path, sizes)))
    return max(1, rows)


def _widest(path: Path, sizes: list[int]) -> int:
    """The most bytes of a row of values from dictionaries in any row group, whose columns' `sizes` these are.

    Of a column of texts the longest value counts, which its dictionary shows; of one inside a map, and of
    others, all of the dictionary.
    """
    with pq.ParquetFile(path) as file:
        leaves = [file.schema.column(place) for place in range(len(file.schema))]
    paths = [one.path for one in leaves]
    texts = {
        one.path: place
        for place, one in enumerate(leaves)
        if one.physical_type == "BYTE_ARRAY" and one.path == one.name and paths.count(one.path) == 1
    }
    found = [0]
    with pq.ParquetFile(path, read_dictionary=list(texts)) as file:
        for group in range(file.num_row_groups):
            widths = sizes[group * len(leaves) : (group + 1) * len(leaves)]
            asked = [name for name, place in texts.items() if widths[place]]
            for batch in islice(file.iter_batches(1, row_groups=[group], columns=asked), 1 if asked else 0):
                for name in asked:
                    widths[texts[name]] = _longest(batch.column(name), widths[texts[name]])
            found.append(sum(widths))
    return max(found)


def _longest(column: pa.Array, size: int) -> int:
    """The bytes of the longest value in a column's dictionary, or the `size` of all where none is seen."""
    if not pa.types.is_dictionary(column.type) or not len(column.dictionary):
        return size
    return int(pc.max(pc.binary_length(column.dictionary)).as_py() or 0)


def _batch_rows(metadata: pq.FileMetaData) -> int:
    """So many rows that a batch of them stays near 4 MiB: bodies may be large."""
    size = sum(metadata.row_group(group).total_byte_size for group in range(metadata.num_row_groups))
    return int(min(_BATCH_ROWS, max(1, _BATCH_BYTES * metadata.num_rows // max(size, 1))))


def _check(column: Column, path: Path, *, error: type[DataError]) -> None:
    unpacked, packed = column.unpacked, max(1, column.packed)
    if unpacked > MOST_BYTES and unpacked > _RATIO * packed:
        raise _bomb(path, f"a column of {unpacked:,} bytes out of {packed:,} in the file", error=error)


def _bomb(path: Path, found: str, *, error: type[DataError]) -> DataError:
    return error(
        "this file would fill the memory",
        where=str(path),
        found=found,
        fix="If it is honest, write it again with smaller row groups.",
    )


def _dictionary_bytes(raw: IO[bytes], start: int) -> int:
    """How large the dictionary that begins here is when unpacked; 0 where none can be seen."""
    if not 0 <= start < 2**62:
        return 0
    raw.seek(start)
    numbers = _numbers(raw.read(_HEADER_BYTES))
    return numbers[1] if len(numbers) == 2 and numbers[0] == _DICTIONARY_PAGE else 0


def _numbers(header: bytes) -> list[int]:
    """The first two fields of a page header, its type and unpacked size: zigzag varints."""
    found: list[int] = []
    place = 0
    with suppress(IndexError, ValueError):
        while len(found) < 2 and header[place] == _I32:
            value, place = varint(header, place + 1)
            found.append(value >> 1 ^ -(value & 1))
    return found
