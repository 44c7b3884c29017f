"""Figures that need no chance: error rates and mean samples by dynamic programming and integration."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from scipy.special import ndtri

from harness.stats import (
    BetaBinomial,
    Spending,
    canary_errors,
    crossing_by_look,
    crossing_probabilities,
    drift_for_power,
    mean_trials,
    sequential_mcnemar,
    spending_bounds,
)
from tests.simulations.figures import RATIO, Goal, Measured, row

HORIZON = 5000
BUDGETS = (0.001, 0.002, 0.005, 0.01, 0.05)
MCNEMAR_FIXED_N = 428
SLOW_FIXED_N = 1424
FIXED_DRIFT = float(ndtri(0.95) + ndtri(0.8))


@dataclass(frozen=True, kw_only=True)
class Printed:
    """A crossing probability that was computed elsewhere, to six decimals."""

    test: BetaBinomial
    rate: float
    n: int
    probability: float


def shipped_defaults() -> Iterator[BetaBinomial]:
    """Every rate test with the tuning it has when a scenario does not say otherwise."""
    for budget in BUDGETS:
        for alpha in (0.05, 0.01):
            yield BetaBinomial.tuned(budget, "greater", n_opt=1000, alpha=alpha)
            yield BetaBinomial.tuned(budget, "less", n_opt=1000, alpha=alpha)
    for n_opt in (200, 428, 1000):
        yield sequential_mcnemar(n_opt=n_opt, alpha=0.05)
        yield sequential_mcnemar(n_opt=n_opt, alpha=0.05, side="less")
        yield sequential_mcnemar(n_opt=n_opt, alpha=0.05, side="two-sided")
    yield BetaBinomial(p0=0.5, side="two-sided", alpha=0.05, a=1.0, b=1.0)
    for share in (0.05, 0.5):
        yield canary_errors(share, "greater", n_opt=1000, alpha=0.05)
        yield canary_errors(share, "less", ratio=1.25, n_opt=1000, alpha=0.05)
        yield BetaBinomial(p0=share, side="two-sided", alpha=0.001, a=100.0 * share, b=100.0 * (1.0 - share))


def printed_probabilities() -> Iterator[Printed]:
    """Crossing probabilities of another program's dynamic programming."""

    def of(test: BetaBinomial, rate: float, table: dict[int, float]) -> Iterator[Printed]:
        return (Printed(test=test, rate=rate, n=n, probability=p) for n, p in table.items())

    over = BetaBinomial.tuned(0.05, "greater", n_opt=1000, alpha=0.05)
    yield from of(
        sequential_mcnemar(n_opt=200, alpha=0.05),
        0.5,
        {
            50: 0.003762,
            100: 0.010481,
            200: 0.017821,
            500: 0.026580,
            1000: 0.031732,
            2000: 0.035691,
            5000: 0.039462,
        },
    )
    yield from of(
        BetaBinomial(p0=0.5, side="two-sided", alpha=0.05, a=1.0, b=1.0),
        0.5,
        {50: 0.023308, 100: 0.027576, 200: 0.030877, 500: 0.034022, 1000: 0.035712, 2000: 0.036962},
    )
    yield from of(
        sequential_mcnemar(n_opt=428, alpha=0.05),
        0.56,
        {100: 0.055147, 200: 0.214615, 500: 0.612803, 1000: 0.909028, 2000: 0.997364},
    )
    yield from of(
        over,
        0.05,
        {100: 0.000709, 200: 0.003068, 500: 0.009980, 1000: 0.016582, 2000: 0.022933, 5000: 0.029840},
    )
    yield from of(over, 0.04, {2000: 0.000560})
    yield from of(
        BetaBinomial.tuned(0.05, "less", n_opt=1000, alpha=0.05),
        0.05,
        {200: 0.001051, 500: 0.010226, 1000: 0.019185, 2000: 0.026839, 5000: 0.034367},
    )


def largest_crossing(horizon: int = HORIZON) -> tuple[float, int]:
    """The largest error rate by `horizon` looks over its alpha, over every default, and their number."""
    ratios = [
        float(crossing_probabilities(test, test.p0, horizon=horizon)[-1]) / test.alpha
        for test in shipped_defaults()
    ]
    return max(ratios), len(ratios)


def largest_miss() -> float:
    """The largest distance from the printed crossing probabilities."""
    return max(
        abs(float(crossing_probabilities(p.test, p.rate, horizon=p.n)[-1]) - p.probability)
        for p in printed_probabilities()
    )


def mcnemar_ratio() -> float:
    """Mean discordant pairs over the fixed n: win share .56, horizon 4 n."""
    test = sequential_mcnemar(n_opt=MCNEMAR_FIXED_N, alpha=0.05)
    return mean_trials(crossing_probabilities(test, 0.56, horizon=4 * MCNEMAR_FIXED_N)) / MCNEMAR_FIXED_N


def slow_share_ratio() -> float:
    """Mean requests over the fixed n: limit .05, true share .065, independent, horizon 4 n."""
    test = BetaBinomial.tuned(0.05, "greater", n_opt=1000, alpha=0.05)
    return mean_trials(crossing_probabilities(test, 0.065, horizon=4 * SLOW_FIXED_N)) / SLOW_FIXED_N


def group_sequential_ratio(spending: Spending, *, looks: int = 5, equal_power: bool = False) -> float:
    """Mean information over that of the fixed test with 80 % power at its effect, one-sided .05.

    The plan ends at the fixed n, or with `equal_power` where its own power is 80 %.
    """
    information = np.arange(1, looks + 1) / looks
    bounds = spending_bounds(information, alpha=0.05, spending=spending)
    drift = drift_for_power(information, bounds, power=0.8) if equal_power else FIXED_DRIFT
    crossed, _ = crossing_by_look(information, bounds, drift=drift)
    mean = float((crossed * information).sum() + 1.0 - crossed.sum())
    return mean * (drift / FIXED_DRIFT) ** 2


def dp_crossing() -> list[dict[str, object]]:
    """The exact error rates of the defaults, and how far the printed ones are off."""
    value, tests = largest_crossing()
    crossing = Goal(
        id="dp_crossing",
        figure=f"exact: largest crossing probability by n = {HORIZON:,} / alpha, {tests} default rate tests",
        unit=RATIO,
        better="lower",
        floor=1.0,
        aim=0.9,
    )
    printed = Goal(
        id="dp_vectors",
        figure="largest distance from the crossing probabilities printed in section 3.3 of the reference",
        unit="probability",
        better="lower",
        floor=1e-6,
    )
    return [row(crossing, Measured(value=value)), row(printed, Measured(value=largest_miss()))]


def mean_samples() -> list[dict[str, object]]:
    """Mean samples over the fixed n of 80 % power, exactly."""
    default = Spending()
    goals = (
        (
            "asn_mcnemar",
            "exact: mean discordant pairs over fixed n, win share .56, horizon 4 n",
            1.25,
            1.15,
            mcnemar_ratio(),
        ),
        (
            "asn_p95",
            "exact: mean requests over fixed n, share .065 for a limit of .05, horizon 4 n",
            1.35,
            1.15,
            slow_share_ratio(),
        ),
        (
            "asn_gst",
            "exact: mean labels over fixed n, 5 looks, power spending (rho 2), planned end = fixed n",
            0.85,
            0.75,
            group_sequential_ratio(default),
        ),
        (
            "asn_gst_equal_power",
            "the same, with the planned end moved out until the power is 80 %",
            0.85,
            0.75,
            group_sequential_ratio(default, equal_power=True),
        ),
        (
            "asn_gst_obf",
            "the same as asn_gst with O'Brien-Fleming spending",
            0.85,
            0.75,
            group_sequential_ratio(Spending(kind="obrien-fleming")),
        ),
    )
    return [
        row(
            Goal(id=id_, figure=figure, unit=RATIO, better="lower", floor=floor, aim=aim),
            Measured(value=value),
        )
        for id_, figure, floor, aim, value in goals
    ]
