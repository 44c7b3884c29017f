"""What is gathered where answers are missing: nothing is made up for them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from harness.diagnosis.exhibits import causes
from harness.run.gathering import gather
from tests.kit import diagnosable, small

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from harness.diagnosis.material import Material


def changed(here: Path, change: Callable[[int, dict[str, Any]], None]) -> Material:
    """What is looked at once each line of the capture is changed."""
    path = diagnosable.make(here / "scenario")
    lines = diagnosable.captured(path.parent)
    for place, line in enumerate(lines):
        change(place, line)
    small.write_lines(path.parent / "answered.jsonl", lines)
    return gather(diagnosable.prepared(path, here / "results"), uses=lambda _: (), say=lambda _: None)


def test_answers_without_features_are_no_skew(tmp_path: Path) -> None:
    """One in three holds none: those count as built offline, and it is said how many they are."""

    def silent(place: int, line: dict[str, Any]) -> None:
        if place % 3 == 0:
            del line["recorded_response"]["body"]["features"]

    found = changed(tmp_path, silent).production
    assert found.served_features is not None
    rows = np.arange(len(found)) % 3 == 0
    for name, values in found.served_features.items():
        np.testing.assert_array_equal(values[rows], found.offline_features[name][rows])
    assert 0.2 < found.differing["amount"] < 0.4


def test_features_on_few_answers_are_not_compared(tmp_path: Path) -> None:
    """Nine of ten answers hold none."""

    def silent(place: int, line: dict[str, Any]) -> None:
        if place % 10:
            del line["recorded_response"]["body"]["features"]

    found = changed(tmp_path, silent)
    assert (found.production.served_features, found.production.fixed) == (None, {})
    assert any("answers hold features" in note for note in found.notes)


def test_failed_requests_are_not_forgotten(tmp_path: Path) -> None:
    """One in five failed: they are noted, and count as not properly answered."""

    def failing(place: int, line: dict[str, Any]) -> None:
        if place % 5 == 0:
            line["recorded_response"] = {"status": 504, "body": {"error": "late"}}

    found = changed(tmp_path, failing)
    assert found.failed == diagnosable.REQUESTS // 5
    assert any(note.startswith(f"{found.failed} requests were not answered") for note in found.notes)
    assert causes.unanswered(found) == pytest.approx(0.2)
