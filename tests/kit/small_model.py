"""A tiny real LightGBM model in a scenario folder: numbers with NaN, a category, and a pipeline for them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import lightgbm
import numpy as np
import pandas as pd
import pyarrow as pa

from harness import columns

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

LEVELS = ["go", "py", "rs"]
PIPELINE = """\
import pandas as pd

def build(requests, data):
    return pd.DataFrame(
        {
            "amount": requests["amount"].astype(float),
            "lang": pd.Categorical(requests["lang"], categories=["go", "py", "rs"]),
            "hour": requests["event_time"].dt.hour,
        },
        index=requests.index,
    )
"""


@dataclass(frozen=True)
class Small:
    """A scenario folder with `model.txt` and `features.py`, and what the model says of its training rows."""

    folder: Path
    features: pd.DataFrame
    scores: NDArray[np.float64]


def training(n: int = 400, *, levels: Sequence[Any] = tuple(LEVELS)) -> pd.DataFrame:
    """Features in the model's order; every seventh amount and every eleventh category is missing."""
    rng = np.random.default_rng(5)
    frame = pd.DataFrame(
        {
            "amount": rng.normal(size=n),
            "lang": pd.Categorical.from_codes(rng.integers(0, len(levels), n), categories=list(levels)),
            "hour": rng.integers(0, 24, n),
        }
    )
    frame.loc[::7, "amount"] = np.nan
    frame.loc[::11, "lang"] = None
    return frame


def train(features: pd.DataFrame) -> lightgbm.Booster:
    """A few trees that use every feature."""
    signal = features["amount"].fillna(0.3) + (features["hour"] > 11) + features.iloc[:, 1].cat.codes
    label = (signal > signal.median()).astype(int)
    options = {
        "objective": "binary",
        "num_threads": 1,
        "verbose": -1,
        "min_data_in_leaf": 5,
        "cat_smooth": 1.0,
    }
    return lightgbm.train(options, lightgbm.Dataset(features, label), num_boost_round=12)


def write(folder: Path, *, pipeline: str = PIPELINE, levels: Sequence[Any] = tuple(LEVELS)) -> Small:
    """The files of a scenario whose model was trained on `training()`."""
    features = training(levels=levels)
    booster = train(features)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "data").mkdir(exist_ok=True)
    booster.save_model(str(folder / "model.txt"))
    (folder / "features.py").write_text(pipeline, encoding="utf-8")
    return Small(folder, features, np.asarray(booster.predict(features)))


def captured(bodies: Sequence[object], **fields: Sequence[Any]) -> pa.Table:
    """A capture of these bodies (bytes as they are), an hour apart, with more fields by column."""
    rows = [
        {
            "seq": i,
            "request_id": f"r{i}",
            "ts_ns": i * 3_600 * 10**9,
            "body": body if isinstance(body, bytes) else json.dumps(body).encode(),
        }
        | {name: values[i] for name, values in fields.items()}
        for i, body in enumerate(bodies)
    ]
    return pa.Table.from_pylist(rows, schema=columns.CAPTURE)


def bodies_of(features: pd.DataFrame) -> list[dict[str, object]]:
    """Request bodies from which the pipeline builds the amounts and categories of these features again."""
    return [
        {"amount": amount, "lang": None if pd.isna(lang) else lang}
        for amount, lang in zip(features["amount"], features["lang"], strict=True)
    ]
