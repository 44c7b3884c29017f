"""A map is proposed for a table that no format knows, and for nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.capture.proposing import proposal
from harness.errors import CaptureError
from tests.kit import captures


def test_only_unknown_tables_have_a_proposal(tmp_path: Path) -> None:
    """A known format, a folder and plain text have none."""
    (tmp_path / "log.csv").write_text("id,when\na,1750000000\n")
    (tmp_path / "c.gor").write_bytes(captures.goreplay())
    (tmp_path / "c.txt").write_text("text")
    assert "[map]" in proposal([tmp_path / "log.csv"])
    assert proposal([tmp_path / "c.gor"]) == proposal([tmp_path]) == proposal([tmp_path / "c.txt"]) == []


def test_a_table_that_cannot_be_read_is_said(tmp_path: Path) -> None:
    """A missing file, a Parquet file that is cut."""
    with pytest.raises(CaptureError, match="no such file"):
        proposal([tmp_path / "missing"])
    (tmp_path / "c.parquet").write_bytes(captures.feast()[:-9])
    with pytest.raises(CaptureError, match="not a Parquet file"):
        proposal([tmp_path / "c.parquet"])


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"id,when,name\nr1,1750000000,Caf\xe9\n", "offset 13: not UTF-8; found byte 0xe9 at offset 30"),
        (b"id,when,x,x\nr1,1750000000,1,2\n", "offset 0: wrong field; found two columns are called 'x'"),
    ],
)
def test_a_csv_that_cannot_be_read_has_its_own_reason(tmp_path: Path, data: bytes, said: str) -> None:
    """Not that its format is unknown, for it is a table that a map could read."""
    (tmp_path / "t.csv").write_bytes(data)
    with pytest.raises(CaptureError, match=said):
        proposal([tmp_path / "t.csv"])
