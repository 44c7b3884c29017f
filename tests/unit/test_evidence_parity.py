"""An exact count, and what it would say of traffic to come."""

import pytest

from harness.evidence import census, claim


@pytest.mark.parametrize(
    ("count", "n", "upper"), [(0, 1497, 0.0020), (0, 59, 0.0495), (10, 100, 0.1637), (5, 5, 1.0)]
)
def test_the_bound_is_clopper_pearsons(count: int, n: int, upper: float) -> None:
    """0 of 1,497 bounds future traffic at .2 %; all of all bounds nothing."""
    (estimate,) = census("flips", count=count, n=n)
    assert (estimate.value, estimate.count, estimate.n, estimate.level) == (count / n, count, n, 0.95)
    assert estimate.upper == pytest.approx(upper, abs=5e-5)


def test_units_are_counted_beside_requests() -> None:
    """Requests of one user resemble each other, so the bound by unit is the honest one."""
    by_request, by_unit = census("flips", count=1, n=1000, units=40, units_hit=1)
    assert (by_unit.name, by_unit.count, by_unit.n, by_unit.unit) == (
        "flips by unit",
        1,
        40,
        "share of units",
    )
    assert (by_unit.upper or 0) > 10 * (by_request.upper or 0)


def test_nothing_counted_claims_nothing() -> None:
    """No request bounds no rate, and is no sentence."""
    assert census("flips", count=0, n=0, units=3) == ()
    assert claim("differ", count=0, n=0) == ""


def test_the_claim_is_exact_of_these_requests_and_bounded_of_others() -> None:
    """The words of the two kinds of evidence."""
    assert claim("differ", count=0, n=1497) == (
        "On these 1,497 distinct requests 0 differ: exact. If they were an independent sample of "
        "future traffic, the rate is below 0.200% (95 %)."
    )
