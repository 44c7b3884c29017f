"""How much longer Evidently and NannyML take for what ours does, each in its own environment from PyPI.

Both sides of a round run back to back in one process, on the same table, in the peer's environment; what is
not computing (imports, tables, data frames, categories coded) is done before. Where a peer cannot be
installed that is said, and the row that was measured before stays.
"""

from __future__ import annotations

from collections.abc import Callable
from statistics import median

import msgspec

from tests.benchmarks.figures import Goal, Rows, row
from tests.benchmarks.machine import Environment, NotHere, loudly, python_of, run

ROUNDS = 3
TIMEOUT_S = 1_500.0
#: with these the peers can be imported: newer pandas breaks Evidently, NannyML does not name statsmodels
_SHARED = ("numpy==2.4.6", "scipy==1.17.1", "statsmodels==0.15.0")
ENVIRONMENTS = {
    "evidently": Environment(
        ".venv-evidently", ("evidently==0.7.23", "pandas==3.0.6", *_SHARED), "import evidently"
    ),
    "nannyml": Environment(".venv-nannyml", ("nannyml==0.13.1", "pandas==3.1.1", *_SHARED), "import nannyml"),
}
GOALS = {
    "evidently": Goal(
        id="vs_evidently",
        figure="PSI of 50 columns (40 numbers, 10 categories), 500,000 reference and 500,000 current rows: "
        "time of Evidently 0.7.23 (its PSI report, its own bins, texts) over ours (bins frozen on the "
        "reference, dictionary codes, as many threads as cores), both from tables in memory",
        unit="times",
        better="higher",
        floor=90,
        aim=140,
    ),
    "nannyml": Goal(
        id="vs_nannyml",
        figure="metrics expected without labels (CBPE): 500,000 reference rows to fit, 500,000 rows in 10 "
        "chunks, 6 metrics: time of NannyML 0.13.1 (alert thresholds and standard errors included) over ours",
        unit="times",
        better="higher",
        floor=15,
        aim=25,
    ),
}


class Compared(msgspec.Struct, frozen=True, kw_only=True):
    """Seconds of both, by round; how far their numbers lie apart at most, relatively; what else took long."""

    theirs: list[float]
    ours: list[float]
    apart: float
    beside: dict[str, float] = {}

    def ratios(self) -> list[float]:
        """How many times as long the peer takes, within each round."""
        return [theirs / ours for theirs, ours in zip(self.theirs, self.ours, strict=True)]

    def told(self) -> str:
        """The seconds, the agreement and what is beside them, in words for the row."""
        seconds = f"{median(self.theirs):.3g} s against {median(self.ours):.3g} s"
        beside = "".join(f"; {words} takes {s:.2g} s" for words, s in self.beside.items())
        return f"{seconds}; their numbers by their rules are ours within {self.apart:.1g}{beside}"


def evidently_rows() -> Rows:
    """The row of Evidently, none where it is not here."""
    return rows_of("evidently")


def nannyml_rows() -> Rows:
    """The row of NannyML, none where it is not here."""
    return rows_of("nannyml")


def compared(peer: str) -> Compared:
    """What `drift_client` measures in the peer's environment; raises NotHere."""
    command = (python_of(ENVIRONMENTS[peer]), "-m", "tests.benchmarks.drift_client", peer, str(ROUNDS))
    printed = run(*command, timeout_s=TIMEOUT_S, every_core=True).printed
    return msgspec.json.decode(printed.strip().splitlines()[-1], type=Compared)


def rows_of(peer: str, compare: Callable[[str], Compared] = compared) -> Rows:
    """The row of a peer; none, and one line that says why, where it cannot be measured."""
    goal = GOALS[peer]
    try:
        found = compare(peer)
    except NotHere as why:
        loudly(f"{goal.id} is not measured, and its row stays as it is: {why}")
        return []
    return [row(goal, found.ratios(), told=found.told())]
