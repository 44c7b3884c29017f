"""What the threshold does, what reviewers get, why another share is flagged."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import msgspec
import numpy as np
import pytest

from harness.diagnosis.exhibits import threshold
from harness.diagnosis.material import Material
from harness.diagnosis.remedying import remedied
from harness.diagnosis.rows import Thresholds
from tests.kit import diagnosed
from tests.kit.diagnosed import ROWS, Troubles

MADE = diagnosed.material()


def production(**columns: Any) -> Material:  # noqa: ANN401  -- any column
    """The material with other columns in production."""
    return replace(MADE, production=replace(MADE.production, **columns))


def test_a_moved_threshold_is_found_with_both_points() -> None:
    """The served point, the offline one, and the cheapest have their lines; both curves are drawn."""
    found = threshold.curve(MADE)
    assert found.found == "found"
    assert [row[0] for row in found.tables[0].rows] == ["served", "offline threshold", "cheapest"]
    assert len(found.pictures) == 2


def test_a_threshold_that_stayed_is_not_found() -> None:
    """Without costs there is no cost curve, and that is said."""
    made = diagnosed.material(Troubles(moved=0.0), miss_cost=None)
    found = threshold.curve(made)
    assert (found.found, len(found.pictures)) == ("not found", 1)
    assert "no false_alarm_cost and miss_cost" in found.why_not


@pytest.mark.parametrize(
    ("at", "label", "told"),
    [(2.0, None, "precision is undefined"), (0.65, 0.0, "recall undefined; with none flagged a request")],
)
def test_what_is_undefined_is_called_so(at: float, label: float | None, told: str) -> None:
    """No row flagged has no precision, no positive no recall; flagging none may be cheapest."""
    mine = MADE.production.label
    made = production(label=mine if label is None else np.where(np.isnan(mine), np.nan, label))
    found = threshold.curve(replace(made, thresholds=Thresholds(offline=0.5, serving=at)))
    assert told in found.answer
    assert "nan" not in found.answer


@pytest.mark.parametrize(
    ("made", "why"),
    [
        (diagnosed.no_labels(MADE), "no labels were given"),
        (production(served_score=np.full(ROWS, np.nan)), "no label is mature"),
    ],
)
def test_a_curve_needs_labels_and_scores(made: Material, why: str) -> None:
    """Otherwise it says so."""
    found = threshold.curve(made)
    assert found.found == "not checked"
    assert why in found.why_not


def test_a_saving_is_told_only_where_other_units_show_it() -> None:
    """Costs of 5 and 1 put the threshold at a sixth, far below; scores that say nothing save nothing."""
    assert "a request would cost" in threshold.curve(MADE).answer
    rng = np.random.default_rng(2)
    made = production(served_score=rng.random(ROWS), label=(rng.random(ROWS) < 0.5).astype(np.float64))
    even = replace(made, config=msgspec.structs.replace(made.config, miss_cost=1.0))
    assert threshold.curve(even).answer.endswith("; no other surely costs less.")
    alone = production(unit=np.zeros(ROWS, np.int64))
    assert "too few units" in threshold.curve(alone).answer


@pytest.mark.parametrize("per_day", [2.0, 6.0, 12.0])
def test_capacity_means_the_same_here_as_for_remedies(per_day: float) -> None:
    """The threshold within all limits is the one that the remedy would serve."""
    made = diagnosed.material(capacity_per_day=per_day)
    rows = {row[0]: row[1] for row in threshold.capacity(made).tables[0].rows}
    remedy = next(one for one in remedied(made) if one.key == "threshold_for_capacity")
    assert remedy.note.startswith(f"threshold {rows['within all limits']:.6g}")


@pytest.mark.parametrize(
    ("per_day", "ruling"), [(1.0, "found"), (1_000.0, "not found"), (None, "not checked")]
)
def test_the_reviewers_day(per_day: float | None, ruling: str) -> None:
    """More than they can take is found; without a capacity there is nothing to hold against."""
    found = threshold.capacity(diagnosed.material(capacity_per_day=per_day))
    assert found.found == ruling
    if per_day is not None:
        assert [one.title for one in found.tables[1:]] == [
            "Expected queue by region",
            "Expected queue by seller",
        ]


def test_nothing_served_fills_no_queue() -> None:
    """And is not a queue within capacity."""
    found = threshold.capacity(production(served_score=np.full(ROWS, np.nan)))
    assert (found.found, found.why_not) == ("not checked", "nothing was served")


def test_flagged_shares_step_by_step() -> None:
    """Each step's change is the difference of the shares before and after it."""
    found = threshold.flagged(MADE)
    shares = [row[1] for row in found.tables[0].rows]
    assert found.found == "found"
    assert [row[0] for row in found.tables[0].rows] == [
        "reported holdout",
        "columns as at request time",
        "production's rows",
        "served features",
        "served scores",
        "serving threshold",
    ]
    assert MADE.holdout is not None
    assert shares[0] == pytest.approx(float((MADE.holdout.score >= 0.5).mean()))
    assert shares[-1] == pytest.approx(float((MADE.production.served_score >= 0.65).mean()))


@pytest.mark.parametrize(
    ("made", "ruling", "why"),
    [
        (diagnosed.no_holdout(MADE), "not checked", "no holdout"),
        (production(offline_score=np.full(ROWS, np.nan)), "not checked", "all the scores to compare"),
        (diagnosed.first(MADE, 0), "not checked", "all the scores to compare"),
        (production(unit=np.zeros(ROWS, np.int64)), "not checked", "a single unit"),
        (diagnosed.without(MADE, production=("served_features_score",)), "found", ""),
    ],
    ids=["no holdout", "no offline score", "no request", "one unit", "no echo"],
)
def test_flagged_shares_of_lacking_columns(made: Material, ruling: str, why: str) -> None:
    """A single unit has no interval, so nothing moved beyond chance by it alone."""
    found = threshold.flagged(made)
    assert found.found == ruling
    assert why in found.why_not
