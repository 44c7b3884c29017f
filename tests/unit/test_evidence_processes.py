"""Three ways for evidence to accrue: each finds harm, passes what is harmless, and seldom errs."""

from collections.abc import Iterator

import numpy as np
import pytest

from harness.evidence.processes import (
    Asymptotic,
    Betting,
    Bounds,
    Goal,
    GroupSequential,
    OutcomeTest,
    Sample,
)

GOAL = Goal(below=0.1, go=0.05, nogo=0.05)
TESTS = [Asymptotic(planned_units=400), Betting(clip=1.0), GroupSequential(planned_units=800)]
IDS = ["asymptotic", "betting", "group sequential"]


def samples(
    harm: np.ndarray, *, days: int = 8, refused: str = "", unit: np.ndarray | None = None
) -> list[Sample]:
    """The same requests seen day by day, each day an equal part more."""
    n = len(harm)
    units = np.arange(n) if unit is None else unit
    ends = [n * (day + 1) // days for day in range(days)]
    return [
        Sample(
            at_ns=day,
            harm=harm[:end],
            weight=np.ones(end),
            unit=units[:end].astype(np.int64),
            refused=refused,
        )
        for day, end in enumerate(ends)
    ]


def noise(mean: float, *, n: int = 800, seed: int = 0) -> np.ndarray:
    """Harm with spread .3 about a mean, within ±1."""
    return np.clip(mean + 0.3 * np.random.default_rng(seed).normal(size=n), -1, 1)


def rulings(found: Iterator[Bounds], goal: Goal = GOAL) -> list[str]:
    """What each look says on its own."""
    return [bounds.ruling(goal.below) for bounds in found]


@pytest.mark.parametrize("test", TESTS, ids=IDS)
@pytest.mark.parametrize(("mean", "ruling"), [(0.1, "FAIL"), (-0.05, "PASS")])
def test_harm_fails_and_its_absence_passes(test: OutcomeTest, mean: float, ruling: str) -> None:
    """A third of a spread in either direction is seen by 800 units."""
    assert ruling in rulings(test.looks(samples(noise(mean)), GOAL))


@pytest.mark.parametrize("test", TESTS, ids=IDS)
def test_no_harm_is_seldom_called_harm(test: OutcomeTest) -> None:
    """Over 100 runs without any effect, at eight looks each, at most a few fail: 5 % are allowed."""
    failed = sum("FAIL" in rulings(test.looks(samples(noise(0.0, seed=seed)), GOAL)) for seed in range(100))
    assert failed <= 10


@pytest.mark.parametrize("test", TESTS, ids=IDS)
def test_harm_at_the_margin_seldom_passes(test: OutcomeTest) -> None:
    """The same at the margin, with FAIL kept out by a level that never fails."""
    strict = Goal(below=0.1, go=0.05, nogo=1e-9)
    passed = sum("PASS" in rulings(test.looks(samples(noise(0.1, seed=seed)), strict)) for seed in range(100))
    assert passed <= 10


@pytest.mark.parametrize("test", TESTS, ids=IDS)
def test_bounds_enclose_the_estimate_and_carry_their_counts(test: OutcomeTest) -> None:
    """One look a sample, until a planned end."""
    found = list(test.looks(samples(noise(0.02)), GOAL))
    assert [bounds.rows for bounds in found] == [100, 200, 300, 400, 500, 600, 700, 800]
    assert all(bounds.lower <= bounds.estimate <= bounds.upper for bounds in found)
    assert found[-1].final == isinstance(test, GroupSequential)


@pytest.mark.parametrize("test", TESTS, ids=IDS)
def test_a_refused_sample_rules_nothing(test: OutcomeTest) -> None:
    """Too many labels missing, whatever the numbers would say."""
    found = list(test.looks(samples(noise(0.5), refused="labels are missing"), GOAL))
    assert {bounds.ruling(GOAL.below) for bounds in found} == {"UNDECIDED"}
    assert {bounds.refused for bounds in found} == {"labels are missing"}


def test_bets_count_each_unit_once() -> None:
    """Ten requests a unit are one observation, that of the first look: its later requests change nothing."""
    unit = np.tile(np.arange(100), 8)
    late = np.where(np.arange(800) < 100, 0.0, 1.0)
    found = list(Betting().looks(samples(late, unit=unit), GOAL))
    assert [bounds.units for bounds in found] == [100] * 8
    assert {bounds.estimate for bounds in found} == {0.0}


def test_bets_prove_what_needs_no_spread() -> None:
    """561 units without any harm prove a margin of 1 point at .05, where a normal test has no bound."""
    goal = Goal(below=0.01, go=0.05, nogo=0.05)
    still = np.zeros(561)
    (bet,) = Betting().looks(samples(still, days=1), goal)
    (normal,) = Asymptotic().looks(samples(still, days=1), goal)
    assert (bet.ruling(0.01), normal.ruling(0.01)) == ("PASS", "UNDECIDED")
    (one_less,) = Betting().looks(samples(still[:560], days=1), goal)
    assert one_less.ruling(0.01) == "UNDECIDED"


def test_bets_see_harm_beyond_the_clip_as_the_clip() -> None:
    """The claim is about the clipped mean."""
    found = list(Betting(clip=0.5).looks(samples(np.full(200, 30.0)), GOAL))
    assert found[-1].estimate == pytest.approx(0.5)


def test_a_group_sequential_test_ends_at_its_plan() -> None:
    """At 300 planned units the look of 300 is the last, although five more samples come."""
    found = list(GroupSequential(planned_units=300).looks(samples(noise(0.03)), GOAL))
    assert [(bounds.rows, bounds.final) for bounds in found] == [(100, False), (200, False), (300, True)]


def test_a_group_sequential_look_that_may_not_rule_spends_nothing() -> None:
    """With the first two looks refused, the third has the bound of a first look at 300 units."""
    open_looks = samples(noise(0.03))
    refused = samples(noise(0.03), refused="labels are missing")
    test = GroupSequential(planned_units=800)
    skipped = list(test.looks([*refused[:2], *open_looks[2:]], GOAL))
    alone = list(test.looks(open_looks[2:], GOAL))
    assert skipped[2:] == alone


@pytest.mark.parametrize("test", [TESTS[0], TESTS[2]], ids=[IDS[0], IDS[2]])
def test_normal_tests_want_a_hundred_units(test: OutcomeTest) -> None:
    """99 are refused with the number."""
    (few,) = test.looks(samples(noise(0.9, n=99), days=1), GOAL)
    assert "count as 99.0" in few.refused


@pytest.mark.parametrize("test", TESTS, ids=IDS)
def test_the_order_of_requests_within_a_look_does_not_matter(test: OutcomeTest) -> None:
    """Batches are batches."""
    harm, order = noise(0.02), np.random.default_rng(3).permutation(100)
    mixed = np.concatenate([harm[:100][order], harm[100:]])
    unit = np.concatenate([order, np.arange(100, 800)])
    one = list(test.looks(samples(harm), GOAL))[-1]
    other = list(test.looks(samples(mixed, unit=unit), GOAL))[-1]
    assert (other.estimate, other.lower, other.upper) == pytest.approx((one.estimate, one.lower, one.upper))


@pytest.mark.parametrize(
    "test", [Asymptotic(), GroupSequential(planned_units=1500)], ids=["asymptotic", "group"]
)
def test_rare_and_large_harm_is_not_passed_by_a_normal_test(test: OutcomeTest) -> None:
    """Losses on 1 % of units: a run that saw few of them proves nothing, and says which test would."""
    rng = np.random.default_rng(5)
    rare = (rng.uniform(size=1500) < 0.01).astype(np.float64)
    found = list(test.looks(samples(rare, days=10), Goal(below=0.02, go=0.05, nogo=1e-9)))
    assert "PASS" not in rulings(iter(found), Goal(below=0.02, go=0.05, nogo=1e-9))
    assert "harm stands on" in found[-1].refused
    assert "betting" in found[-1].refused


@pytest.mark.parametrize(
    "test", [Asymptotic(), GroupSequential(planned_units=800)], ids=["asymptotic", "group"]
)
def test_a_gain_for_every_unit_passes(test: OutcomeTest) -> None:
    """Where nobody is harmed there is half of the units above the mean all the same."""
    gain = -0.2 + 0.05 * np.random.default_rng(1).normal(size=800)
    assert "PASS" in rulings(test.looks(samples(gain), GOAL))


def test_units_that_come_back_do_not_stop_a_group_sequential_test() -> None:
    """Each counts once, at its first look; new ones take the test to its end."""
    unit = np.concatenate([np.tile(np.arange(150), 4), np.arange(150, 350)])
    harm = np.random.default_rng(2).normal(size=800)
    found = list(GroupSequential(planned_units=300).looks(samples(harm, unit=unit), GOAL))
    assert [bounds.units for bounds in found][:2] == [100, 150]
    assert found[-1].final


def weighed(harm: np.ndarray, weight: np.ndarray, *, most: float | None = None) -> Sample:
    """One look at requests that are each their own unit."""
    unit = np.arange(len(harm))
    most = float(weight.max()) if most is None else most
    return Sample(at_ns=0, harm=harm, weight=weight, unit=unit, most=most)


@pytest.mark.parametrize("test", TESTS, ids=IDS)
def test_the_estimate_is_that_of_the_traffic_written_out(test: OutcomeTest) -> None:
    """A unit of weight 3 counts as three units of weight 1, in the estimate of each test."""
    harm, three = noise(0.05), np.arange(800) % 4 == 0
    spelled = np.repeat(harm, np.where(three, 3, 1))
    (found,) = test.looks([weighed(harm, np.where(three, 3.0, 1.0))], GOAL)
    (plain,) = test.looks(samples(spelled, days=1), GOAL)
    assert found.estimate == pytest.approx(plain.estimate, abs=1e-12)
    assert found.estimate != pytest.approx(harm.mean(), abs=1e-4)


@pytest.mark.parametrize("test", TESTS, ids=IDS)
def test_heavy_units_that_differ_decide_for_the_traffic(test: OutcomeTest) -> None:
    """No harm in most of the sample, harm in most of the traffic: weighted it fails, unweighted it passes."""
    n = 4_000
    heavy = np.arange(n) % 4 == 0
    harm = noise(0.0, n=n) + np.where(heavy, 0.3, -0.15)
    (found,) = test.looks([weighed(harm, np.where(heavy, 8.0, 1.0))], GOAL)
    (plain,) = test.looks(samples(harm, days=1), GOAL)
    assert (found.ruling(GOAL.below), plain.ruling(GOAL.below)) == ("FAIL", "PASS")


@pytest.mark.parametrize("test", TESTS, ids=IDS)
def test_equal_weights_of_a_larger_most_only_widen(test: OutcomeTest) -> None:
    """That heavier units may come costs certainty, where the bound on a weight counts; no estimate moves."""
    harm = noise(0.0)
    (found,) = test.looks([weighed(harm, np.ones(800), most=4.0)], GOAL)
    (plain,) = test.looks(samples(harm, days=1), GOAL)
    assert found.estimate == pytest.approx(plain.estimate, abs=1e-12)
    assert found.upper >= plain.upper - 1e-9
    assert found.lower <= plain.lower + 1e-9


def test_a_few_heavy_units_are_too_few_for_a_planned_end() -> None:
    """800 units of which two have nearly all weight are two."""
    weight = np.where(np.arange(800) < 2, 1e4, 1.0)
    (found,) = GroupSequential(planned_units=800).looks([weighed(noise(0.1), weight)], GOAL)
    assert "count as 2." in found.refused


@pytest.mark.parametrize("test", [Asymptotic(), GroupSequential(planned_units=800)], ids=str)
def test_a_weight_that_may_still_come_is_too_much_for_a_normal_approximation(test: OutcomeTest) -> None:
    """One more request of weight 50 would be 5.9 % of 800 of weight 1; of weight 40 4.8 %."""
    (heavy,) = test.looks([weighed(noise(0.0), np.ones(800), most=50.0)], GOAL)
    (light,) = test.looks([weighed(noise(0.0), np.ones(800), most=40.0)], GOAL)
    assert heavy.refused == "one more request may weigh 50, 5.9% of all; at most 5% is allowed"
    assert light.refused == ""


def test_weights_that_do_not_differ_harm_leave_the_level() -> None:
    """Bets on units of weights 1 to 20 without any effect: of 100 runs at most a few fail."""
    failed = 0
    for seed in range(100):
        weight = np.where(np.random.default_rng(1_000 + seed).random(800) < 0.3, 20.0, 1.0)
        (found,) = Betting(clip=1.0).looks([weighed(noise(0.0, seed=seed), weight)], GOAL)
        failed += found.ruling(GOAL.below) == "FAIL"
    assert failed <= 10
