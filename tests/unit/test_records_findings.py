"""Bugs named: with their cost, place and onset through JSON, and what is open stays open."""

import msgspec
import pytest

from harness.records import Counterfactual, Exemplar, Finding, MomentFound, OnsetFound, PlaceFound

COST = Counterfactual(
    flips_in=3,
    mean_abs_in=0.1,
    max_abs_in=0.2,
    flips_out=2,
    mean_abs_out=0.1,
    flips_share=2.5,
    mean_abs_share=0.1,
)
PLACE = PlaceFound(
    conditions=("country is PT",), requests=10, mismatching=8, rate=0.8, elsewhere=0.0, share=1.0, p=None
)
SINCE = MomentFound(at="2025-03-03T09:00:00Z", lower="2025-03-03T08:00:00Z", upper="2025-03-03T10:00:00Z")
ONSET = OnsetFound(start=SINCE, end=None, during=0.8, otherwise=0.0, p=0.001)
FINDING = Finding(
    arm="challenger", fields=("hour",), cause="event_time", sentence="An hour early.", requests=8, explained=8
)


def test_a_finding_survives_json() -> None:
    """Cost, places, onset and exemplars are found again; an onset without an end has none."""
    finding = msgspec.structs.replace(
        FINDING,
        cost=COST,
        places=(PLACE,),
        onset=ONSET,
        exemplars=(Exemplar(seq=1, request_id="r", left="9", right="8"),),
    )
    again = msgspec.json.decode(msgspec.json.encode(finding), type=Finding)
    assert again == finding
    assert again.onset is not None
    assert (again.onset.start, again.onset.end) == (SINCE, None)


def test_a_finding_says_no_more_than_was_found() -> None:
    """Without costs, places and an onset it has none, and does nothing to a decision."""
    assert (FINDING.cost, FINDING.places, FINDING.onset) == (None, (), None)
    assert (FINDING.flips, FINDING.mean_abs, FINDING.latent) == (0, 0.0, False)


def test_a_cost_is_exact_and_alone_unless_it_says_otherwise() -> None:
    """No standard error where every coalition was scored, and no loss without labels."""
    assert (COST.flips_error, COST.mean_abs_error, COST.together) == (None, None, 1)
    assert (COST.log_loss, COST.labelled) == (None, 0)


def test_a_place_says_how_sure_it_is_even_if_it_is_not() -> None:
    """Its `p` may be None, and may not be forgotten."""
    written = msgspec.to_builtins(PLACE)
    del written["p"]
    with pytest.raises(msgspec.ValidationError, match="`p`"):
        msgspec.convert(written, PlaceFound)
