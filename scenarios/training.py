"""What the training of every scenario shares: parameters that give the same bytes, and three model files."""

from pathlib import Path
from typing import Any

import lightgbm as lgb
import numpy as np
import pandas as pd

REPRODUCIBLE = {
    "deterministic": True,
    "force_row_wise": True,
    "seed": 7,
    "verbosity": -1,
    "objective": "binary",
    "num_threads": 1,
}
ELSEWHERE = {"num_threads": 2, "verbosity": 0}
"""What a rebuild on another machine changes: threads and logging, neither of which touches a tree."""


def save_models(models: Path, trained: dict[str, lgb.Booster], *, seen: pd.DataFrame) -> None:
    """Write the trained `champion`, its `rebuild` and the `candidate`, each to NAME.txt.

    The rebuild is another file, and scores `seen` to the last bit as the champion does, or ValueError.
    """
    names = ("champion", "rebuild")
    before, after = (np.asarray(trained[name].predict(seen, num_threads=1)) for name in names)
    if not np.array_equal(before, after):
        raise ValueError("the rebuild scores differently: check the training parameters")
    models.mkdir(parents=True, exist_ok=True)
    kinds: dict[str, dict[str, Any]] = {"rebuild": {"importance_type": "gain"}}
    for name, model in trained.items():
        model.save_model(models / f"{name}.txt", **kinds.get(name, {}))
