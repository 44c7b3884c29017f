"""Whole decisions: one success metric, 1, 4 or 12 guardrails and a latency gate, looked at every day.

The tests, their latched looks, the gates and the composition are the product's own (`harness.evidence`,
`harness.gates`); the harm of each request is drawn, and matures at once. Labels that come late, looks that
are refused and units that come back are tested elsewhere. Guardrails take turns with two tests, and half of
them have heavy tails.
"""

from __future__ import annotations

import functools
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from typing import Literal

import numpy as np
import numpy.typing as npt
from msgspec.structs import replace

from harness import gates
from harness.evidence import Evidence, LabelsConfig, Outcome, Plan, planning, plans
from harness.evidence.cohort import DAY_NS
from harness.evidence.looks import taken
from harness.evidence.planning import Stream
from harness.evidence.processes import Asymptotic, GroupSequential, Sample
from harness.gates import DecisionConfig, LabelGuardrail, LabelImprovement, LatencyP95
from harness.records import QualitySummary, Word
from harness.stats import clopper_pearson_lower
from tests.kit.some_evidence import evidence, lag, latency
from tests.simulations.figures import RATIO, SHARE, Goal, Measured, chunks, generator, row, standard_error

GUARDRAILS = (1, 4, 12)
#: requests that mature a day, each of a unit of its own; harm has spread 1
A_DAY = 60
MARGIN = GAIN = 0.2
BETA = 0.1
CORRELATION = 0.3
LATENCY_REQUESTS, HEALTHY_SLOW = 1500, 0.01
RUNS, PLANNING_RUNS = 2000, 1000
#: runs are split into parts that two processes share
PART, WORKERS = 250, 2
MOST_DAYS = planning.HORIZON * 14

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Truth:
    """The true mean harm of the success metric and of each guardrail; a latency share of slow requests."""

    success: float
    guardrails: tuple[float, ...]
    slow: float = HEALTHY_SLOW


def config() -> DecisionConfig:
    """An improvement release with the default levels."""
    return DecisionConfig(release="improvement")


def planned(count: int) -> tuple[Plan, ...]:
    """The success metric and so many guardrails; group-sequential ones end at the days that are planned."""
    return _plans(count, days=days_planned(count))


def _plans(count: int, *, days: int | None) -> tuple[Plan, ...]:
    outcomes = {"success": _outcome("success", days=None)}
    outcomes |= {f"guardrail_{i}": _outcome("guardrail", days=days if i % 2 else None) for i in range(count)}
    levels = gates.levels(config(), len(outcomes) + 1)
    return plans(LabelsConfig(outcomes=outcomes), threshold=0.5, levels=levels, parity_release=False)


def _outcome(role: str, *, days: int | None) -> Outcome:
    test = Asymptotic(planned_units=500) if days is None else GroupSequential(planned_units=days * A_DAY)
    return replace(Outcome(metric="value", margin=MARGIN, test=test), role=role)


@functools.cache
def days_planned(count: int) -> int:
    """Days by which each single test is ruled with probability 1 - beta / (G + 1), whichever way."""
    day = np.repeat(np.arange(14), A_DAY)
    stream = Stream(day, np.arange(len(day)), planning.drawn_normal(1.0, len(day)))
    needed = []
    success, guardrail = _plans(count, days=None)[:2]
    for plan, effect in ((success, -GAIN), (guardrail, 0.0), (guardrail, MARGIN)):
        found = planning.forecast(stream, plan, effect=effect, runs=PLANNING_RUNS, seed=count, min_days=7)
        at = found.quantile(1.0 - BETA / (count + 1))
        needed.append(at[1] if at else MOST_DAYS)
    return max(needed)


def harms(rng: np.random.Generator, truth: Truth, n: int) -> list[Floats]:
    """Harm of n requests by outcome: spread 1, correlated .3, every other one with Student's t of 5 tails."""
    common = rng.normal(size=n)
    found = []
    for i, mean in enumerate((truth.success, *truth.guardrails)):
        own = rng.standard_t(5, size=n) * np.sqrt(3.0 / 5.0) if i % 2 else rng.normal(size=n)
        found.append(mean + np.sqrt(CORRELATION) * common + np.sqrt(1.0 - CORRELATION) * own)
    return found


def decision(rng: np.random.Generator, truth: Truth, chosen: tuple[Plan, ...], *, days: int) -> Word:
    """The word after the looks of so many days."""
    unit = np.arange(days * A_DAY)
    quality = tuple(
        _summary(plan, harm, unit, days=days)
        for plan, harm in zip(chosen, harms(rng, truth, len(unit)), strict=True)
    )
    slow = int(rng.binomial(LATENCY_REQUESTS, truth.slow))
    seen = evidence(
        parity_release=False,
        quality=quality,
        latency=(
            latency(requests=LATENCY_REQUESTS, over_budget=slow, send_lag=lag(0.3, n=LATENCY_REQUESTS)),
        ),
    )
    return _decided(seen, len(chosen))


def _decided(seen: Evidence, outcomes: int) -> Word:
    levels = gates.levels(config(), outcomes + 1)
    judges = (LabelGuardrail(), LabelImprovement(), LatencyP95())
    verdicts = [verdict for gate in judges for verdict in gate.judge(seen, levels)]
    return gates.decide(verdicts, (), config=config(), under_test="challenger").word


def _summary(plan: Plan, harm: Floats, unit: npt.NDArray[np.int64], *, days: int) -> QualitySummary:
    ends = [(day + 1) * A_DAY for day in range(days)]
    samples = [Sample(end // A_DAY * DAY_NS, harm[:end], np.ones(end), unit[:end]) for end in ends]
    n = len(harm)
    return QualitySummary(
        name=plan.name,
        role=plan.outcome.role,
        superiority=plan.superiority,
        measure=plan.name,
        as_of="",
        outcome=plan.name,
        counts={"matured": n, "matured without label": 0, "not matured": 0, "compared": n},
        full_days=days,
        looks=tuple(taken(plan, samples)),
        margin=plan.outcome.margin,
    )


def share(name: str, truth: Truth, word: Word, *, runs: int) -> Measured:
    """How often decisions under one truth end in a word, at the days planned for its guardrails."""
    count = len(truth.guardrails)
    days = days_planned(count)
    parts = [(f"{name}_{count}_{i}", truth, word, part, days) for i, part in enumerate(chunks(runs, PART))]
    with ProcessPoolExecutor(WORKERS, mp_context=get_context("spawn")) as pool:
        hits = sum(pool.map(_hits, *zip(*parts, strict=True)))
    return Measured(value=hits / runs, spread=standard_error(hits / runs, runs), runs=runs)


def _hits(name: str, truth: Truth, word: Word, runs: int, days: int) -> int:
    """Decisions of one part that end in a word; each part has a generator of its own."""
    rng, chosen = generator(name), _plans(len(truth.guardrails), days=days)
    return sum(decision(rng, truth, chosen, days=days) == word for _ in range(runs))


def truths(count: int) -> dict[str, tuple[Truth, Word]]:
    """What is simulated with so many guardrails, and the word whose share is kept."""
    calm = (0.0,) * count
    return {
        "false_go_no_gain": (Truth(0.0, calm), "GO"),
        "false_go_at_a_margin": (Truth(-GAIN, (MARGIN, *calm[1:])), "GO"),
        "false_nogo": (Truth(0.0, calm), "NO-GO"),
        "correct_go": (Truth(-GAIN, calm), "GO"),
        "correct_nogo": (Truth(0.0, (MARGIN, *calm[1:])), "NO-GO"),
    }


def decisions(runs: int = RUNS) -> list[dict[str, object]]:
    """False and right decisions, the worst over 1, 4 and 12 guardrails, and each by itself."""
    found = {
        (name, count): share(name, truth, word, runs=runs)
        for count in GUARDRAILS
        for name, (truth, word) in truths(count).items()
    }
    each = [
        row(
            Goal(id=f"decision_{name}_{count}", figure=_what(name, count), unit=SHARE, better=_better(name)),
            one,
        )
        for (name, count), one in found.items()
    ]
    return [*_worst(found), *each]


def _worst(found: dict[tuple[str, int], Measured]) -> list[dict[str, object]]:
    rows = []
    for kind, alpha in (("false_go", config().alpha_go), ("false_nogo", config().alpha_nogo)):
        mine = [one for (name, _), one in found.items() if name.startswith(kind)]
        lower = max(clopper_pearson_lower(round(m.value * m.runs), m.runs, level=0.99) for m in mine)
        spread = max(m.spread for m in mine) / alpha
        word = kind.removeprefix("false_")
        what = f"{len(mine)} kinds of whole decisions: worst 99 % lower limit of a false {word} / alpha"
        goal = Goal(id=kind, figure=what, unit=RATIO, better="lower", floor=1, aim=1)
        rows.append(row(goal, Measured(value=lower / alpha, spread=spread, runs=mine[0].runs)))
    for kind in ("correct_go", "correct_nogo"):
        worst = min((one for (name, _), one in found.items() if name == kind), key=lambda m: m.value)
        word = kind.removeprefix("correct_")
        what = f"share of whole decisions that are a right {word} at the n planned for beta .1 / (G + 1)"
        goal = Goal(id=kind, figure=what, unit=SHARE, better="higher", floor=0.90, aim=0.95)
        rows.append(row(goal, worst))
    return rows


def _what(name: str, count: int) -> str:
    return f"share of decisions, {name.replace('_', ' ')}, {count} guardrails, {days_planned(count)} days"


def _better(name: str) -> Literal["higher", "lower"]:
    return "lower" if name.startswith("false") else "higher"
