"""A run on another day: labels added, judged, compared and printed again; and runs that are damaged."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.e2e.conftest import LATE
from tests.kit import command, small
from tests.kit.command import report_of
from tests.kit.service import Service


@pytest.fixture
def root(finished: Path, tmp_path: Path) -> Path:
    """A copy of the finished run, to work on."""
    copy = tmp_path / finished.name
    shutil.copytree(finished, copy)
    return copy


def test_an_earlier_time_sees_fewer_labels_and_never_other_answers(root: Path) -> None:
    """`decide --as-of` moves through the labels; parity is the same at any time."""
    seen, pairs = [], report_of(root)["pairs"]
    for day in ("2025-03-01", "2025-03-05", "2025-03-12", "2025-05-01"):
        done = command.run("decide", root, "--as-of", f"{day}T00:00:00Z")
        report = report_of(root)
        seen.append((done.code, report["quality"][0]["counts"]["compared"]))
        assert report["pairs"] == pairs
        assert report["as_of"].startswith(day)
    assert [compared for _, compared in seen] == sorted({compared for _, compared in seen})
    assert seen[0] == (20, 0)
    assert seen[-1][0] == 0


def test_labels_that_come_late_are_added_and_only_ever_added(folder: Path, results: Path) -> None:
    """A run with a fifth of its labels waits; with the rest it goes, and the first part is untouched."""
    small.write_lines(folder / "labels.jsonl", small.labelled(0, 50))
    small.write_lines(folder / "rest.jsonl", small.labelled(50))
    answers = small.answers("poor")
    with Service(answers, model=small.model_hash("poor")) as old, Service(small.answers()) as new:
        more = small.champion(old.url, model="poor") + small.ONLY_PARITY + small.labels()
        more += '\n[decision]\nrelease = "improvement"\n'
        more += '\n[models.poor]\nfile = "poor.txt"\nfeatures = "features:build"\n'
        path = small.scenario(folder, new.url, more=more)
        before = command.run("run", path, "--results", results, "--phase", "parity", "--as-of", LATE)
    root = command.only_run(results)
    first = (root / "labels" / "part-00000.parquet").read_bytes()
    added = command.run("labels", "add", root, folder / "rest.jsonl")
    after = command.run("decide", root, "--as-of", LATE)
    assert (before.code, added.code, after.code) == (20, 0, 0), before.err + added.err + after.out
    assert "190 read, 190 requests labelled" in added.err
    assert f"replaygate decide {root}" in added.out
    assert sorted(p.name for p in (root / "labels").iterdir()) == ["part-00000.parquet", "part-00001.parquet"]
    assert (root / "labels" / "part-00000.parquet").read_bytes() == first


def test_labels_of_a_run_without_a_labels_table_are_refused(folder: Path, results: Path) -> None:
    """There is nothing they could decide; 64 and the way out."""
    with Service(small.answers(), model=small.model_hash()) as service:
        path = small.scenario(folder, service.url)
        command.run("run", path, "--results", results, "--phase", "parity")
    done = command.run("labels", "add", command.only_run(results), folder / "labels.jsonl")
    assert done.code == 64
    assert "[labels]" in done.complaint


def test_a_run_whose_labels_are_yet_to_come_waits_and_does_not_break(folder: Path, results: Path) -> None:
    """No part of labels at all: the guardrail is undecided, everything else stands."""
    with Service(small.answers(), model=small.model_hash()) as old, Service(small.answers()) as new:
        more = small.champion(old.url) + small.ONLY_PARITY + small.labels("")
        path = small.scenario(folder, new.url, more=more)
        command.run("run", path, "--results", results, "--phase", "parity")
    root = command.only_run(results)
    done = command.run("decide", root, "--as-of", LATE)
    report = report_of(root)
    assert done.code == 20, done.err
    assert report["quality"][0]["counts"]["compared"] == 0
    assert command.rulings(report)["label_guardrail"] == "UNDECIDED"


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("labels/part-00000.parquet", "the run lacks a file"),
        ("looks.jsonl", "the run lacks a file"),
        ("outcomes/challenger/part-00000.parquet", "the run lacks a file"),
    ],
)
def test_a_file_taken_out_of_a_run_gives_no_verdict(root: Path, name: str, told: str) -> None:
    """Without its labels or looks a run could be judged otherwise: 65, and a line that names the file."""
    (root / name).unlink()
    for command_ in ("decide", "compare"):
        done = command.run(command_, root, "--as-of", LATE)
        assert (done.code, name in done.complaint, told in done.complaint) == (65, True, True)


def test_a_verdict_edited_by_hand_is_not_shown(root: Path) -> None:
    """`report` prints what the run wrote or nothing."""
    path = root / "report.json"
    path.write_text(path.read_text().replace('"word": "GO"', '"word": "NO-GO"'))
    done = command.run("report", root)
    assert (done.code, "damaged" in done.complaint) == (65, True)
    assert command.run("decide", root, "--as-of", LATE).code == 0


def test_comparing_again_gives_the_same_report(root: Path) -> None:
    """`compare` recomputes everything after the answers: the same bytes but for the run's own path."""
    before = report_of(root)
    done = command.run("compare", root, "--as-of", LATE)
    after = report_of(root)
    assert done.code == 0
    assert before | {"reproduce": []} == after | {"reproduce": []}


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        pytest.param(shutil.rmtree, "no such model file", id="scenario moved away"),
        pytest.param(
            lambda f: (f / "model.txt").write_text((f / "rebuild.txt").read_text()),
            "another model",
            id="model replaced",
        ),
        pytest.param(
            lambda f: (f / "features.py").write_text(small.PIPELINE + "\n# mended\n"),
            "the code or the data of features:build has changed",
            id="pipeline changed",
        ),
    ],
)
def test_comparing_without_the_models_says_what_is_left_out(
    spoil: Callable[[Path], object], says: str, folder: Path, results: Path
) -> None:
    """Counts need the artefacts only; causes and damage need the models of the run, and a line says so."""
    with Service(small.answers(), model=small.model_hash()) as service:
        path = small.scenario(folder, service.url)
        command.run("run", path, "--results", results, "--phase", "parity")
    root = command.only_run(results)
    spoil(folder)
    done = command.run("compare", root)
    assert done.code == 20, done.err
    assert "causes and damage are left out" in done.err
    assert says in done.err
    assert report_of(root)["pairs"][0]["compared"] == small.REQUESTS
    assert command.run("decide", root).code == 20


@pytest.mark.parametrize(
    ("form", "begins", "file"),
    [
        ("json", "{", "report.json"),
        ("markdown", "#", "report.md"),
        ("html", "<!", "report.html"),
        ("junit", "<?xml", "junit.xml"),
        ("github", "::notice title=GO", None),
        ("terminal", "replaygate", None),
    ],
)
def test_every_rendering_is_printed_again_and_exits_with_0(
    form: str, begins: str, file: str | None, root: Path
) -> None:
    """What is printed is what lies in the folder, whatever the verdict."""
    done = command.run("report", root, "--format", form)
    assert done.code == 0
    assert done.out.startswith(begins)
    if file:
        assert done.out == (root / file).read_text(encoding="utf-8")


def _newer(root: Path) -> None:
    record = json.loads((root / "run.json").read_text(encoding="utf-8"))
    (root / "run.json").write_text(json.dumps({"schema": 99, "all": "else", "was": record["run_id"]}))


def _foreign_scenario(root: Path) -> None:
    record = json.loads((root / "run.json").read_text(encoding="utf-8"))
    record["resolved"]["thresold"] = 1
    (root / "run.json").write_text(json.dumps(record), encoding="utf-8")


def _half(name: str) -> Callable[[Path], None]:
    def spoil(root: Path) -> None:
        raw = (root / name).read_bytes()
        (root / name).write_bytes(raw[: len(raw) // 2])

    return spoil


@pytest.mark.parametrize(
    ("spoil", "needles"),
    [
        pytest.param(lambda r: (r / "run.json").unlink(), ["not a run of replaygate"], id="no run.json"),
        pytest.param(_half("run.json"), ["run.json", "damaged"], id="half a run.json"),
        pytest.param(_newer, ["newer replaygate", "schema 99"], id="newer schema"),
        pytest.param(
            _foreign_scenario, ["cannot be read by this version", "thresold"], id="foreign scenario"
        ),
        pytest.param(lambda r: (r / "phases.json").unlink(), ["phases.json", "lacks"], id="interrupted"),
        pytest.param(_half("differences/summary.json"), ["summary.json", "damaged"], id="half a summary"),
        pytest.param(_half("capture/part-00000.parquet"), ["capture", "damaged"], id="half a capture"),
        pytest.param(lambda r: shutil.rmtree(r / "capture"), ["capture", "lacks"], id="no capture"),
        pytest.param(
            _half("outcomes/challenger/part-00000.parquet"), ["challenger", "damaged"], id="half an outcome"
        ),
        pytest.param(
            lambda r: (r / "outcomes/champion/part-00000.parquet").unlink(),
            ["champion", "lacks"],
            id="no outcome",
        ),
        pytest.param(_half("labels/part-00000.parquet"), ["labels", "damaged"], id="half the labels"),
        pytest.param(
            lambda r: shutil.copy(
                r / "outcomes/champion/part-00000.parquet", r / "outcomes/challenger/part-00001.parquet"
            ),
            ["outcomes"],
            id="outcomes of something else",
        ),
    ],
)
def test_a_damaged_run_is_one_line_and_65(
    spoil: Callable[[Path], object], needles: list[str], root: Path
) -> None:
    """The line names the file; no traceback, no verdict."""
    spoil(root)
    done = command.run("decide", root, "--as-of", LATE)
    assert done.code == 65, done.err
    assert [needle for needle in needles if needle not in done.complaint] == []
    assert done.out == ""


@pytest.mark.parametrize(
    ("spoil", "needle"),
    [
        (lambda r: (r / "report.json").unlink(), "the run has no report"),
        (_half("report.json"), "damaged"),
    ],
)
def test_a_report_that_is_not_there_is_65_and_can_be_made_again(
    spoil: Callable[[Path], object], needle: str, root: Path
) -> None:
    """`report` only prints; `decide` makes."""
    spoil(root)
    done = command.run("report", root)
    assert done.code == 65
    assert needle in done.complaint
    assert command.run("decide", root, "--as-of", LATE).code == 0
    assert command.run("report", root).code == 0


def test_a_folder_of_runs_is_answered_with_the_newest_run(root: Path) -> None:
    """A path one level too high, or with a typo, is answered with the run that was probably meant."""
    above = command.run("decide", root.parent)
    typo = command.run("decide", root.with_name(root.name[:-1]))
    assert above.code == typo.code == 65
    assert str(root) in above.complaint
    assert str(root) in typo.complaint


def test_a_time_that_is_none_changes_nothing(root: Path) -> None:
    """--as-of is read before anything is computed or written."""
    before = {p: p.stat().st_mtime_ns for p in root.rglob("*")}
    for name in ("decide", "compare"):
        done = command.run(name, root, "--as-of", "soon")
        assert done.code == 64
        assert "'soon'" in done.complaint
    assert {p: p.stat().st_mtime_ns for p in root.rglob("*")} == before


def outcome_rows() -> list[dict[str, object]]:
    """Each label with a rating that agrees with it and a number that goes with it."""
    return [row | {"helpful": row["label"], "eur": 10 * row["label"] - 1} for row in small.labelled()]


OUTCOMES = """
[labels.outcomes.label]
[labels.outcomes.helpful]
role = "guardrail"
metric = "correct"
margin = 0.2
test = { kind = "betting" }
[labels.outcomes.revenue]
column = "eur"
metric = "value"
role = "watched"
"""


def test_several_outcomes_are_judged_each_by_its_own_test(folder: Path, results: Path) -> None:
    """A success that crosses and a guardrail that holds make a GO; what is watched is reported."""
    small.write_lines(folder / "labels.jsonl", outcome_rows())
    answers = small.answers("poor")
    with Service(answers, model=small.model_hash("poor")) as old, Service(small.answers()) as new:
        more = small.champion(old.url, model="poor") + small.ONLY_PARITY + small.labels() + OUTCOMES
        more += '\n[decision]\nrelease = "improvement"\n'
        more += '\n[models.poor]\nfile = "poor.txt"\nfeatures = "features:build"\n'
        path = small.scenario(folder, new.url, more=more)
        done = command.run("run", path, "--results", results, "--phase", "parity", "--as-of", LATE)
    root = command.only_run(results)
    report = report_of(root)
    judged = {
        (gate["gate"], gate["reason"].partition(":")[0]): (gate["ruling"], gate["required"])
        for gate in report["gates"]
        if gate["gate"].startswith("label_")
    }
    assert done.code == 0, done.err + done.out
    assert judged[("label_improvement", "label")] == ("PASS", True)
    assert judged[("label_guardrail", "helpful")] == ("PASS", True)
    assert judged[("label_guardrail", "revenue")][1] is False
    assert [item["name"] for item in report["quality"]] == ["label", "helpful", "revenue"]
    assert report["findings"] == []  # that another model answers otherwise than the champion is no bug
    kept = [json.loads(line)["test"] for line in (root / "looks.jsonl").read_text().splitlines()]
    assert {name.partition(":")[0] for name in kept} == {"label", "helpful", "revenue"}
    page = command.run("report", root, "--format", "markdown").out
    assert "Quality on matured labels: helpful (guardrail)" in page
