"""Features that a service writes to a log of its own: a row that is not there is no feature left out."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import numpy as np
from msgspec import UNSET, UnsetType

from harness.records import LogJoin
from replayers.http import HttpTarget

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from numpy.typing import NDArray

    from harness.join import Answers
    from harness.records import PairSummary
    from harness.scenario import Loaded

    Mask = NDArray[np.bool_]


def logged(loaded: Loaded, answers: Mapping[str, Answers]) -> dict[str, Mask]:
    """By target with a feature log the requests whose answer has features, bool (n,)."""
    return {name: in_log(loaded, found) for name, found in answers.items() if _has_log(loaded, name)}


def in_log(loaded: Loaded, found: Answers) -> Mask:
    """The requests whose answer has features, bool (n,); all of an arm without a feature log."""
    if not _has_log(loaded, found.arm):
        return np.ones(len(found.features), dtype=bool)
    return np.array([cell is not None for cell in found.features], dtype=bool)


def _has_log(loaded: Loaded, arm: str) -> bool:
    target = loaded.scenario.targets.get(arm)
    return isinstance(target, HttpTarget) and target.feature_log is not None


def kept(
    asked: Mask, known: Mapping[str, Mask], *, arms: Sequence[str], rows: NDArray[np.int64]
) -> tuple[Mask, LogJoin | UnsetType]:
    """Of some rows that arms were asked for features on, bool (rows,), those that their logs have; how many.

    A row that a log lacks (rotated, sampled, late) is missing evidence, and says nothing of the build.
    """
    logs = [known[arm][rows] for arm in arms if arm in known]
    if not logs:
        return asked[rows], UNSET
    found = np.logical_and.reduce([asked[rows], *logs])
    return found, LogJoin(answers=int(asked[rows].sum()), found=int(found.sum()))


def with_log(summary: PairSummary, log: LogJoin | UnsetType) -> PairSummary:
    """The summary of a pair with what its log lacks, which is told."""
    if log is UNSET:
        return summary
    held = msgspec.structs.replace(summary, log=log)
    return msgspec.structs.replace(held, unsure=(*held.unsure, said(held))) if log.lacking else held


def said(summary: PairSummary) -> str:
    """How many answers of the right arm are in its log; nothing without one."""
    log = summary.log
    if log is UNSET or not log.answers:
        return ""
    rest = f": the features of {log.lacking:,} are not compared" if log.lacking else ""
    return f"{log.found:,} of {log.answers:,} answers of {summary.right} are in its feature log{rest}"


def lines(pairs: Iterable[PairSummary]) -> list[str]:
    """What a run says of its feature logs, a line each."""
    return list(dict.fromkeys(filter(None, map(said, pairs))))
