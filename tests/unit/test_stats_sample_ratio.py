"""Traffic splits and canary errors: e-values of another package, two arms as a rate test, and refusals."""

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.stats import BetaBinomial, SampleRatio, canary_error_share, canary_errors, share_bounds

EVEN = SampleRatio(shares=(0.5, 0.5))


@pytest.mark.parametrize(
    ("counts", "shares", "evidence"),
    [((60, 25), (0.5, 0.5), 20.9135938638733), ((900, 100), (0.95, 0.05), 43922566.98563)],
)
def test_evidence_is_that_of_savvi(
    counts: tuple[int, ...], shares: tuple[float, ...], evidence: float
) -> None:
    """E-values printed to 15 digits, concentration 100."""
    assert math.exp(SampleRatio(shares=shares).add(counts).log_e()) == pytest.approx(evidence, rel=1e-12)


def test_two_arms_are_the_two_sided_rate_test() -> None:
    """With prior Beta(k pi, k (1 - pi)) the rate test gives the same evidence."""
    rate = BetaBinomial(p0=0.05, side="two-sided", alpha=0.001, a=5.0, b=95.0).add(70, 1000)
    split = SampleRatio(shares=(0.05, 0.95)).add((70, 930))
    assert split.log_e() == pytest.approx(rate.log_e(), abs=1e-9)


def test_the_order_of_arms_does_not_matter() -> None:
    """Arms and shares permuted together give the same evidence."""
    one = SampleRatio(shares=(0.5, 0.3, 0.2)).add((10, 50, 9))
    other = SampleRatio(shares=(0.2, 0.5, 0.3)).add((9, 10, 50))
    assert one.log_e() == pytest.approx(other.log_e(), abs=1e-10)


def test_a_kept_split_is_no_evidence_and_a_broken_one_is() -> None:
    """5,000 to 5,000 speaks for the plan, 5,400 to 4,600 against it."""
    assert EVEN.add((5000, 5000)).log_e() < 0.0
    assert EVEN.add((5000, 5000)).p_value() == 1.0
    assert EVEN.add((5400, 4600)).rejects
    assert EVEN.add((5400, 4600)).p_value() <= 0.001


def test_no_traffic_is_no_evidence() -> None:
    """Before the first request E is 1."""
    assert (EVEN.log_e(), EVEN.rejects) == (0.0, False)


def test_state_survives_json_exactly_and_merges() -> None:
    """A resumed state is the same, and shards add their counts."""
    test = EVEN.add((3, 4))
    assert SampleRatio.from_state(json.loads(json.dumps(test.state()))) == test
    assert test.merge(EVEN.add((1, 0))) == EVEN.add((4, 4))


@pytest.mark.parametrize(("ratio", "share"), [(1.0, 0.05), (1.25, 0.0617283951), (2.0, 0.0952380952)])
def test_share_of_errors_of_a_canary(ratio: float, share: float) -> None:
    """5 % of traffic at these error-rate ratios has this share of the errors."""
    assert canary_error_share(0.05, ratio) == pytest.approx(share, abs=1e-9)


def test_canary_errors_are_tested_as_a_share_of_all_errors() -> None:
    """20 of 100 errors from 5 % of traffic are too many; 1 of 600 proves at most 1.25 times the rate."""
    worse = canary_errors(0.05, "greater", n_opt=200, alpha=0.05)
    not_worse = canary_errors(0.05, "less", ratio=1.25, n_opt=200, alpha=0.05)
    assert worse.add(20, 100).rejects
    assert not worse.add(5, 100).rejects
    assert not_worse.add(1, 600).rejects
    assert not not_worse.add(37, 600).rejects


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"shares": (1.0,), "counts": ()}, "expected at least 2 numbers"),
        ({"shares": (0.5, 0.6)}, "that sum to 1"),
        ({"shares": (0.0, 1.0)}, "above 0"),
        ({"counts": (1, 2, 3)}, "expected 2 counts"),
        ({"counts": (-1, 2)}, "expected 2 counts of at least 0"),
        ({"concentration": 0.0}, "concentration: found 0.0"),
        ({"alpha": 2.0}, "alpha: found 2.0"),
        ({"seed": 1}, "state: found the names"),
    ],
)
def test_a_damaged_state_is_refused_by_name(change: dict[str, object], text: str) -> None:
    """A value that no run can produce raises ValueError that names it."""
    with pytest.raises(ValueError, match=text):
        SampleRatio.from_state({**EVEN.state(), **change})


def test_counts_of_another_number_of_arms_are_refused() -> None:
    """Every arm has a count."""
    with pytest.raises(ValueError, match="expected 2 counts"):
        EVEN.add((1, 2, 3))


def test_splits_of_other_plans_do_not_merge() -> None:
    """Another plan is another test."""
    with pytest.raises(ValueError, match="other tuning is another test"):
        EVEN.merge(SampleRatio(shares=(0.6, 0.4)))


def test_the_shares_that_are_not_rejected_are_an_interval() -> None:
    """The known bounds; nothing known is everything, and one arm alone leaves one side open."""
    assert share_bounds((60, 25), alpha=0.05) == pytest.approx((0.501424, 0.860880), abs=1e-6)
    assert share_bounds((0, 0)) == (0.0, 1.0)
    assert share_bounds((0, 50))[0] == 0.0
    assert share_bounds((50, 0))[1] == 1.0


@given(
    canary=st.integers(0, 3000),
    rest=st.integers(0, 3000),
    share=st.sampled_from([0.01, 0.05, 0.2, 0.5, 0.9]),
    alpha=st.sampled_from([0.001, 0.05]),
)
def test_a_share_is_outside_the_bounds_exactly_when_it_is_rejected(
    canary: int, rest: int, share: float, alpha: float
) -> None:
    """Bounds and ruling cannot contradict each other."""
    low, high = share_bounds((canary, rest), alpha=alpha)
    test = SampleRatio(shares=(share, 1 - share), alpha=alpha).add((canary, rest))
    if min(abs(share - low), abs(share - high)) > 1e-6:
        assert test.rejects == (not low <= share <= high)
