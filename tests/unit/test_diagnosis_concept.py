"""Where Y given X changed: the one feature that did, nothing where only X moved, and why not otherwise."""

from dataclasses import replace
from functools import lru_cache

import numpy as np
import pytest

from harness.diagnosis.concept import Concept, where_changed
from harness.diagnosis.domain import Rows
from harness.errors import HarnessError
from tests.simulations.diagnosis.worlds import FEATURES, World, draw


def drawn(world: World, rows: int = 4000) -> tuple[Rows, Rows]:
    """Holdout and production of a world."""
    made = draw(world, np.random.default_rng(11), rows=rows)
    return made.before, made.now


@lru_cache
def found(world: World) -> Concept:
    """What is found in four thousand rows a side."""
    return where_changed(*drawn(world), names=FEATURES)


TURNED = World(name="turned", concept=1.0)


def test_the_feature_whose_effect_turned_is_named() -> None:
    """With more than .8 of the gain, by an interval above 0; the other features have next to nothing."""
    made = found(TURNED)
    assert made.changed
    first, second = made.features[:2]
    assert first.name == "pace"
    assert first.share > 0.8
    assert first.gain.lower > 0.0
    assert second.share < 0.1


def test_the_parts_are_the_gain_beyond_the_control() -> None:
    """Features and what all rows have alike sum to the excess; before and after differ by the gain."""
    made = found(TURNED)
    assert made.gain is not None
    assert made.control is not None
    assert made.excess is not None
    assert made.everywhere is not None
    assert made.before is not None
    assert made.after == pytest.approx(made.before - made.gain.value)
    assert made.excess.value == pytest.approx(made.gain.value - made.control.value)
    parts = sum(one.gain.value for one in made.features) + made.everywhere.gain.value
    assert parts == pytest.approx(made.excess.value)
    assert sum(one.share for one in made.features) + made.everywhere.share == pytest.approx(1.0)
    assert abs(made.control.value) < 0.02 < made.gain.lower


def test_the_places_show_which_way_it_turned() -> None:
    """Its effect went from 1 to -.6: more positives than expected where it is low, fewer where it is high."""
    places = {one.high: one.difference for one in found(TURNED).features[0].places}
    lowest, highest = places[min(places)], places[np.inf]
    assert lowest.lower > 0.2
    assert highest.upper < -0.2


@pytest.mark.parametrize(
    "world",
    [World(name="nothing"), World(name="shift", shift=0.9), World(name="region", newcomers=0.4)],
    ids=lambda world: world.name,
)
def test_a_shift_of_the_features_alone_is_no_change(world: World) -> None:
    """Whether none, of two features, or a new region; and then no place is looked into."""
    made = found(world)
    assert not made.changed
    assert not made.why_not
    assert not any(one.places for one in made.features)


def test_more_positives_everywhere_are_of_no_feature() -> None:
    """A third of the negative labels turned positive at random is mostly alike for all rows."""
    before, now = drawn(World(name="nothing"))
    more = np.random.default_rng(4).random(now.label.size) < 0.35
    made = where_changed(before, replace(now, label=np.maximum(now.label, more)), names=FEATURES)
    assert made.changed
    assert made.everywhere is not None
    assert made.everywhere.share > 0.6


def test_the_same_rows_give_the_same_answer() -> None:
    """To the last bit."""
    before, now = drawn(TURNED, 1500)
    one, other = (where_changed(before, now, names=FEATURES) for _ in range(2))
    assert one == other


def test_units_in_both_populations_are_one() -> None:
    """With the same codes on both sides there is an answer all the same."""
    before, now = drawn(TURNED, 1500)
    made = where_changed(before, replace(now, unit=before.unit), names=FEATURES)
    assert made.changed


def test_a_level_is_called_by_its_name() -> None:
    """A category by its code: the level whose labels turned, and missing cells beside."""
    rng = np.random.default_rng(9)
    code = rng.integers(0, 3, 6000).astype(float)
    cell = np.where(rng.random(6000) < 0.1, np.nan, code)
    sides = [
        Rows(
            features=cell[:, None],
            label=(rng.random(6000) < np.where(code == 2.0, turned, 0.3)).astype(float),
            unit=np.arange(6000) + start,
        )
        for turned, start in ((0.3, 0), (0.8, 6000))
    ]
    made = where_changed(sides[0], sides[1], names=["town"], levels={"town": ["Rome", "Oslo", "Lima"]})
    places = {one.value: one for one in made.features[0].places}
    assert set(places) == {"Rome", "Oslo", "Lima", "missing"}
    assert made.features[0].places[0].value == "Lima"
    assert places["Lima"].label - places["Lima"].expected == pytest.approx(places["Lima"].difference.value)
    assert places["Lima"].difference.covers(0.5)
    assert places["Rome"].difference.covers(0.0)


def nothing_of(rows: Rows, many: int) -> Rows:
    """The first few rows."""
    return replace(rows, features=rows.features[:many], label=rows.label[:many], unit=rows.unit[:many])


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda rows: nothing_of(rows, 0), "production has 0 negative labels, fewer than 50"),
        (lambda rows: replace(rows, label=np.full(1500, np.nan)), "production has 0 negative labels"),
        (lambda rows: replace(rows, label=np.zeros(1500)), "production has 0 positive labels"),
        (lambda rows: replace(rows, unit=np.zeros(1500, dtype=int)), "has too few units: a quarter"),
        (lambda rows: replace(rows, used=np.zeros(1500, dtype=bool)), "production has 0 negative labels"),
        (
            lambda rows: replace(rows, features=rows.features + 50.0),
            "where holdout and production overlap: the holdout has",
        ),
    ],
    ids=["no rows", "no labels", "one class", "one unit", "none to compare", "nowhere alike"],
)
def test_what_cannot_be_computed_says_why(change: object, why: str) -> None:
    """And nothing is claimed."""
    before, now = drawn(World(name="nothing"), 1500)
    assert callable(change)
    made = where_changed(before, change(now), names=FEATURES)
    assert why in made.why_not
    assert "the holdout has 0" not in made.why_not
    assert not made.changed
    assert made.gain is None


def test_without_common_features_there_is_nothing_to_see() -> None:
    """It says so; names that do not fit the features are an error."""
    before, now = drawn(World(name="nothing"), 300)
    bare = [replace(rows, features=rows.features[:, :0]) for rows in (before, now)]
    assert where_changed(bare[0], bare[1], names=[]).why_not == (
        "holdout and production have no feature in common"
    )
    with pytest.raises(HarnessError, match="the names do not fit the features"):
        where_changed(before, now, names=["one"])
