"""Steps that rest on too few rows of production."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from harness.diagnosis.thin import columns_of, thin_steps
from tests.kit import diagnosed
from tests.kit.diagnosed import ROWS

MADE = diagnosed.material()
LABEL = MADE.production.label


def only(many: int, *, of: np.ndarray = LABEL) -> np.ndarray:
    """The first labels of these, NaN for the others."""
    known = np.flatnonzero(~np.isnan(of))[:many]
    return np.where(np.isin(np.arange(ROWS), known), of, np.nan)


ALL = np.ones(ROWS, dtype=bool)


@pytest.mark.parametrize(
    ("columns", "steps"),
    [
        ({}, {}),
        ({"production_label": only(100)}, {}),
        ({"production_label": only(60)}, {"label_definition": "rests on 60 of"}),
        ({"seen_label": only(99)}, {"label_maturity": "100 are needed"}),
        ({"seen_label": np.where(LABEL == 1.0, LABEL, np.nan)}, {"label_maturity": "0 of one class, 20"}),
        ({"joined": np.arange(ROWS) < 5}, {"join_loss": "rests on 5 of"}),
        ({"exposed": ~ALL}, {"exposure": "rests on 0 of"}),
        ({"label": only(50), "production_label": only(40), "seen_label": None}, {}),
    ],
)
def test_a_step_to_few_rows_is_none(columns: dict[str, Any], steps: dict[str, str]) -> None:
    """Each says on how many rows it rests; where there were few before, no step is to blame."""
    plain = {"production_label": LABEL, "seen_label": LABEL, "joined": ALL, "exposed": ALL}
    made = replace(MADE, production=replace(MADE.production, **(plain | columns)))
    found = thin_steps(made)
    assert list(found) == list(steps)
    assert [words for step, words in steps.items() if words not in found[step]] == []


def test_its_columns_are_those_of_the_steps() -> None:
    """By name, as not given."""
    assert columns_of({"join_loss": "", "label_definition": ""}) == {"production_label": None, "joined": None}
