"""A hand-written scoring service: honest, unless MISTAKE names what it does to every request.

MODEL is a LightGBM text file. Start it with any ASGI server, as `uvicorn app:app`.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import lightgbm
import numpy as np
import pandas as pd
from fastapi import FastAPI, Request, Response
from numpy.typing import NDArray

Scores = NDArray[Any]

FILE = Path(os.environ["MODEL"])
MISTAKE = os.environ.get("MISTAKE", "")
MODEL = lightgbm.Booster(model_file=FILE)
NAMES = MODEL.feature_name()
LEVELS = MODEL.pandas_categorical or []
HASH = hashlib.sha256(FILE.read_bytes()).hexdigest()
TEXTS = (
    NAMES[len(NAMES) - len(LEVELS) :] if LEVELS else [name for name in NAMES if name in ("country", "plan")]
)

app = FastAPI()


@app.get("/health")
def health() -> dict[str, str]:
    """Up."""
    return {"status": "ok"}


@app.post("/score")
async def score(request: Request) -> Response:
    """The score of one row, or the scores of a list of rows."""
    asked = json.loads(await request.body())
    rows = asked if isinstance(asked, list) else [asked]
    frame = features(rows)
    scores = [float(one) for one in predict(frame, rows)]
    answer: dict[str, Any] = {"score": scores[0]} if isinstance(asked, dict) else {"scores": scores}
    if "x-debug-features" in request.headers and isinstance(asked, dict):
        answer["features"] = {name: shown(frame[name].iloc[0]) for name in NAMES}
    headers = {"x-model-hash": HASH}
    if "x-request-id" in request.headers:
        headers["x-request-id"] = request.headers["x-request-id"]
    return Response(json.dumps(answer), media_type="application/json", headers=headers)


@app.post("/v1/models/served:predict")
async def instances(request: Request) -> dict[str, list[float]]:
    """The scores of instances by name, as KServe and TF Serving have it."""
    rows = (await request.json())["instances"]
    return {"predictions": [float(one) for one in predict(features(rows), rows)]}


def features(rows: list[dict[str, Any]]) -> pd.DataFrame:
    """What the model was trained on: `visits` is 5 where a request leaves it out."""
    frame = pd.DataFrame(rows).reindex(columns=NAMES)
    numbers = [name for name in NAMES if name not in TEXTS]
    frame[numbers] = frame[numbers].astype(float)
    if MISTAKE != "missing":
        frame["visits"] = frame["visits"].fillna(5.0)
    for place, name in enumerate(TEXTS):
        known = LEVELS[place] if LEVELS else None
        frame[name] = pd.Categorical(frame[name], categories=known)
    return frame


def predict(frame: pd.DataFrame, rows: list[dict[str, Any]]) -> Scores:
    """The scores, or what a mistake makes of them."""
    if MISTAKE in SPOILT:
        return np.asarray(MODEL.predict(SPOILT[MISTAKE](frame, rows)))
    served = np.asarray(MODEL.predict(frame, raw_score=MISTAKE == "margin"))
    return ROUGH[MISTAKE](served) if MISTAKE in ROUGH else served


#: what a mistake makes of the rows, and of the scores
SPOILT: dict[str, Callable[[pd.DataFrame, list[dict[str, Any]]], Scores]] = {
    "position": lambda _, rows: np.array([list(row.values()) for row in rows], dtype=float),
    "alphabetical": lambda frame, _: frame[sorted(NAMES)].to_numpy(dtype=float),
    "whole": lambda frame, _: np.trunc(frame.to_numpy(dtype=float)),
    "float32": lambda frame, _: frame.to_numpy(dtype=np.float32).astype(float),
}
ROUGH: dict[str, Callable[[Scores], Scores]] = {
    "other class": lambda served: 1 - served,
    "class": lambda served: (served >= 0.5).astype(float),
    "rounded": lambda served: np.round(served, 6),
    "float32 score": lambda served: served.astype(np.float32),
}


def shown(value: object) -> float | str | None:
    """A feature as JSON has it."""
    if isinstance(value, str):
        return value
    number = float(value)  # type: ignore[arg-type]  # what pandas gives for a number
    return None if math.isnan(number) else number
