"""An exact count, and what it would say of traffic to come."""

import pytest

from harness.evidence import Counted, census, claim
from harness.records import Estimate


@pytest.mark.parametrize(
    ("count", "n", "upper"), [(0, 1497, 0.0020), (0, 59, 0.0495), (10, 100, 0.1637), (5, 5, 1.0)]
)
def test_the_bound_is_clopper_pearsons(count: int, n: int, upper: float) -> None:
    """0 of 1,497 bounds future traffic at .2 %; all of all bounds nothing."""
    (estimate,) = census("flips", Counted(count, n))
    assert (estimate.value, estimate.count, estimate.n, estimate.level) == (count / n, count, n, 0.95)
    assert estimate.upper == pytest.approx(upper, abs=5e-5)


def test_units_are_counted_beside_requests() -> None:
    """Requests of one user resemble each other, so the bound by unit is the honest one."""
    by_request, by_unit = census("flips", Counted(1, 1000, units=40, units_hit=1))
    assert (by_unit.name, by_unit.count, by_unit.n, by_unit.unit) == (
        "flips by unit",
        1,
        40,
        "share of units",
    )
    assert (by_unit.upper or 0) > 10 * (by_request.upper or 0)


def test_a_request_that_was_sent_again_is_one_witness() -> None:
    """Of 1,000 requests sent three times each two failed: the bound is of 2 in 1,000, not of 3 in 3,000."""
    thrice = Counted(3, 3000, once=(1000, 2))
    (estimate,) = census("errors", thrice)
    assert (estimate.value, estimate.n) == (0.001, 3000)
    assert estimate.upper == census("errors", Counted(2, 1000))[0].upper
    assert "They are 1,000 distinct requests, 2 of which did at all. " in claim("failed", thrice)


def test_nothing_counted_claims_nothing() -> None:
    """No request bounds no rate, and is no sentence."""
    assert census("flips", Counted(0, 0, units=3)) == ()
    assert claim("differ", Counted(0, 0)) == ""


def test_the_claim_is_exact_of_these_requests_and_bounded_of_others() -> None:
    """The words of the two kinds of evidence."""
    assert claim("differ", Counted(0, 1497)) == (
        "On these 1,497 distinct requests 0 differ: exact. If they were an independent sample of "
        "future traffic, the rate is below 0.200% (95 %)."
    )


def test_a_sample_of_unequal_weights_is_bounded_by_them_alone() -> None:
    """The exact counts stay, without a bound that takes them for a sample of traffic to come."""
    traffic = Estimate(name="flips of the traffic", value=0.01, upper=0.03, note="n_eff 40 of 100")
    counted = Counted(5, 100, units=40, units_hit=3, traffic=traffic)
    first, by_request, by_unit = census("flips", counted)
    assert first == traffic
    assert (by_request.value, by_request.upper, by_unit.value, by_unit.upper) == (0.05, None, 0.075, None)
    assert claim("differ", counted) == (
        "On these 100 distinct requests 5 differ: exact. By their weights that is 1.000% of the traffic they "
        "stand for (n_eff 40 of 100); if they were kept independently, it is below 3.000% (95 %)."
    )
