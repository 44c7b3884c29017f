"""How long a million observations take with a look every thousand, one process at a time, on one core."""

import importlib
import importlib.util
import time
from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from harness.stats import AsymptoticCS, BetaBinomial, Betting
from tests.simulations.figures import SECONDS, Goal, Measured, generator, row

OBSERVATIONS, EVERY, REPEATS = 1_000_000, 1000, 5

Batches = list[npt.NDArray[np.float64]]
Walk = Callable[[Batches], float]


def rate_walk(batches: Batches) -> float:
    """The beta-binomial e-process: update and log evidence at every look."""
    test, evidence = BetaBinomial.tuned(0.5, "greater", n_opt=1000, alpha=0.05), 0.0
    for batch in batches:
        test = test.update(batch > 0.5)
        evidence = test.log_e()
    return evidence


def betting_walk(batches: Batches) -> float:
    """The betting e-process with its 12 bets."""
    test, evidence = Betting(m0=0.5, side="greater", alpha=0.05), 0.0
    for batch in batches:
        test = test.update(batch)
        evidence = test.log_e()
    return evidence


def sequence_walk(batches: Batches) -> float:
    """The asymptotic confidence sequence: update, log evidence and interval."""
    test, evidence = AsymptoticCS(1000, 0.05), 0.0
    for batch in batches:
        test = test.update(batch)
        evidence = test.log_e(0.5, "greater")
        test.interval()
    return evidence


def ville_walk(batches: Batches) -> float:
    """The betting test of ville over the same batches; it keeps a value for each observation."""
    test = importlib.import_module("ville").BettingTest(m0=0.5, alternative="greater")
    for batch in batches:
        test.update(batch)
    return float(test.log_e_values_[-1])


def seconds(walk: Walk, observations: int = OBSERVATIONS, repeats: int = REPEATS) -> Measured:
    """The median processor time of a walk (busy neighbours change it least), and the range of the repeats."""
    values = generator("seq_s").random(observations)
    batches = list(values.reshape(-1, EVERY))
    taken = []
    for _ in range(repeats):
        begin = time.process_time()
        walk(batches)
        taken.append(time.process_time() - begin)
    return Measured(value=float(np.median(taken)), spread=max(taken) - min(taken), runs=repeats)


def seq_s(repeats: int = REPEATS) -> list[dict[str, object]]:
    """The slowest of the three processes, and ville's where it is installed."""
    slowest = max(
        (seconds(walk, repeats=repeats) for walk in (rate_walk, betting_walk, sequence_walk)),
        key=lambda m: m.value,
    )
    what = "1e6 observations, a look every 1,000, one process, one core, processor time"
    goal = Goal(
        id="seq_s",
        figure=f"{what}: the slowest of rate, betting and sequence",
        unit=SECONDS,
        better="lower",
        floor=0.5,
        aim=0.1,
    )
    rows = [row(goal, slowest)]
    if importlib.util.find_spec("ville"):
        theirs = Goal(id="seq_ville_s", figure=f"{what}: ville's betting test", unit=SECONDS, better="lower")
        rows.append(row(theirs, seconds(ville_walk, repeats=1)))
    return rows
