"""Feast's feature logs: features and their states."""

from __future__ import annotations

from pathlib import Path

from harness.capture.formats import Asked
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
