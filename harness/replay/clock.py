"""The event loop and the timer that a replay runs on."""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import gc
import os
import signal
import sys
import threading
import time
from typing import TYPE_CHECKING, Protocol, TypeVar

import anyio

from harness.errors import Interrupted

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

T = TypeVar("T")

PROMPT_S = 0.0002
_CLOCK_MONOTONIC = 1
_ABSOLUTE = 1
_SECOND_NS = 1_000_000_000


def run_async(fn: Callable[..., Awaitable[T]], *args: object) -> T:
    """What `fn(*args)` returns, run under anyio on asyncio, with uvloop where it is installed.

    SIGINT and SIGTERM cancel it: a replay then drains and writes down every row, and Interrupted is raised.
    """

    async def main() -> T:
        caught: list[signal.Signals] = []
        with anyio.CancelScope() as scope, _on_signal(scope, caught):
            return await fn(*args)
        raise Interrupted(
            f"stopped by {caught[0].name}", fix="What was answered until then is in the journal."
        )

    return anyio.run(main, backend="asyncio", backend_options={"use_uvloop": _has_uvloop()})


def _has_uvloop() -> bool:
    try:
        import uvloop  # noqa: F401  -- only whether it is there
    except ImportError:
        return False
    return True


@contextlib.contextmanager
def _on_signal(scope: anyio.CancelScope, caught: list[signal.Signals]) -> Iterator[None]:
    """SIGINT and SIGTERM are noted and cancel the scope, where signals can be received at all."""
    loop = asyncio.get_running_loop()
    watched: tuple[signal.Signals, ...] = ()
    if threading.current_thread() is threading.main_thread():
        watched = (signal.SIGINT, signal.SIGTERM)
    before = {each: signal.getsignal(each) for each in watched}

    def stop(which: signal.Signals) -> None:
        caught.append(which)
        scope.cancel()

    for each in watched:
        loop.add_signal_handler(each, stop, each)
    try:
        yield
    finally:
        for each in watched:
            loop.remove_signal_handler(each)
            signal.signal(each, before[each])  # the loop would leave SIGTERM to end the process at once


@contextlib.contextmanager
def frozen_gc() -> Iterator[None]:
    """No garbage collection inside: a full one takes tens of milliseconds, and the clock with it."""
    was_enabled = gc.isenabled()
    gc.collect()
    gc.freeze()
    gc.disable()
    try:
        yield
    finally:
        gc.unfreeze()
        if was_enabled:
            gc.enable()


@contextlib.contextmanager
def prompt_turns() -> Iterator[None]:
    """Inside, other threads hand the interpreter over within 0.2 ms, not the usual 5."""
    usual = sys.getswitchinterval()
    sys.setswitchinterval(min(usual, PROMPT_S))
    try:
        yield
    finally:
        sys.setswitchinterval(usual)


class Timer(Protocol):
    """Wakes one waiter at a time of CLOCK_MONOTONIC; never early by more than its resolution."""

    async def until(self, at_ns: int) -> None:
        """Return at `at_ns`, or at the loop's next turn when that is past."""

    def close(self) -> None:
        """Free what the timer holds."""


class LoopTimer:
    """The loop's own timer: everywhere, with a resolution of about a millisecond."""

    async def until(self, at_ns: int) -> None:
        """Return at `at_ns`, or at the loop's next turn when that is past."""
        await asyncio.sleep(max(0, at_ns - time.monotonic_ns()) / _SECOND_NS)

    def close(self) -> None:
        """Nothing is held."""


class _Spec(ctypes.Structure):
    """struct itimerspec: interval and value, each in seconds and nanoseconds."""

    _fields_ = tuple((n, ctypes.c_long) for n in ("every_s", "every_ns", "at_s", "at_ns"))


class FdTimer:
    """Linux timerfd, absolute: 6 times nearer than the loop's timer at the median, at no spinning."""

    def __init__(self) -> None:
        self._libc = ctypes.CDLL(None, use_errno=True)
        self._fd = self._libc.timerfd_create(_CLOCK_MONOTONIC, os.O_NONBLOCK | os.O_CLOEXEC)
        if self._fd < 0:
            raise OSError(ctypes.get_errno(), "timerfd_create")
        self._loop = asyncio.get_running_loop()
        self._waiter: asyncio.Future[None] | None = None
        self._loop.add_reader(self._fd, self._wake)

    async def until(self, at_ns: int) -> None:
        """Return at `at_ns`, or at the loop's next turn when that is past."""
        self._waiter = self._loop.create_future()
        seconds, nanoseconds = divmod(max(at_ns, 1), _SECOND_NS)
        spec = _Spec(0, 0, seconds, nanoseconds)
        if self._libc.timerfd_settime(self._fd, _ABSOLUTE, ctypes.byref(spec), None):
            raise OSError(ctypes.get_errno(), "timerfd_settime")
        await self._waiter

    def close(self) -> None:
        """The descriptor is closed and no longer watched."""
        self._loop.remove_reader(self._fd)
        os.close(self._fd)

    def _wake(self) -> None:
        with contextlib.suppress(BlockingIOError):
            os.read(self._fd, 8)
            if self._waiter is not None and not self._waiter.done():
                self._waiter.set_result(None)


def timer() -> Timer:
    """The most exact timer this system has."""
    return FdTimer() if sys.platform == "linux" else LoopTimer()
