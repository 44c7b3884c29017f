"""Targets that speak the protocols of model servers, by command line: check, run, reproduce, export."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import lightgbm
import numpy as np
import pytest

from tests.kit import command, small
from tests.kit.model_servers import Said, Seen, Served, kserve_v2, mlserver, sagemaker
from tests.kit.reproducing import execute, pytest_of, record, reproduce
from tests.kit.scoring import model_text

TENSORS = """\
protocol.kind = "oip-v2"
protocol.ignore = ["user", "country"]
protocol.output = "predict"
protocol.features_output = "features"
"""
CSV = """
[targets.champion]
kind = "http"
url = "%s/invocations"
model = "model"
protocol = { kind = "csv", ignore = ["*"] }
model_identity = "%s"
"""


@pytest.fixture
def score(folder: Path) -> Callable[[Sequence[object]], float]:
    """The trained model, by position."""
    booster = lightgbm.Booster(model_str=model_text(folder))

    def of(row: Sequence[object]) -> float:
        return float(np.asarray(booster.predict(np.array([row], dtype=float), num_threads=1))[0])

    return of


@contextmanager
def ran(
    folder: Path, results: Path, serve: Callable[[Seen], Said], *, target: str = TENSORS, more: str = ""
) -> Iterator[tuple[command.Done, Served]]:
    """A run of the parity phase against this server, which stays up."""
    with Served(serve) as live:
        path = small.scenario(folder, f"{live.origin}/v2/models/m/infer", more=small.ONLY_PARITY + more)
        text = path.read_text(encoding="utf-8").replace("timeout_s = 20\n", f"timeout_s = 20\n{target}", 1)
        path.write_text(text, encoding="utf-8")
        yield command.run("run", path, "--results", results, "--phase", "parity", "-q"), live


def test_a_right_build_behind_tensors_and_one_behind_csv_agree(
    folder: Path, results: Path, score: Callable[[Sequence[object]], float]
) -> None:
    """Every score to the last bit, the features echoed in a tensor, and no identity taken for granted."""
    with Served(partial(sagemaker, score=score)) as champion:
        more = CSV % (champion.origin, small.model_hash())
        with ran(folder, results, partial(mlserver, score=score), more=more) as (done, _):
            checked = command.run("check", folder)
    assert checked.code == 0, checked.err
    assert done.code in {0, 20}, done.err
    report = command.report_of(command.only_run(results))
    rulings = command.rulings(report)
    assert {rulings[gate] for gate in ("score_parity", "feature_parity", "decision_flips")} == {"PASS"}
    assert rulings["errors"] == "PASS"
    told = {gate["arm"]: gate for gate in report["gates"] if gate["gate"] == "model_identity"}
    assert [told[arm]["ruling"] for arm in ("champion", "challenger")] == ["UNDECIDED", "UNDECIDED"]
    assert "is declared, not seen in answers" in told["champion"]["reason"]
    assert "(header:X-Model-Hash or model_version); its scores" in told["challenger"]["reason"]
    faces = (command.only_run(results) / "report.md").read_text(encoding="utf-8")
    assert "declared, not seen in answers" in faces


def test_a_server_with_its_columns_in_another_order_is_found_and_reproduced(
    folder: Path, results: Path, tmp_path: Path, score: Callable[[Sequence[object]], float]
) -> None:
    """It answers 200 to everything; script and test say so without any of our code."""
    wrong = partial(mlserver, score=lambda row: score(row[::-1]))
    with ran(folder, results, wrong) as (done, live):
        assert done.code == 10, done.err
        root = command.only_run(results)
        shown = reproduce(root)
        exported = command.run("export-test", root, "F1", "-o", tmp_path / "test_f1.py")
        tested = pytest_of(tmp_path / "test_f1.py", REPLAYGATE_TARGET=live.origin)
        served = execute(root / "reproduce" / "F1.sh", tmp_path) if shutil.which("curl") else None
        live.speak = partial(mlserver, score=score)
        mended = pytest_of(tmp_path / "test_f1.py", REPLAYGATE_TARGET=live.origin)
    assert shown.code == 0, shown.err
    assert "REPRODUCED by request" in shown.out
    assert "curl --silent" in (root / "report.html").read_text(encoding="utf-8")
    sent = json.loads(record(root)["request"]["body"])
    assert sent["inputs"][0]["shape"] == [1, 3]
    assert exported.code == 0, exported.err
    assert (tested.returncode, mended.returncode) == (1, 0), tested.stdout + mended.stdout
    assert served is None or '"outputs"' in served.stdout


def test_rows_that_do_not_fit_are_never_sent(
    folder: Path, results: Path, score: Callable[[Sequence[object]], float]
) -> None:
    """A column that nobody declared is a mistake of the scenario, not a guess: check and run say so alike."""
    target = 'protocol = { kind = "oip-v2", ignore = ["user"] }\n'
    with ran(folder, results, partial(mlserver, score=score), target=target) as (done, live):
        checked = command.run("check", folder)
        assert live.seen == []
    assert (done.code, checked.code) == (64, 64)
    assert not list(results.glob("*/*/report.json"))
    for one in (done, checked):
        assert "target challenger: none of 19 captured requests can be sent to it" in one.complaint
        assert "found country; expected amount, age, visits" in one.complaint


def test_a_script_of_raw_bytes_is_refused_in_words(
    folder: Path, results: Path, score: Callable[[Sequence[object]], float]
) -> None:
    """No command holds them."""
    target = 'protocol = { kind = "oip-v2", ignore = ["*"], binary = true }\n'
    with ran(folder, results, partial(kserve_v2, score=lambda row: score(row[::-1])), target=target) as (
        done,
        _,
    ):
        assert done.code == 10, done.err
        shown = reproduce(command.only_run(results))
    assert shown.code == 64
    assert "a request of raw bytes cannot be written as a command" in shown.complaint
