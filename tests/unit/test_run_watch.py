"""Whoever is told how a run goes: the command line's watch is one."""

from __future__ import annotations

from harness.cli.progress import Watch
from harness.run.watch import Watcher


def test_the_command_lines_watch_is_a_watcher() -> None:
    """It has both methods with these very parameters, as mypy checks; here at run time."""
    watch: Watcher = Watch(quiet=True)
    assert watch.say("a stage") is None  # type: ignore[func-returns-value]
    assert {name for name in vars(Watcher) if not name.startswith("_")} == {"say", "progress"}
