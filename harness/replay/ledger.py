"""Every captured request of one phase at one target, step by step, with the reason for each loss."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from harness.errors import HarnessError
from harness.records import Ledger, LedgerStep, Loss, State

if TYPE_CHECKING:
    from collections.abc import Mapping

_UNSENT = (State.SHED, State.NOT_SENT, State.NOT_NEEDED)
_UNANSWERED = (State.CONNECTION_ERROR, State.TIMEOUT, State.ABANDONED)
_UNUSABLE = (State.HTTP_ERROR, State.BAD_BODY)


@dataclass(frozen=True)
class Intake:
    """What became of the capture before anything was sent."""

    captured: int
    bad: Mapping[str, int] = field(default_factory=dict)
    not_sampled: int = 0
    outside: int = 0


@dataclass(frozen=True)
class Match:
    """What became of the answers.

    `states` counts the answered requests that have something to be compared with, and `unmatched` says why
    the others have not; `lost` are OK answers that could not be compared, by reason; `compared` is what the
    comparison itself counted.
    """

    states: Mapping[State, int]
    compared: int
    lost: Mapping[str, int] = field(default_factory=dict)
    unmatched: str = "no offline row"


def ledger(phase: str, target: str, *, intake: Intake, states: Mapping[State, int], match: Match) -> Ledger:
    """The eight steps from captured to compared, where each step is the one before less its losses.

    `states` counts the final states of all scheduled requests. Raises HarnessError when the intake does not
    add up to the schedule, or the comparison did not count what the states leave for it.
    """
    answered = {state: states.get(state, 0) for state in (State.OK, *_UNUSABLE)}
    unmatched = sum(answered.values()) - sum(match.states.values())
    steps = [LedgerStep(step="captured", count=intake.captured)]
    for step, lost in (
        ("parsed", intake.bad),
        ("sampled", {"not sampled": intake.not_sampled}),
        ("scheduled", {"outside the phase": intake.outside}),
        ("sent", _losses(states, _UNSENT)),
        ("answered", _losses(states, _UNANSWERED)),
        ("joined", {match.unmatched: unmatched}),
        ("compared", _losses(match.states, _UNUSABLE) | dict(match.lost)),
    ):
        steps.append(_next(steps[-1], step, lost=lost))
    made = Ledger(phase=phase, target=target, steps=tuple(steps))
    _check(made, "scheduled", counted=sum(states.values()))
    _check(made, "compared", counted=match.compared)
    return made


def _losses(states: Mapping[State, int], lost: tuple[State, ...]) -> dict[str, int]:
    """Losses by the words of their states."""
    return {state.value.replace("_", " "): states.get(state, 0) for state in lost}


def _next(before: LedgerStep, step: str, *, lost: Mapping[str, int]) -> LedgerStep:
    """The step after `before`, without the reasons that lost nothing."""
    count = before.count - sum(lost.values())
    losses = tuple(Loss(reason=reason, count=n) for reason, n in lost.items() if n)
    if count < 0 or any(loss.count < 0 for loss in losses):
        raise HarnessError(
            "the ledger does not add up", where=f"step {step}", found=f"{dict(lost)} of {before.count}"
        )
    return LedgerStep(step=step, count=count, lost=losses)


def _check(made: Ledger, step: str, *, counted: int) -> None:
    """The step holds what was counted independently of it."""
    count = next(s.count for s in made.steps if s.step == step)
    if count != counted:
        where = f"phase {made.phase}, target {made.target}, step {step}"
        raise HarnessError("the ledger does not add up", where=where, found=counted, expected=count)
