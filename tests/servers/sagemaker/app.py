"""The contract of a SageMaker container, hand-written: /ping, and /invocations of CSV without a header.

It takes columns by position, an empty field is missing, and it answers one score a line. MODEL is a file.
"""

from __future__ import annotations

import os

import lightgbm
import numpy as np
from flask import Flask, Response, request

MODEL = lightgbm.Booster(model_file=os.environ["MODEL"])

app = Flask(__name__)


@app.get("/ping")  # type: ignore[untyped-decorator]  # flask is not installed where types are checked
def ping() -> Response:
    """Up."""
    return Response("", status=200)


@app.post("/invocations")  # type: ignore[untyped-decorator]  # as above
def invocations() -> Response:
    """A score for each line."""
    if request.mimetype != "text/csv":
        return Response("expected text/csv", status=415)
    lines = request.get_data(as_text=True).strip().splitlines()
    rows = [[float(field) if field.strip() else np.nan for field in line.split(",")] for line in lines]
    if any(len(row) != MODEL.num_feature() for row in rows):
        return Response("wrong number of columns", status=400)
    scores = MODEL.predict(np.array(rows))
    answer = Response("\n".join(repr(float(one)) for one in scores), mimetype="text/csv")
    wanted = request.headers.get("X-Amzn-SageMaker-Custom-Attributes")
    if wanted:
        answer.headers["X-Amzn-SageMaker-Custom-Attributes"] = wanted
    return answer
