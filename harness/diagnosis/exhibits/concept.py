"""Where the same features have other labels now, in production against the leak-free holdout."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.diagnosis.exhibits.numbers import of_interval, table
from harness.diagnosis.exhibits.question import Question

if TYPE_CHECKING:
    from harness.diagnosis.concept import Concept
    from harness.diagnosis.intervals import Interval
    from harness.records import Cell, Exhibit

#: features of a change that are named in the sentence
NAMED = 3


def changed(found: Concept | None, why_not: str) -> Exhibit:
    """Whether the label given the features changed beyond chance, by which features, and where in them."""
    base = Question(
        key="concept",
        title="The same features mean something else",
        question="Did the label given the features change, and where?",
        steps=("concept",),
    )
    if found is None or found.gain is None:
        return base.unchecked(why_not if found is None else found.why_not)
    names = ", ".join(one.name for one in found.features[:NAMED])
    gained = f"production's own labels improve the holdout's model by {found.gain.value:.4f} log loss"
    answer = f"Yes, mostly by {names}: {gained}." if found.changed else f"No: {gained}, which may be chance."
    lines: list[tuple[Cell, ...]] = [
        ("log loss of the holdout's model in production", found.before),
        ("with what production's labels add", found.after),
        ("gain", of_interval(found.gain)),
        ("the same in the holdout (control)", _number(found.control)),
        ("gain beyond the control", _number(found.excess)),
    ]
    features = [(one.name, of_interval(one.gain), one.share) for one in found.features]
    places: list[tuple[Cell, ...]] = [
        (one.name, place.value, place.rows[1], place.label, place.expected, of_interval(place.difference))
        for one in found.features
        for place in one.places
    ]
    head = "feature|values|rows:count|positive:share|expected:share|difference:signed"
    return base.answered(
        answer,
        found=found.changed,
        tables=(
            table("what|value:number", lines),
            table("feature|its part of the gain:signed|share:share", features, most=12),
            *((table(head, places, title="Where in these features"),) if places else ()),
        ),
    )


def _number(found: Interval | None) -> Cell:
    return None if found is None else of_interval(found)
