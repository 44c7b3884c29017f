"""Further ids of requests beside their unit: a payee or a device that a feature may be looked up by."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from harness.diff.texts import codes_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

#: an id has so many levels, else it is a stratum
LEVELS = 20
#: requests by level on average; with fewer it is a serial number
TIMES = 2.0


def comes_back(texts: NDArray[Any]) -> bool:
    """Whether texts or None (n,) have several levels of which each is on several requests on average."""
    there = pa.array(texts, pa.string()).drop_null()
    levels = pc.count_distinct(there).as_py()
    return bool(levels > 1 and len(there) >= TIMES * levels)


def further_keys(fields: Mapping[str, NDArray[Any]], unit: pa.StringArray) -> dict[str, NDArray[np.int64]]:
    """Those texts (n,) that are ids of which no single unit has each, as codes int64 (n,).

    A text that is also a unit has the unit's code, the units being coded in order of appearance; a request
    without the text has a code of its own.
    """
    coded = {name: _coded(pa.array(values, pa.string()), unit) for name, values in fields.items()}
    return {name: codes for name, codes in coded.items() if codes is not None}


def _coded(texts: pa.StringArray, units: pa.StringArray) -> NDArray[np.int64] | None:
    n, levels = len(texts), len(texts.unique()) - bool(texts.null_count)
    if levels < LEVELS or n - texts.null_count < TIMES * levels:
        return None
    codes, both = codes_of(pa.concat_arrays([units, texts]))
    asked, mine = codes[:n], codes[n:]
    there = mine >= 0
    if len(np.unique(np.stack([mine[there], asked[there]]), axis=1).T) == levels:
        return None  # it tells the unit, so what the unit explains it would explain too
    return np.where(there, mine, len(both) + np.arange(n))
