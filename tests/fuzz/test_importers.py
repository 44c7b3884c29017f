"""Importers under fire, quickly: well-made files hold, and so do files whose structure was changed."""

from __future__ import annotations

import contextlib
import io
import json
import tempfile
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fuzz.importers import TARGETS

VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**70), 2**70),
    st.floats(),
    st.text(max_size=6),
    st.sampled_from(["2025-06-15T15:06:40Z", "NaN", "", "YQ==", "0" * 70, 1e-310, 1e308, "\ud7ff", [[]], {}]),
    st.recursive(
        st.none(), lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=2), inner)
    ),
)


def checked(name: str, content: bytes) -> None:
    """What must hold of any bytes holds of these."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / TARGETS[name].file
        path.write_bytes(content)
        TARGETS[name].check(path)


@pytest.mark.parametrize("name", TARGETS)
def test_the_files_to_begin_with_hold(name: str) -> None:
    """Each of them, packed ones too; a target whose seeds fail would find nothing."""
    for seed in TARGETS[name].seeds():
        checked(name, seed)


def changed(data: st.DataObject, value: Any) -> Any:  # noqa: ANN401  -- any JSON
    """The same JSON with one node replaced, taken out or doubled, wherever it stands."""
    inside = isinstance(value, dict | list) and value and data.draw(st.integers(0, 5)) > 0
    if not inside:
        return data.draw(VALUES)
    if isinstance(value, list):
        place = data.draw(st.integers(0, len(value) - 1))
        return [*value[:place], changed(data, value[place]), *value[place + data.draw(st.integers(0, 1)) :]]
    key = data.draw(st.sampled_from(sorted(value)))
    renamed = data.draw(st.sampled_from([key, key, key, key.upper(), ""]))
    return {**{name: one for name, one in value.items() if name != key}, renamed: changed(data, value[key])}


JSON = [name for name, one in TARGETS.items() if any(seed[:1] in b"{[" for seed in one.seeds() if seed)]


@pytest.mark.parametrize("name", JSON)
@settings(max_examples=15)
@given(data=st.data())
def test_json_of_another_structure_holds(name: str, data: st.DataObject) -> None:
    """A request, a counted loss, or a refusal that names its place; never anything else."""
    seed = data.draw(st.sampled_from([one for one in TARGETS[name].seeds() if one[:1] in b"{["]))
    lines: list[Any] = []
    with contextlib.suppress(ValueError):
        lines = [json.loads(seed)]
    lines = lines or [
        json.loads(line)
        for line in seed.splitlines()
        if line.strip()[:1] == b"{" and line.strip()[-1:] == b"}"
    ]
    place = data.draw(st.integers(0, max(0, len(lines) - 1)))
    if lines:
        lines[place] = changed(data, lines[place])
    checked(name, b"\n".join(json.dumps(line).encode() for line in lines))


PARQUET = [name for name, one in TARGETS.items() if one.file.endswith(".parquet")]
TYPES = [
    *(
        pa.null(),
        pa.bool_(),
        pa.int8(),
        pa.int64(),
        pa.float32(),
        pa.float64(),
        pa.string(),
        pa.large_binary(),
    ),
    *(pa.timestamp("s"), pa.timestamp("ns", tz="UTC"), pa.date32(), pa.decimal128(9, 2), pa.time64("us")),
    *(pa.list_(pa.int64()), pa.struct([("a", pa.string())]), pa.map_(pa.string(), pa.string())),
    *(pa.dictionary(pa.int32(), pa.string()), pa.duration("ms"), pa.binary(3)),
]


@pytest.mark.parametrize("name", PARQUET)
@settings(max_examples=15)
@given(data=st.data())
def test_parquet_of_other_types_holds(name: str, data: st.DataObject) -> None:
    """A column of another type, all of it null or of its default values."""
    table = pq.read_table(io.BytesIO(TARGETS[name].seeds()[0]))
    place = data.draw(st.integers(0, table.num_columns - 1))
    kind = data.draw(st.sampled_from(TYPES))
    values = [data.draw(st.sampled_from([None, *_some(kind)])) for _ in range(table.num_rows)]
    column = pa.array(values, kind)
    file = io.BytesIO()
    pq.write_table(table.set_column(place, table.column_names[place], column), file)
    checked(name, file.getvalue())


def _some(kind: pa.DataType) -> list[Any]:
    """A value that such a column may hold."""
    with contextlib.suppress(pa.ArrowException, NotImplementedError):
        return [pa.array(["1"]).cast(kind)[0].as_py()]
    with contextlib.suppress(pa.ArrowException, NotImplementedError):
        return [pa.array([1]).cast(kind)[0].as_py()]
    return []


CSV = [
    name
    for name, one in TARGETS.items()
    if any(b"," in s.split(b"\n")[0] and s[:1] not in b"{[" for s in one.seeds())
]


@pytest.mark.parametrize("name", CSV)
@settings(max_examples=15)
@given(data=st.data())
def test_csv_with_other_cells_holds(name: str, data: st.DataObject) -> None:
    """One cell, or one name, is something else."""
    seeds = [one for one in TARGETS[name].seeds() if b"," in one.split(b"\n")[0] and one[:1] not in b"{["]
    cells = data.draw(st.sampled_from(seeds)).split(b",")
    place = data.draw(st.integers(0, len(cells) - 1))
    text = data.draw(st.text(max_size=8) | st.sampled_from(["NaN", '"', "\n", "1e999", "-1", "0", '"{}"']))
    cells[place] = text.encode(errors="replace")
    checked(name, b",".join(cells))
