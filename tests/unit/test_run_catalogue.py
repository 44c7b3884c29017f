"""A results folder as it may be found: whole, half written, newer, damaged, mixed with other files."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from harness.errors import RunError
from harness.run.catalogue import list_runs
from harness.run.folder import RunFolder
from tests.kit.written_runs import write_run


def test_runs_are_listed_newest_first_with_what_they_are_of(tmp_path: Path) -> None:
    """Scenario, id, verdict, build and path; of two runs of one second the second is the newer."""
    old = write_run(tmp_path, "NO-GO", build="b1")
    same = write_run(tmp_path, "GO", build="b2")
    late = write_run(tmp_path, "WAIT", scenario="hotel", minute=5)
    listing = list_runs(tmp_path)
    assert [(e.scenario, e.word, e.build, e.path) for e in listing.runs] == [
        ("hotel", "WAIT", "", late.root),
        ("shop", "GO", "b2", same.root),
        ("shop", "NO-GO", "b1", old.root),
    ]
    assert [e.run_id for e in listing.runs] == [e.path.name for e in listing.runs]
    assert listing.skipped == ()


@pytest.mark.parametrize("level", [0, 1, 2])
def test_a_results_folder_a_scenarios_and_a_runs_are_all_read(level: int, tmp_path: Path) -> None:
    """Whoever points one folder deeper sees the same run."""
    run = write_run(tmp_path).root
    assert [e.path for e in list_runs([tmp_path, run.parent, run][level]).runs] == [run]


@pytest.mark.parametrize("there", [None, "a file"])
def test_a_folder_that_is_none_is_an_error(there: str | None, tmp_path: Path) -> None:
    """An empty list would read as: nothing ran."""
    path = tmp_path / "results"
    if there:
        path.write_text(there, encoding="utf-8")
    with pytest.raises(RunError, match="not a folder"):
        list_runs(path)


def _patched(name: str, **fields: object) -> Callable[[RunFolder], None]:
    """Some fields of a JSON file are others, and the manifest knows."""

    def patch(run: RunFolder) -> None:
        run.save(name, run.load(name, dict[str, object]) | fields)

    return patch


def _with(name: str, content: bytes, *, known: bool = False) -> Callable[[RunFolder], None]:
    """A file has another content; the manifest knows of it or not."""

    def write(run: RunFolder) -> None:
        run.write(content, run.root / name) if known else (run.root / name).write_bytes(content)

    return write


def _without(name: str) -> Callable[[RunFolder], None]:
    return lambda run: (run.root / name).unlink()


def _only(*names: str) -> Callable[[RunFolder], None]:
    """Nothing but these files is left."""

    def keep(run: RunFolder) -> None:
        for path in [p for p in run.root.iterdir() if p.name not in names]:
            path.unlink()

    return keep


DEEP = b'{"x": ' + b"[" * 100_000
SPOILED = [
    pytest.param(_without("report.json"), "unfinished", "no report yet", id="running, or cut"),
    pytest.param(_only(), "unfinished", "just begun", id="an empty folder named as a run"),
    pytest.param(_only("MANIFEST.jsonl"), "unfinished", "just begun", id="cut before run.json"),
    pytest.param(_patched("run.json", schema=99), "newer", "newer replaygate", id="a newer run.json"),
    pytest.param(
        _patched("report.json", schema_version=99), "newer", "newer replaygate", id="a newer report.json"
    ),
    pytest.param(_with("report.json", b""), "damaged", "another content", id="an empty report"),
    pytest.param(_with("report.json", b"{", known=True), "damaged", "report.json", id="a cut report"),
    pytest.param(_with("report.json", b"[1]", known=True), "damaged", "report.json", id="no report at all"),
    pytest.param(_with("report.json", DEEP, known=True), "damaged", "nests too deeply", id="brackets"),
    pytest.param(_patched("report.json", decision={"word": "GO!"}), "damaged", "GO!", id="an unknown word"),
    pytest.param(
        _patched("report.json", run_id="other"), "damaged", "another run", id="another run's report"
    ),
    pytest.param(_with("run.json", b"\xff\xfe"), "damaged", "run.json", id="run.json is no text"),
    pytest.param(_with("run.json", DEEP), "damaged", "nests too deeply", id="run.json of brackets"),
    pytest.param(_with("run.json", b'{"schema": 1}'), "damaged", "another content", id="run.json edited"),
    pytest.param(_with("chosen.json", b'{"build": "b2"}'), "damaged", "another content", id="build edited"),
    pytest.param(_with("chosen.json", b"{"), "damaged", "another content", id="chosen.json cut"),
    pytest.param(_without("chosen.json"), "damaged", "lacks a file", id="chosen.json gone"),
    pytest.param(_with("MANIFEST.jsonl", b"\0\n{"), "damaged", "another content", id="manifest damaged"),
    pytest.param(_without("MANIFEST.jsonl"), "damaged", "lacks a file", id="manifest gone"),
]


@pytest.mark.parametrize(("spoil", "kind", "reason"), SPOILED)
def test_a_bad_run_is_said_and_skipped_and_the_rest_is_listed(
    spoil: Callable[[RunFolder], None], kind: str, reason: str, tmp_path: Path
) -> None:
    """Whatever is wrong with one run, no other is lost, and its reason is one line."""
    good = write_run(tmp_path, "NO-GO")
    bad = write_run(tmp_path, "GO", build="b1", minute=5)
    list_runs(tmp_path)  # what was read before the damage is not believed afterwards
    spoil(bad)
    listing = list_runs(tmp_path)
    assert [e.path for e in listing.runs] == [good.root]
    assert [(s.path, s.kind) for s in listing.skipped] == [(bad.root, kind)]
    assert reason in listing.skipped[0].reason
    assert "\n" not in listing.skipped[0].reason


def test_a_run_on_its_way_says_what_it_is_of(tmp_path: Path) -> None:
    """So that who asks for its build learns that it is not there yet."""
    run = write_run(tmp_path, None, build="b1")
    (skipped,) = list_runs(tmp_path).skipped
    assert (skipped.scenario, skipped.run_id, skipped.build) == ("shop", run.root.name, "b1")
    assert skipped.created_at == "2026-11-22T06:10:00Z"


@pytest.mark.parametrize(
    ("spoil", "build"),
    [
        pytest.param(_only("MANIFEST.jsonl", "chosen.json"), "b1", id="being prepared"),
        pytest.param(_with("chosen.json", b"{"), "b1", id="chosen.json cut"),
        pytest.param(_with("chosen.json", b'{"build": "b2"}'), "b1", id="build edited"),
        pytest.param(_without("chosen.json"), "b1", id="chosen.json gone"),
        pytest.param(_only("MANIFEST.jsonl", "run.json"), None, id="nothing says it"),
        pytest.param(_only(), None, id="just begun"),
        pytest.param(_without("MANIFEST.jsonl"), "b1", id="no manifest"),
        pytest.param(_with("MANIFEST.jsonl", b"\0\n{"), None, id="the manifest knows of nothing"),
    ],
)
def test_a_run_without_a_verdict_says_its_build_or_that_it_is_not_known(
    spoil: Callable[[RunFolder], None], build: str | None, tmp_path: Path
) -> None:
    """By what was asked of it, else by its report; None is not the same as a run of no build."""
    run = write_run(tmp_path)
    told = run.load("report.json", dict[str, Any])
    run.save("report.json", told | {"digests": told["digests"] | {"build": "b1"}})
    run.save("chosen.json", {"build": "b1"})
    spoil(run)
    (skipped,) = list_runs(tmp_path).skipped
    assert (skipped.scenario, skipped.run_id, skipped.build) == ("shop", run.root.name, build)


def test_a_run_that_cannot_be_looked_at_still_has_its_place(tmp_path: Path) -> None:
    """It is a run of this scenario, and may be of any build."""
    run = write_run(tmp_path, "GO", build="b1")
    (run.root / "run.json").unlink()
    (run.root / "run.json").symlink_to("run.json")
    (skipped,) = list_runs(tmp_path).skipped
    assert (skipped.kind, skipped.scenario, skipped.build) == ("damaged", "shop", "b1")
    assert skipped.reason.startswith("cannot be read: ")


def test_what_is_not_ours_is_skipped(tmp_path: Path) -> None:
    """Folders of other things, files, links to anywhere."""
    run = write_run(tmp_path)
    (tmp_path / "benchmarks").mkdir()
    (tmp_path / "benchmarks" / "speed.json").write_text("[]", encoding="utf-8")
    (tmp_path / "photos" / "holidays").mkdir(parents=True)
    (tmp_path / "notes.txt").write_text("mine", encoding="utf-8")
    (tmp_path / "link").symlink_to(run.root.parent)
    (tmp_path / "loop").symlink_to(tmp_path)
    listing = list_runs(tmp_path)
    assert [e.path for e in listing.runs] == [run.root]
    skipped = {s.path.relative_to(tmp_path).as_posix(): s.kind for s in listing.skipped}
    assert skipped == {"benchmarks": "foreign", "photos/holidays": "foreign"}


def test_a_pipe_in_place_of_a_file_does_not_hang(tmp_path: Path) -> None:
    """Only files are read."""
    for name in ("report.json", "run.json", "chosen.json", "MANIFEST.jsonl"):
        run = write_run(tmp_path)
        (run.root / name).unlink()
        os.mkfifo(run.root / name)
    assert list_runs(tmp_path).runs == ()


def test_a_run_is_read_again_when_it_changes(tmp_path: Path) -> None:
    """A verdict that was made anew shows, a run that went is gone."""
    run = write_run(tmp_path, "GO")
    assert [e.word for e in list_runs(tmp_path).runs] == ["GO"]
    report = run.load("report.json", dict[str, Any])
    run.save("report.json", report | {"decision": report["decision"] | {"word": "NO-GO"}})
    assert [e.word for e in list_runs(tmp_path).runs] == ["NO-GO"]
    shutil.rmtree(run.root)
    assert list_runs(tmp_path).runs == ()


def test_the_word_of_an_entry_is_that_of_its_decision(tmp_path: Path) -> None:
    """The whole decision is there to be shown."""
    write_run(tmp_path, "NO-GO")
    (entry,) = list_runs(tmp_path).runs
    assert (entry.word, entry.decision.exit_code) == ("NO-GO", 10)
    assert msgspec.to_builtins(entry.decision)["headline"]
