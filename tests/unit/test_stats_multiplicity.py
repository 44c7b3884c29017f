"""Many tests at once: worked examples, agreement of the rules, and edges."""

import math

import numpy as np
import pytest

from harness.stats import benjamini_hochberg, bonferroni, e_bh, intersection_union


def test_e_bh_rejects_at_equality() -> None:
    """The example of ville: 4 * 30 / 6 is exactly 20."""
    rejected = e_bh(np.log([1.2, 30.0, 55.0, 3.0, 100.0, 400.0]), alpha=0.05)
    assert rejected.tolist() == [False, True, True, False, True, True]


@pytest.mark.parametrize(
    ("e", "rejected"),
    [
        ([], []),
        ([20.0], [True]),
        ([19.9], [False]),
        ([40.0, 1.0], [True, False]),
        ([39.0, 1.0], [False, False]),
        ([20.0, 20.0], [True, True]),
        ([0.0, 1e9], [False, True]),
    ],
)
def test_e_bh_by_hand(e: list[float], rejected: list[bool]) -> None:
    """One e-value needs 1/alpha, one of two needs twice that, two of two need it each; 0 is no evidence."""
    with np.errstate(divide="ignore"):
        assert e_bh(np.log(np.array(e)), alpha=0.05).tolist() == rejected


@pytest.mark.parametrize(
    ("p", "rejected"),
    [
        ([0.01, 0.04, 0.03, 0.5], [True, False, False, False]),
        ([0.01, 0.02, 0.03, 0.04], [True, True, True, True]),
        ([0.04, 0.5], [False, False]),
        ([], []),
    ],
)
def test_bh_by_hand(p: list[float], rejected: list[bool]) -> None:
    """The step-up rule: the largest k with p_(k) <= k alpha / m takes all below it along."""
    assert benjamini_hochberg(p, alpha=0.05).tolist() == rejected


def test_bonferroni_by_hand() -> None:
    """At .05 / 4 the first only."""
    assert bonferroni([0.01, 0.04, 0.03, 0.5], alpha=0.05).tolist() == [True, False, False, False]


def test_intersection_union_is_the_largest() -> None:
    """All hold at .04; nothing to hold is never proven."""
    assert intersection_union([0.01, 0.04, 0.03]) == 0.04
    assert intersection_union([]) == 1.0


def test_bonferroni_never_rejects_what_bh_keeps() -> None:
    """Bonferroni is within BH, and e-BH on 1/p within BH on p."""
    rng = np.random.default_rng(5)
    for _ in range(200):
        p = rng.random(12) ** 3
        bh = benjamini_hochberg(p, alpha=0.1)
        assert not (bonferroni(p, alpha=0.1) & ~bh).any()
        assert (e_bh(-np.log(p), alpha=0.1) == bh).all()


@pytest.mark.parametrize("p", [[-0.1], [1.1], [math.nan], [[0.1]]])
def test_p_values_out_of_range_are_refused(p: list[float]) -> None:
    """A p-value is from 0 to 1."""
    with pytest.raises(ValueError, match="p: found"):
        benjamini_hochberg(p, alpha=0.05)


@pytest.mark.parametrize("log_e", [[math.nan], [math.inf], [[0.0]]])
def test_evidence_that_is_none_is_refused(log_e: list[float]) -> None:
    """NaN and infinite evidence come from a fault, not from data."""
    with pytest.raises(ValueError, match="log_e: found"):
        e_bh(log_e, alpha=0.05)
