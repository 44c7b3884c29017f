"""What the benchmarks of places and times count as right, on cases that can be checked by hand."""

import numpy as np
import pytest

from harness.diff.conditions import Condition, holds
from harness.diff.onset import Moment, Onset
from tests.benchmarks.clustered_worlds import changed, clustered, placed, true_place, world
from tests.benchmarks.whereabouts import (
    FALSE,
    change_rows,
    false_rows,
    fisher_names,
    found_rows,
    intervals_hold,
    is_near,
    same,
    share,
)

TIMES = np.arange(1_000)
WORLD = world(1, n=3_000)


def moment(at: int, reach: int = 5) -> Moment:
    """A time with an interval that reaches so far to both sides."""
    return Moment(at, at - reach, at + reach)


@pytest.mark.parametrize(
    ("onset", "near", "held"),
    [
        (Onset(moment(405), None, 0.1, 0.0, 0.01), True, [True]),
        (Onset(moment(409, 8), None, 0.1, 0.0, 0.01), True, [False]),
        (Onset(moment(411, 20), None, 0.1, 0.0, 0.01), False, [True]),
        (Onset(moment(400), moment(900), 0.1, 0.0, 0.01), False, [True]),
        (Onset(None, moment(400), 0.1, 0.0, 0.01), False, []),
    ],
)
def test_a_start_at_request_400_of_1000(onset: Onset, *, near: bool, held: list[bool]) -> None:
    """Ten requests off are near, an end that is not there is wrong, an interval holds the gap or not."""
    assert is_near(onset, TIMES, rows=(400, 1_000)) is near
    assert intervals_hold(onset, TIMES, rows=(400, 1_000)) == held


def test_the_same_place_is_on_the_same_fields_and_requests() -> None:
    """A bound may be a little off, another field may not."""
    dear, dearer = Condition("amount", at_least=60.0), Condition("amount", at_least=60.5)
    assert same((dear,), (dearer,), WORLD)
    assert not same((dear,), (Condition("amount", at_least=200.0),), WORLD)
    assert not same((dear,), (dear, Condition("host", level="h1")), WORLD)


def test_fisher_names_what_is_there() -> None:
    """All mismatches on one host, and none at all."""
    assert fisher_names(Condition("host", level="h1").holds(WORLD.fields["host"]), WORLD.fields)
    assert not fisher_names(np.zeros(3_000, bool), WORLD.fields)


def test_a_share_has_the_width_of_its_interval() -> None:
    """10 of 100 at 95 %: from 4.90 to 17.62."""
    made = share(FALSE, [True] * 10 + [False] * 90)
    assert (made["value"], made["spread"], made["runs"]) == (10.0, 12.72, 100)


def test_worlds_are_what_they_say() -> None:
    """Mismatches lie mostly in their place or time, and the same seed gives the same world."""
    one = world(3, n=20_000)
    place = true_place(one, 0)
    mismatch = placed(one, place, prevalence=0.01)
    assert np.count_nonzero(mismatch & holds(place, one.fields)) >= 0.8 * np.count_nonzero(mismatch) > 0
    late, first, last = changed(one, mismatches=500)
    assert np.count_nonzero(late[first:last]) >= 0.9 * np.count_nonzero(late) > 0
    assert np.array_equal(clustered(world(4, n=3_000)), clustered(world(4, n=3_000)))


def test_every_maker_makes_its_rows() -> None:
    """On a few worlds each."""
    rows = [*false_rows(4), *found_rows(2), *change_rows(4)]
    assert [one["id"] for one in rows] == [
        "false_place",
        "false_place_fisher",
        "false_onset",
        "place_found",
        "first_seen",
        "first_seen_coverage",
    ]
