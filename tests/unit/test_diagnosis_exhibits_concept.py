"""Where the label given the features changed, in words and tables."""

from __future__ import annotations

from dataclasses import replace

import pytest

from harness.diagnosis.concept import Changed, Concept
from harness.diagnosis.concept_places import Place
from harness.diagnosis.exhibits import concept
from harness.diagnosis.intervals import Interval


def about(value: float, half: float = 0.01) -> Interval:
    """A number with its interval."""
    low, high = value - half, value + half
    return Interval(value=value, se=half / 2, lower=low, upper=high, lower_all=low, upper_all=high)


def found(*, changed: bool) -> Concept:
    """What a comparison came to."""
    return Concept(
        changed=changed,
        before=0.6,
        after=0.5,
        gain=about(0.1),
        control=about(0.0),
        excess=about(0.1),
        features=(Changed(name="visits", gain=about(0.08), share=0.8),),
        everywhere=Changed(name="everywhere", gain=about(0.02), share=0.2),
        rows=(500, 400),
    )


@pytest.mark.parametrize(
    ("changed", "ruling", "start"), [(True, "found", "Yes, mostly by visits:"), (False, "not found", "No:")]
)
def test_a_change_is_told_with_its_features(*, changed: bool, ruling: str, start: str) -> None:
    """The gain is said either way."""
    made = concept.changed(found(changed=changed), "")
    assert made.found == ruling
    assert made.answer.startswith(start)
    assert "0.1000 log loss" in made.answer
    assert [row[0] for row in made.tables[1].rows] == ["visits"]


@pytest.mark.parametrize(
    ("given", "why"),
    [(None, "no holdout"), (Concept(why_not="12 positive labels, fewer than 50"), "fewer than 50")],
)
def test_what_was_not_compared_says_why(given: Concept | None, why: str) -> None:
    """The reason is that of the comparison, or else that for which there was none."""
    made = concept.changed(given, "no holdout")
    assert made.found == "not checked"
    assert why in made.why_not


def test_places_have_their_table() -> None:
    """Where in a feature labels are others than expected, with the rows of production."""
    place = Place(
        value="below 2", low=-1.0, high=2.0, rows=(50, 40), label=0.2, expected=0.6, difference=about(-0.4)
    )
    made = found(changed=True)
    visits = replace(made.features[0], places=(place,))
    table = concept.changed(replace(made, features=(visits,)), "").tables[-1]
    assert table.title == "Where in these features"
    assert table.rows[0][:5] == ("visits", "below 2", 40, 0.2, 0.6)
