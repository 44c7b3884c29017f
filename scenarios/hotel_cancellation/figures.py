"""Prints the figures the README quotes, computed again from the files in this folder.

    python scenarios/hotel_cancellation/figures.py

The champion on its holdout and on production, scored on the table as it stands in the end (offline) and on
what is known when the booking is made (served); the candidate; and what early labels make of the champion.
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

from scenarios.hotel_cancellation.dataset import (
    FILLED_LATER,
    event_times,
    outcomes,
    production,
    read_bookings,
    requests,
)
from scenarios.hotel_cancellation.features import build, build_table
from scenarios.hotel_cancellation.train import reported
from scenarios.quality import changed_share, maturity, predict, quality
from scenarios.recording import busiest_window

HERE = Path(__file__).resolve().parent
THRESHOLD = 0.50
AGES_DAYS = (1, 7, 30, 60, 90)
EARLY_DAYS = 7
WINDOW_DAYS = 14


def figures(root: Path) -> dict[str, Any]:
    """All figures of the README."""
    data = root / "data"
    models = {path.stem: lgb.Booster(model_file=path) for path in sorted((root / "models").glob("*.txt"))}
    champion, candidate = models["champion"], models["candidate"]
    bookings = production(read_bookings(data))
    outcome = outcomes(bookings)
    labels = outcome["label"].to_numpy(dtype=np.float64)
    asked = requests(bookings)
    table, served = build_table(asked, data), build(asked, data)
    split = reported(data)
    held = requests(split.rows.iloc[split.holdout])
    held_labels = split.labels[split.holdout]
    before, after = predict(champion, table), predict(champion, served)
    delays = outcome["label_at"] - event_times(bookings)
    early = (delays <= pd.Timedelta(days=EARLY_DAYS)).to_numpy()
    moments = event_times(bookings)
    recent = (moments > moments.max() - pd.Timedelta(days=WINDOW_DAYS)).to_numpy()
    start, most = busiest_window(pq.read_table(root / "capture.parquet")["ts_ns"].to_numpy())
    at = partial(quality, threshold=THRESHOLD)
    return {
        "offline, holdout (as reported)": at(held_labels, predict(champion, build_table(held, data))),
        "offline, production (drift)": at(labels, before),
        "served, holdout (skew)": at(held_labels, predict(champion, build(held, data))),
        "served, production (drift and skew)": at(labels, after),
        "served, labels known within 7 days": at(labels[early], after[early]),
        "served, last 14 days": at(labels[recent], after[recent]),
        "candidate, holdout": at(held_labels, predict(candidate, build(held, data))),
        "candidate, production": at(labels, predict(candidate, served)),
        "changed_share": changed_share(table, served, names=FILLED_LATER),
        "flip_share": float(((before >= THRESHOLD) != (after >= THRESHOLD)).mean()),
        "mean_score_change": float(np.abs(before - after).mean()),
        "maturity": maturity(delays, labels, days=AGES_DAYS),
        "longest_delay_days": float(delays.max() / pd.Timedelta(days=1)),
        "busiest_minute": {"from_s": start, "arrivals": most},
    }


if __name__ == "__main__":
    sys.stdout.write(json.dumps(figures(HERE), indent=1) + "\n")
