"""Small versions of the whole decisions, and the controls that show they can go wrong."""

from dataclasses import replace as with_changes

from tests.simulations import decisions, swapped
from tests.simulations.decisions import GAIN, MARGIN, Truth
from tests.simulations.figures import generator

DAYS, RUNS = 12, 40


def words(truth: Truth, *, days: int = DAYS) -> list[str]:
    """The words of some decisions under one truth."""
    rng, chosen = generator("small"), decisions._plans(len(truth.guardrails), days=DAYS)  # noqa: SLF001  -- as planned
    return [decisions.decision(rng, truth, chosen, days=days) for _ in range(RUNS)]


def test_a_gain_with_harmless_guardrails_goes() -> None:
    """Most decisions are GO, and none is NO-GO by more than chance."""
    found = words(Truth(-GAIN, (0.0, 0.0)))
    assert found.count("GO") >= 0.8 * RUNS
    assert found.count("NO-GO") <= 0.2 * RUNS


def test_one_harmed_guardrail_stops_a_gain() -> None:
    """Any one deterioration is a NO-GO, whatever is won elsewhere."""
    assert words(Truth(-GAIN, (0.0, MARGIN))).count("NO-GO") >= 0.8 * RUNS


def test_no_gain_does_not_go() -> None:
    """Nothing to win is seldom called won."""
    assert words(Truth(0.0, (0.0, 0.0))).count("GO") <= 0.2 * RUNS


def test_less_than_a_week_never_goes() -> None:
    """The clearest gain waits for seven full days."""
    assert words(Truth(-10 * GAIN, (-10 * GAIN,)), days=6).count("GO") == 0


def test_levels_that_are_not_split_would_go_wrong() -> None:
    """A negative control: thirteen looks-proof tests at .3 each say NO-GO of nothing in most decisions."""
    chosen = tuple(
        with_changes(plan, levels=with_changes(plan.levels, nogo=0.3))
        for plan in decisions._plans(12, days=DAYS)  # noqa: SLF001  -- as planned
    )
    rng, truth = generator("naive"), Truth(0.0, (0.0,) * 12)
    found = [decisions.decision(rng, truth, chosen, days=DAYS) for _ in range(RUNS)]
    assert found.count("NO-GO") > 0.5 * RUNS


def test_a_swap_turns_whole_units_and_about_half_of_them() -> None:
    """Both answers of a unit change places together."""
    known = [
        {"request_id": f"{unit}-{i}", "unit": str(unit), "ts_ns": 0, "scores": (0.1, 0.9)}
        for unit in range(200)
        for i in range(2)
    ]
    lines = swapped.swapped(known, generator("swap")).splitlines()
    turned = [b'"a":0.9' in line for line in lines]
    assert turned[::2] == turned[1::2]
    assert 60 <= sum(turned[::2]) <= 140
