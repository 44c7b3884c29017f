"""Whether the probabilities are right, in both populations."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from harness.diagnosis.exhibits import calibration
from harness.diagnosis.material import Material
from tests.kit import diagnosed
from tests.kit.diagnosed import ROWS, Troubles

MADE = diagnosed.material()
CALM = Troubles(leak=0.0, repeated=0.0, drift=0.0, concept=0.0, bug=0.0, other_model=0.0, moved=0.0)


def served(score: np.ndarray) -> Material:
    """The material with these scores served."""
    return replace(MADE, production=replace(MADE.production, served_score=score))


def test_wrong_probabilities_are_found_and_right_ones_are_not() -> None:
    """The bug makes scores too low; labels that were drawn by the scores are right."""
    wrong, right = calibration.calibrated(MADE), calibration.calibrated(diagnosed.material(CALM))
    assert wrong.found == "found"
    assert "too low" in wrong.answer
    assert (right.found, "are right on the whole" in right.answer) == ("not found", True)
    assert [row[0] for row in wrong.tables[0].rows] == ["the holdout", "production"]
    assert len(wrong.pictures[0].series) == 2


@pytest.mark.parametrize(
    ("made", "ruling", "why", "sides"),
    [
        (diagnosed.no_holdout(MADE), "found", "no holdout was given", ["production"]),
        (
            diagnosed.no_labels(MADE),
            "not found",
            "production has no labelled rows of both classes",
            ["the holdout"],
        ),
        (diagnosed.no_holdout(diagnosed.no_labels(MADE)), "not checked", "production has no labelled", []),
        (served(np.linspace(-3, 3, ROWS)), "not found", "production has no labelled rows", ["the holdout"]),
        (
            served(np.full(ROWS, 0.3)),
            "not checked",
            "all scores of production are the same",
            ["the holdout", "production"],
        ),
    ],
    ids=["no holdout", "no labels", "neither", "raw scores", "one score"],
)
def test_a_side_that_cannot_be_judged_says_why(
    made: Material, ruling: str, why: str, sides: list[str]
) -> None:
    """The other side is judged all the same."""
    found = calibration.calibrated(made)
    assert found.found == ruling
    assert why in found.why_not
    assert [row[0] for row in found.tables[0].rows] if found.tables else sides == []
    assert "nan" not in found.answer


@pytest.mark.parametrize(
    ("slope", "moved", "told"),
    [
        (2.5, 0.0, "too extreme"),
        (0.4, 0.0, "too timid"),
        (1.0, 0.7, "too high on the whole"),
        (1.0, -0.7, "too low on the whole"),
    ],
)
def test_the_way_in_which_scores_are_wrong_is_named(slope: float, moved: float, told: str) -> None:
    """Labels drawn at chances around a half; the scores say more than these, or less."""
    rng = np.random.default_rng(4)
    latent = rng.normal(size=ROWS)
    label = (rng.random(ROWS) < 1.0 / (1.0 + np.exp(-latent))).astype(np.float64)
    score = 1.0 / (1.0 + np.exp(-(slope * latent + moved)))
    made = replace(MADE, production=replace(MADE.production, label=label, served_score=score))
    found = calibration.calibrated(made)
    assert found.found == "found"
    assert f"probabilities are {told}:" in found.answer


def test_one_unit_has_no_interval() -> None:
    """It cannot tell how far units differ, so its slope is a number alone."""
    one = replace(MADE, production=replace(MADE.production, unit=np.zeros(ROWS, np.int64)))
    row = calibration.calibrated(one).tables[0].rows[-1]
    slope = row[4]
    assert getattr(slope, "value", None) is not None
    assert getattr(slope, "lower", 0.0) is None
