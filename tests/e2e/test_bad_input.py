"""Every bad input ends with its exit code and one line: what, where, what to do; and nothing is sent."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.kit import command, small
from tests.kit.service import Service

Spoil = Callable[[Path], None]


def edit(name: str, old: str, new: str) -> Spoil:
    """Replaces a text in a file of the scenario's folder."""

    def spoil(folder: Path) -> None:
        text = (folder / name).read_text(encoding="utf-8")
        assert old in text
        (folder / name).write_text(text.replace(old, new), encoding="utf-8")

    return spoil


def write(name: str, text: str) -> Spoil:
    """Puts a text in the place of a file."""

    def spoil(folder: Path) -> None:
        (folder / name).write_text(text, encoding="utf-8")

    return spoil


def append(text: str) -> Spoil:
    """Adds lines to the end of scenario.toml."""

    def spoil(folder: Path) -> None:
        with (folder / "scenario.toml").open("a", encoding="utf-8") as file:
            file.write(text)

    return spoil


def cut_model(folder: Path) -> None:
    """Half of the model file is lost."""
    raw = (folder / "model.txt").read_bytes()
    (folder / "model.txt").write_bytes(raw[: len(raw) // 2])


def with_labels(**change: object) -> Spoil:
    """A [labels] table whose file has its first row changed."""

    def spoil(folder: Path) -> None:
        rows = small.labelled(0, 50)
        rows[0] = {k: v for k, v in (rows[0] | change).items() if v is not None}
        small.write_lines(folder / "labels.jsonl", rows)
        append(small.champion("http://127.0.0.1:9/score") + small.labels())(folder)

    return spoil


def twice(folder: Path) -> None:
    """A request stands in the capture twice."""
    rows = small.captured()
    small.write_lines(folder / "capture.jsonl", [*rows, rows[7]])


def misspelt(folder: Path) -> None:
    """A column of the capture has another name."""
    rows = [{("tss" if k == "ts" else k): v for k, v in row.items()} for row in small.captured()]
    small.write_lines(folder / "capture.jsonl", rows)


def strange_ids(folder: Path) -> None:
    """Labels of requests that nobody captured."""
    rows = [row | {"request_id": f"x{i}"} for i, row in enumerate(small.labelled(0, 50))]
    small.write_lines(folder / "labels.jsonl", rows)
    append(small.champion("http://127.0.0.1:9/score") + small.labels())(folder)


SCENARIO = "scenario.toml"
CASES = {
    "unknown word": (
        edit(SCENARIO, 'name = "small"', 'name = "small"\nthresold = 0.4'),
        64,
        ["$.thresold", "unknown word", "Did you mean 'threshold'?"],
    ),
    "unknown word in a table": (
        edit(SCENARIO, "timeout_s", "timeout"),
        64,
        ["$.targets.challenger.timeout", "Did you mean 'timeout_s'?"],
    ),
    "wrong type": (
        edit(SCENARIO, 'name = "small"', 'name = "small"\nthreshold = "high"'),
        64,
        ["$.threshold", "found text in quotes", "expected a number"],
    ),
    "not finite": (
        edit(SCENARIO, 'name = "small"', 'name = "small"\nthreshold = nan'),
        64,
        ["$.threshold", "not a finite number"],
    ),
    "unknown kind": (
        edit(SCENARIO, 'kind = "http"', 'kind = "htpp"'),
        64,
        ["$.targets.challenger.kind", "unknown kind 'htpp'", "Did you mean 'http'?"],
    ),
    "no TOML": (edit(SCENARIO, "[capture]", "[capture"), 64, ["not valid TOML", "line"]),
    "a name that is a path": (
        edit(SCENARIO, "[targets.challenger]", '[targets."../challenger"]'),
        64,
        ["$.targets", "../challenger"],
    ),
    "no challenger": (
        edit(SCENARIO, "[targets.challenger]", "[targets.canary]"),
        64,
        ["no target is the challenger", "found canary"],
    ),
    "unknown model": (
        edit(SCENARIO, 'model = "model"', 'model = "modle"'),
        64,
        ["$.targets.challenger.model", "Did you mean 'model'?"],
    ),
    "public host": (
        edit(SCENARIO, "127.0.0.1", "93.184.216.34"),
        64,
        ["may not be sent to this host", "93.184.216.34", "allow_hosts"],
    ),
    "variable not set": (
        edit(
            SCENARIO,
            "timeout_s = 20",
            'timeout_s = 20\nheaders = { authorization = "env:REPLAYGATE_NOT_SET" }',
        ),
        64,
        ["target challenger", "REPLAYGATE_NOT_SET", "export"],
    ),
    "unknown feature in a tolerance": (
        append('\n[tolerance.features.amuont]\natol = 0.1\nreason = "rounded"\n'),
        64,
        ["amuont", "amount"],
    ),
    "model missing": (lambda f: (f / "model.txt").unlink(), 64, ["no such model file", "model.txt"]),
    "model cut in half": (cut_model, 64, ["cut short", "model.txt", "Copy the file again."]),
    "pipeline missing": (lambda f: (f / "features.py").unlink(), 64, ["features:build", "features.py"]),
    "pipeline raising": (
        write("features.py", "def build(requests, data):\n    return requests['amuont']\n"),
        64,
        ["raised KeyError", "amuont", "features.py"],
    ),
    "pipeline ending the program": (
        write("features.py", "import sys\n\ndef build(requests, data):\n    sys.exit(1)\n"),
        64,
        ["features.py:4", "SystemExit"],
    ),
    "pipeline without a column": (
        edit("features.py", ', "visits"', ""),
        64,
        ["visits", "features:build"],
    ),
    "capture missing": (lambda f: (f / "capture.jsonl").unlink(), 65, ["no such file", "capture.jsonl"]),
    "capture empty": (write("capture.jsonl", ""), 65, ["empty capture", "capture.jsonl"]),
    "capture of unknown kind": (
        edit(SCENARIO, 'path = "capture.jsonl"', 'path = "features.py"'),
        65,
        ["unknown kind of file", ".jsonl"],
    ),
    "wrong column in the capture": (misspelt, 65, ["capture.jsonl:1", "tss", "did you mean 'ts'?"]),
    "duplicate ids": (twice, 65, ["capture.jsonl:241", "duplicate request_id", "r007", "max_bad_share"]),
    "labels missing": (
        append(small.champion("http://127.0.0.1:9/score") + small.labels("lables.jsonl")),
        65,
        ["no such file", "Did you mean 'labels.jsonl'"],
    ),
    "wrong column in the labels": (
        with_labels(label=None, lable=1),
        65,
        ["labels.jsonl:1", "no column 'label'", "Did you mean 'lable'?"],
    ),
    "label that is none": (with_labels(label=0.5), 65, ["labels.jsonl:1", "r000", "0, 1, true or false"]),
    "labels of unknown ids": (strange_ids, 65, ["labels.jsonl:1", "'x0'", "50 of 50"]),
    "label before its request": (
        with_labels(label_at="2025-02-01T00:00:00Z"),
        65,
        ["labels.jsonl:1", "before the request", "2025-02-01T00:00:00Z", "2025-03-01T12:00:00Z"],
    ),
    "labels without a champion": (append(small.labels()), 64, ["[labels]", "champion"]),
    "phase for an unknown target": (
        edit(SCENARIO, 'name = "latency"', 'name = "latency"\ntargets = ["chalenger"]'),
        64,
        ["$.phases.latency.targets", "Did you mean 'challenger'?"],
    ),
    "time that is none": (
        append('\n[decision]\nplanned_end = "tomorrow"\n'),
        64,
        ["$.decision.planned_end", "'tomorrow'", "RFC 3339"],
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_a_bad_input_is_one_line_and_sends_nothing(case: str, folder: Path, results: Path) -> None:
    """The line names the place and the way out, no run is left behind, and the service saw no connection."""
    spoil, code, needles = CASES[case]
    with Service(small.answers()) as service:
        path = small.scenario(folder, service.url)
        spoil(folder)
        done = command.run("run", path, "--results", results)
        assert service.connections == 0
    assert done.code == code, done.err
    assert [needle for needle in needles if needle not in done.complaint] == []
    assert done.out == ""
    assert list(results.glob("*/*")) == []


@pytest.mark.parametrize(
    ("name", "says"),
    [("scenaro.toml", "Did you mean"), ("elsewhere/x.toml", "replaygate init")],
)
def test_a_missing_scenario_is_said_with_what_to_do(
    name: str, says: str, folder: Path, results: Path
) -> None:
    """A near name is offered; otherwise how to write a scenario."""
    small.scenario(folder, "http://127.0.0.1:9/score")
    done = command.run("run", folder / name, "--results", results)
    assert done.code == 64
    assert "no such scenario file" in done.complaint
    assert says in done.complaint


@pytest.mark.parametrize(
    ("arguments", "needles"),
    [
        (["--phase", "parity", "--phase", "latncy"], ["no phase 'latncy'", "Did you mean 'latency'?"]),
        (["--as-of", "yesterday"], ["--as-of", "'yesterday'", "RFC 3339"]),
        (["--as-of", "2025-03-01T00:00:00"], ["--as-of", "no zone"]),
        (["--wait-as", "500"], ["--wait-as"]),
        (["--phas", "parity"], ["No such option"]),
    ],
)
def test_a_wrong_option_is_a_usage_error(
    arguments: list[str], needles: list[str], folder: Path, results: Path
) -> None:
    """Options are checked before anything is read or made."""
    path = small.scenario(folder, "http://127.0.0.1:9/score")
    done = command.run("run", path, "--results", results, *arguments)
    assert done.code == 64
    assert [needle for needle in needles if needle not in done.complaint] == []
    assert not results.exists()


def test_a_results_folder_that_cannot_be_made_is_a_usage_error(folder: Path, tmp_path: Path) -> None:
    """A file stands where the runs should go."""
    path = small.scenario(folder, "http://127.0.0.1:9/score")
    (tmp_path / "taken").write_text("", encoding="utf-8")
    done = command.run("run", path, "--results", tmp_path / "taken" / "below")
    assert done.code == 64
    assert "--results" in done.complaint


def test_a_target_that_is_down_is_69_and_nothing_is_sent_to_the_other(folder: Path, results: Path) -> None:
    """The champion answers, the challenger does not: nobody gets a request, and the line says where."""
    with Service(small.answers()) as gone:
        pass
    with Service(small.answers()) as service:
        path = small.scenario(folder, gone.url, more=small.champion(service.url))
        done = command.run("run", path, "--results", results)
        assert service.seen == []
    assert done.code == 69
    assert f"127.0.0.1:{gone.port}" in done.complaint
    assert "does not answer" in done.complaint
    assert "Start the service" in done.complaint


def test_debug_adds_the_traceback_before_or_after_the_command(folder: Path, results: Path) -> None:
    """--debug may stand anywhere; the one line stays."""
    path = folder / "nowhere.toml"
    before = command.run("--debug", "run", path, "--results", results)
    after = command.run("run", path, "--results", results, "--debug")
    for done in (before, after):
        assert done.code == 64
        assert "Traceback" in done.err
        assert "error: " in done.err


def test_bad_lines_below_the_allowed_share_are_counted_rows(folder: Path, results: Path) -> None:
    """One broken line of 241 is allowed here, is told on standard error and stands in the ledger."""
    with (folder / "capture.jsonl").open("a", encoding="utf-8") as file:
        file.write("{broken\n")
    with Service(small.answers(), model=small.model_hash()) as service:
        path = small.scenario(folder, service.url)
        edit(SCENARIO, 'path = "capture.jsonl"', 'path = "capture.jsonl"\nmax_bad_share = 0.01')(folder)
        done = command.run("run", path, "--results", results, "--phase", "parity")
    assert done.code == 20
    assert "capture.jsonl:241: not JSON" in done.err
    ledger = command.report_of(command.only_run(results))["ledgers"][0]["steps"]
    assert (ledger[0]["count"], ledger[1]["count"]) == (241, 240)
    assert ledger[1]["lost"] == [{"reason": "not JSON", "count": 1}]
    assert json.loads((command.only_run(results) / "capture" / "intake.json").read_text())["bad"] == {
        "not JSON": 1
    }
