"""`replaygate diagnose` by command: pages, ledger, bad input; no verdict changes by it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pandas as pd
import pytest

from harness.records import Diagnosis
from harness.run.holdouts import USES
from tests.kit import command, diagnosable, small

Spoil = Callable[[Path], object]


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The small scenario's files; only to be copied."""
    folder = tmp_path_factory.mktemp("diagnosable") / "scenario"
    diagnosable.make(folder)
    return folder


@pytest.fixture(scope="module")
def ran(base: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[command.Done, Path]:
    """One diagnosis of the scenario, and the folder of its run."""
    here = tmp_path_factory.mktemp("diagnosed")
    shutil.copytree(base, here / "scenario")
    done = diagnose(here / "scenario" / "diagnose.toml", here / "results")
    assert done.code == 0, done.err
    return done, command.only_run(here / "results")


def diagnose(path: Path, results: Path, *more: str) -> command.Done:
    """The command on a scenario or a run, with all labels known."""
    return command.run("diagnose", path, "--results", results, "--as-of", diagnosable.AS_OF, *more)


def diagnosis(root: Path) -> dict[str, Any]:
    """diagnosis.json, which holds no number that JSON does not have."""

    def refuse(name: str) -> None:
        raise AssertionError(name)

    found: dict[str, Any] = json.loads((root / "diagnosis.json").read_bytes(), parse_constant=refuse)
    return found


def test_the_pages_are_written_and_the_largest_part_is_named(ran: tuple[command.Done, Path]) -> None:
    """Half of the requests were served wrong: that is what was lost."""
    done, root = ran
    told = diagnosis(root)
    assert told["summary"][1].startswith("Of this: 0.")
    assert "lost to features served otherwise" in told["summary"][1].split(";")[0]
    for name in ("diagnosis.json", "diagnosis.md", "diagnosis.html"):
        assert str(root / name).replace("\n", "") in done.out.replace("\n", "")
        assert (root / name).stat().st_size > 1_000
    assert told["counts"] == {
        "requests captured": diagnosable.REQUESTS,
        "answered by production": diagnosable.REQUESTS,
        "with a label by now": diagnosable.REQUESTS,
        "with a mature label": diagnosable.REQUESTS,
        "rows of the holdout": diagnosable.HOLDOUT,
    }


def test_the_diagnosis_reads_back_as_it_was_written(ran: tuple[command.Done, Path]) -> None:
    """Nothing is lost on the way to JSON and back."""
    root = ran[1]
    found = msgspec.json.decode((root / "diagnosis.json").read_bytes(), type=Diagnosis)
    assert found.run_id == root.name
    assert msgspec.json.decode(msgspec.json.encode(found), type=Diagnosis) == found


def test_uses_are_counted_once_a_run_and_by_decision(ran: tuple[command.Done, Path], tmp_path: Path) -> None:
    """Diagnosing the same run again is the same use; another decision is another."""
    _, root = ran
    here = shutil.copytree(root.parents[1], tmp_path / "results")
    again = next(here.glob("*/*/run.json")).parent
    assert diagnosis(again)["holdout_uses"]["uses"] == 1
    assert diagnose(again, here, "--quiet").code == 0
    assert diagnosis(again)["holdout_uses"]["uses"] == 1
    done = diagnose(again, here, "--quiet", "--used-for", "release 7")
    assert diagnosis(again)["holdout_uses"]["uses"] == 2
    assert len((again.parent / USES).read_bytes().splitlines()) == 2
    assert done.out.splitlines() == diagnosis(again)["summary"]
    assert done.err.strip() == ""


def test_a_finished_run_keeps_its_report_and_its_verdict(finished: Path, tmp_path: Path) -> None:
    """Diagnosed, its report.json has the same bytes, and it decides as before."""
    root = shutil.copytree(finished, tmp_path / finished.name)
    before = (root / "report.json").read_bytes()
    assert command.run("diagnose", root, "--quiet", "--as-of", diagnosable.AS_OF).code == 0
    assert (root / "report.json").read_bytes() == before
    assert diagnosis(root)["served_by"] == "champion"
    assert command.run("decide", root, "--as-of", diagnosable.AS_OF).code == 0
    assert command.report_of(root)["decision"] == json.loads(before)["decision"]


def test_a_run_whose_model_was_changed_is_refused(ran: tuple[command.Done, Path], tmp_path: Path) -> None:
    """Another model would say what never was."""
    folder = ran[1].parents[2] / "scenario"
    model = folder / "model.txt"
    kept = model.read_bytes()
    root = shutil.copytree(ran[1], tmp_path / ran[1].name)
    try:
        model.write_bytes(kept + b"\n")
        done = command.run("diagnose", root)
    finally:
        model.write_bytes(kept)
    assert done.code == 64
    assert "a diagnosis needs the model of the run" in done.complaint


def holdout(change: Callable[[pd.DataFrame], pd.DataFrame], name: str = "holdout.parquet") -> Spoil:
    """Changes the rows of a file."""
    return lambda folder: diagnosable.write(folder / name, change(pd.read_parquet(folder / name)))


def table(more: str = "", **changed: str) -> Spoil:
    """Writes the scenario again with more lines of [diagnosis]."""
    return lambda folder: diagnosable.scenario(folder, diagnosis=diagnosable.DIAGNOSIS + more, **changed)


def edit(old: str, new: str) -> Spoil:
    """Replaces a text of the scenario."""

    def spoil(folder: Path) -> None:
        path = folder / "diagnose.toml"
        text = path.read_text(encoding="utf-8")
        assert old in text
        path.write_text(text.replace(old, new), encoding="utf-8")

    return spoil


def answered(change: Callable[[int, dict[str, Any]], dict[str, Any]], first: int | None = None) -> Spoil:
    """Changes the lines of the capture, of which the first may be kept only."""

    def spoil(folder: Path) -> None:
        lines = [change(k, line) for k, line in enumerate(diagnosable.captured(folder)[:first])]
        small.write_lines(folder / "answered.jsonl", lines)
        known = {line["request_id"] for line in lines}
        text = (folder / "labels.jsonl").read_text(encoding="utf-8").splitlines()
        small.write_lines(
            folder / "labels.jsonl", [row for row in map(json.loads, text) if row["request_id"] in known]
        )

    return spoil


def gone(name: str) -> Spoil:
    """A file is not there."""
    return lambda folder: (folder / name).unlink()


def cut(folder: Path) -> None:
    """Half of the holdout is lost."""
    raw = (folder / "holdout.parquet").read_bytes()
    (folder / "holdout.parquet").write_bytes(raw[: len(raw) // 2])


REFUSED: dict[str, tuple[Spoil, int, list[str]]] = {
    "no such holdout": (
        gone("holdout.parquet"),
        65,
        ["no such file", "[diagnosis]"],
    ),
    "a cut holdout": (cut, 65, ["holdout.parquet: the file cannot be read"]),
    "an empty holdout": (holdout(lambda rows: rows.iloc[:0]), 65, ["the file has no rows"]),
    "labels of 2": (holdout(lambda rows: rows.assign(label=2 * rows["label"])), 65, ["label is not 0 or 1"]),
    "no ids": (holdout(lambda rows: rows.drop(columns="request_id")), 65, ["no request_id"]),
    "missing ids": (
        holdout(lambda rows: rows.iloc[9:], "requested.parquet"),
        65,
        ["9 missing", "requested.parquet"],
    ),
    "doubled ids": (
        holdout(lambda rows: pd.concat([rows, rows.iloc[:1]]), "requested.parquet"),
        65,
        ["a request_id is there twice"],
    ),
    "no training": (
        gone("training.parquet"),
        65,
        ["training.parquet: no such file"],
    ),
    "a target without a model": (edit('model = "model"\n', ""), 64, ["names no offline model"]),
    "an unknown target": (table('served = "lgo"\n'), 64, ["unknown target 'lgo'", "Did you mean 'log'?"]),
    "an unknown outcome": (table('outcome = "lable"\n'), 64, ["no outcome 'lable'", "Did you mean 'label'?"]),
    "an unknown tag": (table('joined_tag = "jioned"\n'), 64, ["no request has a tag 'jioned'", "'joined'"]),
    "an unknown metric": (
        table("reported = { auc = 0.9 }\n"),
        64,
        ["unknown metric 'auc'", "one of roc_auc"],
    ),
    "a number that is none": (
        table("reported = { roc_auc = 9.0 }\n"),
        64,
        ["$.diagnosis.reported.roc_auc", "expected 0 to 1"],
    ),
    "an unknown word": (table('hold_out = "x"\n'), 64, ["unknown word 'hold_out'"]),
    "a target that is not recorded": (
        edit(
            '[targets.log]\nkind = "recorded"',
            '[targets.challenger]\nkind = "http"\nurl = "http://127.0.0.1:9/"',
        ),
        64,
        ["not an arm of this scenario", "diagnose the run"],
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_diagnosed_is_told_in_one_line(name: str, base: Path, tmp_path: Path) -> None:
    """What, where, what to do; and no folder is left behind."""
    spoil, code, needles = REFUSED[name]
    folder = shutil.copytree(base, tmp_path / "scenario")
    spoil(folder)
    done = diagnose(folder / "diagnose.toml", tmp_path / "results")
    assert done.code == code, done.err
    assert [needle for needle in needles if needle not in done.complaint] == []
    assert list(tmp_path.glob("results/*/*/run.json")) == []


def unanswered(_: int, line: dict[str, Any]) -> dict[str, Any]:
    """The line without production's answer."""
    return {name: value for name, value in line.items() if name != "recorded_response"}


def scores_only(_: int, line: dict[str, Any]) -> dict[str, Any]:
    """The line with a score alone, which is no probability."""
    score = 20.0 * line["recorded_response"]["body"]["score"] - 10.0
    return line | {"recorded_response": {"status": 200, "body": {"score": score}}}


TOLD: dict[str, tuple[Spoil, str]] = {
    "no labels": (table(labels=""), "no labels were given"),
    "no mature label": (
        table(labels=diagnosable.LABELS.replace("= 1", "= 4000")),
        "no label is mature yet",
    ),
    "no request answered": (answered(unanswered), "there are no rows"),
    "thirty requests": (answered(lambda _, line: line, first=30), "fewer than 100 rows"),
    "one request": (answered(lambda _, line: line, first=1), "fewer than 100 rows"),
    "scores alone": (answered(scores_only), "the answers of production hold no features"),
    "a feature of another type": (holdout(lambda rows: rows.assign(amount="x")), "amount holds"),
    "a feature that is not there": (holdout(lambda rows: rows.drop(columns="amount")), "no column amount"),
    "training without units": (
        holdout(lambda rows: rows.drop(columns="unit"), "training.parquet"),
        "units training has",
    ),
    "infinite values": (
        holdout(lambda rows: rows.assign(age=np.where(rows.index % 9, rows["age"], np.inf))),
        "production's definition was not given",
    ),
    "a holdout without labels": (
        holdout(lambda rows: rows.drop(columns="label")),
        "the holdout has no column label",
    ),
}


@pytest.mark.parametrize("name", TOLD)
def test_what_is_missing_is_told_and_the_rest_is_computed(name: str, base: Path, tmp_path: Path) -> None:
    """A diagnosis all the same, with the reason among what is missing."""
    spoil, reason = TOLD[name]
    folder = shutil.copytree(base, tmp_path / "scenario")
    spoil(folder)
    done = diagnose(folder / "diagnose.toml", tmp_path / "results", "--quiet")
    assert done.code == 0, done.err
    told = diagnosis(command.only_run(tmp_path / "results"))
    assert reason in json.dumps([told["missing"], told["metrics"], told["exhibits"]], ensure_ascii=False)
    assert told["summary"]


def test_before_everything_no_label_is_known(base: Path, tmp_path: Path) -> None:
    """The share flagged is all that can be said of production."""
    path = shutil.copytree(base, tmp_path / "scenario") / "diagnose.toml"
    done = command.run(
        "diagnose", path, "--results", tmp_path / "results", "--as-of", "2020-01-01T00:00:00Z", "-q"
    )
    assert done.code == 0
    assert done.out.startswith("Flagged share was")
