"""Feast's feature logs: features and their states."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.capture.formats import Asked, Dropped
from harness.capture.importing import Ledger, requests_of
from harness.errors import CaptureError
from tests.kit import captures


def test_feast_rows_are_features_with_their_times(tmp_path: Path) -> None:
    """A list is kept as its JSON; one row of a request has no number."""
    row = {
        "__request_id": "f",
        "__log_timestamp": "2025-01-01T00:00:00Z",
        "id": 1,
        "v__a": 1.5,
        "v__a__status": 1,
        "v__b": [1],
        "v__b__status": 4,
    }
    one, two = captures.pieces(
        "feast", tmp_path / "f.jsonl", row, {**row, "__request_id": "g", "v__a__status": None}
    )
    assert isinstance(one, Asked)
    assert isinstance(two, Asked)
    assert (one.request.row_index, one.request.online_features) == (None, b'{"v__a":1.5,"v__b":"[1]"}')
    assert one.request.tags == {"feature_status": "v__b=OUTSIDE_MAX_AGE"}


def test_rows_of_one_request_may_stand_apart(tmp_path: Path) -> None:
    """A log that several servers write: a request of one row has no number, a row without an id is told."""
    row = {"__log_timestamp": "2025-01-01T00:00:00Z", "v__a": 1, "v__a__status": 1}
    ids = ("f", "g", "f", None, "h", "h", "f")
    found = captures.pieces(
        "feast", tmp_path / "f.jsonl", *({**row, "__request_id": one, "id": n} for n, one in enumerate(ids))
    )
    asked = [piece.request for piece in found if isinstance(piece, Asked)]
    assert [(one.request_id, one.row_index, one.parent_id) for one in asked] == [
        *(("f", 0, "f"), ("g", None, None), ("f", 1, "f"), ("h", 0, "h"), ("h", 1, "h"), ("f", 2, "f")),
    ]
    assert [piece.reason for piece in found if isinstance(piece, Dropped)] == ["wrong field"]


def test_csv_is_refused_by_name(tmp_path: Path) -> None:
    """Its texts would be other features than those that were served."""
    path = tmp_path / "f.csv"
    path.write_text("__request_id,__log_timestamp,v__a,v__a__status\nf,2025-01-01T00:00:00Z,0.5,1\n")
    with pytest.raises(CaptureError, match="a Feast log as CSV has no types"):
        list(requests_of([path], Ledger()))
