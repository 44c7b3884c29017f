"""Timers that are never early, and what is switched off while the clock runs."""

import gc
import signal
import sys
import time

import pytest

from harness.replay.clock import PROMPT_S, FdTimer, LoopTimer, Timer, frozen_gc, prompt_turns, run_async

MS = 1_000_000


@pytest.mark.parametrize("kind", [LoopTimer, FdTimer] if sys.platform == "linux" else [LoopTimer])
def test_a_timer_wakes_after_its_time(kind: type[LoopTimer] | type[FdTimer]) -> None:
    """Not more than the loop's millisecond before it, also for a time that is past."""

    async def main() -> list[int]:
        clock: Timer = kind()
        early = []
        for wait in (0, 5 * MS, -5 * MS, MS):
            at = time.monotonic_ns() + wait
            await clock.until(at)
            early.append(at - time.monotonic_ns())
        clock.close()
        return early

    assert max(run_async(main)) <= MS


def test_signals_are_as_before_afterwards() -> None:
    """The loop would leave SIGTERM to end the process at once, and with it whatever is half made."""

    def mine(*_: object) -> None:
        raise AssertionError

    async def nothing() -> None:
        pass

    before = signal.signal(signal.SIGTERM, mine)
    try:
        run_async(nothing)
        assert signal.getsignal(signal.SIGTERM) is mine
    finally:
        signal.signal(signal.SIGTERM, before)


@pytest.mark.parametrize("was_enabled", [True, False])
def test_the_collector_is_as_before_afterwards(*, was_enabled: bool) -> None:
    """Off inside, and on again only if it was on."""
    if not was_enabled:
        gc.disable()
    try:
        with frozen_gc():
            assert not gc.isenabled()
        assert gc.isenabled() is was_enabled
    finally:
        gc.enable()


def test_turns_are_short_inside_only() -> None:
    """And never longer than somebody else has set them."""
    usual = sys.getswitchinterval()
    with prompt_turns():
        assert sys.getswitchinterval() == pytest.approx(PROMPT_S, abs=3e-6)
        with prompt_turns():
            assert sys.getswitchinterval() == pytest.approx(PROMPT_S, abs=3e-6)
    assert sys.getswitchinterval() == pytest.approx(usual, abs=3e-6)
