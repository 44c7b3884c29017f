"""Early stop, only towards FAIL: counts known while a phase runs, against those that nothing can undo.

A count of failed or slow requests never falls. Once it has reached what fails a gate on the whole planned
phase, every request still to come could be right and in time, and the gate would fail all the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.records import TARGET_FAULTS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.replay.arm import Try


@dataclass(frozen=True)
class Limit:
    """The smallest count at one arm that fails a gate whatever the rest of the phase comes to.

    It counts failed requests; with `budget_ns` also those that were answered later than that. Where the
    harness itself was late by more than `max_lag_ns` (p99) or lost more than `max_lost` requests, it decides
    nothing, for the gate would not.
    """

    gate: str
    count: int
    budget_ns: int | None = None
    max_lag_ns: int = 0
    max_lost: float = 0.0


class Tally:
    """The counts of one arm in one phase, fed with each final answer; pure but for its own memory."""

    def __init__(self, limits: Sequence[Limit]) -> None:
        self._limits = limits
        self._counts = [0] * len(limits)
        self._late = [0] * len(limits)
        self._timed = 0

    def note(self, last: Try, *, due_ns: int | None, lost: int) -> str:
        """The gate that fails by now whatever comes, or nothing; `lost` are requests the harness lost so far.

        What the answer's body says is not looked at: a body that is unusable counts later, and only adds.
        """
        if due_ns is not None and last.written_ns is not None:
            self._keep_time(last.written_ns - due_ns)
        failed = last.state in TARGET_FAULTS
        response_ns = None if due_ns is None or last.done_ns is None else last.done_ns - due_ns
        for place, limit in enumerate(self._limits):
            slow = limit.budget_ns is not None and response_ns is not None and response_ns > limit.budget_ns
            if failed or slow:
                self._counts[place] += 1
                if self._counts[place] >= limit.count and self._honest(place, lost=lost):
                    return limit.gate
        return ""

    def _keep_time(self, lag_ns: int) -> None:
        self._timed += 1
        for place, limit in enumerate(self._limits):
            self._late[place] += lag_ns > limit.max_lag_ns

    def _honest(self, place: int, *, lost: int) -> bool:
        """Whether the harness has kept time so far, where the limit is about time.

        p99 by nearest rank is at most the limit just where no more than n - ceil(.99 n) are beyond it, so two
        counts do, and the check costs the sending path nothing.
        """
        limit = self._limits[place]
        if limit.budget_ns is None:
            return True
        allowed = self._timed - -(-99 * self._timed // 100)
        return lost <= limit.max_lost and self._late[place] <= allowed
