"""How often the ladder's intervals hold the truth, how far its parts are off, and what it names first."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from harness.diagnosis.domain import compare
from harness.diagnosis.influence import NAMES
from harness.diagnosis.ladder import climb
from harness.diagnosis.rows import Overlap
from harness.diagnosis.rungs import CONCEPT, SEEN, UNSEEN
from tests.simulations.diagnosis.worlds import FEATURES, WORLDS, draw, true_overlap
from tests.simulations.figures import Goal, Measured, generator, row

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from harness.diagnosis.ladder import Ladder
    from tests.simulations.diagnosis.worlds import Draw, World

    Rows = list[dict[str, object]]
    Truth = dict[tuple[str, str], float]

REPLICATIONS, CONTROLS, ROWS, TRUTH_ROWS = 21, 5, 10_000, 500_000
OVERLAP = (SEEN, CONCEPT, UNSEEN)
LEAD = 0.01
HEADLINE = "roc_auc"

GOALS = {
    goal.id: goal
    for goal in (
        Goal(
            id="part_coverage",
            figure="parts of all eight metrics, without those 0 by construction, whose 95 % interval holds "
            "the truth; above 98 would be too wide",
            unit="%",
            better="higher",
            floor=92,
            aim=94,
        ),
        Goal(
            id="part_coverage_weakest",
            figure="the same for the step whose parts are held least often",
            unit="%",
            better="higher",
        ),
        Goal(
            id="part_coverage_all",
            figure="metrics all of whose parts are held at once by the simultaneous intervals",
            unit="%",
            better="higher",
        ),
        Goal(
            id="part_control_weights",
            figure="control: covariate and concept parts held when the weights' errors are not corrected",
            unit="%",
            better="higher",
        ),
        Goal(
            id="part_control_rows",
            figure="control: parts held when rows of one unit are taken as independent",
            unit="%",
            better="higher",
        ),
        Goal(
            id="part_error",
            figure="median absolute error of a part of ROC-AUC that varies",
            unit="AUC",
            better="lower",
            floor=0.01,
            aim=0.005,
        ),
        Goal(
            id="largest_first",
            figure="the part that truly cost most AUC, where it leads by .01 or more, is named first",
            unit="%",
            better="higher",
            floor=95,
            aim=99,
        ),
        Goal(
            id="adds_up",
            figure="largest deviation of the sum of the parts from the gap, any metric",
            unit="metric",
            better="lower",
            floor=1e-9,
            aim=1e-12,
        ),
    )
}


@dataclass(frozen=True)
class Found:
    """One part of one replication: which, what it is, what it was found to be, and whether that covers."""

    world: str
    metric: str
    step: str
    truth: float
    estimate: float
    se: float
    covered: bool
    covered_all: bool


@dataclass
class Outcome:
    """All draws: the parts that vary, whether the leader was named first, coverage of controls, the sums."""

    parts: list[list[Found]] = field(default_factory=list)
    first: list[bool] = field(default_factory=list)
    uncorrected: list[float] = field(default_factory=list)
    unclustered: list[float] = field(default_factory=list)
    deviation: float = 0.0


def truth(world: World, rng: np.random.Generator, *, rows: int) -> Truth:
    """Every part by metric and step, from so many rows and the true weights of the overlap."""
    made = draw(world, rng, rows=rows, clustered=False)
    ladder = climb(
        replace(made.holdout, overlap=true_overlap(world, made.before.features)),
        replace(made.production, overlap=true_overlap(world, made.now.features)),
        thresholds=world.thresholds,
    )
    return {
        (name, part.step): part.value.value
        for name, metric in ladder.metrics.items()
        for part in metric.parts
        if part.value is not None
    }


def weighed(made: Draw) -> Draw:
    """The draw with its overlap weights, as the product finds them."""
    found = compare(made.before, made.now, names=FEATURES)
    holdout = replace(made.holdout, overlap=found.holdout)
    return replace(made, holdout=holdout, production=replace(made.production, overlap=found.production))


def replicate(worlds: Sequence[World], *, times: int, rows: int, truth_rows: int) -> Outcome:
    """Each world's truth, and so many draws of it judged by the ladder."""
    outcome = Outcome()
    for world in worlds:
        rng = generator(world.name)
        true = truth(world, rng, rows=truth_rows)
        leader = _leader(true)
        for number in range(times):
            made = weighed(draw(world, rng, rows=rows))
            ladder = climb(made.holdout, made.production, thresholds=world.thresholds)
            if number < CONTROLS:
                _controls(world, made, true, into=outcome)
            outcome.parts.append(list(_judged(world, ladder, true)))
            outcome.deviation = max(outcome.deviation, ladder.adds_up())
            if leader is not None:
                outcome.first.append(ladder.metrics[HEADLINE].ranked()[0].step == leader)
    return outcome


def _judged(world: World, ladder: Ladder, true: Truth) -> Iterator[Found]:
    """The parts that vary: what is 0 by construction would be covered for nothing."""
    for name, metric in ladder.metrics.items():
        for part in metric.parts:
            interval = part.value
            if interval is not None and interval.se > 0.0:
                value = true[name, part.step]
                together = interval.lower_all <= value <= interval.upper_all
                yield Found(
                    world.name,
                    name,
                    part.step,
                    value,
                    interval.value,
                    interval.se,
                    interval.covers(value),
                    together,
                )


def _controls(world: World, made: Draw, true: Truth, *, into: Outcome) -> None:
    """Coverage on the same draw without the correction of the weights, and with every row its own unit."""
    there, here, size = made.holdout, made.production, made.production.offline_score.size
    plain = climb(
        replace(there, overlap=_bare(there.overlap)),
        replace(here, overlap=_bare(here.overlap)),
        thresholds=world.thresholds,
    )
    alone = climb(
        replace(there, unit=np.arange(size)),
        replace(here, unit=np.arange(size, 2 * size)),
        thresholds=world.thresholds,
    )
    overlap = [part.covered for part in _judged(world, plain, true) if part.step in OVERLAP]
    into.uncorrected.append(100.0 * float(np.mean(overlap)))
    into.unclustered.append(100.0 * float(np.mean([part.covered for part in _judged(world, alone, true)])))


def _bare(overlap: Overlap | None) -> Overlap | None:
    return None if overlap is None else Overlap(produced=overlap.produced)


def _leader(true: Truth) -> str | None:
    """The step that truly cost most AUC, where it leads the next by .01 or more."""
    costs = sorted(((value, step) for (name, step), value in true.items() if name == HEADLINE), reverse=True)
    return costs[0][1] if costs[0][0] - costs[1][0] >= LEAD else None


def ladder_rows() -> Rows:
    """The rows of results/simulations/diagnosis.json that the ladder is held against."""
    return figures(replicate(WORLDS, times=REPLICATIONS, rows=ROWS, truth_rows=TRUTH_ROWS), len(WORLDS))


def figures(outcome: Outcome, worlds: int) -> Rows:
    """Coverage alone, of the weakest step and of all at once; errors; what is named first; the sums."""
    draws = len(outcome.parts)
    judged = [one for one in outcome.parts if one]
    alone = [100.0 * float(np.mean([part.covered for part in one])) for one in judged]
    at_once = [
        100.0 * float(np.mean([all(p.covered_all for p in one if p.metric == name) for name in NAMES]))
        for one in judged
    ]
    errors = [abs(p.estimate - p.truth) for one in judged for p in one if p.metric == HEADLINE]
    weakest = min(_by_step(judged).items(), key=lambda item: item[1])
    firsts = [100.0 * float(first) for first in outcome.first]
    told = f"{draws:,} draws of {worlds} worlds, {ROWS:,} rows a side"
    return [
        row(goal("part_coverage", told), _mean(alone, draws)),
        row(
            goal("part_coverage_weakest", f"{told}; here {weakest[0]}"),
            Measured(value=weakest[1], runs=draws),
        ),
        row(goal("part_coverage_all", told), _mean(at_once, draws)),
        row(goal("part_control_weights", told), _mean(outcome.uncorrected, len(outcome.uncorrected))),
        row(goal("part_control_rows", told), _mean(outcome.unclustered, len(outcome.unclustered))),
        row(goal("part_error", told), Measured(value=float(np.median(errors)), runs=draws)),
        row(goal("largest_first", told), _mean(firsts, len(firsts))),
        row(goal("adds_up", told), Measured(value=outcome.deviation, runs=draws)),
    ]


def goal(name: str, told: str) -> Goal:
    """The goal of that id, with what was done for it in its words."""
    return replace(GOALS[name], figure=f"{GOALS[name].figure} ({told})")


def _by_step(judged: list[list[Found]]) -> dict[str, float]:
    """The coverage of each step over all metrics, in percent."""
    covered: dict[str, list[bool]] = {}
    for part in (part for one in judged for part in one):
        covered.setdefault(part.step, []).append(part.covered)
    return {step: 100.0 * float(np.mean(each)) for step, each in covered.items()}


def _mean(values: list[float], draws: int) -> Measured:
    """The mean over draws, which are independent where the parts of one draw are not, and its error."""
    spread = float(np.std(values, ddof=1) / np.sqrt(len(values))) if len(values) > 1 else 0.0
    return Measured(value=float(np.mean(values)), spread=spread, runs=draws)
