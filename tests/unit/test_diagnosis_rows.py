"""Columns that do not fit are refused with their name; units fall back to days, then to rows."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from harness.diagnosis.rows import DAY_NS, Overlap, Rederived, unit_codes
from harness.errors import HarnessError
from tests.kit.gap import gap


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"label": np.zeros(3)}, "label of the holdout has another number of rows"),
        ({"label": np.full(240, 2.0)}, "label of the holdout is not a binary label"),
        ({"repeated": np.zeros(3, dtype=bool)}, "repeated of the holdout has another number of rows"),
        ({"weight": np.full(240, -1.0)}, "weight of the holdout has unusable values"),
        ({"overlap": Overlap(produced=np.zeros(3))}, "overlap of the holdout has another number of rows"),
        ({"rederived": (Rederived(column="x", score=np.zeros(3)),)}, "without 'x' has another number"),
    ],
)
def test_a_holdout_that_does_not_fit_is_refused(change: dict[str, Any], message: str) -> None:
    """One line that names the column."""
    holdout, _ = gap()
    with pytest.raises(HarnessError, match=message):
        replace(holdout, **change)


@pytest.mark.parametrize("column", ["label", "production_label", "seen_label", "early_label"])
def test_a_label_of_production_is_binary_or_missing(column: str) -> None:
    """NaN is a label that is not there; .5 is none."""
    _, production = gap()
    label = np.array(getattr(production, column))
    label[0] = np.nan
    replace(production, **{column: label})  # type: ignore[arg-type]  # each a label
    label[0] = 0.5
    with pytest.raises(HarnessError, match=f"^{column} of the production is not a binary label"):
        replace(production, **{column: label})  # type: ignore[arg-type]  # each a label


@pytest.mark.parametrize("column", ["produced", "label_before", "label_now"])
@pytest.mark.parametrize("value", [-0.1, 1.1, np.nan])
def test_an_overlap_holds_probabilities(column: str, value: float) -> None:
    """Nothing below 0, above 1 or missing."""
    with pytest.raises(HarnessError, match=f"{column} of the overlap is no probability"):
        replace(Overlap(produced=np.array([0.5])), **{column: np.array([value])})


def test_units_fall_back_to_days_and_then_to_rows() -> None:
    """A unit where there is one, else the day, else each row alone."""
    times = np.array([0, DAY_NS - 1, DAY_NS])
    assert unit_codes(np.array([4, 4, 9]), times, size=3).tolist() == [4, 4, 9]
    assert unit_codes(None, times, size=3).tolist() == [0, 0, 1]
    assert unit_codes(None, None, size=3).tolist() == [0, 1, 2]
