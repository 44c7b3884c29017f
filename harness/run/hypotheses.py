"""An offline model as the search for a cause asks it: otherwise than offline, or another one instead."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from harness.diff.probes import Batches, Other, Probed
from harness.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pandas as pd
    from numpy.typing import NDArray

    from harness.columns import Column
    from replayers.offline import OfflineReplayer


def probed(
    every: Mapping[str, OfflineReplayer],
    name: str,
    *,
    frame: pd.DataFrame,
    features: Mapping[str, Column],
    batches: Batches | None,
) -> Probed:
    """One of some models, which scores feature columns, can be asked otherwise, and knows the others.

    `frame` is the pipeline's view of the capture, `features` what the model got of it, both by seq.
    """
    mine = every[name]
    return Probed(
        rescore=mine.rescore,
        predict=mine.model.ask,
        name=name,
        features=features,
        names=mine.names,
        levels=mine.levels,
        trees=mine.model.trees,
        others={other: _other(frame, every[other]) for other in every if other != name},
        batches=batches,
        orders=_orders(frame, mine.names),
        absent=lambda: _absent(frame, mine.names),
    )


def _absent(frame: pd.DataFrame, names: Sequence[str]) -> dict[str, NDArray[np.bool_]]:
    """By feature the requests that leave it out or give none, where others give it; `seq` is the place."""
    if "_body" not in frame:
        return {}
    bodies = [body if isinstance(body, dict) else {} for body in frame["_body"]]
    given = [name for name in names if name in frame]
    found = {name: np.array([body.get(name) is None for body in bodies], dtype=bool) for name in given}
    return {name: mask for name, mask in found.items() if mask.any() and not mask.all()}


def _orders(frame: pd.DataFrame, names: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """The order that the requests hold the features in, where the first of them holds them all."""
    found = _holding(frame["_body"].iloc[0], names) if len(frame) and "_body" in frame else ()
    return {"in the order of the request": found} if found else {}


def _holding(body: object, names: Sequence[str]) -> tuple[str, ...]:
    """The features in the order of the first object in a body that holds them all; nothing without one."""
    if isinstance(body, dict):
        if body.keys() >= set(names):
            return tuple(name for name in body if name in set(names))
        body = list(body.values())
    inside = (_holding(one, names) for one in body) if isinstance(body, list) else ()
    return next((found for found in inside if found), ())


def _other(frame: pd.DataFrame, replayer: OfflineReplayer) -> Other:
    def scores(seq: NDArray[np.int64], trees: int | None) -> NDArray[np.float64]:
        try:
            return replayer.score(frame.loc[seq], trees=trees).scores
        except UsageError:
            return np.full(len(seq), np.nan)  # what cannot score these requests has not served them

    return Other(scores, replayer.model.trees)
