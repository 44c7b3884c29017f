"""What a model learned from and was reported on, as tables: the offline side of its gap to production."""

import numpy as np
import pandas as pd
import pyarrow as pa

from scenarios.recording import UTC_NS

TOLD = {
    "request_id": pa.string(),
    "event_time": UTC_NS,
    "unit": pa.string(),
    "label": pa.float64(),
    "label_at": UTC_NS,
    "score": pa.float64(),
}
"""What may stand beside the features, in this order."""


def shuffled_split(
    count: int, *, share: float, seed: int
) -> tuple[np.ndarray[tuple[int], np.dtype[np.int64]], np.ndarray[tuple[int], np.dtype[np.int64]]]:
    """The positions of a random `share` of so many rows, and those of the others, both ascending."""
    shuffled = np.random.default_rng(seed).permutation(count)
    cut = int(count * share)
    return np.sort(shuffled[:cut]), np.sort(shuffled[cut:])


def feature_table(told: pd.DataFrame, features: pd.DataFrame) -> pa.Table:
    """What is told of each row (columns of `TOLD`), then each feature by its name, on one index.

    Categories are texts, all other features float64.
    """
    categories = list(features.select_dtypes("category"))
    values = [(name, pa.string() if name in categories else pa.float64()) for name in features.columns]
    schema = pa.schema([*((name, kind) for name, kind in TOLD.items() if name in told.columns), *values])
    texts = features.astype(dict.fromkeys(categories, "object"))
    return pa.Table.from_pandas(told.join(texts), schema=schema, preserve_index=False)
