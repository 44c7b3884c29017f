"""What two arms differ in as shares of the traffic, where the capture kept its requests unequally often."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from msgspec import UNSET, UnsetType

from harness.columns import Kind
from harness.records import PairTraffic
from harness.stats import weighted_mean
from harness.weighting import even, traffic_share

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from harness.diff.case import Case
    from harness.diff.cells import Judged

    Mask = NDArray[np.bool_]


def traffic(case: Case, *, features: Mask | None, scores: Mask, flips: Mask) -> PairTraffic | UnsetType:
    """The weighted shares beside the exact counts of a pair; unset where all its requests weigh alike.

    A feature is judged on the requests on which either arm shows it, as its count is.
    """
    weight, most = case.context.weight, case.context.most
    if weight is None or even(weight, most):
        return UNSET
    judged = case.judged or ()
    seen = np.logical_or.reduce([_shown(one) for one in judged]) if judged else np.zeros(len(weight), bool)
    return PairTraffic(
        features=None
        if features is None
        else traffic_share("feature mismatches", features[seen], weight=weight[seen], most=most),
        scores=traffic_share("score mismatches", scores, weight=weight, most=most),
        flips=traffic_share("decision flips", flips, weight=weight, most=most),
        fields={
            one.field: weighted_mean(one.codes[rows].astype(np.bool_), weight[rows])
            for one in judged
            if len(one.rows) and (rows := _shown(one)).any()
        },
    )


def _shown(judged: Judged) -> Mask:
    """The requests on which at least one arm shows the feature."""
    missing = Kind.MISSING.value
    return np.asarray((judged.left.kind != missing) | (judged.right.kind != missing))
