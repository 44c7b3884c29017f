"""Scores against each other: drawn where they differ, once."""

from __future__ import annotations

from msgspec.structs import replace

from harness.report import score_pictures
from tests.kit.sample_report import go, no_go


def test_a_pair_that_differs_is_drawn_with_its_counts() -> None:
    """How many differ, how many by a cell or more, and the flips."""
    (heat,) = score_pictures.pictures(no_go())
    assert heat.title == (
        "challenger scores 3,060 requests of 7,122 otherwise than offline, 3,060 of them by a cell or more"
    )
    assert "n = 7,122 requests" in heat.caption
    assert "292 decision flips ringed" in heat.caption


def test_agreement_is_not_drawn_and_the_same_only_once() -> None:
    """Nothing to see where all agree; two references with the same scores give one picture."""
    assert score_pictures.pictures(go()) == []
    mine = no_go().pairs[1]
    both = replace(no_go(), pairs=(mine, replace(mine, left="champion")))
    assert len(score_pictures.pictures(both)) == 1
