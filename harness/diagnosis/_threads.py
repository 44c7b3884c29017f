"""The same work on many columns at once: numpy lets other threads run while it counts and sorts."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

Given = TypeVar("Given")
Made = TypeVar("Made")

#: what is done between numpy's calls is done by one thread at a time, so that many more gain nothing
MAX_THREADS = 4


def at_once(work: Callable[[Given], Made], items: Sequence[Given]) -> list[Made]:
    """What `work` gives for each item, in their order; an error of one is raised.

    There are as many threads as cores, 4 at most, and none for a single item or core.
    """
    threads = min(len(items), os.cpu_count() or 1, MAX_THREADS)
    if threads < 2:
        return [work(item) for item in items]
    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(work, items))
