"""Indexes of runs: made one at a time beside the pages, and kept open."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as NotYet
from dataclasses import dataclass, field
from threading import Lock
from typing import TYPE_CHECKING

from harness.errors import UsageError
from harness.ui import index, search

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from harness.ui.index import Index
    from harness.ui.library import Opened
    from harness.ui.search import Answer, Question

#: how long a page waits for an index before it says that one is being made
PATIENCE_S = 2.0
_KEPT = 8


@dataclass(frozen=True)
class Found:
    """A question and its answer; without an index that is still being made, `wrong` was not understood."""

    asked: Question
    index: Index | None = None
    answer: Answer | None = None
    wrong: str = ""


@dataclass
class Shelf:
    """The indexes in a cache folder."""

    cache: Path
    patience_s: float = PATIENCE_S
    _open: dict[Path, Future[Index]] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock)
    _maker: ThreadPoolExecutor = field(
        default_factory=lambda: ThreadPoolExecutor(1, thread_name_prefix="index")
    )

    def ask(self, opened: Opened, given: Mapping[str, str]) -> Found:
        """The answer to what an address asks of a run's requests."""
        try:
            asked = search.question(given)
        except UsageError as error:
            return self._answer(opened, search.Question(), wrong=error.sentence())
        return self._answer(opened, asked)

    def _answer(self, opened: Opened, asked: Question, *, wrong: str = "") -> Found:
        found = self.index(opened)
        if found is None:
            return Found(asked, wrong=wrong)
        under_test = opened.loaded.under_test
        try:
            asked = search.settled(asked, found, under_test=under_test)
        except UsageError as error:
            wrong = error.sentence()
            asked = search.settled(search.Question(), found, under_test=under_test)
        return Found(asked, found, search.answer(found, asked), wrong)

    def index(self, opened: Opened) -> Index | None:
        """The index of a run; None while it is being made. Raises what making it raised."""
        key = index.place(self.cache, opened)
        with self._lock:
            if key not in self._open:
                self._open[key] = self._maker.submit(index.made, self.cache, opened)
                while len(self._open) > _KEPT:
                    del self._open[next(iter(self._open))]
            future = self._open[key] = self._open.pop(key)  # the one that is looked at is the last to go
        try:
            return future.result(timeout=self.patience_s)
        except NotYet:
            return None
        finally:
            if future.done() and future.exception() is not None:
                with self._lock:
                    self._open.pop(key, None)
