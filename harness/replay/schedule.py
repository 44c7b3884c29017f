"""When each request is due: a pure function of the capture, the phase and a seed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Literal

import msgspec
import numpy as np
from msgspec import Meta

if TYPE_CHECKING:
    from numpy.typing import NDArray

SECOND_NS = 1_000_000_000
COARSE_NS = 1_000_000
_SAMPLE = 1  # its own stream of the seed, so that sampling and spreading do not draw the same numbers
_ARRIVALS = 2

#: between a phase and the number of one of its declared passes; no phase name may hold it
NEXT = "."

Name = Annotated[str, Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]*$", max_length=64)]
Positive = Annotated[float, Meta(gt=0)]
Count = Annotated[int, Meta(ge=1)]
Share = Annotated[float, Meta(gt=0, le=1)]
Together = Literal["together", "apart"]
Overload = Literal["shed", "queue"]


class Recorded(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="kind", tag="recorded"
):
    """Open loop on the recorded arrival times: nothing the target does delays the next request."""

    speed: Annotated[
        Positive, Meta(description="How many times faster than recorded; 1.0 is as recorded.")
    ] = 1.0
    max_gap_s: Annotated[
        Positive | None,
        Meta(description="Silences longer than this are cut to it, in seconds of the replay."),
    ] = None

    def due(self, ts_ns: NDArray[np.int64], *, seed: int = 0) -> NDArray[np.int64]:  # noqa: ARG002  -- as its siblings
        """Offsets from the phase start, int64 ns (n,), for ascending times; the first is 0."""
        offsets = np.rint((ts_ns - ts_ns[:1]) / self.speed).astype(np.int64)
        gaps = np.diff(offsets, prepend=offsets[:1])
        if self.max_gap_s is not None:
            gaps = np.minimum(gaps, round(self.max_gap_s * SECOND_NS))
        return np.cumsum(gaps, dtype=np.int64)


class Constant(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="kind", tag="constant"
):
    """Open loop at one rate: the k-th request is due k / rate after the first, so no rounding adds up."""

    rate: Annotated[Positive, Meta(description="Requests a second.")]

    def due(self, ts_ns: NDArray[np.int64], *, seed: int = 0) -> NDArray[np.int64]:  # noqa: ARG002  -- as its siblings
        """Offsets from the phase start, int64 ns (n,); the first is 0."""
        due: NDArray[np.int64] = np.rint(np.arange(len(ts_ns)) * (SECOND_NS / self.rate)).astype(np.int64)
        return due


class Poisson(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="kind", tag="poisson"
):
    """Open loop with independent, exponential gaps: what many users who do not know each other send."""

    rate: Annotated[Positive, Meta(description="Requests a second, on average.")]

    def due(self, ts_ns: NDArray[np.int64], *, seed: int = 0) -> NDArray[np.int64]:
        """Offsets from the phase start, int64 ns (n,), seeded; the first is 0."""
        gaps = np.random.default_rng((seed, _ARRIVALS)).exponential(SECOND_NS / self.rate, len(ts_ns))
        gaps[:1] = 0
        return np.rint(np.cumsum(gaps)).astype(np.int64)


class Saturate(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="kind", tag="saturate"
):
    """Closed loop: the next request leaves when an answer arrives, so its latencies are not judged."""

    connections: Annotated[int, Meta(ge=1, le=4096, description="Requests in flight at each target.")] = 8

    def due(self, ts_ns: NDArray[np.int64], *, seed: int = 0) -> NDArray[np.int64]:  # noqa: ARG002  -- as its siblings
        """No request has a time of its own: int64 zeros (n,)."""
        return np.zeros(len(ts_ns), np.int64)


Pace = Recorded | Constant | Poisson | Saturate


class Phase(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One pass over a slice of the capture at one pace."""

    name: Annotated[Name, Meta(description="Names the phase in the journal and the report.")]
    pace: Annotated[
        Pace,
        Meta(
            description="When requests leave: recorded, constant or poisson (open loops, whose latency is "
            "judged), or saturate (closed loop)."
        ),
    ] = Saturate()
    first: Annotated[Count | None, Meta(description="Only the first n requests by time; empty is all.")] = (
        None
    )
    busiest_s: Annotated[
        Positive | None,
        Meta(
            description="Only the window of this many seconds with the most arrivals (of `first`, if given)."
        ),
    ] = None
    share: Annotated[
        Share | None,
        Meta(description="Only this share of the slice, drawn with the scenario's seed."),
    ] = None
    targets: Annotated[
        tuple[str, ...], Meta(description="Targets to replay against; empty is all http targets.")
    ] = ()
    features: Annotated[
        bool, Meta(description="Ask the targets to echo their features (sends their debug headers).")
    ] = True
    arms: Annotated[
        Literal["together", "apart", "auto"],
        Meta(
            description="All targets in the same minutes, or one after another with the same schedule; auto "
            "is together unless the service time measured before says that they would contend for one host."
        ),
    ] = "auto"
    overload: Annotated[
        Overload,
        Meta(
            description="Beyond the most requests in flight, an open loop sheds a request (counted) or lets "
            "it queue (timed from when it was due)."
        ),
    ] = "shed"
    passes: Annotated[
        int,
        Meta(
            ge=1,
            le=100,
            description="How often an open loop is replayed, each time with the same arrivals. All count: "
            "from 5 on latency_p95 judges them together, by the variance between them; below that every one "
            "must be within the budget, and one that is over it (at α / passes) fails.",
        ),
    ] = 1

    @property
    def open_loop(self) -> bool:
        """Whether requests leave on a clock, so that latency may be judged."""
        return not isinstance(self.pace, Saturate)

    def each(self) -> tuple[Phase, ...]:
        """A phase for each of its passes: `latency`, `latency.2`, `latency.3`, the arrivals the same."""
        return tuple(
            msgspec.structs.replace(self, name=self.name if k == 1 else f"{self.name}{NEXT}{k}")
            for k in range(1, self.passes + 1)
        )


def series(phase: str) -> str:
    """The phase of the scenario that a pass belongs to: `latency` of `latency.3`, and of itself."""
    return phase.partition(NEXT)[0]


#: parity on everything, then latency on the busiest minute as it was recorded
DEFAULT_PHASES = (
    Phase(name="parity"),
    Phase(name="latency", pace=Recorded(), busiest_s=60, features=False),
)


@dataclass(frozen=True)
class Schedule:
    """Which requests are sent, in which order, and when.

    `rows` are int64 indices into the capture (n,), ascending by time; `due_ns` int64 offsets from the phase
    start (n,), never falling, the first 0, and all 0 where `pace` is a closed loop.
    """

    pace: Pace
    rows: NDArray[np.int64]
    due_ns: NDArray[np.int64]

    @property
    def peak(self) -> int:
        """The most requests due within any second."""
        return _most(self.due_ns, SECOND_NS)[1]


def plan(
    ts_ns: NDArray[np.int64], phase: Phase, *, resolution_ns: NDArray[np.int64] | int, seed: int
) -> Schedule:
    """The schedule of a phase over requests at `ts_ns` (n,), in any order; equal times keep capture order.

    Where times of a coarse resolution (1 ms or more) collide, they are spread uniformly inside their ticks,
    seeded, for a burst at each tick is an artefact of the log and not of the traffic.
    """
    rows = np.argsort(ts_ns, kind="stable")[: phase.first]
    if phase.busiest_s is not None:
        start, stop = busiest_window(ts_ns[rows], phase.busiest_s)
        rows = rows[start:stop]
    if phase.share is not None:
        rows = sampled(rows, phase.share, seed=seed)
    ticks = np.broadcast_to(np.asarray(resolution_ns, np.int64), ts_ns.shape)[rows]
    due_ns = phase.pace.due(spread(ts_ns[rows], ticks, seed=seed), seed=seed)
    return Schedule(pace=phase.pace, rows=rows, due_ns=due_ns)


def sampled(rows: NDArray[np.int64], share: float, *, seed: int) -> NDArray[np.int64]:
    """A share of the rows in their order, each equally likely, at least one of any; the same for a seed."""
    size = min(len(rows), max(1, round(share * len(rows))))
    drawn = np.random.default_rng((seed, _SAMPLE)).permutation(len(rows))[:size]
    return rows[np.sort(drawn)]


def busiest_window(ts_ns: NDArray[np.int64], seconds: float) -> tuple[int, int]:
    """Start and stop, in time order, of the half-open window [t, t + seconds) with the most arrivals.

    The earliest of equals. Known value: the first 7,122 arrivals of the Azure 2023 code trace have 723 within
    60 s, from 569.0 s after the first.
    """
    start, count = _most(np.sort(ts_ns), round(seconds * SECOND_NS))
    return start, start + count


def spread(ts_ns: NDArray[np.int64], ticks_ns: NDArray[np.int64], *, seed: int) -> NDArray[np.int64]:
    """Ascending times with colliding coarse ones drawn uniformly inside their ticks, in the same order."""
    coarse = ticks_ns >= COARSE_NS
    times = ts_ns[coarse]
    if not np.any(times[1:] == times[:-1]):
        return ts_ns
    spread_ns = ts_ns.copy()
    spread_ns[coarse] += np.random.default_rng(seed).integers(0, ticks_ns[coarse])
    return np.sort(spread_ns)


def _most(times: NDArray[np.int64], width: int) -> tuple[int, int]:
    """Where the fullest window of ascending times starts, and how many it holds."""
    if not len(times):
        return 0, 0
    counts = np.searchsorted(times, times + width, side="left") - np.arange(len(times))
    start = int(np.argmax(counts))
    return start, int(counts[start])
