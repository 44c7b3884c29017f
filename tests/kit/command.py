"""The command line as a test runs it: in this process, or as a process of its own."""

from __future__ import annotations

import contextlib
import io
import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from harness.cli import run_command

T = TypeVar("T")

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Done:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def complaint(self) -> str:
        """The one line of error; there is exactly one, at the end, and no traceback."""
        lines = self.err.strip().splitlines()
        assert [line for line in lines if line.startswith("error: ")] == lines[-1:], self.err
        assert "Traceback" not in self.err
        return lines[-1]


def run(*arguments: object) -> Done:
    """A command in this process."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = run_command([str(a) for a in arguments])
    return Done(code, out.getvalue(), err.getvalue())


def spawn(*arguments: object, cwd: Path) -> subprocess.Popen[str]:
    """`python -m harness` with these arguments, started; its input is closed."""
    command = [sys.executable, "-m", "harness", *map(str, arguments)]
    path = os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
    return subprocess.Popen(
        command,
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": path},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def finish(process: subprocess.Popen[str], *, timeout_s: float = 90) -> Done:
    """How a started command ended; it is killed when it takes too long."""
    try:
        out, err = process.communicate(timeout=timeout_s)
    finally:
        process.kill()
    return Done(process.returncode, out, err)


def measured(attempt: Callable[[Path], T], results: Path) -> T:
    """The first of four runs that this machine was calm enough to measure latency in, else the last.

    INVALID is what a run owes on a machine that is too busy; a test of latency is about the others.
    """
    found = attempt(results / "0")
    for again in range(1, 4):
        if all(word["word"] != "INVALID" for word in _decisions(results / f"{again - 1}")):
            break
        found = attempt(results / f"{again}")
    return found


def _decisions(results: Path) -> list[dict[str, Any]]:
    return [json.loads(path.read_bytes())["decision"] for path in results.rglob("report.json")]


def only_run(results: Path) -> Path:
    """The folder of the one run below a results folder."""
    (found,) = results.glob("*/*/run.json")
    return found.parent


def report_of(root: Path) -> dict[str, Any]:
    """report.json of a run, as plain JSON."""
    report: dict[str, Any] = json.loads((root / "report.json").read_text(encoding="utf-8"))
    return report


def rulings(report: dict[str, Any], arm: str = "challenger") -> dict[str, str]:
    """The ruling of each gate on an arm, by the gate's name."""
    return {g["gate"]: g["ruling"] for g in report["gates"] if arm in g["arm"]}
