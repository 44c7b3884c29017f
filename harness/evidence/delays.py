"""How late the labels of an outcome come, and up to when all requests are mature."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from harness.diagnosis.delays import delay_curve
from harness.evidence.cohort import DAY_NS, stamp
from harness.records import LabelDelays

if TYPE_CHECKING:
    from harness.evidence.cohort import Cohort

#: points of the curve that are kept
POINTS = 60


def delays(cohort: Cohort, *, delay_days: float, as_of_ns: int) -> LabelDelays | None:
    """The delay curve of the labels known at `as_of`; None where there is none.

    A label that is older than its request counts as one of no delay. Known: labels that all come after 7 days
    give one point, (7, 1).
    """
    rows = cohort.eligible() & cohort.known(as_of_ns) & (cohort.event_ns <= as_of_ns)
    if not rows.any():
        return None
    event = cohort.event_ns[rows]
    late = np.maximum(cohort.label_ns[rows] - event, 0) / DAY_NS
    curve = delay_curve(late, (as_of_ns - event) / DAY_NS)
    kept = np.unique(np.linspace(0, curve.days.size - 1, POINTS).astype(np.int64))
    return LabelDelays(
        shares=tuple((round(float(curve.days[i]), 4), round(float(curve.share[i]), 6)) for i in kept),
        window_days=delay_days,
        mature_until=stamp(as_of_ns - int(delay_days * DAY_NS)),
        labels=int(np.count_nonzero(rows)),
    )
