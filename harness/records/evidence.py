"""Numbers with their uncertainty: estimates, looks at accruing evidence, quality on labels, a live canary."""

from __future__ import annotations

from typing import Literal

import msgspec

Ruling = Literal["PASS", "FAIL", "UNDECIDED"]


class Estimate(msgspec.Struct, frozen=True, kw_only=True):
    """A number with its interval, its n and the method behind it."""

    name: str
    value: float | None
    unit: str = ""
    n: int = 0
    count: int | None = None
    lower: float | None = None
    upper: float | None = None
    level: float | None = None
    method: str = ""
    note: str = ""


class MetricRow(msgspec.Struct, frozen=True, kw_only=True):
    """One quality metric for each arm on the matured, exposed cohort.

    `difference` is challenger minus champion with its 95 % interval by unit, as if looked at once.
    """

    metric: str
    direction: Literal["higher", "lower", "neither"]
    arms: dict[str, float | None]
    difference: Estimate | None = None


class SegmentRow(msgspec.Struct, frozen=True, kw_only=True):
    """The harm that is tested (positive: the challenger is worse) on the requests of one segment alone.

    `share` is that of the traffic which the segment stands for, where requests weigh unequally.
    """

    segment: str
    level: str
    requests: int
    units: int
    harm: Estimate
    share: float | msgspec.UnsetType = msgspec.UNSET


class LabelDelays(msgspec.Struct, frozen=True, kw_only=True):
    """How late labels come: (days since the request, share of labels that came by then), ascending.

    A request counts `window_days` after its event time; `mature_until` (RFC 3339) is the event time up to
    which all requests do.
    """

    shares: tuple[tuple[float, float], ...]
    window_days: float
    mature_until: str
    labels: int


class Ahead(msgspec.Struct, frozen=True, kw_only=True):
    """What an open test still needs, were the estimate to stay as it is: in all, and in further days.

    `days` is None where the looks say nothing of the rate at which units come.
    """

    toward: Ruling
    units: int
    requests: int
    days: float | None


class Look(msgspec.Struct, frozen=True, kw_only=True):
    """One evaluation of a test on accruing evidence: a line of looks.jsonl; no look follows a `final` one."""

    as_of: str
    test: str
    n: int
    units: int
    estimate: float | None
    lower: float | None
    upper: float | None
    log_e: float | None
    ruling: Ruling
    refused: str = ""
    final: bool = False


class QualitySummary(msgspec.Struct, frozen=True, kw_only=True):
    """Champion against challenger on one outcome whose labels have matured: exposed requests only, by unit.

    `measure` is the harm that is tested, positive to the challenger's disadvantage; `superiority` says that
    it must be shown below 0, not only below the margin. `full_days` are whole days of requests compared;
    `identical` says that every score of both arms is equal.
    """

    name: str = "label"
    role: Literal["success", "guardrail", "watched"] = "success"
    superiority: bool = False
    measure: str = ""
    as_of: str
    outcome: str
    counts: dict[str, int]
    full_days: int = 0
    metrics: tuple[MetricRow, ...] = ()
    identical: bool = False
    estimate: Estimate | None = None
    fixed_n: Estimate | None = None
    segments: tuple[SegmentRow, ...] = ()
    delays: LabelDelays | None = None
    ahead: Ahead | None = None
    looks: tuple[Look, ...] = ()
    max_missing_share: float = 0.05
    margin: float | None = None
    alpha_go: float = 0.05
    alpha_nogo: float = 0.05
    note: str = ""


class LiveSummary(msgspec.Struct, frozen=True, kw_only=True):
    """What the log of a live canary shows by itself, look by look: the split, errors, p95.

    `rule` says what the p95 test took as independent, `measure` what its claim is about; `blocks` were
    complete, worth `effective` of equal size, and `left_over` requests are in none.
    """

    as_of: str
    share: float
    sticky: bool
    every: Literal["day", "hour"]
    rule: str
    measure: str = "share of the requests"
    blocks: int
    effective: float
    left_over: int
    budget_ms: float
    error_margin: float
    counts: dict[str, int]
    looks: tuple[Look, ...] = ()
    note: str = ""
