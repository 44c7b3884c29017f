"""Evaluations in the background: one process of `replaygate run` each, few at a time, none left behind."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
import time
from collections import OrderedDict
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Literal

from harness.records import EXIT_CODES
from harness.report import words

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping
    from pathlib import Path

_TAIL = 4096
_MOST_REMEMBERED = 1000
_GRACE_S = 10.0
#: how long the last line of a process that has ended may take
_LAST_WORDS_S = 1.0


@dataclass(frozen=True)
class Job:
    """A build to evaluate by a scenario of the server's own list."""

    scenario: str
    build: str


@dataclass(frozen=True)
class Limits:
    """How many evaluations run and wait, how long one may take, and when a broken one is tried again."""

    concurrency: int = 1
    queue: int = 20
    seconds: float = 3600.0
    again_after_s: float = 300.0


@dataclass(frozen=True)
class _Broken:
    """An evaluation that came to no verdict."""

    why: str
    at: float


class Evaluations:
    """Starts what is asked for, once each; a request chooses among the scenarios, and names no path."""

    def __init__(
        self,
        scenarios: Mapping[str, Path],
        results: Path,
        *,
        limits: Limits,
        public: tuple[str, ...] = (),
        program: tuple[str, ...] = (sys.executable, "-m", "harness"),
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`scenarios` are files by their scenario's name; `program` runs one, and may ask `public` hosts."""
        self._program = program
        self.scenarios = dict(scenarios)
        self.limits = limits
        self.finished = 0
        self._results = results
        self._public = public
        self._clock = clock
        self._tasks: dict[Job, asyncio.Task[None]] = {}
        self._running: set[Job] = set()
        self._broken: OrderedDict[Job, _Broken] = OrderedDict()
        self._room = asyncio.Semaphore(limits.concurrency)

    def state(self, job: Job) -> Literal["", "waiting", "running"]:
        """Whether a job is under way."""
        if job in self._running:
            return "running"
        return "waiting" if job in self._tasks else ""

    def broken(self, job: Job) -> str:
        """Why the last evaluation of a job came to no verdict; empty where it did, or there was none."""
        known = self._broken.get(job)
        return known.why if known else ""

    def start(self, job: Job) -> str:
        """The job is under way; else why it is not."""
        if job in self._tasks:
            return ""
        if job.scenario not in self.scenarios:
            return "the server was given no such scenario to run"
        known = self._broken.get(job)
        if known and self._clock() - known.at < self.limits.again_after_s:
            return f"its last evaluation came to no verdict: {known.why}"
        if len(self._tasks) >= self.limits.concurrency + self.limits.queue:
            return f"{words.counted(len(self._tasks), 'evaluation')} under way or waiting already"
        self._tasks[job] = asyncio.create_task(self._evaluate(job))
        return ""

    async def close(self) -> None:
        """Nothing waits and no process of ours runs any more."""
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _evaluate(self, job: Job) -> None:
        try:
            async with self._room:
                self._running.add(job)
                self._remember(job, await self._run(job))
        except OSError as error:
            self._remember(job, f"it cannot be started: {error.strerror}")
        finally:
            self._running.discard(job)
            del self._tasks[job]
            self.finished += 1

    def _remember(self, job: Job, why: str) -> None:
        self._broken.pop(job, None)
        if why:
            self._broken[job] = _Broken(why, self._clock())
        while len(self._broken) > _MOST_REMEMBERED:
            self._broken.popitem(last=False)

    async def _run(self, job: Job) -> str:
        """Why the evaluation came to no verdict; empty where it did."""
        async with _complaints() as (said, stderr):
            process = await asyncio.create_subprocess_exec(
                *self._command(job),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.DEVNULL,
                stderr=stderr,
                start_new_session=True,
            )
            stderr.close()  # its end is that of the last process that writes there
            try:
                async with asyncio.timeout(self.limits.seconds):
                    code = await process.wait()
            except TimeoutError:
                return f"it took longer than {self.limits.seconds:g} s"
            finally:
                await _stop(process)
            if code in EXIT_CODES.values():
                return ""
            return words.clipped(await said.last_line() or f"exit code {code}", 200)

    def _command(self, job: Job) -> list[str]:
        public = [part for host in self._public for part in ("--allow-public", host)]
        path = str(self.scenarios[job.scenario])
        options = ["--results", str(self._results), f"--build={job.build}", "--quiet"]
        return [*self._program, "run", *options, *public, "--", path]


class _Complaints(asyncio.Protocol):
    """The end of what a process and all that it started complained with; the rest is read and not kept."""

    def __init__(self) -> None:
        self._tail = b""
        self._ended = asyncio.Event()

    def data_received(self, data: bytes) -> None:
        self._tail = (self._tail + data)[-_TAIL:]

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002  -- as asyncio calls it
        self._ended.set()

    async def last_line(self) -> str:
        """The last line that is not empty, once nobody writes any more, or will not stop."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_LAST_WORDS_S):
                await self._ended.wait()
        lines = self._tail.decode("utf-8", "replace").splitlines()
        return next((line for line in reversed(lines) if line.strip()), "")


@contextlib.asynccontextmanager
async def _complaints() -> AsyncIterator[tuple[_Complaints, IO[bytes]]]:
    """What is written into a file, until it is closed here and by all who were given it.

    A pipe of our own: asyncio takes a process with one of its pipes to be there until the pipe ends, which a
    process that it left behind may keep open.
    """
    reading, writing = (os.fdopen(end, mode) for end, mode in zip(os.pipe(), ("rb", "wb"), strict=True))
    with reading, writing:
        loop = asyncio.get_running_loop()
        transport, said = await loop.connect_read_pipe(_Complaints, reading)
        try:
            yield said, writing
        finally:
            transport.close()


async def _stop(process: asyncio.subprocess.Process) -> None:
    """The process has ended, asked to and after a while made to, and so has all that it left in its group."""
    if process.returncode is None:
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_GRACE_S):
                await process.wait()
    # the group keeps the number from being given away while anything is left in it
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    await process.wait()
