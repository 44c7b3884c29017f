"""The eight usual causes on what the exhibits found."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from harness.diagnosis.diagnosing import diagnose
from harness.diagnosis.exhibits import causes
from harness.diagnosis.ladder import climb
from harness.diagnosis.material import Material
from harness.diagnosis.rows import Production
from tests.kit import diagnosed
from tests.kit.diagnosed import Troubles

if TYPE_CHECKING:
    from collections.abc import Callable

    from harness.records import CheckedCause

MADE = diagnosed.material()
CALM = Troubles(leak=0.0, repeated=0.0, drift=0.0, concept=0.0, bug=0.0, other_model=0.0, moved=0.0)


def checks(made: Material) -> dict[str, CheckedCause]:
    """Each cause, without a domain classifier and without slices."""
    rows = made.production
    here = Production(
        offline_score=rows.offline_score,
        label=None if made.why_no_labels else rows.label,
        unit=rows.unit,
        served_features_score=rows.served_features_score,
        served_score=rows.served_score,
        seen_label=rows.seen_label,
    )
    ladder = climb(None, here, thresholds=made.thresholds)
    return {one.name: one for one in causes.checked(made, ladder, domain=None, slices=None)}


def found(made: Material) -> dict[str, str]:
    """The ruling on each cause."""
    return {name: one.found for name, one in checks(made).items()}


def test_what_is_wrong_is_found_and_what_was_not_looked_at_is_not_denied() -> None:
    """All eight have a ruling."""
    assert found(MADE) == {
        "metric mismatch": "not checked",
        "threshold": "found",
        "shift": "not checked",
        "logging or pipeline bug": "found",
        "latency": "found",
        "feedback loop": "not found",
        "biased labels": "found",
        "segment regression": "not checked",
    }


def test_a_calm_production_has_none_of_the_causes_it_was_checked_for() -> None:
    """The whole diagnosis, with its classifier and its slices."""
    made = diagnosed.material(CALM)
    calm = replace(made.production, fallback=np.zeros(diagnosed.ROWS, bool))
    calm = replace(calm, production_label=calm.label, seen_label=None, seen_early=None)
    told = {
        one.name: one.found for one in diagnose(replace(made, production=calm), say=lambda _: None).causes
    }
    assert {name for name, ruling in told.items() if ruling == "found"} <= {"segment regression"}


@pytest.mark.parametrize(
    ("reported", "ruling"),
    [({"roc_auc": 0.5}, "found"), ({"base_rate": 0.9}, "found"), ({"pr_auc": None}, "not found")],
)
def test_a_reported_number_is_held_against_the_rows(reported: dict[str, float | None], ruling: str) -> None:
    """None stands for the number of the rows, which differs by rounding only."""
    label, score = MADE.holdout.label, MADE.holdout.score  # type: ignore[union-attr]  # it has a holdout
    order = np.argsort(-score, kind="stable")
    hits = np.cumsum(label[order])
    pr_auc = float((hits / np.arange(1, hits.size + 1))[label[order] == 1.0].mean())
    told = {name: pr_auc if one is None else one for name, one in reported.items()}
    assert found(diagnosed.material(reported=told))["metric mismatch"] == ruling


@pytest.mark.parametrize(
    ("made", "name"),
    [
        (diagnosed.without(MADE, production=("fallback",)), "latency"),
        (diagnosed.no_labels(MADE), "feedback loop"),
        (diagnosed.first(MADE, 0), "latency"),
        (diagnosed.no_labels(MADE), "biased labels"),
    ],
)
def test_a_cause_without_its_columns_is_not_checked(made: Material, name: str) -> None:
    """Nothing is denied for lack of rows."""
    assert found(made)[name] == "not checked"


def test_rows_labelled_by_the_decision_are_a_feedback_loop() -> None:
    """Only what was flagged has labels."""
    flagged = MADE.production.served_score >= MADE.serving_threshold
    latest = np.where(flagged, MADE.production.latest, np.nan)
    made = replace(MADE, production=replace(MADE.production, latest=latest))
    assert found(made)["feedback loop"] == "found"


@pytest.mark.parametrize(
    ("serve", "ruling"),
    [
        (lambda score: score, "not found"),
        (lambda score: score.astype(np.float32).astype(np.float64), "not found"),
        (lambda score: 0.5 * score, "found"),
        (lambda score: np.where(np.arange(score.size) % 20 == 0, 0.5 * score, score), "found"),
        (lambda score: np.clip(score + 1e-4 * (-1.0) ** np.arange(score.size), 0.0, 1.0), "found"),
    ],
    ids=["as the model", "as float32", "halved", "one in twenty halved", "at no surely measured cost"],
)
def test_a_score_bug_that_keeps_the_order_is_found(serve: Callable[[Any], Any], ruling: str) -> None:
    """No ROC-AUC moves when every score is halved, yet no decision is what it was."""
    calm = diagnosed.material(CALM)
    rows = replace(calm.production, served_score=serve(calm.production.served_features_score))
    told = checks(replace(calm, production=rows))["logging or pipeline bug"]
    assert told.found == ruling
    assert "of the scores differ on the same features" in told.result


@pytest.mark.parametrize(
    ("lost", "may", "ruling"), [(0.0, 0.05, "not found"), (0.5, 0.05, "found"), (0.5, 0.6, "not found")]
)
@pytest.mark.parametrize("whose", ["label", "production_label"])
def test_labels_that_never_came_bias(whose: str, lost: float, may: float, *, ruling: str) -> None:
    """More of the rows that are old enough lack one than the scenario allows; whoever defines it."""
    calm = diagnosed.material(CALM)
    rows = calm.production
    gone = np.random.default_rng(0).random(diagnosed.ROWS) < lost
    plain: dict[str, Any] = {"seen_label": None, "seen_early": None, "production_label": rows.label}
    plain[whose] = np.where(gone, np.nan, rows.label)
    if whose == "label":
        plain["latest"] = np.where(gone, np.nan, rows.latest)
    made = replace(calm, production=replace(rows, **plain), max_missing_share=may)
    told = checks(made)["biased labels"]
    assert told.found == ruling
    assert f"have no label, {100 * may:.3g} % may" in told.result
