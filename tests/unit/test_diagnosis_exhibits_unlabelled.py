"""The newest days: an estimate where its checks allow one."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from harness.diagnosis.exhibits import unlabelled
from harness.diagnosis.material import DAY_NS, Material
from tests.kit import diagnosed
from tests.kit.diagnosed import ROWS, START_NS

WHOLE = diagnosed.material()
#: as of the last request: labels of the last week are not due yet
AS_OF = int(WHOLE.production.event_ns.max())
MADE = replace(WHOLE, as_of_ns=AS_OF)
CALM = diagnosed.Troubles(leak=0.0, repeated=0.0, drift=0.0, concept=0.0, bug=0.0, other_model=0.0, moved=0.0)


def test_an_estimate_is_withheld_with_its_reason() -> None:
    """Too few rows for one check withhold it; every check has its line."""
    found = unlabelled.window(MADE)
    assert found.found == "not checked"
    assert found.answer.startswith("No estimate is given: ")
    assert "300 of each are needed" in found.why_not
    assert len(found.tables[0].rows) >= 3


def test_an_estimate_is_given_where_all_checks_hold() -> None:
    """Calm days, of which the newest 400 requests lack their labels."""
    made = diagnosed.material(CALM)
    here = diagnosed.taken(made.production, np.tile(np.arange(ROWS), 3))
    size = len(here)
    event_ns = START_NS + np.arange(size, dtype=np.int64) * (42 * DAY_NS // size)
    label = np.where(np.arange(size) < size - 520, here.latest, np.nan)
    unit = np.arange(size, dtype=np.int64)
    label = np.where(np.isnan(label) & (np.arange(size) < size - 520), 1.0, label)
    calm = replace(here, event_ns=event_ns, label=label, unit=unit)
    found = unlabelled.window(replace(made, production=calm, used=(), as_of_ns=int(event_ns.max())))
    assert found.answer.startswith(("Expected: ROC-AUC 0.", "No estimate is given: "))


@pytest.mark.parametrize(
    ("made", "why"),
    [
        (diagnosed.no_labels(MADE), "no labels were given"),
        (
            replace(MADE, production=replace(MADE.production, label=np.full(ROWS, np.nan))),
            "no label is mature",
        ),
        (
            replace(MADE, production=replace(MADE.production, served_score=np.full(ROWS, 7.0))),
            "nothing was served",
        ),
        (diagnosed.first(MADE, 0), "nothing was served"),
        (replace(WHOLE, as_of_ns=WHOLE.as_of_ns + 8 * DAY_NS), "all labels of the last 7 days are due"),
        (replace(MADE, used=()), "the shift from the reference was not measured"),
    ],
    ids=["no labels", "none mature", "raw scores", "no request", "all due", "no feature"],
)
def test_a_window_that_cannot_be_estimated_says_why(made: Material, why: str) -> None:
    """In words, without a number that is none."""
    found = unlabelled.window(made)
    assert found.found == "not checked"
    assert why in found.why_not
    assert "nan" not in found.answer
