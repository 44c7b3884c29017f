"""The command line as a process: streams, codes, signals, help; and the commands that send nothing."""

from __future__ import annotations

import json
import os
import re
import shlex
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from tests.e2e.conftest import LATE
from tests.kit import command, small
from tests.kit.service import Service

SERVICE = Path(small.__file__).with_name("service.py")
COMMANDS = [
    [],
    *([c] for c in ("run", "check", "init", "demo", "compare", "decide", "report", "labels", "schema")),
]
COMMANDS.append(["labels", "add"])


def started(folder: Path, *, more: str = "", mode: str = "") -> Path:
    """A scenario whose challenger is a process that the run starts and must stop."""
    (folder / "answers.json").write_text(json.dumps(small.answers()), encoding="utf-8")
    path = small.scenario(folder, "http://127.0.0.1:{port}/score", more=more)
    words = ["{python}", str(SERVICE), "--port", "{port}", "--answers", "answers.json", "--mode", mode]
    start = f"timeout_s = 20\nstart = {json.dumps(words)}"
    path.write_text(path.read_text(encoding="utf-8").replace("timeout_s = 20", start, 1), encoding="utf-8")
    return path


def answers(port: int) -> bool:
    """Whether anything listens on a port."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def port_in(text: str) -> int:
    """The port at which the challenger answered, as the run told it."""
    match = re.search(r"target challenger: http://127\.0\.0\.1:(\d+)/score answers", text)
    assert match, text
    return int(match[1])


@pytest.mark.parametrize("words", COMMANDS, ids=lambda w: " ".join(w) or "replaygate")
def test_every_help_says_what_it_is_for(words: list[str]) -> None:
    """--help of each command exits with 0 and has a sentence, and an explanation for each option."""
    done = command.run(*words, "--help")
    assert done.code == 0
    assert done.err == ""
    usage, sentence, *_ = done.out.split("\n\n")
    assert usage.startswith("Usage: replaygate")
    assert sentence.strip().endswith((".", "decide."))
    assert re.search(r"^  -h, --help +Show this message", done.out, flags=re.MULTILINE)
    assert [line for line in done.out.splitlines()[1:] if len(line) > 100 or line.endswith("...")] == []


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ([], "Usage: replaygate"),
        (["rn"], "No such command 'rn'"),
        (["run"], "Missing argument 'SCENARIO'"),
        (["report", "x", "--format", "pdf"], "'pdf' is not one of"),
        (["labels"], "Usage: replaygate labels"),
        (["labels", "add", "x"], "Missing argument 'FILE'"),
        (["schema", "nothing"], "'nothing' is not one of"),
        (["demo", "nothing"], "no such demonstration"),
    ],
)
def test_a_mistyped_command_line_is_64(words: list[str], says: str) -> None:
    """Click would exit with 2, which could be read as a verdict somewhere."""
    done = command.run(*words)
    assert done.code == 64
    assert says in done.err
    assert done.out == ""


def test_a_process_ends_with_the_code_of_its_command(tmp_path: Path) -> None:
    """The exit status of `python -m harness` itself: 64 for a mistyped option, 0 for --version."""
    assert command.finish(command.spawn("run", "--nonsense", cwd=tmp_path)).code == 64
    version = command.finish(command.spawn("--version", cwd=tmp_path))
    assert (version.code, version.err) == (0, "")
    assert version.out.startswith("replaygate, version ")


def test_the_verdict_is_on_standard_output_and_progress_on_standard_error(
    folder: Path, tmp_path: Path
) -> None:
    """`replaygate run` in a process that starts a service: WAIT is 20, results go below where one is."""
    done = command.finish(command.spawn("run", started(folder), "--phase", "parity", cwd=tmp_path))
    assert done.code == 20, done.err
    assert "WAIT" in done.out
    assert "report.html" in done.out
    assert "phase parity: 240 requests" in done.err
    assert "phase parity" not in done.out
    assert not answers(port_in(done.err))
    root = command.only_run(tmp_path / "results")
    assert root.is_relative_to(tmp_path / "results" / "small")


def test_quiet_prints_one_line_and_nothing_else(finished: Path) -> None:
    """The verdict, its reason and where the report is."""
    done = command.run("decide", finished, "--as-of", LATE, "--quiet")
    assert done.code == 0
    assert done.err == ""
    (line,) = done.out.splitlines()
    assert line.startswith("GO: ")
    assert line.endswith(f"({finished / 'report.json'})")


def test_a_reader_that_goes_away_does_not_change_the_code(finished: Path, tmp_path: Path) -> None:
    """`replaygate decide RUN | head -0`: Python would end with 120 or 1."""
    script = f"{sys.executable} -m harness decide {finished} --as-of {LATE} | true; exit ${{PIPESTATUS[0]}}"
    env = {**os.environ, "PYTHONPATH": str(command.ROOT)}
    done = subprocess.run(  # noqa: S602  -- a pipeline is what is tested
        script,
        shell=True,
        executable="/bin/bash",
        cwd=tmp_path,
        env=env,
        check=False,
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("which", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_drains_writes_every_row_and_stops_the_service(
    which: signal.Signals, folder: Path, results: Path, tmp_path: Path
) -> None:
    """In the middle of a phase: 130, one line, each of the 240 requests in the journal, no service left."""
    with Service(small.answers(), mode="slow:30") as champion:
        path = started(folder, more=small.champion(champion.url), mode="slow:30")
        process = command.spawn("run", path, "--results", results, cwd=tmp_path)
        while process.poll() is None and not champion.asked.wait(0.1):
            pass
        process.send_signal(which)
        done = command.finish(process)
    assert done.code == 130, done.err
    assert f"stopped by {which.name}" in done.complaint
    assert done.out == ""
    assert not answers(port_in(done.err))
    root = command.only_run(results)
    lines = (root / "outcomes" / "challenger" / "journal-0000.jsonl").read_text(encoding="utf-8").splitlines()
    rows = [json.loads(line) for line in lines]
    assert sorted({row["seq"] for row in rows}) == list(range(small.REQUESTS))
    assert "not_sent" in {row["state"] for row in rows}
    assert not (root / "report.json").exists()
    again = command.run("decide", root)
    assert again.code == 65
    assert "interrupted" in again.complaint


def test_a_signal_before_anything_is_sent_leaves_no_half_made_run(
    folder: Path, results: Path, tmp_path: Path
) -> None:
    """While the pipeline works: 130, one line, and the folder that nothing was sent for is gone."""
    mark = tmp_path / "building"
    code = f"import pathlib, time\n\ndef build(requests, data):\n    pathlib.Path({str(mark)!r}).touch()\n"
    (folder / "features.py").write_text(code + "    time.sleep(60)\n", encoding="utf-8")
    process = command.spawn(
        "run", small.scenario(folder, "http://127.0.0.1:9/score"), "--results", results, cwd=tmp_path
    )
    pause = threading.Event()
    while process.poll() is None and not mark.exists():
        pause.wait(0.05)
    process.send_signal(signal.SIGTERM)
    done = command.finish(process)
    assert done.code == 130, done.err
    assert "interrupted" in done.complaint
    assert list(results.rglob("run.json")) == []


def test_an_error_after_a_service_was_started_stops_it(folder: Path, results: Path) -> None:
    """The challenger is up when the champion turns out to be down: 69, and nothing goes on running."""
    with Service(small.answers()) as gone:
        pass
    done = command.run("run", started(folder, more=small.champion(gone.url)), "--results", results)
    assert done.code == 69
    assert str(gone.port) in done.complaint
    assert not answers(port_in(done.err))


def test_a_full_disk_is_one_line_and_stops_the_service(folder: Path, results: Path, tmp_path: Path) -> None:
    """No file may grow beyond 64 KiB: the journal cannot be written; 70, and nothing goes on."""
    words = (sys.executable, "-m", "harness", "run", started(folder), "--results", results)
    script = "ulimit -f 64; exec " + " ".join(shlex.quote(str(word)) for word in words)
    env = {**os.environ, "PYTHONPATH": str(command.ROOT), "PYTHONDONTWRITEBYTECODE": "1"}
    ended = subprocess.run(
        ["/bin/bash", "-c", script], cwd=tmp_path, env=env, check=False, capture_output=True, text=True
    )
    done = command.Done(ended.returncode, ended.stdout, ended.stderr)
    assert done.code == 70
    assert "File too large" in done.complaint
    assert not answers(port_in(done.err))
    assert list(results.rglob("report.json")) == []


def test_odd_names_of_folders_stay_as_they_are(tmp_path: Path) -> None:
    """Blanks, brackets that look like markup, letters beyond ASCII; a capture that is a folder of files."""
    here = tmp_path / "my [bold] scénario"
    folder = small.make(here)
    rows = small.captured()
    (folder / "traffic").mkdir()
    small.write_lines(folder / "traffic" / "b.jsonl", rows[100:])
    small.write_lines(folder / "traffic" / "a.jsonl", rows[:100])
    with Service(small.answers(), model=small.model_hash()) as service:
        path = small.scenario(folder, service.url)
        text = path.read_text(encoding="utf-8").replace('"capture.jsonl"', '"traffic"')
        path.write_text(text, encoding="utf-8")
        done = command.run("run", path, "--results", here / "results [x]", "--phase", "parity")
    assert done.code == 20, done.err
    root = command.only_run(here / "results [x]")
    assert f"run {root}" in done.err
    assert str(root / "report.html") in done.out.replace("\n", "")
    assert command.report_of(root)["pairs"][0]["score_mismatches"] == 0


def test_a_service_that_does_not_start_is_69_with_its_last_words(folder: Path, results: Path) -> None:
    """Its log lies in the run's folder, and the line ends with where."""
    path = started(folder)
    (folder / "answers.json").unlink()
    done = command.run("run", path, "--results", results)
    assert done.code == 69
    assert "answers.json" in done.complaint
    log = command.only_run(results) / "outcomes" / "challenger" / "challenger.log"
    assert str(log) in done.complaint
    assert "FileNotFoundError" in log.read_text(encoding="utf-8")


def test_check_tells_what_a_run_can_show_and_sends_nothing(folder: Path, results: Path) -> None:
    """A listening service counts no connection; requests, peak, power and what stands in the way are said."""
    with Service(small.answers()) as service:
        more = small.champion(service.url) + small.labels()
        done = command.run("check", small.scenario(folder, service.url, more=more))
        assert service.connections == 0
    assert done.code == 0, done.err
    for needle in (
        "240 requests over 24 s",
        "peak 10/s, 120 units",
        "offline model: 3 features",
        "10 scored",
        "240 requests labelled",
        "phase parity (saturate, 4 in flight): 240 requests to each of challenger, champion",
        "phase latency (recorded, speed 20): 240 requests to each of challenger, champion; 1 s on the clock",
        "peak 200/s; targets together unless they would contend",
        "at least 1.2405%",
        "latency_p95 needs at least",
        "GO is not possible",
        "Nothing was sent.",
    ):
        assert needle in done.out
    assert not results.exists()


def test_check_finds_what_a_run_would_find(folder: Path) -> None:
    """A header that could smuggle another one in, in the third request, is named with file and line."""
    rows = small.captured()
    rows[2]["headers"] = {"user-agent": "a\r\nx-evil: 1"}
    small.write_lines(folder / "capture.jsonl", rows)
    done = command.run("check", small.scenario(folder, "http://127.0.0.1:9/score"))
    assert done.code == 65
    assert "capture.jsonl:3" in done.complaint
    assert "control character" in done.complaint


def test_a_new_scenario_is_ready_once_its_files_are_there(folder: Path, tmp_path: Path) -> None:
    """`check` names what is missing until model and capture are there; `init` never overwrites."""
    name = tmp_path / "My Shop (new)"
    first = command.run("init", name)
    assert first.code == 0
    assert f"replaygate check {name / 'scenario.toml'}" in first.out
    missing = command.run("check", name / "scenario.toml")
    assert missing.code == 64
    assert "no such model file" in missing.complaint
    (name / "model.txt").write_bytes((folder / "model.txt").read_bytes())
    missing = command.run("check", name / "scenario.toml")
    assert missing.code == 65
    assert "capture.jsonl" in missing.complaint
    (name / "capture.jsonl").write_bytes((folder / "capture.jsonl").read_bytes())
    (name / "features.py").write_text(small.PIPELINE, encoding="utf-8")
    ready = command.run("check", name)
    assert ready.code == 0, ready.err
    assert "scenario my_shop_new" in ready.out
    before = (name / "scenario.toml").read_bytes()
    again = command.run("init", name)
    assert again.code == 64
    assert "exists already" in again.complaint
    assert (name / "scenario.toml").read_bytes() == before


def test_a_scenario_of_ones_own_takes_few_lines(folder: Path) -> None:
    """The example of the docs passes `check`: well under 25 lines, all else is default."""
    from harness.scenario.document import EXAMPLE

    assert len(EXAMPLE.splitlines()) <= 25
    (folder / "scenario.toml").write_text(EXAMPLE, encoding="utf-8")
    done = command.run("check", folder)
    assert done.code == 0, done.err
    assert "scenario checkout" in done.out


def test_generated_docs_are_written_and_found_out_of_date(tmp_path: Path) -> None:
    """`schema --write` then `--check` is 0; a changed or missing file is 64 with the command to run."""
    docs = tmp_path / "docs"
    assert command.run("schema", "--write", docs).code == 0
    fresh = command.run("schema", "--check", docs)
    assert (fresh.code, fresh.out) == (0, "5 generated files are up to date\n")
    for text, kept in (("scenario", "scenario.schema.json"), ("report", "report.schema.json")):
        assert command.run("schema", text).out == (docs / kept).read_text(encoding="utf-8")
    assert command.run("schema", "--docs").out == (docs / "scenario.md").read_text(encoding="utf-8")
    (docs / "scenario.md").write_text("old", encoding="utf-8")
    (docs / "report.schema.json").unlink()
    stale = command.run("schema", "--check", docs)
    assert stale.code == 64
    assert "scenario.md" in stale.complaint
    assert "report.schema.json" in stale.complaint
    assert "scenario.schema.json" not in stale.complaint
    assert f"replaygate schema --write {docs}" in stale.complaint
