"""`replaygate init`: a scenario for a newcomer to edit, with a comment on every line they may need."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from harness.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path

_SCENARIO = """\
# One replay: what was captured, which build it is sent to, and the offline model it is held against.
# Check it without sending anything:  replaygate check {folder}/scenario.toml
# Every word with its default:        docs/scenario.md, or `replaygate schema` for your editor.
name = "{name}"
threshold = 0.5                      # score at or above which the decision is positive

[capture]
path = "capture.jsonl"               # one request a line: {{"request_id", "ts", "event_time", "body", …}}
# unit = "user_id"                   # JMESPath into the body: who sends several requests (user, session)
# segments = {{ country = "country" }} # slices to report by

[models.challenger]
file = "model.txt"                   # Booster.save_model of the build under test
features = "features:build"          # features.py beside this file: build(requests, data) -> DataFrame
# data = "data"                      # folder handed to build()

[targets.challenger]                 # the build under test
kind = "http"
url = "http://127.0.0.1:8000/score"  # loopback and private networks only, unless [safety] allows a host
model = "challenger"                 # the offline model its answers must match
# template = '{{"features": $body}}'   # when the endpoint wants another body than the captured one
# protocol = {{ kind = "json" }}      # or of a server: oip-v2, instances, mlflow, csv (docs/scenario.md)
# response = {{ score = "score", features = "features", model = "header:X-Model-Hash" }}
#                                    # model: the sha256 of model.txt, 8 or more hex digits, in every answer

# [targets.champion]                 # today's build: adds champion-against-challenger comparisons
# kind = "http"
# url = "http://127.0.0.1:8001/score"

# [labels]                           # labels that come late: request_id, label_at, a column an outcome
# path = "labels.csv"
# delay_days = 7

# [labels.outcomes.helpful]          # beside or instead of the default one, `label`
# role = "guardrail"                 # success, guardrail or watched
# metric = "brier"                   # log_loss, brier, auc, correct (decisions) or value (a number)
# margin = 0.01

# [[gates]]                          # change one gate; all others keep their defaults
# kind = "latency_p95"
# budget_ms = 120
"""

_FEATURES = '''\
"""The offline feature pipeline: the code that built the training features, called on captured requests."""

from __future__ import annotations

from pathlib import Path

import pandas as pd


def build(requests: pd.DataFrame, data: Path) -> pd.DataFrame:
    """Features on the same index, a column for each feature of the model.

    `requests` has a column for each key of the captured bodies, and `ts` and `event_time` (UTC).
    """
    return requests[["amount", "age"]].astype(float)
'''


def write_template(folder: Path) -> list[Path]:
    """The files a new scenario starts from; UsageError rather than overwriting anything."""
    texts = {
        folder / "scenario.toml": _SCENARIO.format(name=scenario_name(folder), folder=folder),
        folder / "features.py": _FEATURES,
    }
    taken = [path for path in texts if path.exists()]
    if taken:
        raise UsageError(
            "file exists already", where=str(taken[0]), fix="Choose another NAME, or remove the file."
        )
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for path, text in texts.items():
            path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise UsageError("cannot be written", where=str(folder), found=error.strerror) from error
    return list(texts)


def scenario_name(folder: Path) -> str:
    """A scenario's name made of its folder's: lower case, and _ for what a name may not hold."""
    name = re.sub(r"[^a-z0-9_-]+", "_", folder.resolve().name.lower()).strip("_-")
    return name[:64] or "scenario"
