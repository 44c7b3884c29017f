"""The bug of the demonstration, reduced on a started service, and kept as a test that tells builds apart."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.kit import command
from tests.kit.reproducing import PLAIN_PYTEST

DEMO = command.ROOT / "scenarios" / "duo_acceptance"
FAULT = ("--bug", "event_time_early:hours=1,since=2025-03-03T09:00:00Z")


@contextlib.contextmanager
def service(*fault: str) -> Iterator[str]:
    """A build of the demonstration's service; its origin."""
    arguments = [sys.executable, DEMO / "service.py", "--model", "models/champion.txt", *fault]
    process = subprocess.Popen([*map(str, arguments)], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        yield process.stdout.readline().split()[-1]
    finally:
        process.terminate()
        process.communicate(timeout=20)


def exported_test_passes(path: Path, origin: str) -> bool:
    """Whether pytest passes a file against a service."""
    arguments = ["-q", "-p", "no:cacheprovider", "--rootdir", path.parent, path]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *map(str, arguments)],
        cwd=path.parent,
        env=os.environ | PLAIN_PYTEST | {"REPLAYGATE_TARGET": origin},
        check=False,
        capture_output=True,
        text=True,
    )
    assert "1 passed" in done.stdout or "1 failed" in done.stdout, done.stdout + done.stderr
    return done.returncode == 0


def test_the_shifted_clock_is_reduced_and_its_test_tells_the_builds_apart(tmp_path: Path) -> None:
    """The hour hangs on event_time; most other fields are only asked for, and null will do."""
    run = command.run(
        *("run", DEMO / "bug.toml", "--phase", "parity", "--first", 900, "--results", tmp_path, "-q")
    )
    root = command.only_run(tmp_path)
    done = command.run("reproduce", root, "--rate", 1000)
    assert (run.code, done.code) == (10, 0), run.err + done.err
    found = json.loads((root / "reproduce" / "F1.json").read_text(encoding="utf-8"))
    matter = {part["path"] for part in found["parts"] if part["matters"]}
    assert found["minimal"] is True
    assert "event_time" in matter
    assert not matter & {"language", "commit_type", "title_chars", "body_chars", "body_has_checkbox"}
    assert found["mismatches"][0] | {"kind": ""} == {
        "field": "hour_of_day",
        "kind": "",
        "expected": "14",
        "served": "13",
    }
    small, whole = tmp_path / "test_small.py", tmp_path / "test_whole.py"
    assert command.run("export-test", root, "F1", "-o", small).code == 0
    (root / "reproduce" / "F1.json").unlink()
    assert command.run("export-test", root, "F1", "-o", whole).code == 0
    with service(*FAULT) as faulty:
        assert [exported_test_passes(path, faulty) for path in (small, whole)] == [False, False]
        assert "13.0" in execute(root / "reproduce" / "F1.sh", faulty)
    with service() as healthy:
        assert [exported_test_passes(path, healthy) for path in (small, whole)] == [True, True]
        assert "14.0" in execute(root / "reproduce" / "F1.sh", healthy)


def execute(script: Path, origin: str) -> str:
    """What the service answers to the script, its port given as the script asks for it."""
    if shutil.which("curl") is None:
        pytest.skip("NOT TESTED: there is no curl to run the script with")
    port = origin.rpartition(":")[2]
    done = subprocess.run(
        [shutil.which("sh") or "sh", str(script)],
        env={"PATH": os.environ["PATH"], "PORT": port},
        check=True,
        capture_output=True,
        text=True,
    )
    return done.stdout
