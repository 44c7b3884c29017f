"""The first requests of a finding with what both arms say there."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import numpy as np
from numpy.typing import NDArray

from harness.columns import Column
from harness.diff.cells import Judged, texts
from harness.diff.places import EXEMPLARS, Places
from harness.records import Exemplar

#: fields of a finding that its exemplars show
MOST_FIELDS = 20


def exemplars_of(
    places: Places, members: Sequence[Judged], *, rows: NDArray[np.int64]
) -> tuple[Exemplar, ...]:
    """The first of some rows with the cells of one field, or of several those that differ, as JSON."""
    if len(members) == 1:
        return cell_exemplars(places, (members[0].left, members[0].right), rows=rows)
    first, some = rows[:EXEMPLARS], members[:MOST_FIELDS]
    left = _objects([(m.field, m.left, m.codes) for m in some], first)
    right = _objects([(m.field, m.right, m.codes) for m in some], first)
    return places.exemplars(first, left=left, right=right)


def cell_exemplars(
    places: Places, columns: tuple[Column, Column], *, rows: NDArray[np.int64]
) -> tuple[Exemplar, ...]:
    """The first requests of some rows with the left and the right cell of one field."""
    first = rows[:EXEMPLARS]
    left, right = (texts(column, first).to_pylist() for column in columns)
    return places.exemplars(first, left=left, right=right)


def _objects(
    cells: Sequence[tuple[str, Column, NDArray[np.uint8]]], rows: NDArray[np.int64]
) -> list[str | None]:
    """The differing cells of each row as a JSON object; what is missing is left out of it."""
    parts: list[list[str]] = [[] for _ in rows]
    for field, column, codes in cells:
        spoken = texts(column, rows).to_pylist()
        for part, text, code in zip(parts, spoken, codes[rows], strict=True):
            if code and text is not None:
                part.append(f"{msgspec.json.encode(field).decode()}: {text}")
    return [f"{{{', '.join(part)}}}" for part in parts]
