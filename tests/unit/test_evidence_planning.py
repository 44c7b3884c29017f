"""How long a test will take: its own rulings on drawn labels, at the days on which they would come."""

from dataclasses import replace

import numpy as np
import pytest

from harness.evidence import planning
from harness.evidence.planning import HORIZON, Decided, Forecast, Stream
from harness.evidence.processes import Asymptotic, Betting, GroupSequential
from tests.kit.some_evidence import plan

ROWS = 600
DAYS = np.arange(ROWS, dtype=np.int64) // 60


def stream(*, sd: float = 0.3, per_unit: int = 1) -> Stream:
    """Ten days of 60 requests a day."""
    return Stream(DAYS, np.arange(ROWS, dtype=np.int64) // per_unit, planning.drawn_normal(sd, ROWS))


@pytest.mark.parametrize(("effect", "ruling"), [(0.1, "FAIL"), (-0.1, "PASS")], ids=["harm", "benefit"])
def test_a_clear_effect_is_ruled_within_the_capture(effect: float, ruling: str) -> None:
    """A third of a spread on 600 units leaves nothing open."""
    found = planning.forecast(stream(), plan(margin=0.01), effect=effect, runs=40)
    assert found.share(ruling) >= 0.95  # type: ignore[arg-type]  # a ruling
    mean, ninety = found.expected(), found.quantile(0.9)
    assert mean is not None
    assert ninety is not None
    assert mean[0] <= ninety[0] <= ROWS


def test_harm_at_the_margin_passes_seldom_even_at_the_horizon() -> None:
    """The level holds in the forecast as in the test itself: 5 % of 100 runs, and some room."""
    one = replace(plan(margin=0.02), levels=replace(plan().levels, nogo=1e-9))
    found = planning.forecast(stream(), one, effect=0.02, runs=100)
    assert found.share("PASS", within_capture=False) <= 0.12
    assert found.expected() is None
    assert found.quantile(0.9) is None


def test_a_forecast_is_the_same_each_time_and_another_for_another_seed() -> None:
    """Draws come from the seed alone."""
    one, same, other = (
        planning.forecast(stream(), plan(), effect=0.02, runs=20, seed=seed) for seed in (1, 1, 2)
    )
    assert one == same
    assert one != other


def test_a_pass_waits_for_the_full_days_and_a_failure_does_not() -> None:
    """Benefit is seen on day 1 or 2 and rules when 7 days have passed; harm rules at once."""
    better = planning.forecast(stream(sd=0.05), plan(), effect=-0.2, runs=20, min_days=7)
    worse = planning.forecast(stream(sd=0.05), plan(), effect=0.2, runs=20, min_days=7)
    assert {run.days for run in better.runs} == {8}
    assert max(run.days for run in worse.runs) < 7


def test_fewer_units_take_longer() -> None:
    """Ten requests a unit that always agree are one observation."""

    def shared(rng: np.random.Generator) -> np.ndarray:
        return np.repeat(rng.normal(0, 0.3, ROWS // 10), 10)

    units = np.arange(ROWS, dtype=np.int64) // 10
    apart = planning.forecast(stream(), plan(), effect=0.1, runs=20)
    together = planning.forecast(Stream(DAYS, units, shared), plan(), effect=0.1, runs=20)
    assert together.share("FAIL") < apart.share("FAIL")


@pytest.mark.parametrize(
    "test", [Asymptotic(), Betting(clip=1.0), GroupSequential(planned_units=600)], ids=str
)
def test_every_test_can_be_planned(test: Asymptotic | Betting | GroupSequential) -> None:
    """Requests seen ascend with days, and never exceed the horizon."""
    found = planning.forecast(stream(), plan(test=test, margin=0.05), effect=0.0, runs=20)
    assert all(0 < run.requests <= HORIZON * ROWS for run in found.runs)
    assert found.share("PASS", within_capture=False) > 0.5


def test_the_requests_of_a_look_are_those_of_its_days() -> None:
    """A ruling after 7 full days has seen 8 days of 60."""
    found = planning.forecast(stream(sd=0.05), plan(), effect=-0.2, runs=20, min_days=7)
    assert {run.requests for run in found.runs} == {480}


@pytest.mark.parametrize("metric", ["log_loss", "brier", "correct", "auc"])
def test_harm_drawn_from_scores_has_no_mean(metric: str) -> None:
    """Labels drawn from the middle of both arms favour neither."""
    rng = np.random.default_rng(0)
    champion, challenger = rng.uniform(0.2, 0.8, 4000), rng.uniform(0.2, 0.8, 4000)
    draw = planning.drawn_from_scores(plan(metric=metric), champion=champion, challenger=challenger)
    drawn = draw(np.random.default_rng(1))
    assert abs(drawn.mean()) < 4 * drawn.std() / np.sqrt(4000)
    assert not np.array_equal(drawn, draw(np.random.default_rng(2)))


def test_numbers_cannot_be_drawn_from_scores() -> None:
    """Nothing in a score says what a sale brings."""
    with pytest.raises(ValueError, match="must be given"):
        planning.drawn_from_scores(plan(metric="value"), champion=np.ones(2), challenger=np.ones(2))


def test_the_spread_is_that_of_the_units() -> None:
    """Of one request a unit it is the spread of a request."""
    assert planning.spread(stream(sd=0.3)) == pytest.approx(0.3, rel=0.1)


@pytest.mark.parametrize(
    ("distance", "sd", "units"),
    [(0.1, 1.0, 620), (9.0, 1.0, 2), (0.0, 1.0, None), (-1.0, 1.0, None), (0.1, 0.0, None)],
)
def test_a_test_that_looks_once_needs_what_statsmodels_says(
    distance: float, sd: float, units: int | None
) -> None:
    """And where there is nothing to show, no number of units shows it."""
    assert planning.fixed_units(distance, sd, alpha=0.05, power=0.8) == units


def test_quantiles_count_the_undecided_as_late() -> None:
    """Of ten runs of which two are open, nine in ten never are decided, eight are."""
    runs = tuple(Decided("PASS", 10 * day, day, day) for day in range(1, 9))
    runs += (Decided("UNDECIDED", 80, 8, 8),) * 2
    found = Forecast(0.0, 80, 8, runs)
    assert found.quantile(0.8) == (80, 8)
    assert found.quantile(0.9) is None
    assert found.share("PASS") == 0.8
