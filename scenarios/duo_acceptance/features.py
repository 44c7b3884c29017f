"""The OFFLINE feature pipeline: what the model was trained on, computed for a whole capture at once.

Everything is as of the request's `event_time`: the history of a repository or an agent is made of the
outcomes that had become known by then (`label_at <= event_time`), never of later ones or of the batch itself.
"""

import json
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

CATEGORIES = ("agent", "language", "commit_type")
COUNTS = (
    "title_chars",
    "title_words",
    "title_is_wip",
    "body_chars",
    "body_lines",
    "body_code_fences",
    "body_links",
    "body_bullets",
    "body_has_issue_ref",
    "body_has_checkbox",
    "body_mentions_test",
)
RECENT = 200
"""How many of an agent's latest known outcomes its acceptance rate covers; a repository's covers all."""


def build(requests: pd.DataFrame, data: Path) -> pd.DataFrame:
    """The features of each request, on the same index, columns in training order.

    `requests` has a column for each key of the decoded body and a UTC `event_time`; `data` holds
    `history.parquet` (repo, agent, label_at, label) and `categories.json` (the levels seen in training).
    Numbers are float64 with NaN for missing; categories are pandas categoricals with fixed levels, so a
    request on its own and a request in a batch get the same codes; a level unseen in training is missing.
    """
    when = pd.to_datetime(requests["event_time"], utc=True).dt.as_unit("ns")
    history = pd.read_parquet(data / "history.parquet").sort_values("label_at", kind="stable")
    levels = json.loads((data / "categories.json").read_text())
    stamps = when.astype("int64").to_numpy()
    columns = {
        **{name: with_levels(requests[name], levels[name]) for name in CATEGORIES},
        **{name: pd.to_numeric(requests[name]).astype("float64").to_numpy() for name in COUNTS},
        "hour_of_day": when.dt.hour.astype("float64").to_numpy(),
        "weekday": when.dt.day_of_week.astype("float64").to_numpy(),
        "repo_accept_rate": accept_rate(requests["repo"], stamps, history=history, by="repo"),
        "agent_accept_rate": accept_rate(requests["agent"], stamps, history=history, by="agent", last=RECENT),
    }
    return pd.DataFrame(columns, index=requests.index)


def with_levels(values: pd.Series, levels: list[str]) -> pd.Categorical:
    """The values as a categorical of exactly these levels; null and unseen values are missing."""
    index = pd.Index(levels)
    return pd.Categorical.from_codes(index.get_indexer(pd.Index(values)), categories=index)


def accept_rate(
    keys: pd.Series, stamps: npt.NDArray[np.int64], *, history: pd.DataFrame, by: str, last: int | None = None
) -> npt.NDArray[np.float64]:
    """The share accepted among the (last) outcomes of each key known at each stamp (ns), NaN for none.

    `history` is sorted by label_at. An outcome's rank is its place in that order, so (key, rank) pairs packed
    in one integer are sorted within and across keys, and one binary search answers each request.
    Example: outcomes 1, 0, 1 of a key known at 10, 20, 30: rate 0.5 at 20, NaN at 9, 0.5 at 30 with last=2.
    """
    groups = pd.Index(history[by].unique())
    group = groups.get_indexer(pd.Index(history[by])).astype(np.int64)
    asked = groups.get_indexer(pd.Index(keys)).astype(np.int64)
    stride = len(history) + 1
    order = np.argsort(group, kind="stable")
    packed = (group * stride + np.arange(1, stride))[order]
    known = np.searchsorted(
        history["label_at"].dt.as_unit("ns").astype("int64").to_numpy(), stamps, side="right"
    )
    end = np.searchsorted(packed, asked * stride + known, side="right")
    start = np.searchsorted(packed, asked * stride, side="right")
    start = start if last is None else np.maximum(start, end - last)
    accepted = np.concatenate([[0], np.cumsum(history["label"].to_numpy(dtype=np.int64)[order])])
    count = end - start
    rate: npt.NDArray[np.float64] = np.full(len(count), np.nan)
    np.divide(accepted[end] - accepted[start], count, out=rate, where=count > 0)
    return rate
