"""The bugs behind mismatching features: each cause of a feature with the requests that it is about."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from harness.diff.causes import Cause, Evidence, hypotheses_for, name_cause
from harness.diff.cells import Judged
from harness.diff.sentences import listed

#: stands for the fields in a phrase, so that one phrase serves any number of them
LABEL = "\ue000"


@dataclass(frozen=True, eq=False)
class Bug:
    """Some features that differ on some requests, int64 rows ascending, for one cause.

    The cause's phrase has `LABEL` where the fields are named. `what` differs, for the sentence; `also` are
    further sentences.
    """

    members: tuple[Judged, ...]
    rows: NDArray[np.int64]
    cause: Cause
    what: str = "it differs"
    also: tuple[str, ...] = ()

    @property
    def fields(self) -> tuple[str, ...]:
        """Its features."""
        return tuple(member.field for member in self.members)

    @property
    def phrase(self) -> str:
        """What the arm does, its fields named."""
        return self.cause.phrase.replace(LABEL, listed(self.fields))


def separate(judged: Sequence[Judged], *, other: str) -> list[Bug]:
    """Each feature that differs with its cause; `other` is how sentences call the left arm."""
    return [_bug(one, other) for one in judged if len(one.rows)]


def _bug(judged: Judged, other: str) -> Bug:
    evidence = Evidence(LABEL, other, judged.left, judged.right, judged.rows)
    return Bug((judged,), judged.rows, name_cause(evidence, hypotheses_for(evidence)))
