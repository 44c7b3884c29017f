"""The run that is diagnosed: which arm is production, and the requests that it answered."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from harness import columns, diff, join
from harness.errors import ScenarioError
from harness.records import TARGET_FAULTS
from harness.scenario.explain import did_you_mean
from replayers.recorded import RecordedTarget

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from harness.columns import Column
    from harness.diagnosis import DiagnosisConfig
    from harness.run.folder import RunFolder
    from harness.scenario import Loaded
    from replayers.offline import OfflineReplayer

FEATURE = "feature:"


@dataclass(frozen=True)
class Source:
    """A run that is diagnosed: its folder and scenario, the arm that is production, and its offline model.

    `as_of_ns` is the time up to which labels are known.
    """

    folder: RunFolder
    loaded: Loaded
    config: DiagnosisConfig
    served: str
    model: str
    replayers: Mapping[str, OfflineReplayer]
    as_of_ns: int

    @property
    def replayer(self) -> OfflineReplayer:
        """The offline model that production has to match."""
        return self.replayers[self.model]


def served_by(loaded: Loaded, config: DiagnosisConfig) -> str:
    """The target that is production: as said, else a recorded one, else the champion, else the challenger."""
    targets = loaded.scenario.targets
    if config.served is not None:
        if config.served in targets:
            return config.served
        raise ScenarioError(
            f"unknown target {config.served!r}",
            where=f"{loaded.path}: $.diagnosis.served",
            expected=f"one of {', '.join(targets)}",
            fix=did_you_mean(config.served, list(targets)),
        )
    recorded = [
        name
        for name, target in targets.items()
        if isinstance(target, RecordedTarget) and target.answers is None
    ]
    usual = (*recorded, loaded.champion, loaded.under_test, *targets)
    return next(name for name in usual if name)


@dataclass(frozen=True)
class Requests:
    """The captured requests that production answered: `rows` are their seq, `n` all of them."""

    known: join.Keys
    rows: NDArray[np.int64]
    answers: join.Answers
    table: pa.Table
    outcomes: pa.Table

    @property
    def n(self) -> int:
        """How many requests were captured."""
        return len(self.known)

    @property
    def failed(self) -> int:
        """Requests that production was asked and did not answer properly."""
        faults = self.outcomes.filter(pc.is_in(self.outcomes["state"], pa.array(sorted(TARGET_FAULTS))))
        return len(np.setdiff1d(faults["seq"].to_numpy(), self.rows))

    @property
    def event_ns(self) -> NDArray[np.int64]:
        """When each of `rows` was made, in event time."""
        return self.known.event_time_ns[self.rows]


def answered(source: Source) -> Requests:
    """The requests that production answered."""
    table = source.folder.read(source.folder.capture)
    known = join.keys(table)
    path = source.folder.outcomes(source.served)
    there = any(path.glob("part-*.parquet"))
    outcomes = source.folder.read(path) if there else columns.OUTCOMES.empty_table()
    answers = join.answers(source.served, outcomes, n=len(known))
    return Requests(known, np.flatnonzero(answers.answered).astype(np.int64), answers, table, outcomes)


def offline_features(source: Source) -> dict[str, Column]:
    """The features that the offline pipeline built, over all captured requests."""
    table = source.folder.read(source.folder.offline(source.model))
    names = [name for name in table.column_names if name.startswith(FEATURE)]
    return diff.from_table(table.select(names).rename_columns([n.removeprefix(FEATURE) for n in names]))
