"""A figure: what it is called, what it must reach, and the row that is kept of it."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Literal

import numpy as np

SEED = 20250618
COUNT, RATIO, SHARE, SECONDS, REQUESTS = "tests", "ratio", "share", "s", "observations"


@dataclass(frozen=True, kw_only=True)
class Goal:
    """What a figure is and what it is held against: `floor` is the least that is right, `aim` is good."""

    id: str
    figure: str
    unit: str
    better: Literal["higher", "lower"]
    floor: float | None = None
    aim: float | None = None


@dataclass(frozen=True, kw_only=True)
class Measured:
    """A value, how far it may be off by chance (one standard error, 0 when exact), and the runs it took."""

    value: float
    spread: float = 0.0
    runs: int = 1


def row(goal: Goal, measured: Measured) -> dict[str, object]:
    """The row of a file in results/simulations."""
    return {**asdict(goal), **asdict(measured), "command": f"make simulate NAME={goal.id}"}


def reached(row_: dict[str, object], mark: Literal["floor", "aim"]) -> bool | None:
    """Whether a row reaches its floor or aim; None where it has none."""
    value, bar = row_["value"], row_[mark]
    if not isinstance(value, int | float) or not isinstance(bar, int | float):
        return None
    return value >= bar if row_["better"] == "higher" else value <= bar


def generator(name: str) -> np.random.Generator:
    """The generator of one figure: the same draws whether it is made alone or with the others."""
    return np.random.default_rng([SEED, *name.encode()])


def standard_error(share: float, runs: int) -> float:
    """The standard error of a share seen in `runs` runs."""
    return float(np.sqrt(share * (1.0 - share) / runs))


def chunks(runs: int, size: int) -> Iterable[int]:
    """Split `runs` into pieces of at most `size`, so that no simulation holds all paths in memory."""
    return (min(size, runs - start) for start in range(0, runs, size))
