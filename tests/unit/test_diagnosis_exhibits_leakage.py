"""What the holdout knew: found, not found, and not checked with the reason."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from harness.diagnosis.exhibits import leakage
from tests.kit import diagnosed
from tests.kit.diagnosed import ROWS, Troubles


def with_holdout(**columns: Any) -> Any:  # noqa: ANN401  -- any column, and the material with it
    """The material with other columns in its holdout."""
    made = diagnosed.material()
    assert made.holdout is not None
    return replace(made, holdout=replace(made.holdout, **columns))


def test_repeated_and_early_rows_are_counted() -> None:
    """Each check has its line: rows kept, rows left out, the metric without them."""
    made = diagnosed.material()
    found = leakage.rows(made)
    assert made.holdout is not None
    assert made.holdout.duplicate is not None
    lines = {row[0]: row for row in found.tables[0].rows}
    assert found.found == "found"
    assert lines["as reported"][1] == ROWS
    assert lines["without duplicates"][2] == int(made.holdout.duplicate.sum())
    assert lines["without known units"][2] == 0


@pytest.mark.parametrize(
    ("columns", "ruling", "needles"),
    [
        (
            {"duplicate": None, "known_unit": None, "time_ns": None},
            "not checked",
            ["which rows training", "the times"],
        ),
        ({"duplicate": None}, "found", ["which rows training"]),
        (
            {"duplicate": np.zeros(ROWS, bool), "trained_until_ns": 0},
            "not found",
            [],
        ),
        ({"label": np.ones(ROWS)}, "found", []),
        ({"score": np.full(ROWS, np.nan)}, "found", []),
    ],
    ids=["nothing known", "no training", "clean", "one class", "no score"],
)
def test_rows_of_the_holdout(columns: dict[str, Any], ruling: str, needles: list[str]) -> None:
    """What is not known is named, and what is known is judged all the same."""
    found = leakage.rows(with_holdout(**columns))
    assert found.found == ruling
    assert [needle for needle in needles if needle not in found.why_not] == []


def test_a_column_filled_in_later_is_found_by_both_checks() -> None:
    """The note rises for positives and falls for the others: by that it is known."""
    changed, alone = leakage.columns(diagnosed.material())
    assert changed.found == "found"
    assert "outcome_note" in changed.answer
    assert alone.found == "found"
    assert alone.answer == "Suspicious: outcome_note."


def test_columns_that_know_nothing_are_cleared() -> None:
    """Without the leak none is suspicious."""
    made = diagnosed.material(Troubles(leak=0.0))
    assert made.holdout is not None
    made = replace(made, holdout=replace(made.holdout, requested=made.holdout.features))
    assert [one.found for one in leakage.columns(made)] == ["not found", "not found"]


@pytest.mark.parametrize(
    ("columns", "why"),
    [
        ({"features": None}, "no feature columns"),
        ({"requested": None}, "holdout_requested"),
        ({"label": np.ones(ROWS)}, "one class"),
    ],
)
def test_columns_that_cannot_be_checked_say_why(columns: dict[str, Any], why: str) -> None:
    """The first check needs both times, both need labels of two classes."""
    found = leakage.columns(with_holdout(**columns))[0]
    assert found.found == "not checked"
    assert why in found.why_not


@pytest.mark.parametrize(
    ("reported", "ruling", "needles"),
    [
        ({}, "not found", ["The model gives all 1,000 scores again."]),
        ({"roc_auc": 0.5}, "found", ["Reported roc_auc is not what the rows give"]),
        ({"roc_auc": None}, "not found", ["The rows give the reported numbers; the model gives"]),
        ({"base_rate": None}, "not found", ["The rows give the reported numbers"]),
    ],
)
def test_the_report_is_recomputed(reported: dict[str, float | None], ruling: str, needles: list[str]) -> None:
    """None stands for the number that the rows give."""
    made = diagnosed.material()
    from_rows = {row[0]: row[2] for row in leakage.reported(made).tables[0].rows}
    told = {name: from_rows[name] if one is None else one for name, one in reported.items()}
    found = leakage.reported(diagnosed.material(reported=told))
    assert found.found == ruling
    assert [needle for needle in needles if needle not in found.answer] == []


def test_a_reported_number_that_the_rows_do_not_give_is_not_confirmed() -> None:
    """Labels of one class have no ROC-AUC, so nothing is compared."""
    made = diagnosed.material(reported={"roc_auc": 0.9})
    assert made.holdout is not None
    found = leakage.reported(replace(made, holdout=replace(made.holdout, label=np.ones(ROWS), rescored=None)))
    assert found.found == "not checked"
    assert "the rows do not give roc_auc" in found.why_not


def test_scores_of_another_model_are_found() -> None:
    """A score that the model does not give again is no score of this model."""
    made = diagnosed.material()
    assert made.holdout is not None
    score = made.holdout.score.copy()
    score[:7] += 0.01
    found = leakage.reported(with_holdout(score=score))
    assert found.found == "found"
    assert "other scores on 7 of 1,000 rows" in found.answer


def test_uses_of_the_holdout_are_counted() -> None:
    """Two uses may flatter; without a standard error nobody can say by how much."""
    found = leakage.uses(diagnosed.material())
    assert found is not None
    assert (found.uses, found.first[:7], found.last[:7]) == (2, "2026-01", "2026-02")
    assert found.optimism is not None
    unsure = leakage.uses(with_holdout(label=np.ones(ROWS)))
    assert unsure is not None
    assert unsure.optimism is None


def test_without_a_holdout_nothing_is_checked() -> None:
    """Each says that none was given."""
    made = diagnosed.no_holdout(diagnosed.material())
    for one in (leakage.rows(made), leakage.reported(made), *leakage.columns(made)):
        assert (one.found, "no holdout was given" in one.why_not) == ("not checked", True)
    assert leakage.uses(made) is None
