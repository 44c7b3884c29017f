"""Segments: another mix or worse within; the worst slices."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from harness.diagnosis.exhibits import segments
from harness.diagnosis.material import Material
from tests.kit import diagnosed
from tests.kit.diagnosed import ROWS, Troubles


def production(**columns: Any) -> Material:  # noqa: ANN401  -- any column
    """The material with other columns in production."""
    made = diagnosed.material()
    return replace(made, production=replace(made.production, **columns))


def test_a_change_is_split_by_the_segments_that_both_sides_have() -> None:
    """The region is a column of the holdout, the seller is not."""
    found, _ = segments.mix(diagnosed.material())
    assert found.found == "found"
    assert {row[0] for row in found.tables[0].rows} == {"region"}
    assert found.answer.startswith("By region,")


def test_what_got_worse_within_is_found_beyond_chance_only() -> None:
    """Visits lost their meaning in every region; where nothing changed, chance is not found."""
    worse, within = segments.mix(diagnosed.material())
    calm = Troubles(leak=0.0, repeated=0.0, drift=0.0, concept=0.0, bug=0.0, other_model=0.0, moved=0.0)
    same, none = segments.mix(diagnosed.material(calm))
    assert (worse.found, same.found) == ("found", "not found")
    assert within is not None
    assert none is not None
    assert within.low > 0.0 > none.low
    alone = production(unit=np.zeros(ROWS, np.int64))
    exhibit, unknown = segments.mix(alone)
    assert (exhibit.found, unknown) == ("not checked", None)


def test_ranges_keep_their_names_apart() -> None:
    """1000001 and 1000002 are two edges, so there are four ranges."""
    values = 1e6 + np.arange(8.0)
    made = segments.binned({"x": values, "few": values % 2 + 1e6}, np.ones(8, bool))
    assert set(made["x"].tolist()) == {
        "below 1000001",
        "1000001 to 1000003",
        "1000003 to 1000005",
        "1000005 or more",
    }
    assert set(made["few"].tolist()) == {"1000000", "1000001"}


@pytest.mark.parametrize(
    ("made", "why"),
    [
        (diagnosed.no_holdout(diagnosed.material()), "no holdout was given"),
        (diagnosed.no_labels(diagnosed.material()), "no labels were given"),
        (diagnosed.without(diagnosed.material(), production=("segments",)), "none of the capture's segments"),
        (
            diagnosed.without(diagnosed.material(), holdout=("features", "requested")),
            "none of the capture's segments",
        ),
        (
            production(served_score=np.full(ROWS, np.nan)),
            "production has no labelled rows with probabilities",
        ),
        (
            production(served_score=np.linspace(-5, 5, ROWS)),
            "production has no labelled rows with probabilities",
        ),
    ],
    ids=["no holdout", "no labels", "no segments", "no features", "nothing served", "raw scores"],
)
def test_a_split_that_cannot_be_made_says_why(made: Material, why: str) -> None:
    """No number is made up."""
    found, _ = segments.mix(made)
    assert found.found == "not checked"
    assert why in found.why_not


def test_a_holdout_without_labels_has_no_losses() -> None:
    """The reason names the side."""
    made = diagnosed.material()
    assert made.holdout is not None
    none = replace(made, holdout=replace(made.holdout, label=np.full(ROWS, np.nan)))
    assert segments.mix(none)[0].why_not == "the holdout has no labelled rows with probabilities"


def test_a_slice_that_is_much_worse_is_confirmed() -> None:
    """In the west labels are turned around."""
    made = diagnosed.material(Troubles(concept=0.0, bug=0.0, other_model=0.0))
    west = made.production.segments["region"] == "west"
    label = np.where(west, 1.0 - made.production.label, made.production.label)
    exhibit, slices = segments.worst(replace(made, production=replace(made.production, label=label)))
    assert exhibit.found == "found"
    assert "region = west" in exhibit.answer
    assert slices is not None
    assert any(one.confirmed for one in slices)


def test_without_a_bad_slice_none_is_found() -> None:
    """It was searched, and nothing was found: that is not a lack of units."""
    calm = Troubles(leak=0.0, repeated=0.0, drift=0.0, concept=0.0, bug=0.0, other_model=0.0, moved=0.0)
    exhibit, slices = segments.worst(diagnosed.material(calm))
    assert exhibit.found == "not found"
    assert slices is not None
    assert not any(one.confirmed for one in slices)


@pytest.mark.parametrize(
    ("made", "why"),
    [
        (diagnosed.no_labels(diagnosed.material()), "no labels were given"),
        (production(label=np.full(ROWS, np.nan)), "no labelled rows with probabilities"),
        (production(served_score=np.linspace(-5, 5, ROWS)), "no labelled rows with probabilities"),
        (production(unit=np.zeros(ROWS, np.int64)), "too few units"),
    ],
    ids=["no labels", "none mature", "raw scores", "one unit"],
)
def test_slices_that_cannot_be_searched_say_why(made: Material, why: str) -> None:
    """And the causes are told that nothing was searched."""
    exhibit, slices = segments.worst(made)
    assert (exhibit.found, slices) == ("not checked", None)
    assert why in exhibit.why_not


@pytest.mark.parametrize(
    ("values", "levels"),
    [
        (np.arange(8.0), {"below 1", "1 to 3", "3 to 5", "5 or more"}),
        (np.array([0.0, 1.0, np.nan, np.inf]), {"0", "1", "missing"}),
        (np.array(["a", "b", None, "a"], object), {"a", "b", "missing"}),
    ],
    ids=["ranges", "few values", "texts"],
)
def test_columns_are_cut_into_few_levels(values: np.ndarray, levels: set[str]) -> None:
    """Numbers between quantiles, few values and texts as they are, what is no value as missing."""
    made = segments.binned({"x": values}, np.ones(len(values), bool))["x"]
    assert set(made.tolist()) == levels


def test_rare_levels_are_put_together_and_constants_left_out() -> None:
    """Twenty levels become twelve and the others; one level is no field to search."""
    many = np.array([f"l{k % 20}" for k in range(400)] + ["l0"] * 5, object)
    rows = np.ones(405, bool)
    made = segments.binned({"many": many, "one": np.zeros(405), "none": np.full(405, np.nan)}, rows)
    assert set(made) == {"many"}
    assert len(set(made["many"].tolist())) == segments.LEVELS + 1


def test_a_segment_keeps_its_capitals() -> None:
    """The answer begins with one; the name of a column is as it is."""
    made = diagnosed.material()
    here, there = made.production, made.holdout
    assert there is not None
    assert there.features is not None
    now = {**here.offline_features, "homeCountry": here.offline_features["region"]}
    then = {**there.features, "homeCountry": there.features["region"]}
    named = replace(
        made,
        holdout=replace(there, features=then, requested=None),
        production=replace(here, offline_features=now, segments={"homeCountry": now["region"]}),
    )
    assert segments.mix(named)[0].answer.startswith("By homeCountry, ")
