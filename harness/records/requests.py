"""What production saw: each captured request with the answer it had, and the labels that came later."""

from __future__ import annotations

from typing import Literal

import msgspec

#: the tag of a request whose recorded answer is not whole; its value is "true"
ANSWER_TRUNCATED = "answer_truncated"
#: the tag of a request whose recorded answer came without a status; its value is "assumed"
STATUS_FROM = "status_from"


class RecordedResponse(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What production answered when the request was captured.

    Of captures there are millions, and none holds itself: the garbage collector need not look at them.
    """

    status: int
    headers: dict[str, str] = {}
    body: bytes = b""
    latency_ns: int | None = None
    latency_kind: Literal["wait", "service", "rtt"] | None = None


class CapturedRequest(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One request as production saw it; `seq` is dense, in file order, and joins everything.

    Times are ns since the epoch, UTC. `ts_ns` paces the replay, `event_time_ns` is what features are as of.
    """

    seq: int
    request_id: str
    ts_ns: int
    ts_resolution_ns: int = 1
    event_time_ns: int | None = None
    parent_id: str | None = None
    row_index: int | None = None
    unit: str | None = None
    segments: dict[str, str] = {}
    exposed: bool | None = None
    propensity: float | None = None
    method: str = "POST"
    path: str = "/"
    headers: dict[str, str] = {}
    body: bytes = b""
    truncated: bool = False
    recorded_response: RecordedResponse | None = None
    served_by: dict[str, str] = {}
    online_features: bytes | None = None
    feature_timestamps: bytes | None = None
    sampling_weight: float = 1.0
    tags: dict[str, str] = {}
    source_file: str = ""
    source_offset: int = 0

    @property
    def answer_truncated(self) -> bool:
        """Whether the recorded answer is known to be cut."""
        return self.tags.get(ANSWER_TRUNCATED) == "true"


class LabelEvent(msgspec.Struct, frozen=True, kw_only=True):
    """The label of one outcome and the moment it became known; the delay is data, not a constant."""

    request_id: str
    outcome: str = "label"
    label: float
    label_at_ns: int
