"""Inference tables of Databricks: batches taken apart, and what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.capture.formats import Asked, Dropped
from tests.kit import captures


def databricks(**changes: object) -> dict[str, object]:
    """A row of a legacy table."""
    return {
        "databricks_request_id": "d",
        "timestamp_ms": 1_750_000_000_123,
        "execution_time_ms": 12,
        "status_code": 200,
        "sampling_fraction": 0.5,
        "request": '{"dataframe_split": {"index": [0, 1], "columns": ["a"], "data": [[1.50], [2]]}}',
        "response": '{"predictions": [1]}',
        **changes,
    }


@pytest.mark.parametrize(
    ("row", "bodies", "answers"),
    [
        (
            databricks(),
            [f'{{"dataframe_split":{{"columns":["a"],"data":[{row}]}}}}' for row in ("[1.50]", "[2]")],
            [None, None],
        ),
        (databricks(request='{"instances": [1]}'), ['{"instances": [1]}'], ['{"predictions": [1]}']),
        (databricks(request="text"), ["text"], ['{"predictions": [1]}']),
        (
            databricks(request='{"inputs": [1, 2], "params": {}}', response='{"predictions": [3, 4.50]}'),
            ['{"inputs":[1],"params":{}}', '{"inputs":[2],"params":{}}'],
            ['{"predictions":[3]}', '{"predictions":[4.50]}'],
        ),
    ],
)
def test_databricks_batches_are_taken_apart(
    tmp_path: Path, row: dict[str, object], bodies: list[str], answers: list[str | None]
) -> None:
    """Digits stay; predictions go with their rows where there are as many; weights are kept."""
    found = [
        one.request
        for one in captures.pieces("databricks", tmp_path / "d.jsonl", row)
        if isinstance(one, Asked)
    ]
    assert [one.body.decode() for one in found] == bodies
    assert [one.recorded_response and one.recorded_response.body.decode() for one in found] == answers
    assert {one.sampling_weight for one in found} == {2.0}
    assert [one.row_index for one in found] == ([0, 1] if len(bodies) > 1 else [None])


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"request": None}, "no body"),
        ({"timestamp_ms": "x"}, "wrong value"),
        ({"timestamp_ms": 1e300}, "bad time"),
        ({"sampling_fraction": 0}, "wrong value"),
        ({"sampling_fraction": 1e-310}, "wrong value"),
        ({"status_code": None}, "wrong value"),
        ({"status_code": "1e310"}, "wrong value"),
        ({"databricks_request_id": None}, "wrong field"),
    ],
)
def test_databricks_refuses(tmp_path: Path, changes: dict[str, object], reason: str) -> None:
    """A weight of zero has no inverse."""
    (found,) = captures.pieces("databricks", tmp_path / "d.jsonl", databricks(**changes))
    assert isinstance(found, Dropped)
    assert found.reason == reason
