"""What every e-process has besides its log evidence: the p-value, the ruling, and its state as plain data."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict
from typing import Self

from harness.stats._checks import check_names


class Evidence:
    """A process whose `log_e()` is evidence against its null; a frozen dataclass below brings its fields."""

    #: the level at which `rejects` speaks
    alpha: float

    def log_e(self) -> float:
        """The log evidence now; it rejects at log(1/alpha)."""
        raise NotImplementedError

    def p_value(self) -> float:
        """min(1, 1/E): a p-value however the look was chosen; the least over all looks is one too (Ville)."""
        return math.exp(-max(0.0, self.log_e()))

    @property
    def rejects(self) -> bool:
        """Whether the evidence now reaches log(1/alpha); a caller that latches remembers that it once did."""
        return self.log_e() >= -math.log(self.alpha)

    def state(self) -> dict[str, object]:
        """Tuning and state as a mapping of numbers, texts and lists that JSON keeps exactly."""
        return asdict(self)  # type: ignore[call-overload, no-any-return]  # each process is a dataclass

    @classmethod
    def from_state(cls, state: Mapping[str, object]) -> Self:
        """The process whose `state()` was `state`; raises ValueError for missing or unknown names."""
        check_names(cls, state)
        return cls(**state)
