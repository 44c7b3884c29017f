"""Training: the champion on the table as it stands in the end, its rebuild, and an honest candidate.

    python scenarios/listing_review/train.py

A random fifth of the reviews before production is the holdout on which the champion is reported; all three
models learn from the other four. Rounds and leaves are set, not searched for; production is never seen.
"""

import sys
from pathlib import Path
from typing import Any

import lightgbm as lgb
import numpy as np
import numpy.typing as npt
import pandas as pd

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # a script finds its folder, not the project

from scenarios.listing_review.dataset import before_production, outcomes, read_reviews, requests
from scenarios.listing_review.features import build, build_table
from scenarios.reported import Reported, shuffled_split
from scenarios.training import ELSEWHERE, REPRODUCIBLE, save_models

HERE = Path(__file__).resolve().parent
SEED, HOLDOUT_SHARE, ROUNDS = 7, 0.20, 100
CHAMPION = {**REPRODUCIBLE, "learning_rate": 0.05, "num_leaves": 15, "min_data_in_leaf": 30}
CANDIDATE = {**CHAMPION, "num_leaves": 5, "min_data_in_leaf": 100}
BY_HEART = ("zip", "ward")
"""Levels with few reviews each; the candidate knows places by their recent violations and reviewer alone."""


def reported(data: Path) -> Reported:
    """The random split that the champion's figures were reported on; the same each time."""
    reviews = before_production(read_reviews(data))
    labels = outcomes(reviews)["label"]
    return shuffled_split(reviews, labels, holdout_share=HOLDOUT_SHARE, seed=SEED)


def fit(params: dict[str, Any], features: pd.DataFrame, *, labels: npt.NDArray[np.float64]) -> lgb.Booster:
    """A model fitted on the given rows."""
    return lgb.train(params, lgb.Dataset(features, labels), ROUNDS)


def train_all(data: Path, models: Path) -> None:
    """Write champion.txt, rebuild.txt (the same scores to the last bit, or ValueError) and candidate.txt."""
    split = reported(data)
    asked, labels = requests(split.rows.iloc[split.train]), split.labels[split.train]
    table = build_table(asked, data)
    known = build(asked, data).drop(columns=list(BY_HEART))
    trained = {
        "champion": fit(CHAMPION, table, labels=labels),
        "rebuild": fit({**CHAMPION, **ELSEWHERE}, table, labels=labels),
        "candidate": fit(CANDIDATE, known, labels=labels),
    }
    save_models(models, trained, seen=table)


if __name__ == "__main__":
    train_all(HERE / "data", HERE / "models")
    sys.stdout.write("wrote models/champion.txt, models/rebuild.txt, models/candidate.txt\n")
