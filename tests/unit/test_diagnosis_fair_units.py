"""Which rows of a holdout are fair to evaluate on."""

import numpy as np
import pytest

from harness.diagnosis.fair import evaluations, left_out, why_not
from harness.diagnosis.material import HoldoutRows
from harness.diagnosis.samples import REPEATED, UNTIMELY

N = 1_000
LABEL = np.arange(N) % 2.0
HALF = np.arange(N) < N // 2


def rows(**known: object) -> HoldoutRows:
    """A holdout of a thousand rows, half of them positive."""
    return HoldoutRows(digest="d", label=LABEL, score=LABEL, **known)  # type: ignore[arg-type]


@pytest.mark.parametrize(("known", "left"), [(0.0, True), (0.24, True), (0.25, False), (0.9, False)])
def test_units_that_production_knows_too_are_no_leak(known: float, *, left: bool) -> None:
    """Half of the holdout's rows are of known units; from half of that share on production has them too."""
    found = evaluations(rows(known_unit=HALF, known_in_production=known))
    mask = left_out(found, REPEATED)
    assert (mask is not None) == left
    assert ("production knows them too" in why_not(found, REPEATED)) != left


def test_what_leaves_too_few_rows_is_not_left_out() -> None:
    """And says how many would be left: none, or how few."""
    everything = rows(time_ns=np.zeros(N, np.int64), trained_until_ns=1)
    assert left_out(evaluations(everything), UNTIMELY) is None
    assert why_not(evaluations(everything), UNTIMELY) == "early rows: none of 1,000 rows would be left"
    some = rows(duplicate=np.arange(N) >= 10)
    assert "duplicates: only 10 of 1,000 rows would be left" in why_not(evaluations(some), REPEATED)


def test_each_check_has_those_before_it() -> None:
    """Duplicates and known units are left out together; what is not known says so."""
    found = evaluations(rows(duplicate=np.arange(N) % 10 == 0, known_unit=HALF))
    mask = left_out(found, REPEATED)
    assert mask is not None
    assert mask.sum() == 500 + 50
    assert "not known" in why_not(found, UNTIMELY)
