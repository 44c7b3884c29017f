"""What the proxy has done, in numbers, and the line that says it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from harness.capture.live import Counts as Written


@dataclass
class Tally:
    """Counts of one process; the counters by reason."""

    answered: int = 0
    failed: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    tunnels: int = 0
    mirrored: int = 0
    unmirrored: Counter[str] = field(default_factory=Counter)
    mirror_failed: Counter[str] = field(default_factory=Counter)

    def line(self, written: Written, *, mirror: bool) -> str:
        """One line: what users got, what was written down, what the shadow got."""
        told = [f"{self.answered:,} answered", *_some("failed", self.failed), *_some("refused", self.refused)]
        if self.tunnels:
            told.append(f"{self.tunnels:,} upgraded and not recorded")
        told.append(f"{written.written:,} recorded")
        if written.not_sampled:
            told.append(f"{written.not_sampled:,} not sampled")
        told += _some("dropped", Counter(written.dropped))
        if mirror:
            told.append(f"{self.mirrored:,} mirrored")
            told += _some("mirror failed", self.mirror_failed) + _some("not mirrored", self.unmirrored)
        return ", ".join(told)


def _some(words: str, counts: Counter[str]) -> list[str]:
    """How many, and of what, where there are any."""
    if not counts:
        return []
    reasons = ", ".join(f"{reason} {count:,}" for reason, count in counts.most_common())
    return [f"{counts.total():,} {words} ({reasons})"]
