"""Each target: where its requests went, how they ended, and which model it said it was."""

from __future__ import annotations

import msgspec

from harness.records.evidence import Estimate


class Loss(msgspec.Struct, frozen=True, kw_only=True):
    """Requests that did not reach the next step, and why."""

    reason: str
    count: int


class LedgerStep(msgspec.Struct, frozen=True, kw_only=True):
    """How many requests reached a step, and those lost on the way to it."""

    step: str
    count: int
    lost: tuple[Loss, ...] = ()


class Ledger(msgspec.Struct, frozen=True, kw_only=True):
    """Every captured request of one phase at one target, step by step; the sums are asserted."""

    phase: str
    target: str
    steps: tuple[LedgerStep, ...]


class TargetCounts(msgspec.Struct, frozen=True, kw_only=True):
    """How every request sent to one target ended, over all phases, by state; `details` are reasons seen.

    `units` are those that the target answered for, well or badly, `units_failed` those it failed at all.
    `failed_traffic` is the share of the traffic that it failed, where the capture's requests weigh unequally.
    `requests` are the distinct ones that it answered for, and `requests_failed` those that it failed at all,
    where phases or passes sent some of them again.
    """

    target: str
    states: dict[str, int]
    details: dict[str, int] = {}
    units: int = 0
    units_failed: int = 0
    failed_traffic: Estimate | msgspec.UnsetType = msgspec.UNSET
    requests: int | msgspec.UnsetType = msgspec.UNSET
    requests_failed: int | msgspec.UnsetType = msgspec.UNSET


class Identity(msgspec.Struct, frozen=True, kw_only=True):
    """Which model an arm was meant to be and which it said it was.

    `answered` counts the answers that could have said so; `declared` says that the scenario names the place.
    `vouched` is the sha256 that the scenario declares for a service that names none: no answer has shown it.
    """

    arm: str
    expected: str | None
    served: dict[str, int] = {}
    source: str = ""
    answered: int = 0
    declared: bool = False
    vouched: str = ""

    @property
    def witness(self) -> str:
        """Who says which model it is: the answers, the scenario alone, or nobody."""
        if self.served:
            return "named by the answer"
        return "declared, not seen in answers" if self.vouched else "nobody"
