"""`live.json`: what a run is doing, and which process does it; it is there only while that process works."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
from collections import deque
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Self

import msgspec

from harness.errors import RunError
from harness.run.folder import LIVE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from harness.replay.options import Progress
    from harness.run.folder import RunFolder
    from harness.run.watch import Watcher

EVERY_S = 1.0
_LINES = 12
#: of /proc/<pid>/stat behind the name, which may hold anything: the 22nd field is when the process began
_BEGAN = 19


class Live(msgspec.Struct, frozen=True, kw_only=True):
    """What a run last said of itself.

    `process` names the process beyond its number, which another one may have by now: this start of the
    machine, the number space, and when it began. `done` and `total` count (request, arm) pairs of `phase`.
    """

    pid: int
    process: str
    begun_at: str
    at: str
    said: tuple[str, ...] = ()
    phase: str = ""
    done: int = 0
    total: int = 0
    in_flight: int = 0
    failed: int = 0
    lag_ms: float = 0.0


class Beat:
    """A watcher that hands on what it is told, and writes it down once a second in a thread of its own.

    Its thread does the writing, so the clock never waits for a disk; what cannot be written is not missed.
    """

    def __init__(self, folder: RunFolder, watch: Watcher, *, every_s: float = EVERY_S) -> None:
        self._root, self._watch, self._every_s = folder.root, watch, every_s
        self._begun_at = _now()
        self._said: deque[str] = deque(maxlen=_LINES)
        self._progress: Progress | None = None
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._work, name="live.json", daemon=True)
        self._held = -1

    def __enter__(self) -> Self:
        # the open folder is what proves that this process works on this run
        self._held = os.open(self._root, os.O_RDONLY)
        self._write()
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        try:
            self._stop.set()
            self._thread.join()
            with contextlib.suppress(OSError):  # or it would be told in place of what ended the run
                (self._root / LIVE).unlink()
        finally:
            os.close(self._held)

    def say(self, text: str) -> None:
        """One line about a stage; a phase that was under way has ended by then."""
        self._said.append(text)
        self._watch.say(text)

    def progress(self, done: Progress) -> None:
        """How far a phase is."""
        self._progress = done
        self._watch.progress(done)

    def _work(self) -> None:
        while not self._stop.wait(self._every_s):
            self._write()

    def _write(self) -> None:
        done = self._progress
        now = Live(
            pid=os.getpid(),
            process=identity(os.getpid()),
            begun_at=self._begun_at,
            at=_now(),
            said=tuple(self._said),
        )
        if done is not None:
            now = msgspec.structs.replace(
                now,
                phase=done.phase,
                done=done.done,
                total=done.total,
                in_flight=done.in_flight,
                failed=done.failed,
                lag_ms=done.lag_ns / 1e6,
            )
        path = self._root / LIVE
        temporary = path.with_name(path.name + ".tmp")
        with contextlib.suppress(OSError):
            temporary.write_bytes(encoded(now))
            temporary.replace(path)


@contextlib.contextmanager
def beating(folder: RunFolder, watch: Watcher) -> Iterator[Watcher]:
    """A watcher under which `live.json` tells how the run goes; the file is gone afterwards."""
    with Beat(folder, watch) as beat:
        yield beat


def encoded(live: Live) -> bytes:
    """The file's content."""
    return msgspec.json.encode(live) + b"\n"


def read(root: Path) -> Live | None:
    """What a run last said of itself; None where it says nothing, or nothing that can be read."""
    try:
        return msgspec.json.decode((root / LIVE).read_bytes(), type=Live)
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError):
        return None


def at_work(root: Path, live: Live) -> bool:
    """Whether the very process that wrote this is still there, and holds this run's folder open."""
    return live.pid > 1 and live.process == identity(live.pid) != "" and _holds(live.pid, root)


def gone(live: Live) -> bool:
    """Whether the process that wrote this was one of this machine, and is no more: it was killed."""
    there = live.process.rpartition(" ")[0]
    return there == identity(os.getpid()).rpartition(" ")[0] != "" and live.process != identity(live.pid)


def stop(root: Path) -> Live:
    """The process at work on a run is interrupted, as by Ctrl-C: it drains, and the run may be resumed.

    RunError where no process of this machine and user is found to be at work on it. The signal goes to the
    process that was looked at and to no later one of the same number.
    """
    live = read(root)
    if live is None or live.pid <= 1 or not hasattr(os, "pidfd_open"):
        raise _not_here(root)
    try:
        process = os.pidfd_open(live.pid)
    except OSError as error:
        raise _not_here(root) from error
    try:
        if not at_work(root, live):
            raise _not_here(root)
        signal.pidfd_send_signal(process, signal.SIGINT)
    except OSError as error:  # of another user, or it ended meanwhile
        raise _not_here(root) from error
    finally:
        os.close(process)
    return live


def identity(pid: int) -> str:
    """A process by more than its number; empty where it is gone, or where the system does not tell."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        space = Path(f"/proc/{pid}/ns/pid").readlink()
        began = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2]
    except OSError:
        return ""
    return f"{boot} {space} {began.split()[_BEGAN]}"


def _holds(pid: int, root: Path) -> bool:
    """Whether a process has this folder open."""
    try:
        wanted = root.stat()
        held = list(Path(f"/proc/{pid}/fd").iterdir())
    except OSError:
        return False
    for one in held:
        with contextlib.suppress(OSError):  # closed meanwhile
            if os.path.samestat(one.stat(), wanted):
                return True
    return False


def _now() -> str:
    return f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"


def _not_here(root: Path) -> RunError:
    return RunError(
        "no process of yours on this machine is at work on this run",
        where=str(root),
        fix="Stop it where it was started, with Ctrl-C.",
    )
