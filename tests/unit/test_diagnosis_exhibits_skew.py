"""Served features and scores against the offline ones."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from harness.diagnosis.exhibits import skew
from harness.diagnosis.material import Material
from tests.kit import diagnosed
from tests.kit.diagnosed import ROWS, Troubles

MADE = diagnosed.material()


def test_a_feature_that_differs_is_named_with_what_it_costs() -> None:
    """Put right it gives back its part; the others differ nowhere."""
    found = skew.features(MADE)
    assert found.found == "found"
    assert found.answer.startswith("1 of 4 features differ somewhere: visits (")
    ((name, part, auc, loss),) = found.tables[0].rows
    assert (name, part) == ("visits", MADE.production.differing["visits"])
    assert isinstance(auc, float)
    assert isinstance(loss, float)
    assert auc > 0.02
    assert loss < 0.0


def test_features_are_named_by_how_often_they_differ() -> None:
    """Whatever order they were given in."""
    differing = {"amount": 0.1, "visits": 0.6, "region": 0.3, "outcome_note": 0.0}
    made = replace(MADE, production=replace(MADE.production, differing=differing))
    assert "visits (60 %), region (30 %), amount (10 %)" in skew.features(made).answer


@pytest.mark.parametrize(
    ("made", "ruling", "why"),
    [
        (diagnosed.material(Troubles(bug=0.0)), "not found", ""),
        (diagnosed.no_labels(MADE), "found", "nothing says what it costs"),
        (diagnosed.without(MADE, production=("served_features",)), "not checked", "hold no features"),
        (diagnosed.first(MADE, 0), "not checked", "hold no features"),
    ],
    ids=["same", "no labels", "no echo", "no request"],
)
def test_feature_skew(made: Material, ruling: str, why: str) -> None:
    """Differences are counted without labels too; without an echo nothing is."""
    found = skew.features(made)
    assert found.found == ruling
    assert why in found.why_not


@pytest.mark.parametrize(
    ("made", "ruling", "why"),
    [
        (MADE, "found", ""),
        (diagnosed.material(Troubles(other_model=0.0)), "not found", ""),
        (diagnosed.without(MADE, production=("served_features_score",)), "found", "holds their effect too"),
        (
            replace(MADE, production=replace(MADE.production, served_score=np.full(ROWS, np.nan))),
            "not checked",
            "no request has a served score",
        ),
    ],
    ids=["differ", "same", "no echo", "nothing served"],
)
def test_score_skew(made: Material, ruling: str, why: str) -> None:
    """Against the served features where they are known, else against the offline ones."""
    found = skew.scores(made)
    assert found.found == ruling
    assert why in found.why_not
