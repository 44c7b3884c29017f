"""One world measured: bugs of every class at every prevalence, two at a time, noise, and nothing at all."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.random import Generator

from harness.columns import Column, Kind
from harness.diff.bands import SHIPPED_SCORE
from harness.diff.causes import Cause, Evidence, name_causes
from harness.diff.cells import judge, mismatch
from harness.diff.tolerance import Tolerances
from tests.benchmarks.causes import number_bugs, served_bugs
from tests.benchmarks.causes.bugs import MAKERS, Bools, Bug, Parameters, Unsuitable, applied, struck
from tests.benchmarks.causes.history import Ints
from tests.benchmarks.causes.judging import NAMELESS, among_three, first_cause, parameters_right
from tests.benchmarks.causes.noise import KINDS, benign, noisy
from tests.benchmarks.causes.peers import evidently_notices, tfdv_notices
from tests.benchmarks.causes.worlds import SCORE, World, make_world

#: importing them fills MAKERS
MODULES: Final = (number_bugs, served_bugs)
SHARES: Final = (0.0005, 0.001, 0.01, 1.0)
#: the prevalence at which drift monitors are asked too
BESIDE: Final = 0.001
MIN_ROWS: Final = 5
#: a timeout on every request leaves nothing to tell slow ones by
NOT_EVERYWHERE: Final = {15}
TWO_SHARE: Final = 0.01
TWO_BUGS: Final = 6
#: what can strike the same feature as another
TOGETHER: Final = (1, 3, 4, 5, 9, 10, 11, 13, 14, 16, 17, 22, 23, 25, 26, 27, 28, 31)
RATIO_LOOSENESS: Final = 0.25
NOISE_SHARES: Final = (0.001, 0.01, 1.0)


@dataclass(frozen=True)
class Case:
    """One bug, what was right to say of it, and what was said.

    `rows` mismatch, `changed` hold another cell at all; `right` is the credit of the first cause, `more`
    whether another was named too; `parameters` is None where none is known or the name was wrong, `noticed`
    by Evidently and TFDV where they were asked.
    """

    number: int
    share: float
    shape: str
    names: str
    rows: int
    changed: int
    said: str
    right: float
    in_three: bool
    parameters: bool | None
    more: bool = False
    noticed: tuple[bool, bool] | None = None


@dataclass(frozen=True)
class Measured:
    """What one world came to."""

    cases: list[Case]
    two: list[tuple[str, str, bool]]
    noise: list[tuple[str, str, float, str]]
    benign: tuple[int, int]


def measure(seed: int, n: int = 100_000) -> Measured:
    """The world of a seed, a bug of every class in it at every prevalence, each alone in its feature."""
    world, rng = make_world(seed, n), np.random.default_rng([seed, 1])
    cases = [
        case
        for share in SHARES
        for number in sorted(MAKERS)
        if not (share >= 1.0 and number in NOT_EVERYWHERE)
        for case in _one(world, rng, number=number, share=share)
    ]
    return Measured(
        cases=cases,
        two=[found for _ in range(TWO_BUGS) for found in _two(world, rng)],
        noise=[_noise(world, rng, kind=kind, share=share) for kind in KINDS for share in NOISE_SHARES],
        benign=benign(world, rng),
    )


def _one(world: World, rng: Generator, *, number: int, share: float) -> list[Case]:
    """The case of a class, or none where the world has no place for such a bug."""
    try:
        bug = MAKERS[number](world, rng)
    except Unsuitable:
        return []
    return [judged(world, bug, hit=struck(world, rng, bug=bug, share=share), share=share)]


def judged(world: World, bug: Bug, *, hit: Bools, share: float) -> Case:
    """What is said of a bug; of one in several features the worst that is said of any."""
    parts = [_part(world, bug, name=name, hit=hit, share=share) for name in bug.served]
    worst = min(parts, key=lambda part: part.right)
    return replace(worst, rows=min(p.rows for p in parts), in_three=all(p.in_three for p in parts))


def _part(world: World, bug: Bug, *, name: str, hit: Bools, share: float) -> Case:
    left = world.left(name)
    right = applied(left, bug.served[name], hit)
    rows = mismatching(name, left, right)
    evidence = Evidence(name, "offline", left, right, rows, world.around, score=name == SCORE)
    causes = name_causes(evidence) if len(evidence.rows) else ()
    known, looseness = _known(bug, evidence, causes=causes)
    return Case(
        number=bug.number,
        share=share,
        shape=SCORE if name == SCORE else world.shape(name),
        names="/".join(sorted(bug.names)),
        rows=len(evidence.rows),
        changed=_changed(left, right),
        said=said(causes),
        right=first_cause(causes, right=bug.names, evidence=evidence),
        in_three=among_three(causes, right=bug.names),
        parameters=parameters_right(causes[0], known, right=bug.names, looseness=looseness)
        if causes
        else None,
        more=sum(is_named(cause.name) for cause in causes) > 1,
        noticed=(evidently_notices(left, right), tfdv_notices(left, right)) if share == BESIDE else None,
    )


def mismatching(name: str, left: Column, right: Column) -> Ints:
    """The rows that production would report, under the tolerances that are shipped."""
    if name == SCORE:
        return np.flatnonzero(mismatch(left, right, tolerance=SHIPPED_SCORE))
    return judge(left, right, name=name, tolerances=Tolerances()).rows


def said(causes: tuple[Cause, ...]) -> str:
    """The first cause and those tied with it."""
    return "=".join((causes[0].name, *causes[0].tied)) if causes else "nothing"


def _changed(left: Column, right: Column) -> int:
    """Rows whose cells differ by more than arithmetic, counted without the code under test."""
    values = (left.kind == Kind.VALUE.value) & (right.kind == Kind.VALUE.value)
    empty = (left.kind != Kind.VALUE.value) ^ (right.kind != Kind.VALUE.value)
    if left.dtype == "category":
        return int(np.count_nonzero(empty | (values & (left.values != right.values))))
    with np.errstate(invalid="ignore"):
        near = np.isclose(left.values, right.values, rtol=1e-6, atol=1e-6)
    return int(np.count_nonzero(empty | (values & ~near)))


def _known(bug: Bug, evidence: Evidence, *, causes: tuple[Cause, ...]) -> tuple[Parameters, float]:
    """The true parameters: of noise, and of a window told by its ratio, those of the sample."""
    a, b = evidence.left.values[evidence.rows], evidence.right.values[evidence.rows]
    with np.errstate(all="ignore"):
        if "relative_sd" in bug.parameters:
            return {"relative_sd": float(np.nanstd(b / a - 1))}, bug.looseness
        if "days" in bug.parameters and causes and "ratio" in causes[0].parameters:
            ratios = (float(np.nanmedian(b / a)), float(np.nansum(b) / np.nansum(a)))
            return {"ratio": ratios}, RATIO_LOOSENESS
    return bug.parameters, bug.looseness


def _two(world: World, rng: Generator) -> list[tuple[str, str, bool]]:
    """Two bugs of different names on different requests of one feature, and whether both are named."""
    names = [n for n, f in world.features.items() if f.shape in {"money", "lognormal", "slow", "nullable"}]
    names += world.of_shape("normal", "category")
    narrow = replace(world, wanted=str(rng.choice(names)))
    bugs: list[Bug] = []
    for number in rng.permutation(TOGETHER):
        try:
            bug = MAKERS[int(number)](narrow, rng)
        except Unsuitable:
            continue
        bugs += [bug] if all(bug.names.isdisjoint(other.names) for other in bugs) else []
        if len(bugs) > 1:
            return _both(world, rng, first=bugs[0], second=bugs[1])
    return []


def _both(world: World, rng: Generator, *, first: Bug, second: Bug) -> list[tuple[str, str, bool]]:
    name, draw = first.feature, rng.random(world.n)
    left = world.left(name)
    hits = (draw < TWO_SHARE / 2, (draw >= TWO_SHARE / 2) & (draw < TWO_SHARE))
    once = applied(left, first.served[name], hits[0])
    right = applied(once, second.served[name], hits[1])
    rows = mismatching(name, left, right)
    if any(np.count_nonzero(hit[rows]) < MIN_ROWS for hit in hits):
        return []
    causes = name_causes(Evidence(name, "offline", left, right, rows, world.around))
    named = {word for cause in causes[:3] for word in (cause.name, *cause.tied)}
    truth = "+".join("/".join(sorted(bug.names)) for bug in (first, second))
    told = "+".join("=".join((cause.name, *cause.tied)) for cause in causes)
    return [(truth, told, not (first.names.isdisjoint(named) or second.names.isdisjoint(named)))]


def _noise(world: World, rng: Generator, *, kind: str, share: float) -> tuple[str, str, float, str]:
    """Noise in one feature: its kind, the feature's shape, how common it is, and what is said of it."""
    name, column = noisy(world, rng, kind=kind)
    left = world.left(name)
    right = applied(left, column, np.asarray(rng.random(world.n) < share))
    rows = mismatching(name, left, right)
    causes = name_causes(Evidence(name, "offline", left, right, rows, world.around)) if len(rows) else ()
    return kind, world.shape(name), share, causes[0].name if causes else "unexplained"


def is_named(name: str) -> bool:
    """Whether a cause was given at all."""
    return name not in NAMELESS
