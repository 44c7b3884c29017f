"""An environment of its own for each real server, made with pip from pins and kept in .cache."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Collection, Mapping
from pathlib import Path

ROOT = Path(__file__).parents[2]
SERVERS = ROOT / "tests" / "servers"
KEPT = ROOT / ".cache" / "servers"
#: an installation that takes longer is given up, and its server skipped
INSTALL_S = float(os.environ.get("REPLAYGATE_INSTALL_S", "300"))
#: set to "optional", a run of none of the servers is no failure: for a machine without a network
ALLOWED = "REPLAYGATE_SERVERS"
_DONE = "installed"
_SAID = 300


class NotInstalledError(Exception):
    """An environment cannot be made here; the message says why, in one line."""


def environment(name: str) -> Path:
    """The Python of the environment of `tests/servers/<name>`; NotInstalledError where it cannot be made.

    It is made anew whenever its requirements or this Python are others, and older ones are removed.
    """
    requirements = SERVERS / name / "requirements.txt"
    key = hashlib.sha256(requirements.read_bytes() + sys.version.encode()).hexdigest()[:12]
    folder = KEPT / name / key
    if not (folder / _DONE).is_file():
        shutil.rmtree(KEPT / name, ignore_errors=True)
        try:
            _install(folder, requirements)
        except NotInstalledError:
            shutil.rmtree(KEPT / name, ignore_errors=True)
            raise
        (folder / _DONE).touch()
    return folder / "bin" / "python"


def told(ran: Collection[str], left_out: Mapping[str, str]) -> list[str]:
    """How many of the servers that were asked for were run, and why the others were not."""
    lines = [
        f"ran {len(ran)} of {len(ran) + len(left_out)} server stacks: {', '.join(sorted(ran)) or 'none'}"
    ]
    lines += [f"not {name}: {why}" for name, why in sorted(left_out.items())]
    return lines if ran else [*lines, f"That fails, unless {ALLOWED}=optional says that it may be."]


def passable(ran: Collection[str], left_out: Mapping[str, str], environ: Mapping[str, str]) -> bool:
    """Whether the run may pass: some server was run, or none was asked for, or none is needed here."""
    return bool(ran) or not left_out or environ.get(ALLOWED) == "optional"


def packages(name: str) -> Path:
    """The folder that holds what an environment has installed."""
    (found,) = environment(name).parents[1].glob("lib/python*/site-packages")
    return found


def _install(folder: Path, requirements: Path) -> None:
    pip = [str(folder / "bin" / "python"), "-m", "pip", "--disable-pip-version-check", "install", "-q"]
    _run([sys.executable, "-m", "venv", str(folder)])
    _run([*pip, "--no-input", "--requirement", str(requirements)])


def _run(command: list[str]) -> None:
    """The command has ended well."""
    clean = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=INSTALL_S, check=False, env=clean
        )
    except subprocess.TimeoutExpired:
        raise NotInstalledError(f"the installation took longer than {INSTALL_S:g} s") from None
    except OSError as error:
        raise NotInstalledError(f"{command[0]}: {error.strerror}") from None
    if done.returncode:
        errors = [line for line in done.stderr.splitlines() if line.startswith("ERROR")]
        last = (errors or done.stderr.splitlines() or [f"code {done.returncode}"])[-1]
        raise NotInstalledError(last[:_SAID])
