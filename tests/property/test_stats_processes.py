"""What holds for every sequential process: batch, online, merged and resumed are one; arms can be swapped."""

import json
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.stats import (
    AsymptoticCS,
    BetaBinomial,
    Betting,
    Cuped,
    GroupSequential,
    QuantileTest,
    SampleRatio,
    TwoSampleQuantile,
    auc_difference,
    between_pass_inflation,
    e_bh,
    mean_bounds,
    paired_decisions,
    rate_bounds,
    spending_bounds,
    to_unit_interval,
)
from harness.stats.confseq import Side

UNIT = st.lists(st.floats(0.0, 1.0), min_size=1, max_size=60)
CUT = st.integers(0, 60)
SIDES = st.sampled_from(["greater", "less", "two-sided"])
NULLS = st.floats(0.01, 0.99)
LATENCIES = st.lists(st.floats(0.1, 500.0), max_size=40)


def through_json(state: object) -> dict[str, float]:
    """A state as it comes back from a file."""
    found: dict[str, float] = json.loads(json.dumps(state))
    return found


@given(outcomes=st.lists(st.booleans(), min_size=1, max_size=60), cut=CUT, p0=NULLS, side=SIDES)
def test_rate_test_in_any_pieces(outcomes: list[bool], cut: int, p0: float, side: Side) -> None:
    """Whole, one by one, two shards, and resumed have the same counts, hence the same evidence."""
    empty = BetaBinomial.tuned(p0, side, n_opt=100, alpha=0.05)
    whole, online = empty.update(outcomes), empty
    for outcome in outcomes:
        online = online.update([outcome])
    resumed = BetaBinomial.from_state(through_json(empty.update(outcomes[:cut]).state()))
    shards = empty.update(outcomes[cut:]).merge(empty.update(outcomes[:cut]))
    assert whole == online == shards == resumed.update(outcomes[cut:])


@given(values=UNIT, cut=CUT, m0=NULLS, side=st.sampled_from(["greater", "less"]))
def test_betting_test_in_any_pieces(values: list[float], cut: int, m0: float, side: str) -> None:
    """Whole, one by one, two shards, resumed and shuffled agree to 1e-10 in every log wealth."""
    empty = Betting(m0=m0, side=side, alpha=0.05)  # type: ignore[arg-type]
    whole, online = empty.update(values), empty
    for value in values:
        online = online.update([value])
    resumed = Betting.from_state(through_json(empty.update(values[:cut]).state())).update(values[cut:])
    shards = empty.update(values[cut:]).merge(empty.update(values[:cut]))
    for other in (online, resumed, shards, empty.update(values[::-1])):
        assert other.n == whole.n
        assert other.log_wealth == pytest.approx(whole.log_wealth, rel=1e-10, abs=1e-10)
        assert other.log_e() == pytest.approx(whole.log_e(), rel=1e-10, abs=1e-10)


@given(batches=st.lists(st.tuples(st.integers(0, 300), st.integers(0, 300)), min_size=1, max_size=8))
def test_traffic_split_in_any_pieces(batches: list[tuple[int, int]]) -> None:
    """Counts add up in any order, through JSON too."""
    empty = SampleRatio(shares=(0.3, 0.7))
    whole = empty.add((sum(a for a, _ in batches), sum(b for _, b in batches)))
    online = empty
    for batch in batches:
        online = SampleRatio.from_state(through_json(online.add(batch).state()))
    backwards = empty
    for batch in reversed(batches):
        backwards = empty.add(batch).merge(backwards)
    assert whole == online == backwards


@given(champion=LATENCIES, challenger=LATENCIES, cut=CUT)
def test_quantile_comparison_in_any_pieces(champion: list[float], challenger: list[float], cut: int) -> None:
    """Histograms add up in any order, through JSON too."""
    empty = TwoSampleQuantile(test=QuantileTest(), resolution=0.1)
    whole = empty.update(champion, challenger)
    first = TwoSampleQuantile.from_state(through_json(empty.update(champion[:cut], []).state()))
    assert first.update(champion[cut:], challenger) == whole
    assert empty.update(champion[cut:], challenger).merge(first) == whole


@given(
    pairs=st.lists(st.tuples(st.floats(-100, 100), st.floats(-100, 100)), min_size=2, max_size=40), cut=CUT
)
def test_adjustment_learns_the_same_in_any_pieces(pairs: list[tuple[float, float]], cut: int) -> None:
    """Learned whole, in two shards, or resumed, the sums agree to 1e-10 of their size."""
    values, covariates = np.array(pairs).T
    empty = Cuped(covariate_mean=0.0)
    whole = empty.learn(values, covariates)
    first = Cuped.from_state(through_json(empty.learn(values[:cut], covariates[:cut]).state()))
    for other in (
        first.learn(values[cut:], covariates[cut:]),
        empty.learn(values[cut:], covariates[cut:]).merge(first),
    ):
        assert other.n == whole.n
        assert other.covariate_m2 == pytest.approx(whole.covariate_m2, rel=1e-10, abs=1e-8)
        assert other.cross == pytest.approx(whole.cross, rel=1e-10, abs=1e-8)


@settings(max_examples=15)
@given(steps=st.lists(st.floats(0.1, 1.0), min_size=2, max_size=5), cut=st.integers(0, 4))
def test_group_sequential_looks_resumed_are_the_looks(steps: list[float], cut: int) -> None:
    """Stopped and resumed after any look, the bounds are those of all looks at once."""
    information = np.cumsum(steps)
    test = GroupSequential(planned=float(information[-1]), alpha=0.05)
    for k, level in enumerate(information):
        if k == cut:
            test = GroupSequential.from_state(through_json(test.state()))
        test = test.look(float(level), 0.0)
    at_once = spending_bounds(information, alpha=0.05, spending=test.spending)
    assert test.bounds() == pytest.approx(at_once, rel=1e-10, abs=1e-10)


@given(successes=st.integers(0, 400), failures=st.integers(0, 400), p0=NULLS)
def test_rate_evidence_mirrors_and_is_none_on_the_wrong_side(
    successes: int, failures: int, p0: float
) -> None:
    """Failures against 1 - p0 speak for the other side; at or beyond the null there is no evidence."""
    n = successes + failures
    one = BetaBinomial.tuned(p0, "greater", n_opt=100, alpha=0.05).add(successes, n).log_e()
    other = BetaBinomial.tuned(1.0 - p0, "less", n_opt=100, alpha=0.05).add(failures, n).log_e()
    assert other == pytest.approx(one, rel=1e-7, abs=1e-7)
    if successes <= p0 * n:
        assert one <= 1e-9


@given(successes=st.integers(0, 200), failures=st.integers(0, 200), n_opt=st.floats(5.0, 5000.0))
def test_rate_bounds_enclose_the_rate_and_one_sided_ones_lie_within(
    successes: int, failures: int, n_opt: float
) -> None:
    """Low <= observed <= high."""
    n = successes + failures
    low, _ = rate_bounds(successes, n, side="greater", n_opt=n_opt, alpha=0.05)
    _, high = rate_bounds(successes, n, side="less", n_opt=n_opt, alpha=0.05)
    both = rate_bounds(successes, n, side="two-sided", n_opt=n_opt, alpha=0.05)
    if n:
        assert low <= successes / n <= high
        assert both[0] <= successes / n <= both[1]


@given(values=UNIT)
def test_bounds_of_a_mean_enclose_it(values: list[float]) -> None:
    """Low <= mean <= high, within 0 and 1."""
    low, high = mean_bounds(values, alpha=0.05)
    mean = float(np.mean(values))
    assert 0.0 <= low <= mean + 1e-9
    assert mean - 1e-9 <= high <= 1.0


@given(n=st.integers(0, 2000))
def test_no_difference_at_all_is_identity_and_pays_for_a_margin(n: int) -> None:
    """All differences zero: identical to the sequence, nothing between arms, a margin proven from 561 on."""
    zeros = np.zeros(n)
    assert AsymptoticCS(100, 0.05).update(zeros).identical is (n > 0)
    assert AsymptoticCS(100, 0.05).update(zeros).log_e(0.0, "two-sided") == 0.0
    assert Betting(m0=0.5, side="greater", alpha=0.05).update(to_unit_interval(zeros, 1.0)).log_e() == 0.0
    assert paired_decisions(0.01, alpha=0.05).update(to_unit_interval(zeros, 1.0)).rejects is (n >= 561)


@given(latency=st.lists(st.floats(1.0, 200.0), min_size=1, max_size=60))
def test_the_same_latencies_are_never_different(latency: list[float]) -> None:
    """An arm against itself has no evidence of a difference, and none of being better by anything."""
    test = QuantileTest(n_opt=100)
    assert test.log_e_different(latency, latency) <= 0.0
    assert test.log_e_not_worse(latency, latency, margin=0.0) <= 1e-9


@given(
    scores=st.lists(st.tuples(st.integers(0, 1), st.integers(-5, 5)), min_size=8, max_size=60).filter(
        lambda rows: 2 <= sum(label for label, _ in rows) <= len(rows) - 2
    )
)
def test_an_arm_against_itself_has_no_auc_difference(scores: list[tuple[int, int]]) -> None:
    """Identity is exact: difference, error and every influence value are 0."""
    labels, values = np.array(scores).T
    found = auc_difference(labels, champion=values, challenger=values)
    assert (found.difference, found.se, float(np.abs(found.influence).max())) == (0.0, 0.0, 0.0)


@given(counts=st.lists(st.integers(0, 100), min_size=2, max_size=10))
def test_inflation_is_at_least_one_and_blind_to_order(counts: list[int]) -> None:
    """Passes may come in any order, and never vary less than chance."""
    n = [100] * len(counts)
    assert between_pass_inflation(counts, n) >= 1.0
    assert between_pass_inflation(counts[::-1], n) == pytest.approx(between_pass_inflation(counts, n))


@given(log_e=st.lists(st.floats(-50.0, 50.0), min_size=1, max_size=30), more=st.floats(0.0, 10.0))
def test_more_evidence_never_loses_a_finding(log_e: list[float], more: float) -> None:
    """E-BH is monotone: raising every e-value keeps what was rejected."""
    before, after = e_bh(log_e, alpha=0.05), e_bh(np.array(log_e) + more, alpha=0.05)
    assert not (before & ~after).any()
    assert not before[np.array(log_e) < math.log(20.0) - 1e-9].any()
