"""Which few requests tell most suspicions apart: those that a suspicion would have scored otherwise."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from harness.columns import Pair, Side
from harness.diff.causes import MIN_ROWS
from harness.diff.probes.asking import asking_probes
from harness.diff.probes.categories import category_probes
from harness.diff.probes.model import Probed, Scores, layout_of
from harness.diff.probes.probe import Case, Probe, predictions
from harness.diff.probes.vectors import vector_probes

#: trees walked to find them
MOST_WALKED = 60_000_000
_SAME = 1e-12


def telling(model: Probed, offline: Scores, *, count: int) -> NDArray[np.int64]:
    """`count` of the first n requests, ascending int64: those that most suspicions would change.

    A suspicion is named by five requests that it changes, so each is given as many as there are, the rarest
    changes included; what is left over are the first requests.
    """
    layout = layout_of(model)
    if layout is None:
        return np.arange(min(count, len(offline)))
    every = (*asking_probes(model), *vector_probes(layout), *category_probes(layout))
    probes = [probe for probe in every if not probe.cost and not probe.other]
    n = min(len(offline), max(count, MOST_WALKED // (len(probes) * max(1, model.trees))))
    return _chosen(_changes(Case(_pair(offline), model, layout), probes, n=n), count=count)


def _changes(case: Case, probes: list[Probe], *, n: int) -> NDArray[np.bool_]:
    """Which of the first n requests each suspicion would score otherwise: bool (probes, n)."""
    sample = case.at(np.arange(n))
    made = predictions(probes, sample)
    return ~np.isclose(made, sample.offline, rtol=_SAME, atol=0.0, equal_nan=True)


def _chosen(changes: NDArray[np.bool_], *, count: int) -> NDArray[np.int64]:
    """One request after another, each the one that most suspicions still want; the rarest count most."""
    rare = 1.0 / np.maximum(1, changes.sum(axis=1))
    wanted = np.minimum(MIN_ROWS, changes.sum(axis=1))
    free = np.ones(changes.shape[1], bool)
    chosen: list[int] = []
    while len(chosen) < min(count, changes.shape[1]):
        worth = np.where(free, (rare * (wanted > 0)) @ changes, -1.0)
        row = int(np.argmax(worth))  # the first of those that are worth as much
        chosen.append(row)
        free[row] = False
        wanted -= changes[:, row] & (wanted > 0)
    return np.array(sorted(chosen), dtype=np.int64)


def _pair(offline: Scores) -> Pair:
    """The offline arm alone."""
    n = len(offline)
    nobody, zeros = np.full(n, None, object), np.zeros(n, np.int64)
    return Pair(
        left=Side("offline", offline, None),
        right=Side("", offline, None),
        seq=np.arange(n),
        request_id=nobody,
        ts_ns=zeros,
        event_time_ns=zeros,
        unit=nobody,
        segments={},
        unstable=np.zeros(n, bool),
    )
