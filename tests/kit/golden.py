"""The report of one fixed small run, without what a clock or a machine decides, beside a kept copy.

`python -m tests.kit.golden` writes the kept copy anew.
"""

from __future__ import annotations

import json
import re
import tempfile
from pathlib import Path
from typing import Any

from tests.kit import command, small
from tests.kit.service import Service

GOLDEN = Path(__file__).parents[1] / "golden" / "report_small.json"
FIRST_BAD = 180
AS_OF = "2025-03-20T00:00:00Z"
#: clocks, machines, places
VOLATILE = ("run_id", "created_at", "version", "environment", "digests", "reproduce", "curls")
_DIGITS = re.compile(r"\d+\.\d{6,}(e-?\d+)?")


def golden_run(here: Path) -> Path:
    """The run: a quarter of the requests with `amount` served one too high, labels half known."""
    folder, wrong = small.make(here / "scenario"), small.answers()
    for i in range(FIRST_BAD, small.REQUESTS):
        answer: dict[str, Any] = wrong[small.request_id(i)]
        answer["features"]["amount"] += 1
        answer["score"] = 1 - answer["score"]
    right = small.answers()
    with Service(right, model=small.model_hash()) as one, Service(wrong, model=small.model_hash()) as two:
        more = small.champion(one.url) + small.ONLY_PARITY + small.labels()
        path = small.scenario(folder, two.url, more=more)
        arguments = ("--results", here / "results", "--phase", "parity", "--as-of", AS_OF)
        done = command.run("run", path, *arguments)
    assert done.code == 10, done.out + done.err
    return command.only_run(here / "results")


def normalised(report: dict[str, Any], *, exact: bool = True) -> dict[str, Any]:
    """The report without clocks and places; `exact=False` rounds, for another machine's last digits."""
    kept: dict[str, Any] = {k: v for k, v in report.items() if k not in VOLATILE}
    timed = {"response", "service", "send_lag", "curve", "rate", "points", "over_budget"}
    kept["latency"] = [{k: v for k, v in row.items() if k not in timed} for row in report["latency"]]
    kept["pairs"] = [{k: v for k, v in pair.items() if k != "grid"} for pair in report["pairs"]]
    text = json.dumps(kept)
    for model in (small.model_hash(), small.model_hash("poor")):
        for length in (64, 16, 12, 8):
            text = text.replace(model[:length], "<model>")
    plain: dict[str, Any] = json.loads(text)
    return plain if exact else _rounded(plain)


def _rounded(value: Any) -> Any:  # noqa: ANN401  -- any JSON value
    match value:
        case dict():
            return {key: _rounded(inner) for key, inner in value.items()}
        case list():
            return [_rounded(inner) for inner in value]
        case float():
            return float(f"{value:.6g}")
        case str():
            return _DIGITS.sub(lambda m: f"{float(m[0]):.5g}", value)
        case _:
            return value


def write() -> None:
    """The kept copy is what the program says today."""
    with tempfile.TemporaryDirectory() as here:
        report = command.report_of(golden_run(Path(here)))
    GOLDEN.parent.mkdir(exist_ok=True)
    GOLDEN.write_text(json.dumps(normalised(report, exact=False), indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    write()
