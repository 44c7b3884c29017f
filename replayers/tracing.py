"""The trace that a replayed request belongs to: its own, and no trace of production."""

from __future__ import annotations

from hashlib import blake2b

#: headers that place a request in a trace
HEADERS = frozenset({"traceparent", "tracestate"})


def trace_id(run_id: str, arm: str, *, seq: int) -> str:
    """The id of the trace of one request at one arm in one run: 32 hex digits, never all zero.

    The same request has the same one in each phase, so that whatever logs it can be joined to the request.
    """
    return blake2b(f"{run_id}\0{arm}\0{seq}".encode(), digest_size=16).hexdigest()


def traceparent(trace: str) -> str:
    """The header of a trace whose first span is ours; W3C Trace Context, section 3.2: version 00, sampled."""
    return f"00-{trace}-{blake2b(trace.encode(), digest_size=8).hexdigest()}-01"
