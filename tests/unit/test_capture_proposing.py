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
