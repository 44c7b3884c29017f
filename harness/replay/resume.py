"""What a run that was cut has still to send, from nothing but its journal."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from harness.records import Attempt, State
from harness.replay.arm import RETRIED
from harness.replay.schedule import Phase
from harness.replay.sending import NOT_YET_SENT

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from numpy.typing import NDArray

#: between a phase and the number of its pass; no phase name may hold it
MARK = "~"


@dataclass(frozen=True)
class Remaining:
    """What is left of a phase: send `only` (all where None) as `phase`, whose name is that of the pass.

    `torn` names the passes before it that were cut, and count for nothing.
    """

    phase: Phase
    only: Mapping[str, NDArray[np.bool_]] | None
    torn: tuple[str, ...] = ()


def is_final(attempt: Attempt) -> bool:
    """Whether the request needs no further attempt: not after a stop, nor on a connection that was dead."""
    if attempt.state in {State.ABANDONED, State.NOT_NEEDED}:
        return False
    if attempt.state is State.NOT_SENT:
        return not attempt.detail.startswith(NOT_YET_SENT)
    return attempt.state is not State.CONNECTION_ERROR or attempt.detail not in RETRIED


def pending(
    attempts: Iterable[Attempt], seqs: NDArray[np.int64], *, phase: str, targets: Sequence[str]
) -> dict[str, NDArray[np.bool_]]:
    """For each target, which of the scheduled requests (n,) have no final outcome in a pass, bool (n,).

    `seqs` are those of the schedule's rows, each once; `phase` is the pass as the journal names it.
    """
    found = _left((one for one in attempts if one.phase == phase), seqs, targets=targets)
    return found.get(phase) or _all_of(seqs, targets)


def remaining(
    attempts: Iterable[Attempt], phase: Phase, *, seqs: NDArray[np.int64], targets: Sequence[str]
) -> Remaining | None:
    """What is left of a phase; None when every request has a final outcome at every target.

    A closed loop goes on where it was. An open loop that was cut is sent whole, as a new pass: half of its
    load was never on the host, and the clock of another start is another clock.
    """
    own = (one for one in attempts if one.phase.partition(MARK)[0] == phase.name)
    left = _left(own, seqs, targets=targets)
    taken = sorted(left, key=_number)
    if not taken:
        return Remaining(phase, None)
    if not any(mask.any() for mask in left[taken[-1]].values()):
        return None
    if not phase.open_loop:
        return Remaining(phase, left[phase.name])
    again = msgspec.structs.replace(phase, name=pass_name(phase.name, len(taken) + 1))
    return Remaining(again, None, tuple(taken))


def _all_of(seqs: NDArray[np.int64], targets: Sequence[str]) -> dict[str, NDArray[np.bool_]]:
    return {target: np.ones(len(seqs), np.bool_) for target in targets}


def _left(
    attempts: Iterable[Attempt], seqs: NDArray[np.int64], *, targets: Sequence[str]
) -> dict[str, dict[str, NDArray[np.bool_]]]:
    """For each pass that is journalled, and each target, which requests have no final outcome."""
    places = {seq: place for place, seq in enumerate(seqs.tolist())}
    left: dict[str, dict[str, NDArray[np.bool_]]] = {}
    for one in attempts:
        if one.phase not in left:
            left[one.phase] = _all_of(seqs, targets)
        masks = left[one.phase]
        if one.target in masks and one.seq in places and is_final(one):
            masks[one.target][places[one.seq]] = False
    return left


def pass_name(phase: str, number: int) -> str:
    """The name of a phase's n-th pass, from 1: the phase's own for the first, then `latency~2`."""
    return phase if number == 1 else f"{phase}{MARK}{number}"


def last_passes(names: Iterable[str]) -> dict[str, str]:
    """Of the passes in a journal, those that count, each with its phase: the last of every phase."""
    last: dict[str, str] = {}
    for name in sorted(names, key=_number):
        last[name.partition(MARK)[0]] = name
    return {name: phase for phase, name in last.items()}


def torn_passes(names: Iterable[str]) -> tuple[str, ...]:
    """Of the passes in a journal, those that another pass has replaced."""
    found = set(names)
    return tuple(
        sorted(found - last_passes(found).keys(), key=lambda name: (name.partition(MARK)[0], _number(name)))
    )


def _number(name: str) -> int:
    return int(name.partition(MARK)[2] or 1)
