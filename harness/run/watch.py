"""Whoever is told how a run goes."""

from __future__ import annotations

from typing import Protocol

from harness.replay.engine import Progress


class Watcher(Protocol):
    """Told of each stage and of a phase's progress; must return at once."""

    def say(self, text: str) -> None:
        """One line about a stage."""

    def progress(self, done: Progress) -> None:
        """How far a phase is."""
