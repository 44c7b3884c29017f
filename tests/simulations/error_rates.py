"""Monte Carlo rows: how often valid tests cross under their nulls, and how often misused ones do."""

from harness.stats import clopper_pearson_lower
from tests.simulations.controls import CONTROLS, LIMITS
from tests.simulations.figures import RATIO, SHARE, Goal, Measured, generator, row, standard_error
from tests.simulations.nulls import ALPHA, NULLS, Null

LEVEL = 0.99


def crossing_shares(cases: dict[str, Null], runs: int) -> dict[str, int]:
    """How many of `runs` runs cross, by case."""
    return {name: null(generator(name), runs) for name, null in cases.items()}


def excess(crossings: int, runs: int) -> float:
    """The 99 % lower bound of the crossing probability over alpha; above 1 the level is broken."""
    return clopper_pearson_lower(crossings, runs, level=LEVEL) / ALPHA


def _case_rows(
    prefix: str, cases: dict[str, Null], found: dict[str, int], runs: int
) -> list[dict[str, object]]:
    rows = []
    for name, null in cases.items():
        share = found[name] / runs
        what = (null.__doc__ or "").split("\n")[0].rstrip(".")
        goal = Goal(
            id=f"{prefix}_{name}",
            figure=f"share that ever crosses at alpha .05: {what}",
            unit=SHARE,
            better="lower",
        )
        rows.append(row(goal, Measured(value=share, spread=standard_error(share, runs), runs=runs)))
    return rows


def type1(runs: int = 4000) -> list[dict[str, object]]:
    """The worst valid test, and each of them."""
    found = crossing_shares(NULLS, runs)
    worst = max(found, key=lambda name: found[name])
    goal = Goal(
        id="type1",
        figure=f"{len(NULLS)} nulls: worst 99 % lower limit of the crossing share / alpha ({worst})",
        unit=RATIO,
        better="lower",
        floor=1.0,
        aim=1.0,
    )
    spread = standard_error(found[worst] / runs, runs) / ALPHA
    value = Measured(value=excess(found[worst], runs), spread=spread, runs=runs)
    return [row(goal, value), *_case_rows("type1", NULLS, found, runs)]


def negative_controls(runs: int = 2000) -> list[dict[str, object]]:
    """The share of misused tests that are shown to break their level, and each of them."""
    found = crossing_shares(CONTROLS, runs)
    broken = sum(excess(crossings, runs) > 1.0 for crossings in found.values())
    goal = Goal(
        id="negative_controls",
        figure=f"share of {len(CONTROLS)} misused tests whose 99 % lower limit is above alpha",
        unit=SHARE,
        better="higher",
        floor=1.0,
        aim=1.0,
    )
    rows = _case_rows("control", CONTROLS, found, runs)
    for one in rows:
        one["better"] = "higher"
    return [row(goal, Measured(value=broken / len(CONTROLS), runs=runs)), *rows]


def limits(runs: int = 2000) -> list[dict[str, object]]:
    """How far a test leaves its level where its promise ends; no floor, it is a warning."""
    return _case_rows("limit", LIMITS, crossing_shares(LIMITS, runs), runs)
