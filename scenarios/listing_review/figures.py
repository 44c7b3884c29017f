"""Prints the figures the README quotes, computed again from the files in this folder.

    python scenarios/listing_review/figures.py

The champion as reported; on production as the table has it in the end, as requested and as served, there also
by region and by reviewer; flagged listings against the reviewers' capacity; what changed between training and
production; early labels.
"""

import json
import sys
from functools import partial
from pathlib import Path
from typing import Any

import lightgbm as lgb
import numpy as np
import pandas as pd
import pyarrow.parquet as pq

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # a script finds its folder, not the project

from scenarios.listing_review.dataset import LATER, outcomes, production, read_reviews, requests
from scenarios.listing_review.features import build, build_table
from scenarios.listing_review.train import reported
from scenarios.quality import Array, changed_share, maturity, predict, quality
from scenarios.recording import busiest_window
from scenarios.reported import Reported

HERE = Path(__file__).resolve().parent
THRESHOLD = 0.25
AGES_DAYS = (2, 3, 4, 5, 6, 8)
REGIONS = 6
at = partial(quality, threshold=THRESHOLD)


def answers(root: Path) -> tuple[Array, pd.DataFrame]:
    """The recorded scores, and the features as they were served."""
    bodies = pq.read_table(root / "capture.parquet", columns=["recorded_body"])["recorded_body"].to_pylist()
    decoded = [json.loads(body) for body in bodies]
    return np.array([one["score"] for one in decoded]), pd.DataFrame([one["features"] for one in decoded])


def drift(split: Reported, reviews: pd.DataFrame, *, data: Path) -> dict[str, list[float]]:
    """What the log's length and the rota changed: each figure before production, then in it."""
    both = (split.rows, reviews)
    features = [build_table(requests(rows), data) for rows in both]
    return {
        "seller never reviewed": [float((one["seller_reviews"] == 0).mean()) for one in features],
        "reviews of the seller": [float(one["seller_reviews"].mean()) for one in features],
        "reviewer blue": [float((rows["reviewer"] == "blue").mean()) for rows in both],
        "violations by blue": [
            float((rows["critical"] > 0)[rows["reviewer"] == "blue"].mean()) for rows in both
        ],
    }


def by_group(groups: pd.Series, labels: Array, *, scores: Array, most: int) -> dict[str, dict[str, float]]:
    """Quality in each of the largest groups."""
    names = groups.value_counts().index[:most]
    return {
        str(name): at(labels[rows], scores[rows]) for name in names for rows in [(groups == name).to_numpy()]
    }


def against_capacity(reviews: pd.DataFrame, labels: Array, *, scores: Array) -> dict[str, float]:
    """Reviews and flagged listings a day of review, and what an order by score would find early.

    `found_first_half`: the share of a week's violations among the first half of its reviews, taken by score;
    `found_in_fact` the same in the order the reviews were made.
    """
    told = reviews[["listed_on", "reviewed_on"]].assign(label=labels, score=scores, flag=scores >= THRESHOLD)
    daily = told.groupby("reviewed_on")["flag"].agg(["size", "sum"])
    week = told.groupby("listed_on")["label"].transform("size")
    ranks = told.groupby("listed_on")
    by_score = ranks["score"].rank(ascending=False, method="first") <= week / 2
    in_fact = ranks["reviewed_on"].rank(method="first") <= week / 2
    return {
        "review_days": len(daily),
        "reviews_a_day": float(daily["size"].median()),
        "most_reviews_a_day": float(daily["size"].max()),
        "flagged_a_day": float(daily["sum"].median()),
        "most_flagged_a_day": float(daily["sum"].max()),
        "found_first_half": float(labels[by_score].sum() / labels.sum()),
        "found_in_fact": float(labels[in_fact].sum() / labels.sum()),
    }


def figures(root: Path) -> dict[str, Any]:
    """All figures of the README."""
    data = root / "data"
    models = {path.stem: lgb.Booster(model_file=path) for path in sorted((root / "models").glob("*.txt"))}
    champion, candidate = models["champion"], models["candidate"]
    reviews = production(read_reviews(data))
    outcome = outcomes(reviews)
    labels = outcome["label"].to_numpy(dtype=np.float64)
    table, known = build_table(requests(reviews), data), build(requests(reviews), data)
    split = reported(data)
    held = requests(split.rows.iloc[split.holdout])
    held_labels = split.labels[split.holdout]
    final, asked = predict(champion, table), predict(champion, known)
    scores, served = answers(root)
    delays = outcome["label_at"] - reviews["event_time"]
    start, most = busiest_window(pq.read_table(root / "capture.parquet")["ts_ns"].to_numpy())
    return {
        "table, holdout (as reported)": at(held_labels, predict(champion, build_table(held, data))),
        "as requested, holdout": at(held_labels, predict(champion, build(held, data))),
        "table, production": at(labels, final),
        "as requested, production": at(labels, asked),
        "as served, production": at(labels, scores),
        "candidate, holdout": at(held_labels, predict(candidate, build(held, data))),
        "candidate, production": at(labels, predict(candidate, known)),
        "requested differs from table": changed_share(table, known, names=LATER),
        "served differs from requested": changed_share(known, served, names=LATER),
        "flips": {
            "requested": float(((final >= THRESHOLD) != (asked >= THRESHOLD)).mean()),
            "served": float(((asked >= THRESHOLD) != (scores >= THRESHOLD)).mean()),
        },
        "by police district": by_group(reviews["police_district"], labels, scores=scores, most=REGIONS),
        "by reviewer": by_group(reviews["reviewer"], labels, scores=scores, most=REGIONS),
        "capacity": {
            name: against_capacity(reviews, labels, scores=given)
            for name, given in (("table", final), ("as requested", asked), ("as served", scores))
        },
        "maturity": maturity(delays, labels, days=AGES_DAYS),
        "delay_days": [
            float(delays.min() / pd.Timedelta(days=1)),
            float(delays.max() / pd.Timedelta(days=1)),
        ],
        "drift": drift(split, reviews, data=data),
        "before production": {"rows": len(split.labels), "base_rate": float(split.labels.mean())},
        "sellers": [
            reviews["seller"].nunique(),
            float(reviews["seller"].isin(split.rows["seller"]).mean()),
        ],
        "last_list": str(reviews["listed_on"].max().date()),
        "last_label_at": str(outcome["label_at"].max()),
        "busiest_minute": {"from_s": start, "arrivals": most},
    }


if __name__ == "__main__":
    sys.stdout.write(json.dumps(figures(HERE), indent=1) + "\n")
