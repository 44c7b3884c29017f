"""Before anything is sent: models, variables and labels are there, or the first that is not is told."""

from __future__ import annotations

import json
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from harness.capture import Intake
from harness.errors import CaptureError, LabelsError, ModelError, ScenarioError
from harness.records import SinglesCheck
from harness.run.deciding import DISAGREEMENTS, INTAKE
from harness.run.folder import RunFolder
from harness.run.preparing import (
    attach_labels,
    check_environment,
    load_models,
    load_others,
    missing_share,
    prepare,
    read_labels,
    take_in,
)
from harness.scenario import Loaded, load
from replayers.offline import OfflineModel, OfflineReplayer
from tests.kit import small


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A small scenario's files."""
    return small.make(tmp_path / "scenario")


def scenario(folder: Path, *, more: str = "") -> Loaded:
    """The small scenario, whose service nobody asks."""
    return load(small.scenario(folder, "http://127.0.0.1:9/score", more=more))


@pytest.mark.parametrize("word", ["headers", "debug_headers", "start_env"])
def test_a_variable_that_is_not_set_is_found_before_the_run(word: str, folder: Path) -> None:
    """Its name is told; once it is set, nothing is said."""
    path = small.scenario(folder, "http://127.0.0.1:9/score")
    line = f'timeout_s = 20\n{word} = {{ x-token = "env:TOKEN" }}'
    path.write_text(path.read_text(encoding="utf-8").replace("timeout_s = 20", line), encoding="utf-8")
    with pytest.raises(ScenarioError, match="TOKEN"):
        check_environment(load(path), {})
    check_environment(load(path), {"TOKEN": "t"})


def test_a_tolerance_must_name_a_feature_of_some_model(folder: Path) -> None:
    """A misspelt rule would silence nothing, or the wrong thing."""
    rule = '\n[tolerance.features.{}]\natol = 0.1\nreason = "rounded"\n'
    assert set(load_models(scenario(folder, more=rule.format("amount")))) == {"model"}
    with pytest.raises(ScenarioError, match="amuont"):
        load_models(scenario(folder, more=rule.format("amuont")))


def test_a_prepared_run_holds_all_that_later_stages_read(folder: Path, tmp_path: Path) -> None:
    """run.json, the capture, the offline features and scores, the labels; each in the manifest."""
    loaded = scenario(folder, more=small.champion("http://127.0.0.1:9/score") + small.labels())
    run, said = RunFolder(tmp_path / "run"), list[str]()
    run.root.mkdir()
    prepared = prepare(loaded, run, replayers=load_models(loaded), created_at="now", say=said.append)
    offline = pq.read_table(run.offline("model"))
    answers = small.answers()
    assert prepared.capture.num_rows == len(prepared.frame) == offline.num_rows == small.REQUESTS
    assert offline["score"].to_pylist() == [
        answers[small.request_id(i)]["score"] for i in range(small.REQUESTS)
    ]
    assert run.record().models["model"].sha256 == small.model_hash()
    assert run.read(run.labels).num_rows == small.REQUESTS
    listed = {
        json.loads(line)["file"]
        for line in (run.root / "MANIFEST.jsonl").read_text(encoding="utf-8").splitlines()
    }
    there = {str(p.relative_to(run.root)) for p in run.root.rglob("*") if p.is_file()}
    assert listed == there - {"MANIFEST.jsonl"}
    assert any("240 requests scored" in line for line in said)


COUNTING = """
SIZES = []

def build(requests, data):
    SIZES.append(len(requests))
    return requests[["amount", "age", "visits"]].astype(float)
"""


def test_models_of_one_pipeline_share_the_rows_built_alone(folder: Path, tmp_path: Path) -> None:
    """Each model has its check of single rows, and the pipeline is asked for each row once."""
    (folder / "features.py").write_text(COUNTING, encoding="utf-8")
    run = RunFolder(tmp_path / "run")
    run.root.mkdir()
    config = OfflineModel(file="model.txt", features="features:build", singles=5)
    replayers = {name: OfflineReplayer(config, folder, name=name) for name in ("one", "two")}
    prepare(scenario(folder), run, replayers=replayers, created_at="now", say=lambda _: None)
    sizes = replayers["one"].pipeline.build.__globals__["SIZES"]
    assert sorted(sizes) == [1] * 5 + [small.REQUESTS] * 2
    assert run.load(DISAGREEMENTS, dict[str, SinglesCheck]) == {
        "one": SinglesCheck(checked=5),
        "two": SinglesCheck(checked=5),
    }


@pytest.mark.parametrize(("sample", "fails"), [("1.0", True), ("0.5", False)])
def test_labels_of_requests_that_were_not_sampled_are_no_fault(
    sample: str, *, fails: bool, folder: Path, tmp_path: Path
) -> None:
    """Half of a capture leaves half of its labels without a request; of a whole capture that is an error."""
    path = small.scenario(
        folder, "http://127.0.0.1:9/score", more=small.champion("http://127.0.0.1:9/x") + small.labels()
    )
    text = path.read_text(encoding="utf-8").replace('unit = "user"', f'unit = "user"\nsample = {sample}')
    path.write_text(text, encoding="utf-8")
    loaded, run, said = load(path), RunFolder(tmp_path / "run"), list[str]()
    run.root.mkdir()
    extra = [row | {"request_id": f"x{i}"} for i, row in enumerate(small.labelled(0, 100))]
    small.write_lines(folder / "more.jsonl", small.labelled() + extra)
    prepare(loaded, run, replayers={}, created_at="now", say=said.append)
    if fails:
        with pytest.raises(LabelsError, match="100 of 340"):
            attach_labels(loaded, run, path=folder / "more.jsonl", say=said.append)
    else:
        attach_labels(loaded, run, path=folder / "more.jsonl", say=said.append)
        assert "340 read" in said[-1]


@pytest.mark.parametrize(
    ("thinned", "stated", "fails"),
    [
        ("", "", True),
        ("weight", "", False),
        ("recorder: queue full 3", "", True),
        ("recorder: queue full 120", "", False),
        ("recorder: counts that could not be written 1", "", False),
        ("rule 3", "", True),
        ("rule 120", "", False),
        ("", "max_unknown_share = 0.5", False),
        ("weight", "max_unknown_share = 0.01", True),
    ],
)
def test_labels_of_a_capture_that_was_thinned_at_its_source(
    thinned: str, stated: str, *, fails: bool, folder: Path, tmp_path: Path
) -> None:
    """As many are unknown as were sampled away, left out by a rule, or dropped by the recorder, not more."""
    if thinned == "weight":
        rows = [json.loads(line) for line in (folder / "capture.jsonl").read_text().splitlines()]
        small.write_lines(folder / "capture.jsonl", [row | {"sampling_weight": 10} for row in rows])
    loaded = scenario(folder, more=small.champion("http://127.0.0.1:9/x") + small.labels() + stated + "\n")
    run = RunFolder(tmp_path / "run")
    run.root.mkdir()
    prepare(loaded, run, replayers={}, created_at="now", say=lambda _: None)
    intake = run.load(INTAKE, Intake)
    why, _, count = thinned.rpartition(" ")
    if why.startswith("recorder"):
        lines = intake.lines + int(count)
        intake = msgspec.structs.replace(intake, lines=lines, bad={why: int(count)})
    if why == "rule":
        intake = msgspec.structs.replace(intake, left_out={"rule for body:ssn": int(count)})
    extra = [row | {"request_id": f"x{i}"} for i, row in enumerate(small.labelled(0, 100))]
    path = small.write_lines(folder / "more.jsonl", small.labelled() + extra)
    table = run.read(run.capture)
    if fails:
        with pytest.raises(LabelsError, match="100 of 340"):
            read_labels(loaded, table, path=path, intake=intake)
    else:
        assert read_labels(loaded, table, path=path, intake=intake).unknown == 100


def test_a_weight_beyond_what_the_scenario_states_ends_the_run(folder: Path, tmp_path: Path) -> None:
    """Every bound would be by a largest weight that is none: nothing is sent."""
    rows = [json.loads(line) for line in (folder / "capture.jsonl").read_text().splitlines()]
    small.write_lines(folder / "capture.jsonl", [row | {"sampling_weight": 10} for row in rows])
    loaded = scenario(folder)
    for most, fits in ((10.0, True), (9.0, False)):
        config = msgspec.structs.replace(loaded.scenario.capture, max_weight=most)
        stated = replace(loaded, scenario=msgspec.structs.replace(loaded.scenario, capture=config))
        with nullcontext() if fits else pytest.raises(CaptureError, match="`max_weight`"):
            take_in(stated, tmp_path / f"{most}", say=lambda _: None)


def test_models_that_no_target_must_match_are_loaded_apart(folder: Path) -> None:
    """One of them may be the one that is served; a file that is not there is told before the run."""
    more = '[models.poor]\nfile = "poor.txt"\nfeatures = "features:build"\n'
    loaded = scenario(folder, more=more)
    assert (set(load_models(loaded)), set(load_others(loaded))) == ({"model"}, {"poor"})
    assert load_others(scenario(folder)) == {}
    (folder / "poor.txt").unlink()
    with pytest.raises(ModelError, match="no such model file"):
        load_others(loaded)


def test_the_share_of_requests_that_a_capture_lacks() -> None:
    """Each reason takes its share of what the others left; a sample has the spread of its units."""
    table = pa.table(
        {
            "request_id": [f"r{n}" for n in range(90_000)],
            "unit": pa.nulls(90_000, pa.string()),
            "sampling_weight": [2.0] * 90_000,
            "propensity": pa.nulls(90_000, pa.float64()),
        }
    )
    intake = Intake(
        lines=120_000,
        parsed=90_000,
        sampled=90_000,
        bad={"recorder: queue full": 30_000},
        worst=(),
        first_ts_ns=0,
        last_ts_ns=0,
        resolution_ns=1,
        sha256={},
        parts=(),
    )
    assert missing_share(table, intake) == pytest.approx(0.625 + 3 * 0.5 / 300)
    half = msgspec.structs.replace(intake, sampled=45_000, left_out={"a rule": 45_000})
    assert missing_share(table, half) == pytest.approx(0.8125 + 3 * 0.5 / 300)
