"""The log of a live canary: which arm answered each request, what went wrong and how long it took.

Nothing is sent for this: it is what the capture itself recorded while champion and challenger shared the
traffic. The traffic goes on, so it is looked at again and again (`live_looks`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Literal

import msgspec
import numpy as np

from harness.weighting import weights

if TYPE_CHECKING:
    import pyarrow as pa
    from numpy.typing import NDArray

CHAMPION, CHALLENGER = 0, 1
_NEITHER = -1
_FINE, _REFUSED = 200, 400
_PERIOD_NS = {"day": 86_400 * 10**9, "hour": 3_600 * 10**9}


class LiveConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How the log of a live canary names its arms, what was planned, and the tests of it.

    All of it is declared before the first look: block rule, margin and levels do not follow what was seen.
    """

    arm: Annotated[
        str,
        msgspec.Meta(
            pattern=r"^(served_by|segments|tags)\..+$",
            description="what tells who answered a captured request: `served_by.KEY`, `segments.NAME` or "
            "`tags.KEY`",
        ),
    ] = "served_by.endpoint"
    challenger: Annotated[str, msgspec.Meta(description="its value for the canary")] = "challenger"
    champion: Annotated[
        str, msgspec.Meta(description="its value for today's build; many that name neither refuse every look")
    ] = "champion"
    share: Annotated[
        float, msgspec.Meta(gt=0, lt=1, description="share of the traffic that the canary was given")
    ]
    sticky: Annotated[
        bool,
        msgspec.Meta(
            description="a unit always meets the same arm, so the split is counted by unit, and errors are "
            "not compared by request"
        ),
    ] = False
    every: Annotated[
        Literal["day", "hour"], msgspec.Meta(description="one look for each UTC day, or hour, with traffic")
    ] = "day"
    blocks: Annotated[
        Literal["requests", "units"],
        msgspec.Meta(
            description="what live_p95 takes as independent: consecutive requests in blocks, or each unit by "
            "its first day (or hour); then the claim is about the mean over units"
        ),
    ] = "requests"
    block: Annotated[int, msgspec.Meta(ge=1, description="consecutive requests of the canary in a block")] = (
        20
    )
    error_margin: Annotated[
        float,
        msgspec.Meta(
            gt=0,
            description="errors pass once the canary is proven to err less than (1 + this) times as often",
        ),
    ] = 0.25
    planned_errors: Annotated[
        int, msgspec.Meta(ge=1, description="errors of both arms at which that test is tightest")
    ] = 500
    split_alpha: Annotated[
        float, msgspec.Meta(gt=0, lt=0.5, description="probability of calling a kept split broken")
    ] = 0.001
    split_factor: Annotated[
        float,
        msgspec.Meta(
            gt=1, description="the split counts as kept once the odds are proven within this factor of it"
        ),
    ] = 2.0
    max_missing_share: Annotated[
        float,
        msgspec.Meta(
            ge=0,
            le=1,
            description="requests that name neither arm, those of an arm without a status, answers of the "
            "canary without a latency, or units that met both arms though routing is sticky, above which "
            "nothing is ruled",
        ),
    ] = 0.01

    @property
    def period_ns(self) -> int:
        """How long a day or an hour is."""
        return _PERIOD_NS[self.every]


@dataclass(frozen=True)
class LiveLog:
    """Requests of both arms in order of time, and when the others came.

    `ts_ns` int64, `arm` int8 (0 champion, 1 challenger), `unit` int64 codes, `error` bool (a status outside
    200 to 399), `unlogged` bool (no status, so it is not known), `latency_ms` float64 as recorded (NaN:
    none), `weight` float64 (what each stands for; None: all alike); all (n,). `neither_ns` int64 (others,),
    ascending: requests that name neither arm.
    """

    ts_ns: NDArray[np.int64]
    arm: NDArray[np.int8]
    unit: NDArray[np.int64]
    error: NDArray[np.bool_]
    unlogged: NDArray[np.bool_]
    latency_ms: NDArray[np.float64]
    neither_ns: NDArray[np.int64]
    kinds: tuple[str, ...] = ()
    weight: NDArray[np.float64] | None = None

    @property
    def neither(self) -> int:
        """How many requests name neither arm."""
        return len(self.neither_ns)

    def until(self, ns: int) -> LiveLog:
        """The requests before a time."""
        n = int(np.searchsorted(self.ts_ns, ns))
        return LiveLog(
            self.ts_ns[:n],
            self.arm[:n],
            self.unit[:n],
            error=self.error[:n],
            unlogged=self.unlogged[:n],
            latency_ms=self.latency_ms[:n],
            neither_ns=self.neither_ns[: int(np.searchsorted(self.neither_ns, ns))],
            kinds=self.kinds,
            weight=None if self.weight is None else self.weight[:n],
        )

    def counts(self) -> dict[str, int]:
        """What is in the log, by arm."""
        canary = self.arm == CHALLENGER
        apart = units_by_arm(self)[1]
        return {
            "challenger": int(canary.sum()),
            "champion": int((~canary).sum()),
            "of neither": self.neither,
            "units": len(np.unique(self.unit)),
            "units in both arms": apart,
            "errors of challenger": int((self.error & canary).sum()),
            "errors of champion": int((self.error & ~canary).sum()),
            "challenger without status": int((self.unlogged & canary).sum()),
            "champion without status": int((self.unlogged & ~canary).sum()),
            "challenger without latency": int(unmeasured(self)[canary].sum()),
        }


def periods(ts_ns: NDArray[np.int64], period_ns: int) -> NDArray[np.int64]:
    """The day or hour of each time, by its end in periods since the epoch; midnight begins a day."""
    found: NDArray[np.int64] = ts_ns // period_ns + 1
    return found


def unmeasured(log: LiveLog) -> NDArray[np.bool_]:
    """Requests that are not known to have failed and whose latency was not recorded."""
    return np.isnan(log.latency_ms) & ~log.error


def units_by_arm(log: LiveLog) -> tuple[NDArray[np.int64], int]:
    """The position of each unit's first request, ascending, and how many units met both arms."""
    _, first, code = np.unique(log.unit, return_index=True, return_inverse=True)
    moved = np.zeros(len(first), dtype=bool)
    moved[code[log.arm != log.arm[first][code]]] = True
    return np.sort(first), int(moved.sum())


def read(capture: pa.Table, config: LiveConfig, *, unit: NDArray[np.int64]) -> LiveLog:
    """The log in a captured table; `unit` are its units' codes, int64 (rows,)."""
    column, _, key = config.arm.partition(".")
    who = [dict(cell or ()).get(key) for cell in capture[column].to_pylist()]
    codes = {config.champion: CHAMPION, config.challenger: CHALLENGER}
    arm = np.array([codes.get(name or "", _NEITHER) for name in who], dtype=np.int8)
    ts = capture["ts_ns"].to_numpy()
    mine = np.flatnonzero(arm != _NEITHER)
    mine = mine[np.argsort(ts[mine], kind="stable")]
    status = capture["recorded_status"].to_numpy(zero_copy_only=False).astype(np.float64)[mine]
    latency = capture["recorded_latency_ns"].to_numpy(zero_copy_only=False).astype(np.float64) / 1e6
    kinds = capture["recorded_latency_kind"].drop_null().unique().to_pylist()
    return LiveLog(
        ts_ns=ts[mine],
        arm=arm[mine],
        unit=unit[mine],
        error=(status < _FINE) | (status >= _REFUSED),
        unlogged=np.isnan(status),
        latency_ms=latency[mine],
        neither_ns=np.sort(ts[arm == _NEITHER]),
        kinds=tuple(sorted(kinds)),
        weight=weights(capture).traffic[mine],
    )
