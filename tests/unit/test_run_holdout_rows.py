"""The holdout as columns: units in one coding, duplicates, leaks put right, scores of another model."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from harness.columns import Column
from harness.diagnosis import DiagnosisConfig
from harness.run.holdout_rows import holdout_rows, unit_codes
from harness.run.holdouts import RowsFile

SIZE = 6


def numbers(*values: float) -> Column:
    """A column of numbers."""
    return Column("number", np.array(values), np.zeros(len(values), np.uint8))


def rows(**changed: Any) -> RowsFile:  # noqa: ANN401  -- any column of the file
    """A file of six rows with one feature, whose score it is."""
    ids = np.array([f"r{k}" for k in range(SIZE)], object)
    made = RowsFile(
        path=Path("holdout.parquet"),
        digest="d",
        size=SIZE,
        request_id=ids,
        unit=np.array(["a", "a", "b", "b", None, None], object),
        event_ns=np.arange(SIZE, dtype=np.int64),
        label=np.array([0.0, 1.0] * 3),
        score=np.arange(SIZE) / 10,
        training_only=None,
        features={"x": numbers(*range(SIZE))},
        unusable={},
    )
    return replace(made, **changed)


def source(**config: Any) -> Any:  # noqa: ANN401  -- what of a source is looked at
    """A run whose model scores a tenth of its one feature."""
    replayer = SimpleNamespace(names=("x",), rescore=lambda features: features["x"].values / 10)
    return SimpleNamespace(config=DiagnosisConfig(**config), replayer=replayer)


def made(**sides: Any) -> Any:  # noqa: ANN401  -- the holdout and why there is none
    """The holdout of these files."""
    given = {"requested": None, "training": None, "config": {}, "rows": rows()} | sides
    codes = unit_codes(np.array(["b", "z"], object), holdout=given["rows"], training=given["training"])
    return holdout_rows(
        source(**given["config"]),
        given["rows"],
        requested=given["requested"],
        training=given["training"],
        codes=codes,
    )


def test_units_have_one_coding_and_a_row_without_one_is_its_own() -> None:
    """B is b on both sides; the two rows without a unit are two."""
    codes = unit_codes(np.array(["b", None], object), holdout=rows(), training=None)
    assert codes.holdout is not None
    assert codes.production[0] == codes.holdout[2] == codes.holdout[3]
    assert len({codes.production[1], *codes.holdout[4:].tolist(), *codes.holdout[:3].tolist()}) == 5
    assert codes.training is None


def test_a_bare_holdout_is_its_labels_and_scores() -> None:
    """The model gives the scores again; what nobody gave is not known."""
    found, why = made()
    assert why == ""
    assert found.rederived == ()
    np.testing.assert_array_equal(found.rescored, found.score)
    assert (found.duplicate, found.known_unit, found.trained_until_ns, found.requested) == (None,) * 4


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"label": None}, "no column label"),
        ({"score": None, "features": {}}, "no column score"),
        ({"label": None, "score": None, "features": {}}, "no column label and score"),
    ],
)
def test_a_holdout_without_its_columns_says_so(changed: dict[str, Any], why: str) -> None:
    """And is none."""
    found, told = made(rows=rows(**changed))
    assert found is None
    assert why in told


def test_a_score_that_is_not_there_is_computed() -> None:
    """From the features, where they are all there."""
    found, _ = made(rows=rows(score=None))
    np.testing.assert_array_equal(found.score, np.arange(SIZE) / 10)


def test_a_column_as_of_the_request_is_put_right() -> None:
    """One more score for each column that changed; one that the other file lacks did not."""
    then = rows(features={"x": numbers(9, 1, 2, 3, 4, 5)})
    found, _ = made(requested=then)
    (one,) = found.rederived
    assert (one.column, one.score[0]) == ("x", 0.9)
    assert found.requested["x"][0] == 9.0
    same, _ = made(requested=rows(features={}))
    assert same.rederived == ()


def test_scores_of_another_model_are_the_first_thing_put_right() -> None:
    """The model's own scores come before the leaks."""
    found, _ = made(rows=rows(score=np.full(SIZE, 0.5)))
    assert [one.column for one in found.rederived] == ["scores of another model"]
    np.testing.assert_array_equal(found.rederived[0].score, np.arange(SIZE) / 10)


def test_training_shows_duplicates_units_and_its_end() -> None:
    """By all features of both; the end is the last time, unless it is said."""
    training = rows(features={"x": numbers(0, 1, 70, 80, 90, 99)}, unit=np.array(["a"] * SIZE, object))
    found, _ = made(training=training)
    assert found.duplicate.tolist() == [True, True, False, False, False, False]
    assert found.known_unit.tolist() == [True, True, False, False, False, False]
    assert found.trained_until_ns == SIZE - 1
    said, _ = made(training=training, config={"trained_until": "1970-01-01T00:00:01Z"})
    assert said.trained_until_ns == 10**9
    unknown, _ = made(training=rows(unit=None, event_ns=None, features={}))
    assert (unknown.duplicate, unknown.known_unit, unknown.trained_until_ns) == (None, None, None)
