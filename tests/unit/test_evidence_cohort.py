"""Which requests may be compared: in scope, exposed, ripe, labelled, and answered by both arms."""

from dataclasses import replace

import numpy as np
import pytest

from harness.evidence.cohort import DAY_NS, NEVER, Cohort, stamp
from tests.kit.some_evidence import ARMS, cohort


@pytest.fixture
def three() -> Cohort:
    """Three requests at time 0, labels known on day 1, on day 9 and never."""
    return replace(
        cohort(3),
        event_ns=np.zeros(3, dtype=np.int64),
        label=np.array([1.0, 0.0, np.nan]),
        label_ns=np.array([1, 9, 0], dtype=np.int64) * DAY_NS,
    )


def test_a_request_enters_when_it_is_ripe_and_labelled(three: Cohort) -> None:
    """An early label waits for its window, a late one for itself, and no label never comes."""
    assert three.entry_ns(7.0).tolist() == [7 * DAY_NS, 9 * DAY_NS, NEVER]


@pytest.mark.parametrize(("day", "known"), [(0, []), (1, [0]), (9, [0, 1]), (99, [0, 1])])
def test_a_label_is_known_from_its_time_on(three: Cohort, day: int, known: list[int]) -> None:
    """What becomes known after `as_of` is not known."""
    assert np.flatnonzero(three.known(day * DAY_NS)).tolist() == known


def test_a_part_of_a_day_delays_as_much() -> None:
    """Half a day is half a day."""
    assert (cohort(1).ripe_ns(0.5) - cohort(1).event_ns).tolist() == [DAY_NS // 2]


def test_a_label_can_only_come_where_the_decision_let_it() -> None:
    """Training rows and requests that were not exposed are not eligible."""
    mixed = replace(cohort(3), exposed=np.array([True, False, True]), in_scope=np.array([True, True, False]))
    assert mixed.eligible().tolist() == [True, False, False]


def test_a_request_is_answered_when_both_arms_scored_it() -> None:
    """One arm's NaN is no answer."""
    scores = {"champion": np.array([0.1, np.nan, 0.1]), "challenger": np.array([0.1, 0.1, np.nan])}
    assert replace(cohort(3), scores=scores).answered(ARMS).tolist() == [True, False, False]


def test_times_are_told_in_utc() -> None:
    """A billion seconds after the epoch."""
    assert stamp(10**18 + 999_999_999) == "2001-09-09T01:46:40Z"
