"""What goes into a phase beside the scenario, and what comes out of it in numbers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from harness.records import State

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from harness.replay.breaker import Breaker
    from harness.replay.early import Limit


class Progress(msgspec.Struct, frozen=True, kw_only=True):
    """How far a phase is, in (request, arm) pairs; `lag_ns` is how late the last request left."""

    phase: str
    done: int
    total: int
    in_flight: int
    failed: int
    lag_ns: int


class ReplayCounts(msgspec.Struct, frozen=True, kw_only=True):
    """What a phase came to: final states by arm; with `already` they sum to `requests` for each arm.

    `already` counts what an earlier run had answered; `stopped` says why the phase was cut short, if it was;
    `apart` that the arms were measured one after another; `decided` which gate failed whatever was to come.
    """

    phase: str
    requests: int
    states: dict[str, dict[State, int]]
    retried: dict[str, int]
    peak_in_flight: dict[str, int]
    seconds: float
    already: dict[str, int] = {}
    stopped: str = ""
    apart: bool = False
    decided: str = ""


@dataclass(frozen=True)
class Options:
    """How a phase is run, beside what the scenario says.

    `max_inflight` bounds the requests in flight at each arm of an open loop (default: 64, or 4 times the
    planned peak a second if that is more); beyond it the phase sheds or queues, for the clock never waits.
    `on_progress` is called on the loop every `progress_s`, so it must be cheap: draw elsewhere.
    `apart` sends the whole schedule to one arm after another; `only` names by arm the scheduled requests
    (bool (n,)) that are still to be sent. `breaker` and `max_seconds` stop the phase early, and so does a
    limit of `early`, by arm, once it is reached: then nothing more is offered, and what is in flight may end.
    """

    seed: int = 0
    max_inflight: int | None = None
    drain_s: float = 2.0
    on_progress: Callable[[Progress], None] | None = None
    progress_s: float = 0.5
    apart: bool = False
    only: Mapping[str, NDArray[np.bool_]] | None = None
    breaker: Breaker | None = None
    max_seconds: float | None = None
    early: Mapping[str, Sequence[Limit]] = field(default_factory=dict)
