"""What a person sees while a run works: a bar on a terminal, elsewhere a line every few seconds."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Self

from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from harness.cli.output import screen

if TYPE_CHECKING:
    from collections.abc import Callable

    from rich.console import Console

    from harness.replay.engine import Progress as Done

LINE_EVERY_S = 5.0


class Watch:
    """Tells of stages and of progress; with `quiet`, of nothing."""

    def __init__(
        self, *, quiet: bool, console: Console | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """Output goes to standard error, so that standard output holds the verdict alone."""
        self.quiet = quiet
        self._clock = clock
        self.console = console or screen(sys.stderr)
        self._bar: Progress | None = None
        self._task: TaskID | None = None
        self._phase = ""
        self._last_line = -LINE_EVERY_S
        self._begun = (0.0, 0)

    def __enter__(self) -> Self:
        """The watch draws until the block ends."""
        return self

    def __exit__(self, *_: object) -> None:
        """A bar that was drawn is finished."""
        self._end_bar()

    def say(self, text: str) -> None:
        """One line about a stage."""
        self._end_bar()
        if not self.quiet:
            self.console.print(escape(text), soft_wrap=True)

    def progress(self, done: Done) -> None:
        """How far a phase is."""
        if self.quiet:
            return
        now = self._clock()
        new = self._phase != done.phase
        if new:
            self._phase, self._begun = done.phase, (now, done.done)
        rate = (done.done - self._begun[1]) / max(now - self._begun[0], 1e-9)
        if self.console.is_terminal:
            self._draw(done, rate=rate, new=new)
        elif now - self._last_line >= LINE_EVERY_S:
            self._last_line = now
            share = done.done / done.total if done.total else 1.0
            left = f", {(done.total - done.done) / rate:,.0f} s left" if rate else ""
            self.console.print(
                f"  {done.phase}: {done.done:,} of {done.total:,} ({share:.0%}), {told(done, rate)}{left}",
                soft_wrap=True,
            )

    def _draw(self, done: Done, *, rate: float, new: bool) -> None:
        """The bar has the latest figures; a thread of its own draws it, for this runs beside the clock."""
        if self._bar is None or new:
            self._end_bar()
            columns = ("  {task.description}", "{task.fields[note]}")
            self._bar = Progress(
                TextColumn(columns[0]),
                BarColumn(),
                MofNCompleteColumn(),
                TimeRemainingColumn(),
                TextColumn(columns[1]),
                console=self.console,
                transient=True,
            )
            self._bar.start()
            self._task = self._bar.add_task(done.phase, total=done.total, note="")
        if self._task is not None:
            self._bar.update(self._task, completed=done.done, total=done.total, note=told(done, rate))

    def _end_bar(self) -> None:
        if self._bar is not None:
            self._bar.stop()
            self._bar = None


def told(done: Done, rate: float) -> str:
    """Rate, failures and lag in words: "120/s, 3 failed, lag 1.5 ms"."""
    speed = f"{rate:,.0f}/s, " if rate else ""
    return f"{speed}{done.failed:,} failed, lag {done.lag_ns / 1e6:.1f} ms"
