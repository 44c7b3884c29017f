"""Training: the champion, its rebuild (another file, the same scores) and a different candidate.

    python scenarios/duo_acceptance/train.py

The first 60 % by time of the matured rows are for training. The number of rounds is chosen on the rows
between 48 % and 60 %, then the model is fitted again on all 60 %. The last 40 % are never looked at here.
"""

import sys
from pathlib import Path
from typing import Any

import lightgbm as lgb
import numpy as np
import numpy.typing as npt
import pandas as pd

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # a script finds its folder, not the project

from scenarios.duo_acceptance.dataset import outcomes, read_arrivals, read_prs, requests
from scenarios.duo_acceptance.features import build
from scenarios.training import ELSEWHERE, REPRODUCIBLE, save_models

HERE = Path(__file__).resolve().parent
CHOOSE_FROM, TRAIN_UNTIL = 0.48, 0.60
MAX_ROUNDS, PATIENCE = 400, 50
CHAMPION = {**REPRODUCIBLE, "learning_rate": 0.05, "num_leaves": 15}
CANDIDATE = {**CHAMPION, "num_leaves": 7, "learning_rate": 0.08, "lambda_l2": 5.0, "feature_fraction": 0.7}
Labels = npt.NDArray[np.float64]


def choose_rounds(params: dict[str, Any], features: pd.DataFrame, *, labels: Labels) -> int:
    """The number of rounds with the best log loss on the last fifth of the training rows."""
    cut = round(len(labels) * CHOOSE_FROM / TRAIN_UNTIL)
    train = lgb.Dataset(features.iloc[:cut], labels[:cut])
    chosen = lgb.train(
        params,
        train,
        MAX_ROUNDS,
        valid_sets=[train.create_valid(features.iloc[cut:], labels[cut:])],
        callbacks=[lgb.early_stopping(PATIENCE, verbose=False)],
    )
    return chosen.best_iteration


def fit(params: dict[str, Any], features: pd.DataFrame, *, labels: Labels) -> lgb.Booster:
    """A model fitted on all the given rows, which are in time order."""
    rounds = choose_rounds(params, features, labels=labels)
    return lgb.train(params, lgb.Dataset(features, labels), rounds)


def training_rows(data: Path) -> tuple[pd.DataFrame, Labels]:
    """Features and labels of the first 60 % by time of the matured rows."""
    prs = read_prs(data)
    known = outcomes(prs)
    rows = training_index(known["matured"])
    features = build(requests(prs, read_arrivals(data)), data)
    return features.iloc[rows], known["label"].to_numpy(dtype=np.float64)[rows]


def training_index(matured: pd.Series) -> npt.NDArray[np.int64]:
    """The positions of the training rows: the first 60 % of the matured ones."""
    rows = np.flatnonzero(matured)
    return rows[: int(len(rows) * TRAIN_UNTIL)]


def train_all(data: Path, models: Path) -> None:
    """Write champion.txt, rebuild.txt (the same scores to the last bit, or ValueError) and candidate.txt."""
    features, labels = training_rows(data)
    trained = {
        "champion": fit(CHAMPION, features, labels=labels),
        "rebuild": fit({**CHAMPION, **ELSEWHERE}, features, labels=labels),
        "candidate": fit(CANDIDATE, features, labels=labels),
    }
    save_models(models, trained, seen=features)


if __name__ == "__main__":
    train_all(HERE / "data", HERE / "models")
    sys.stdout.write("wrote models/champion.txt, models/rebuild.txt, models/candidate.txt\n")
