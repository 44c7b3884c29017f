"""One request in a run's artefacts: what the offline model gave, and the answer of a target that counts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow.compute as pc

from harness import diff, join
from harness.columns import Column, Side
from replayers.offline import FEATURE

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pyarrow as pa

    from harness.run.folder import RunFolder


def offline_side(folder: RunFolder, model: str, *, seq: int) -> Side:
    """Features and score of one request by an offline model."""
    row = folder.read_row(folder.offline(model), seq)
    names = [name for name in row.column_names if name.startswith(FEATURE)]
    built = diff.from_table(row.select(names).rename_columns([n.removeprefix(FEATURE) for n in names]))
    return Side(f"offline:{model}", row["score"].to_numpy().astype(np.float64), built)


def of_request(outcomes: pa.Table, seq: int) -> pa.Table:
    """A target's outcomes of one request, a row for each phase."""
    return outcomes.filter(pc.equal(outcomes["seq"], seq))


def that_counts(outcomes: pa.Table, seq: int) -> dict[str, Any]:
    """The outcome of one request that is compared, or nothing where it was not answered."""
    mine = of_request(outcomes, seq)
    place = int(join.answers("", mine, n=seq + 1).row[seq])
    row: dict[str, Any] = mine.slice(place, 1).to_pylist()[0] if place >= 0 else {}
    return row


def served_side(
    arm: str, answer: tuple[float | None, bytes | None], *, known: Mapping[str, Column], asked: bool
) -> Side:
    """An answer (score, features) as columns; asked for features and showing none, an arm leaves them out."""
    score, features = answer
    scores = np.array([score], np.float64)
    if not known or (features is None and not asked):
        return Side(arm, scores, None)
    echo = diff.from_json([features or b"{}"], {name: one.dtype for name, one in known.items()})
    return Side(arm, scores, echo.columns if echo else None)
