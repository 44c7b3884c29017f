"""The group-sequential test look by look: bounds as they come, the end, over-run, and refusals."""

import json
import math

import numpy as np
import pytest

from harness.stats import GroupSequential, Spending, conditional_power, spending_bounds

PLAN = GroupSequential(planned=500, alpha=0.025, spending=Spending(kind="obrien-fleming"))


def after(*looks: tuple[float, float]) -> GroupSequential:
    """The plan after these looks (information, z)."""
    test = PLAN
    for information, z in looks:
        test = test.look(information, z)
    return test


def test_bounds_come_look_by_look() -> None:
    """Each look adds its bound and leaves the earlier ones as they were."""
    printed = (4.876885, 3.357011, 2.680280, 2.289817, 2.031032)
    test = PLAN
    for k, information in enumerate((100, 200, 300, 400, 500), start=1):
        test = test.look(information, 0.0)
        assert test.bounds() == pytest.approx(printed[:k], rel=1e-5)


@pytest.mark.parametrize(
    ("looks", "ruling"),
    [
        ((), "continue"),
        (((100, 4.8),), "continue"),
        (((100, 4.9),), "crossed"),
        (((100, 4.9), (200, 0.0)), "crossed"),
        (((500, 2.0),), "crossed"),
        (((400, 2.2), (500, 2.0)), "ended"),
        (((400, 2.2), (620, 1.9)), "ended"),
    ],
)
def test_rulings(looks: tuple[tuple[float, float], ...], ruling: str) -> None:
    """Crossed once is crossed for good; the plan used up without crossing is ended."""
    assert after(*looks).ruling == ruling


def test_looks_may_be_unequal_and_over_run() -> None:
    """The bounds are those of the spending function at the true information; the last spends the rest."""
    test = after((130, 0.0), (310, 0.0), (560, 0.0))
    expected = spending_bounds([130, 310, 560], alpha=0.025, spending=PLAN.spending, planned=500)
    assert test.bounds() == pytest.approx(expected, abs=1e-9)
    assert test.ended


def test_a_final_look_short_of_the_plan_spends_the_rest() -> None:
    """When labels run out early, the last look is declared final and has all that is left of alpha."""
    test = PLAN.look(200, 0.0).look(360, 0.0, final=True)
    assert test.ended
    assert test.bounds() == pytest.approx((3.356869, 1.960933), abs=1e-6)
    assert test.bounds()[1] < after((200, 0.0), (360, 0.0)).bounds()[1]


@pytest.mark.parametrize("end", [500.0, 560.0])
def test_going_on_past_the_planned_end_is_refused(end: float) -> None:
    """All of alpha is spent at the end; another look raises ValueError and says so."""
    with pytest.raises(ValueError, match="all of alpha is spent"):
        after((200, 0.0), (end, 0.0)).look(700, 9.0)


def test_going_on_past_a_final_look_is_refused() -> None:
    """A look that was declared final is the last."""
    with pytest.raises(ValueError, match="after the end at 360"):
        PLAN.look(360, 0.0, final=True).look(400, 0.0)


@pytest.mark.parametrize(
    ("information", "z", "text"),
    [
        (100.0, 1.0, "expected a number above 100"),
        (math.nan, 1.0, "information: found nan"),
        (200.0, math.nan, "z: found nan"),
        (200.0, math.inf, "z: found inf"),
    ],
)
def test_impossible_looks_are_refused(information: float, z: float, text: str) -> None:
    """Information rises, and both are finite numbers."""
    with pytest.raises(ValueError, match=text):
        after((100, 0.0)).look(information, z)


def test_the_repeated_bound_excludes_zero_exactly_when_the_test_crosses() -> None:
    """Estimate minus bound times standard error, with z = estimate / se."""
    for z in (1.9, 2.1):
        test = after((400, 0.0), (500, z))
        assert (test.lower_bound(z * 0.1, 0.1) >= 0.0) is test.crossed


def test_repeated_bounds_before_anything_is_spent_are_open() -> None:
    """No look, or one at which nothing may be spent, bounds nothing; one plain look is the plain bound."""
    assert PLAN.lower_bound(1.0, 0.5) == -math.inf
    assert after((0.1, 9.0)).lower_bound(1.0, 0.5) == -math.inf
    plain = GroupSequential(planned=1, alpha=0.05).look(1, 2.0)
    assert plain.lower_bound(1.0, 0.5) == pytest.approx(0.177573, abs=1e-6)


def test_conditional_power_is_what_simulation_finds() -> None:
    """Half-way at z = 0 the planned effect still ends above the bound in 28.5 %."""
    assert conditional_power(0.0, 0.5, bound=1.644854, drift=2.486475) == pytest.approx(0.285027, abs=1e-6)
    rest = np.random.default_rng(3).normal(2.486475 * 0.5, math.sqrt(0.5), size=200_000)
    assert (rest > 1.644854).mean() == pytest.approx(0.285, abs=0.004)


def test_state_survives_json_exactly() -> None:
    """A test resumed from its JSON state is the same test, with the same bounds."""
    test = after((100, 1.0), (230, 2.0))
    resumed = GroupSequential.from_state(json.loads(json.dumps(test.state())))
    assert resumed == test
    assert resumed.look(500, 1.0).bounds() == test.look(500, 1.0).bounds()


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"planned": 0.0}, "planned: found 0"),
        ({"alpha": 0.5}, "alpha: found 0.5"),
        ({"z": (1.0,)}, "expected one a look"),
        ({"seed": 1}, "state: found the names"),
        ({"spending": {"kind": "power"}}, "state: found the names"),
    ],
)
def test_a_damaged_state_is_refused_by_name(change: dict[str, object], text: str) -> None:
    """A value that no run can produce raises ValueError that names it."""
    with pytest.raises(ValueError, match=text):
        GroupSequential.from_state({**PLAN.state(), **change})
