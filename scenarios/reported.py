"""What a model learned from and was reported on: the offline side of its gap to production."""

from dataclasses import dataclass
from pathlib import Path

import lightgbm as lgb
import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from scenarios.quality import predict
from scenarios.recording import UTC_NS, write

TOLD = {
    "request_id": pa.string(),
    "event_time": UTC_NS,
    "unit": pa.string(),
    "label": pa.float64(),
    "label_at": UTC_NS,
    "score": pa.float64(),
}
"""What may stand beside the features, in this order."""


@dataclass(frozen=True)
class Reported:
    """The rows before production, their outcomes, and the positions of training and holdout rows."""

    rows: pd.DataFrame
    labels: npt.NDArray[np.float64]
    train: npt.NDArray[np.int64]
    holdout: npt.NDArray[np.int64]


def shuffled_split(rows: pd.DataFrame, labels: pd.Series, *, holdout_share: float, seed: int) -> Reported:
    """A random split, as a team in a hurry makes it; the same each time."""
    shuffled = np.random.default_rng(seed).permutation(len(rows))
    cut = int(len(rows) * (1 - holdout_share))
    numbers = labels.to_numpy(dtype=np.float64)
    return Reported(rows, numbers, np.sort(shuffled[:cut]), np.sort(shuffled[cut:]))


def write_reported(
    root: Path, split: Reported, *, told: pd.DataFrame, table: pd.DataFrame, requested: pd.DataFrame
) -> None:
    """Write training.parquet, holdout.parquet and holdout_requested.parquet under `root`.

    Of all rows of the split `told` has request_id, event_time, unit, label and label_at, `table` the features
    that `root/models/champion.txt` learned from and was reported on, and `requested` the features as of the
    time of the request.
    """
    train, holdout = split.train, split.holdout
    keys = told[["request_id", "event_time", "unit"]].iloc[train]
    write(root / "training.parquet", feature_table(keys, table.iloc[train]))
    scores = predict(lgb.Booster(model_file=root / "models/champion.txt"), table.iloc[holdout])
    scored = told.iloc[holdout].assign(score=scores)
    write(root / "holdout.parquet", feature_table(scored, table.iloc[holdout]))
    ids = told[["request_id"]].iloc[holdout]
    write(root / "holdout_requested.parquet", feature_table(ids, requested.iloc[holdout]))


def feature_table(told: pd.DataFrame, features: pd.DataFrame) -> pa.Table:
    """What is told of each row (columns of `TOLD`), then each feature by its name, on one index.

    Categories are texts, all other features float64.
    """
    categories = list(features.select_dtypes("category"))
    values = [(name, pa.string() if name in categories else pa.float64()) for name in features.columns]
    schema = pa.schema([*((name, kind) for name, kind in TOLD.items() if name in told.columns), *values])
    texts = features.astype(dict.fromkeys(categories, "object"))
    return pa.Table.from_pandas(told.join(texts), schema=schema, preserve_index=False)
