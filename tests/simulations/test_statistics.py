"""Error rates by simulation, seeded: what must hold does, and what must fail does (negative controls)."""

import numpy as np
import pytest

from harness.stats import SlowShareTest, clopper_pearson_lower
from tests.simulations import sequential, slow_share

ALPHA = 0.05
RUNS = 1000


@pytest.fixture
def rng() -> np.random.Generator:
    """A generator with a fixed seed, so that every run sees the same draws."""
    return np.random.default_rng(20250618)


def test_confidence_sequence_keeps_its_level_where_the_naive_test_does_not(rng: np.random.Generator) -> None:
    """A look at every unit of heavy-tailed nulls: naive z above .15, the sequence within alpha."""
    values = sequential.heavy_tailed_differences(rng, runs=RUNS, units=1000)
    naive = sequential.naive_z_rejections(values, first_look=100)
    ours = sequential.confidence_sequence_rejections(values, first_look=100, n_opt=500, alpha=ALPHA)
    assert naive / RUNS > 0.15
    assert clopper_pearson_lower(ours, RUNS, level=0.99) <= ALPHA


def test_sessions_break_the_request_level_and_unit_sums_repair_it(rng: np.random.Generator) -> None:
    """Rows that share half of their variance in sessions: by row above .15, by unit within alpha."""
    rows = sequential.session_rows(rng, runs=RUNS, sessions=200, size=5)
    by_row = sequential.confidence_sequence_rejections(rows.reshape(RUNS, -1), first_look=100, n_opt=500)
    by_unit = sequential.confidence_sequence_rejections(rows.sum(axis=2), first_look=100, n_opt=100)
    assert by_row / RUNS > 0.15
    assert clopper_pearson_lower(by_unit, RUNS, level=0.99) <= ALPHA


def test_units_that_come_back_each_day_keep_the_level(rng: np.random.Generator) -> None:
    """200 units, looked at on 14 days, influence values recomputed each day: within alpha."""
    rejected = sequential.returning_unit_rejections(rng, runs=500, units=200, days=14, n_opt=200)
    assert clopper_pearson_lower(rejected, 500, level=0.99) <= ALPHA


def test_the_vectorised_count_is_the_state_objects(rng: np.random.Generator) -> None:
    """The fast count of crossings used here is what AsymptoticCS gives, on runs that do and do not cross."""
    drifting = sequential.heavy_tailed_differences(rng, runs=20, units=200) + 0.35
    fast = sequential.confidence_sequence_rejections(drifting, first_look=50, n_opt=200)
    by_state = sequential.confidence_sequence_rejections_by_state(drifting, first_look=50, n_opt=200)
    assert 0 < fast < 20
    assert fast == by_state


@pytest.mark.parametrize("n", [630, 1500])
def test_p95_gate_rules_falsely_at_most_6_percent_under_autocorrelation(
    rng: np.random.Generator, n: int
) -> None:
    """True share at the limit, AR(1) phi = .8: false "within" and false "over" are each at most .06."""
    counts = slow_share.slow_counts(rng, runs=500, n=n, share=0.05, phi=0.8)
    found = slow_share.rulings(counts, n)
    assert found["within"] / 500 <= 0.06
    assert found["over"] / 500 <= 0.06


def test_p95_gate_without_inflation_fails_under_autocorrelation(rng: np.random.Generator) -> None:
    """Judged as independent requests (inflation 1), over 10 % are ruled falsely each way."""
    counts = slow_share.slow_counts(rng, runs=500, n=630, share=0.05, phi=0.8)
    found = slow_share.rulings(counts, 630, rule=SlowShareTest(inflation=1.0))
    assert found["within"] / 500 > 0.10
    assert found["over"] / 500 > 0.10


@pytest.mark.parametrize(
    ("share", "ruling", "least"), [(0.005, "within", 0.95), (0.10, "over", 0.65), (0.20, "over", 0.99)]
)
def test_p95_gate_has_power(rng: np.random.Generator, share: float, ruling: str, least: float) -> None:
    """A healthy pass is proven within, and one at twice or four times the limit over, under phi = .8."""
    counts = slow_share.slow_counts(rng, runs=500, n=630, share=share, phi=0.8)
    assert slow_share.rulings(counts, 630)[ruling] / 500 >= least
