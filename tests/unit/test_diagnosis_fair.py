"""Which rows of the holdout are fair, as far as enough are left."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from harness.diagnosis import fair
from harness.diagnosis.material import HoldoutRows, Mask
from harness.diagnosis.samples import REPEATED, UNTIMELY
from tests.kit import diagnosed
from tests.kit.diagnosed import ROWS

NEVER, ALWAYS = np.zeros(ROWS, bool), np.ones(ROWS, bool)


def holdout(duplicate: Mask | None, known_unit: Mask | None, *, early: bool = False) -> HoldoutRows:
    """The holdout with these rows marked."""
    made = diagnosed.material().holdout
    assert made is not None
    return replace(made, duplicate=duplicate, known_unit=known_unit, trained_until_ns=2**62 if early else 0)


def test_every_check_that_leaves_enough_is_used() -> None:
    """The step leaves out rows of either check."""
    some, others = np.arange(ROWS) < 100, np.arange(ROWS) >= 900
    found = fair.evaluations(holdout(some, others))
    assert [(one.name, one.used) for one in found] == [
        ("duplicates", True),
        ("known units", True),
        ("early rows", True),
    ]
    out = fair.left_out(found, REPEATED)
    assert out is not None
    assert out.sum() == 200
    assert fair.why_not(found, REPEATED) == ""


def test_a_check_that_leaves_too_few_is_not_used_and_says_so() -> None:
    """The checks before it stand; an unknown column is another reason."""
    found = fair.evaluations(holdout(None, ALWAYS, early=True))
    assert [one.used for one in found] == [False, False, False]
    assert fair.left_out(found, REPEATED) is None
    assert fair.left_out(found, UNTIMELY) is None
    assert fair.why_not(found, REPEATED) == (
        "duplicates: it is not known which rows training has too; "
        "known units: none of 1,000 rows would be left"
    )
    assert "none of 1,000 rows" in fair.why_not(found, UNTIMELY)


@pytest.mark.parametrize(("positives", "used"), [(fair.LEAST_CLASS, True), (fair.LEAST_CLASS - 1, False)])
def test_both_classes_must_be_left(positives: int, *, used: bool) -> None:
    """So many of the rarer one."""
    label = (np.arange(ROWS) < positives).astype(np.float64)
    rows = replace(holdout(NEVER, NEVER), label=label)
    assert fair.evaluations(rows)[0].used is used


def test_the_fair_rows_are_those_that_the_ladder_keeps() -> None:
    """Neither repeated nor early ones; a holdout of which nothing is known has all its rows."""
    made = diagnosed.material()
    assert made.holdout is not None
    assert made.holdout.duplicate is not None
    assert made.holdout.early is not None
    expected = ~(made.holdout.duplicate | made.holdout.early)
    np.testing.assert_array_equal(fair.fair_rows(made.holdout), expected)
    plain = diagnosed.without(made, holdout=("duplicate", "known_unit", "time_ns")).holdout
    assert plain is not None
    assert fair.fair_rows(plain).all()


def test_mature_requests_are_compared_and_without_any_all() -> None:
    """Units of a holdout that has none are none of production's."""
    made = diagnosed.material()
    np.testing.assert_array_equal(fair.compared_rows(made.production), made.production.mature)
    assert fair.compared_rows(diagnosed.no_labels(made).production).all()
    plain = diagnosed.without(made, holdout=("unit",)).holdout
    assert plain is not None
    there, here = fair.units(plain, made.production)
    assert np.unique(there).size == there.size
    assert not np.isin(there, here).any()
