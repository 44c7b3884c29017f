"""Two arms' quantiles: printed p-values, the least favourable x by brute force, margins, histograms."""

import json
import math

import numpy as np
import pytest

from harness.stats import BetaBinomial, QuantileTest, TwoSampleQuantile, paired_differences

P95 = QuantileTest(q=0.95, n_opt=500, alpha=0.05)
EMPTY = TwoSampleQuantile(test=P95, resolution=0.5)


@pytest.fixture
def arms() -> tuple[np.ndarray, np.ndarray]:
    """Latencies of two arms, 600 each, the challenger's 15 ms longer throughout."""
    rng = np.random.default_rng(8)
    return rng.lognormal(4.0, 0.3, size=600), rng.lognormal(4.0, 0.3, size=600) + 15.0


@pytest.mark.parametrize(
    ("q", "shift", "p"),
    [(0.5, 70, 0.814704), (0.5, 85, 0.0838055), (0.5, 100, 0.0054947), (0.9, 55, 0.0340463)],
)
def test_two_sided_evidence_is_the_printed_one(q: float, shift: float, p: float) -> None:
    """P-values of confseq for 1..1000 against the same shifted, n_opt 100."""
    values = np.arange(1.0, 1001.0)
    evidence = QuantileTest(q=q, n_opt=100, alpha=0.05).log_e_different(values, values + shift)
    assert min(1.0, math.exp(-evidence)) == pytest.approx(p, abs=5e-7)


@pytest.mark.parametrize("margin", [-10.0, 0.0, 15.0, 40.0])
def test_non_inferiority_keeps_the_least_favourable_value(
    arms: tuple[np.ndarray, np.ndarray], margin: float
) -> None:
    """The average of the two rate tests, minimised over a fine grid of x by brute force, is not smaller."""
    champion, challenger = arms[0][:80], arms[1][:80]
    less = BetaBinomial.tuned(0.95, "less", n_opt=500, alpha=0.05)
    greater = BetaBinomial.tuned(0.95, "greater", n_opt=500, alpha=0.05)
    grid = np.unique(np.concatenate([champion + margin, challenger, np.linspace(0.0, 300.0, 500)]))
    averages = [
        0.5 * math.exp(less.add(int((champion + margin <= x).sum()), 80).log_e())
        + 0.5 * math.exp(greater.add(int((challenger < x).sum()), 80).log_e())
        for x in grid
    ]
    found = P95.log_e_not_worse(champion, challenger, margin=margin)
    assert found == pytest.approx(math.log(min(averages)), abs=1e-9)


def test_the_average_decides_where_the_margin_is_generous(arms: tuple[np.ndarray, np.ndarray]) -> None:
    """15 ms longer is proven not worse by 60 ms, and not proven not worse by 15 or less."""
    champion, challenger = arms
    assert P95.log_e_not_worse(champion, challenger, margin=60.0) > math.log(20.0)
    assert P95.log_e_not_worse(champion, challenger, margin=15.0) < math.log(20.0)
    assert P95.log_e_not_worse(champion, challenger, margin=0.0) < 0.0


def test_a_larger_margin_is_never_harder(arms: tuple[np.ndarray, np.ndarray]) -> None:
    """The evidence rises with the margin."""
    evidence = [P95.log_e_not_worse(*arms, margin=margin) for margin in np.linspace(-20.0, 100.0, 13)]
    assert (np.diff(evidence) >= -1e-12).all()


def test_ties_weaken_two_sided_evidence_and_never_make_it() -> None:
    """A thousand equal values in both arms are no difference; rounding to ticks keeps a large one."""
    ties = np.full(1000, 120.0)
    assert P95.log_e_different(ties, ties) <= 0.0
    assert P95.log_e_different(ties, ties + 1.0) > math.log(20.0)


@pytest.mark.parametrize(("one", "other"), [([], []), ([1.0, 2.0], [])])
def test_without_values_there_is_no_evidence(one: list[float], other: list[float]) -> None:
    """No values in either arm, or in one, never reject."""
    assert P95.log_e_different(one, other) <= 0.0
    assert P95.log_e_not_worse(one, other, margin=5.0) < math.log(20.0)


def test_histograms_are_the_values_rounded_up(arms: tuple[np.ndarray, np.ndarray]) -> None:
    """The state gives the evidence of the values at the next multiple of the resolution."""
    state = EMPTY.update(*arms)
    up = [0.5 * np.ceil(arm / 0.5) for arm in arms]
    assert state.log_e_not_worse(40.0) == pytest.approx(P95.log_e_not_worse(*up, margin=40.0), abs=1e-12)
    assert state.log_e_different() == pytest.approx(P95.log_e_different(*up), abs=1e-9)
    one_tick = TwoSampleQuantile(test=P95, resolution=0.1).update([0.94, 0.96], [])
    assert one_tick.champion == ((10, 2),)


def test_state_survives_json_exactly_and_merges(arms: tuple[np.ndarray, np.ndarray]) -> None:
    """Shards add their histograms, in any order, and a resumed state is the same."""
    champion, challenger = arms
    whole = EMPTY.update(champion, challenger)
    one, other = EMPTY.update(champion[:200], []), EMPTY.update(champion[200:], challenger)
    assert one.merge(other) == whole == other.merge(one)
    assert TwoSampleQuantile.from_state(json.loads(json.dumps(whole.state()))) == whole


def test_other_tuning_does_not_merge() -> None:
    """Another resolution or quantile is another test."""
    with pytest.raises(ValueError, match="other tuning is another test"):
        EMPTY.merge(TwoSampleQuantile(test=P95, resolution=1.0))


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"q": 1.0}, "q: found 1.0"),
        ({"resolution": 0.0}, "resolution: found 0.0"),
        ({"champion": [[3, 0]]}, "counts: found 0"),
        ({"seed": 1}, "state: found the names"),
    ],
)
def test_a_damaged_state_is_refused_by_name(change: dict[str, object], text: str) -> None:
    """A value that no run can produce raises ValueError that names it."""
    with pytest.raises(ValueError, match=text):
        TwoSampleQuantile.from_state({**EMPTY.state(), **change})


def test_paired_differences_are_counted_by_unit() -> None:
    """Two units: means 2 and 6 over 2 and 1 requests; the mean over requests is 10 / 3."""
    sequence = paired_differences(
        [10.0, 10.0, 10.0], [11.0, 13.0, 16.0], unit_codes=np.array([0, 0, 1]), n_opt=100, alpha=0.05
    )
    assert sequence.n == 2
    assert sequence.mean == pytest.approx(10.0 / 3.0)


def test_equal_latencies_are_identical() -> None:
    """Equivalence by identity, without a division by zero."""
    latency = np.linspace(10.0, 20.0, 50)
    codes = np.arange(50)
    assert paired_differences(latency, latency, unit_codes=codes, n_opt=100, alpha=0.05).identical


def test_pairs_of_other_lengths_are_refused() -> None:
    """Every request has both latencies."""
    with pytest.raises(ValueError, match="challenger: found shape"):
        paired_differences([1.0], [1.0, 2.0], unit_codes=np.array([0]), n_opt=100, alpha=0.05)
