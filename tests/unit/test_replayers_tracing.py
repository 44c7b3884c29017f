"""Each replayed request is a trace of its own."""

from __future__ import annotations

import re

from replayers.tracing import trace_id, traceparent


def test_every_request_at_every_arm_in_every_run_has_its_own_trace() -> None:
    """And the same one whenever it is asked for."""
    found = {trace_id(run, arm, seq=seq) for run in "ab" for arm in "cd" for seq in range(50)}
    assert len(found) == 200
    assert trace_id("a", "c", seq=1) == trace_id("a", "c", seq=1)
    assert trace_id("a", "bc", seq=1) != trace_id("ab", "c", seq=1)


def test_the_header_is_that_of_the_standard() -> None:
    """W3C Trace Context, section 3.2: version, trace, span and flags in lower-case hex."""
    trace = trace_id("run", "t", seq=0)
    assert re.fullmatch(rf"00-{trace}-[0-9a-f]{{16}}-01", traceparent(trace))
    assert re.fullmatch(r"[0-9a-f]{32}", trace)
