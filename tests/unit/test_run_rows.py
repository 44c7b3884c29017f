"""One request's rows: the offline features, the answer that counts, an echo as columns."""

from __future__ import annotations

from pathlib import Path

from harness import diff
from harness.columns import Column, Kind
from harness.run.rows import of_request, offline_side, served_side, that_counts
from tests.kit import small
from tests.kit.prepared import ready


def test_the_rows_of_one_request_are_found(tmp_path: Path) -> None:
    """Features and score offline; of several phases the answer that was compared, none where none came."""
    run, answers = ready(tmp_path), small.answers()
    del answers["r003"]
    run.answer("challenger", answers, phases=("parity", "latency"))
    outcomes = run.folder.read(run.folder.outcomes("challenger"))
    side = offline_side(run.folder, "model", seq=2)
    assert side.arm == "offline:model"
    assert side.scores[0] == answers["r002"]["score"]
    assert set(side.features or {}) == set(small.FEATURES)
    assert of_request(outcomes, 2)["phase"].to_pylist() == ["parity", "latency"]
    assert that_counts(outcomes, 2)["phase"] == "parity"
    assert that_counts(outcomes, 3) == {}


def test_an_answer_becomes_columns() -> None:
    """Asked and silent, an arm leaves all features out; not asked, it shows none."""
    known = served_side("a", (0.5, b'{"x": 1}'), known={}, asked=True)
    assert known.features is None
    like = {"x": _column()}
    shown = served_side("a", (0.5, b'{"x": 1}'), known=like, asked=True).features
    silent = served_side("a", (0.5, None), known=like, asked=True).features
    assert shown is not None
    assert silent is not None
    assert (shown["x"].values[0], silent["x"].kind[0]) == (1.0, Kind.MISSING)
    assert served_side("a", (None, None), known=like, asked=False).features is None


def _column() -> Column:
    echo = diff.from_json([b'{"x": 1}'], {"x": "number"})
    assert echo is not None
    return echo.columns["x"]
