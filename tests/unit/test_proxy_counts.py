"""One line of numbers."""

from __future__ import annotations

from collections import Counter

from harness.capture.live import Counts
from harness.proxy.counts import Tally


def test_a_line_says_what_there_is_to_say() -> None:
    """Only what happened, with reasons; of the mirror only where there is one."""
    assert Tally().line(Counts(), mirror=False) == "0 answered, 0 recorded"
    assert Tally().line(Counts(), mirror=True).endswith(", 0 mirrored")
    tally = Tally(
        answered=1_000,
        failed=Counter({"user left": 2, "connection refused": 3}),
        refused=Counter({"400": 1}),
        tunnels=4,
        mirrored=900,
        unmirrored=Counter({"queue full": 99}),
        mirror_failed=Counter({"timeout": 5}),
    )
    written = Counts(offered=1_000, written=500, not_sampled=490, dropped={"queue full": 10})
    assert tally.line(written, mirror=True) == (
        "1,000 answered, 5 failed (connection refused 3, user left 2), 1 refused (400 1), "
        "4 upgraded and not recorded, 500 recorded, 490 not sampled, 10 dropped (queue full 10), "
        "900 mirrored, 5 mirror failed (timeout 5), 99 not mirrored (queue full 99)"
    )
