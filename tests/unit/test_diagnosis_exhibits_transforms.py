"""Transforms fitted on everything, as an exhibit."""

from dataclasses import replace

import numpy as np

from harness.diagnosis.exhibits import leakage
from tests.kit.diagnosed import material, no_holdout


def test_without_other_scores_it_is_not_checked() -> None:
    """It says which column is missing."""
    found = leakage.transforms(material())
    assert found.found == "not checked"
    assert "score_training_only" in found.why_not
    assert leakage.transforms(no_holdout(material())).found == "not checked"


def test_scores_that_are_worse_with_training_alone_are_a_leak() -> None:
    """The same scores are none."""
    made = material()
    assert made.holdout is not None
    same = replace(made, holdout=replace(made.holdout, training_only=made.holdout.score))
    assert leakage.transforms(same).found == "not found"
    rng = np.random.default_rng(4)
    blurred = np.clip(made.holdout.score + rng.normal(scale=0.4, size=made.holdout.score.size), 0.0, 1.0)
    found = leakage.transforms(replace(made, holdout=replace(made.holdout, training_only=blurred)))
    assert found.found == "found"
    assert found.answer.startswith("Yes: ")
