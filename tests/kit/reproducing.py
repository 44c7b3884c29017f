"""Runs with findings on a live service, and what reproduce and export-test make of them."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.kit import command, small
from tests.kit.command import Done
from tests.kit.scoring import Scoring, model_text

#: an exported test needs no plugin, and pytest starts sooner without
PLAIN_PYTEST = {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}


@contextlib.contextmanager
def ran(
    folder: Path,
    results: Path,
    *,
    target: str = "",
    more: str = "",
    **service: Any,  # noqa: ANN401  -- the fields of Scoring
) -> Iterator[tuple[Path, Scoring]]:
    """A finished parity run against a live service, which stays up."""
    with Scoring(model_text(folder), **service) as live:
        path = small.scenario(folder, live.url, more=more)
        text = path.read_text(encoding="utf-8").replace("timeout_s = 20\n", f"timeout_s = 20\n{target}", 1)
        path.write_text(text, encoding="utf-8")
        done = command.run("run", path, "--results", results, "--phase", "parity", "-q")
        assert done.code in {10, 20}, done.err
        live.seen.clear()
        yield command.only_run(results), live


def reproduce(root: Path, *arguments: object) -> Done:
    """The command, as fast as the machine allows."""
    return command.run("reproduce", root, *arguments, "--rate", 1000)


def record(root: Path, name: str = "F1") -> dict[str, Any]:
    """The JSON that reproduce writes."""
    found: dict[str, Any] = json.loads((root / "reproduce" / f"{name}.json").read_text(encoding="utf-8"))
    return found


def pytest_of(path: Path, **environ: str) -> subprocess.CompletedProcess[str]:
    """An exported test run by pytest in a process of its own, in a folder of its own."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST")}
    arguments = ["-q", "-rs", "-p", "no:cacheprovider", "--rootdir", path.parent, path]
    return subprocess.run(
        [sys.executable, "-m", "pytest", *map(str, arguments)],
        cwd=path.parent,
        env=clean | PLAIN_PYTEST | environ,
        check=False,
        capture_output=True,
        text=True,
    )


def execute(script: Path, here: Path, **environ: str) -> subprocess.CompletedProcess[str]:
    """A script that reproduce wrote, run by sh in an empty folder; skips loudly without curl."""
    if shutil.which("curl") is None:
        pytest.skip("NOT TESTED: there is no curl to run the script with")
    empty = here / "empty"
    empty.mkdir(exist_ok=True)
    done = subprocess.run(
        [shutil.which("sh") or "sh", str(script)],
        cwd=empty,
        env={"PATH": os.environ["PATH"], **environ},
        check=False,
        capture_output=True,
        text=True,
    )
    assert list(empty.iterdir()) == []
    return done
