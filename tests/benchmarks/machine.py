"""What the benchmarks run on: a core for the server, one for the client, peers, and what a program used."""

from __future__ import annotations

import os
import resource
import shutil
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

T = TypeVar("T")
Json = dict[str, Any]

ROOT = Path(__file__).parents[2]
#: outside the project: peers from PyPI, the compiled server, a capture of a million requests
SIDE = Path(tempfile.gettempdir()) / "replaygate-bench"
#: the Debian package that brings each command
DEBIAN = {"nginx": "nginx-light", "wrk": "wrk", "hey": "hey", "h2load": "nghttp2-client"}
TIMEOUT_S = 240.0
REALTIME = ("chrt", "--fifo", "10")


class NotHere(Exception):  # noqa: N818  -- no failure of ours: the row then says that it was not measured
    """Something that a figure needs is not on this machine, or did not work."""


@dataclass(frozen=True)
class Used:
    """What a program printed, and the CPU seconds that it took."""

    printed: str
    cpu_s: float


def cores() -> tuple[int, int]:
    """The server's core and the client's; the same one on a machine with one."""
    allowed = sorted(os.sched_getaffinity(0))
    return allowed[0], allowed[-1]


def pinned(core: int, command: Sequence[str], *, prompt: bool = False) -> list[str]:
    """The command, kept on one core where the machine can do that, and `prompt` before its neighbours.

    A program that mostly waits for a clock is measured at real-time priority where this user may have it: a
    figure in tenths of a millisecond is to be about the program, and not about what else the machine does.
    """
    taskset = shutil.which("taskset")
    ahead = REALTIME if prompt and may_be_prompt() else ()
    return [*ahead, *([taskset, "--cpu-list", str(core)] if taskset else []), *command]


@cache
def may_be_prompt() -> bool:
    """Whether this user may have real-time priority; without it neighbours are part of the figures."""
    try:
        allowed = not subprocess.run([*REALTIME, "true"], capture_output=True, check=False).returncode
    except OSError:
        allowed = False
    if not allowed:
        loudly(
            "no real-time priority (chrt) for this user: what else runs here is part of the open-loop figures"
        )
    return allowed


def run(*command: str, timeout_s: float = TIMEOUT_S, prompt: bool = False, every_core: bool = False) -> Used:
    """Run a program on the client's core, or on all; raises NotHere when it fails."""
    before = cpu_s(resource.RUSAGE_CHILDREN)
    try:
        done = subprocess.run(
            command if every_core else pinned(cores()[1], command, prompt=prompt),
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=timeout_s,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise NotHere(f"{command[0]} took more than {timeout_s:g} s") from None
    if done.returncode:
        raise NotHere(
            f"{command[0]} ended with {done.returncode}: {(done.stderr or done.stdout).strip()[-400:]}"
        )
    return Used(done.stdout, cpu_s(resource.RUSAGE_CHILDREN) - before)


def cpu_s(who: int = resource.RUSAGE_SELF) -> float:
    """User and system seconds so far."""
    used = resource.getrusage(who)
    return used.ru_utime + used.ru_stime


def run_module(
    name: str,
    asked: object,
    *,
    answer: type[T],
    python: str = sys.executable,
    timeout_s: float = TIMEOUT_S,
    prompt: bool = False,
) -> T:
    """What `python -m tests.benchmarks.<name>` prints last, as this type, on the client's core."""
    command = (python, "-m", f"tests.benchmarks.{name}", msgspec.json.encode(asked).decode())
    printed = run(*command, timeout_s=timeout_s, prompt=prompt).printed
    return msgspec.json.decode(printed.strip().splitlines()[-1], type=answer)


def answer_on_stdout(value: object) -> None:
    """The other end of `run_module`."""
    left = memoryview(b"\n%b\n" % msgspec.json.encode(value))
    os.set_blocking(sys.stdout.fileno(), True)
    while left:
        left = left[os.write(sys.stdout.fileno(), left) :]


@contextmanager
def serving(*command: str, prompt: bool = False) -> Iterator[subprocess.Popen[str]]:
    """The program runs on the server's core, and is gone in the end."""
    process = subprocess.Popen(pinned(cores()[0], command, prompt=prompt), text=True, stdout=subprocess.PIPE)
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if process.stdout is not None:
            process.stdout.close()


def priority() -> str:
    """How programs that wait for a clock were measured, in words for the row."""
    return "real-time priority" if may_be_prompt() else "normal priority"


@cache
def tool(name: str) -> str:
    """The path of a peer's command, installed from Debian if need be; raises NotHere, loudly."""
    apt_get = shutil.which("apt-get")
    if not shutil.which(name) and os.geteuid() == 0 and apt_get:
        _install(DEBIAN[name], apt_get=apt_get)
    found = shutil.which(name)
    if not found:
        loudly(f"{name} is not installed, and cannot be by this user: apt-get install {DEBIAN[name]}")
        raise NotHere(f"no {name} on this machine (apt-get install {DEBIAN[name]})")
    return found


def _install(package: str, *, apt_get: str) -> None:
    """Install a package without letting it start a service of its own."""
    policy = Path("/usr/sbin/policy-rc.d")
    ours = not policy.exists()
    if ours:
        policy.write_text("#!/bin/sh\nexit 101\n", encoding="ascii")
        policy.chmod(0o755)
    try:
        env = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        for words in (["update"], ["install", "--yes", "--no-install-recommends", package]):
            subprocess.run([apt_get, "--quiet", *words], env=env, capture_output=True, check=False)
    finally:
        if ours:
            policy.unlink()


@dataclass(frozen=True)
class Environment:
    """Packages from PyPI beside the project, in a folder of their own; `works` is a line that then runs."""

    folder: str
    packages: tuple[str, ...]
    works: str


LOAD_PEERS = Environment(
    ".venv-bench",
    ("httpx", "uvloop", "httpx-aiohttp", "pyreqwest", "locust"),
    "import httpx, httpx_aiohttp, pyreqwest, uvloop, importlib.util as u; assert u.find_spec('locust')",
)


def side_python() -> str:
    """A Python with the load generators from PyPI; raises NotHere, loudly."""
    return python_of(LOAD_PEERS)


@cache
def python_of(environment: Environment) -> str:
    """A Python with these packages, made once beside the project; raises NotHere, loudly."""
    python, names = SIDE / environment.folder / "bin" / "python", ", ".join(environment.packages)
    if not _works(python, environment):
        loudly(f"installing {names} into {python.parents[1]}")
        SIDE.mkdir(parents=True, exist_ok=True)
        for command in (
            [sys.executable, "-m", "venv", "--clear", str(python.parents[1])],
            [str(python), "-m", "pip", "install", "--quiet", "msgspec", *environment.packages],
        ):
            subprocess.run(command, capture_output=True, check=False)
    if not _works(python, environment):
        loudly(f"{names} cannot be installed from PyPI here, or do not work")
        raise NotHere(f"no {names} on this machine")
    return str(python)


def _works(python: Path, environment: Environment) -> bool:
    """Whether all of it can be imported, in the versions that are pinned."""
    if not python.exists():
        return False
    pins = [tuple(one.split("==")) for one in environment.packages if "==" in one]
    check = f"from importlib.metadata import version as v; assert all(v(n) == w for n, w in {pins})"
    code = f"{environment.works}; {check}; import msgspec"
    return not subprocess.run([python, "-c", code], capture_output=True, check=False).returncode


def loudly(words: str) -> None:
    """A line that nobody overlooks."""
    sys.stderr.write(f"bench: !! {words}\n")
    sys.stderr.flush()


def given(kind: type[T]) -> T:
    """What `run_module` gave to this program."""
    return msgspec.json.decode(sys.argv[1], type=kind)
