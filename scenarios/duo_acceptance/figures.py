"""Prints the figures the README quotes, computed again from the files in this folder.

    python scenarios/duo_acceptance/figures.py

Quality is that of the matured last 40 % (never trained on); bugs are applied by the serving code to all
captured requests and compared with the offline features.
"""

import json
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import lightgbm as lgb
import numpy as np
import numpy.typing as npt
import pandas as pd

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # a script finds its folder, not the project


from scenarios.bugs.active import Bugs
from scenarios.bugs.parse import parse_bugs
from scenarios.duo_acceptance.dataset import bodies, outcomes, read_arrivals, read_prs, requests
from scenarios.duo_acceptance.features import CATEGORIES, build
from scenarios.duo_acceptance.serving_features import Index, load_index
from scenarios.duo_acceptance.train import training_index
from scenarios.recording import busiest_window
from scenarios.request import Features

HERE = Path(__file__).resolve().parent
THRESHOLD = 0.60
SINCE = "2025-03-03T09:00:00Z"
BUGS = (
    f"event_time_early:hours=1,since={SINCE}",
    "event_time_early:hours=1",
    f"history_stale:hours=1,since={SINCE}",
)
BINS = 10

Array = npt.NDArray[np.float64]


def auc(labels: Array, scores: Array) -> float:
    """The area under the ROC curve, ties counted half (Mann-Whitney): labels 0,1,1 scores 1,1,2 give 0.75."""
    _, place, size = np.unique(scores, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(size) - (size - 1) / 2)[place]
    positives = labels.sum()
    wins = ranks[labels == 1].sum() - positives * (positives + 1) / 2
    return float(wins / (positives * (len(labels) - positives)))


def log_loss(labels: Array, scores: Array) -> float:
    """The mean negative log likelihood, nats."""
    return float(-np.mean(labels * np.log(scores) + (1 - labels) * np.log1p(-scores)))


def psi(reference: Array, changed: Array) -> float:
    """The population stability index over the reference's deciles, missing values as a bin of their own."""
    inner = np.unique(np.nanquantile(reference, np.linspace(0, 1, BINS + 1)))[1:-1]
    places = [
        np.where(np.isnan(x), len(inner) + 1, np.searchsorted(inner, x, side="right"))
        for x in (reference, changed)
    ]
    p, q = (np.bincount(place, minlength=len(inner) + 2) / len(place) + 1e-6 for place in places)
    return float(np.sum((p - q) * np.log(p / q)))


def served(raw: list[bytes], index: Index, *, bugs: Bugs, like: pd.DataFrame) -> pd.DataFrame:
    """The features the endpoint computes with these bugs, in the columns and levels of `like`."""
    rows = [bugs.serve(json.loads(body), index, score_by=no_rival)[1] for body in raw]
    frame = pd.DataFrame(rows, index=like.index)[like.columns]
    levels = {name: pd.Index(like[name].cat.categories) for name in CATEGORIES}
    codes = {name: levels[name].get_indexer(pd.Index(frame[name])) for name in CATEGORIES}
    categories = {
        name: pd.Categorical.from_codes(codes[name], categories=levels[name]) for name in CATEGORIES
    }
    return frame.assign(**categories).astype(
        {name: "float64" for name in like.columns if name not in CATEGORIES}
    )


def no_rival(name: str, _features: Features) -> float:
    """No bug here scores with another model."""
    raise ValueError(f"there is no model {name!r}")


def changed_rows(offline: pd.DataFrame, online: pd.DataFrame) -> dict[str, int]:
    """How many rows differ, for each feature that differs; two missing values agree."""
    both_missing = offline.isna() & online.isna()
    different = {name: (offline[name] != online[name]) & ~both_missing[name] for name in offline.columns}
    return {name: int(rows.sum()) for name, rows in different.items() if rows.any()}


def quality(model: lgb.Booster, features: pd.DataFrame, *, labels: Array) -> dict[str, float]:
    """AUC, log loss and predicted positive rate on the given rows."""
    scores = np.asarray(model.predict(features, num_threads=1))
    rate = float(np.mean(scores >= THRESHOLD))
    return {"auc": auc(labels, scores), "log_loss": log_loss(labels, scores), "predicted_positive_rate": rate}


def damage(model: lgb.Booster, *, offline: pd.DataFrame, online: pd.DataFrame) -> dict[str, Any]:
    """What a bug does: flips, score change, and rows and PSI of each changed feature."""
    before, after = (np.asarray(model.predict(frame, num_threads=1)) for frame in (offline, online))
    flips = (before >= THRESHOLD) != (after >= THRESHOLD)
    rows = changed_rows(offline, online)
    return {
        "flips": int(flips.sum()),
        "flip_share": float(flips.mean()),
        "scores_changed": int((before != after).sum()),
        "largest_score_change": float(np.abs(before - after).max()),
        "rows_changed": rows,
        "psi": {name: psi(offline[name].to_numpy(), online[name].to_numpy()) for name in rows},
        "psi_of_score": psi(before, after),
    }


def figures(root: Path) -> dict[str, Any]:
    """All figures of the README."""
    data = root / "data"
    prs = read_prs(data)
    known = outcomes(prs)
    arrivals = read_arrivals(data)
    offline = build(requests(prs, arrivals), data)
    models = {path.stem: lgb.Booster(model_file=path) for path in sorted((root / "models").glob("*.txt"))}
    matured = np.flatnonzero(known["matured"])
    rows = matured[len(training_index(known["matured"])) :]
    labels = known["label"].to_numpy(dtype=np.float64)[rows]
    raw = bodies(prs)
    after_since = prs["created_at"] >= pd.Timestamp(datetime.fromisoformat(SINCE).astimezone(UTC))
    index = load_index(data)
    online = {
        text: served(raw, index, bugs=parse_bugs([text], index, data=data), like=offline) for text in BUGS
    }
    start, most = busiest_window(arrivals.astype("int64").to_numpy()[: len(prs)])
    return {
        "requests": len(prs),
        "matured": len(matured),
        "quality_rows": len(rows),
        "accepted_share": float(labels.mean()),
        "requests_since": int(after_since.sum()),
        "models": {name: quality(model, offline.iloc[rows], labels=labels) for name, model in models.items()},
        "healthy_rows_changed": changed_rows(offline, served(raw, index, bugs=Bugs(), like=offline)),
        "bugs": {
            text: damage(models["champion"], offline=offline, online=frame) for text, frame in online.items()
        },
        "busiest_minute": {"from_s": start, "arrivals": most},
    }


if __name__ == "__main__":
    sys.stdout.write(json.dumps(figures(HERE), indent=1) + "\n")
