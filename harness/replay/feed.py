"""Makes the bytes of requests shortly before they are due, so that any schedule fits in memory."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import numpy as np

from harness.errors import CaptureError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from harness.records import CapturedRequest
    from harness.replay.arm import Arm
    from harness.replay.source import Source

AHEAD_NS = 3_000_000_000
#: a phase of up to so many requests is wholly made before its clock starts
AHEAD_ROWS = 8_192
AHEAD_BYTES = 32 << 20
#: small, for while a chunk is made in its thread the clock gets its turns late
CHUNK_ROWS = 64

Made = bytes | str


class Feed:
    """What each job sends, made chunk by chunk in a thread, inside a window of time, rows and bytes.

    A job is position * arms + place in `order`; what must not be sent is a reason (str) instead of bytes.
    """

    def __init__(
        self,
        source: Source,
        rows: NDArray[np.int64],
        *,
        arms: Sequence[Arm],
        order: bytes,
        features: bool,
        due_ns: NDArray[np.int64] | None,
    ) -> None:
        self.ready = 0
        self._source = source
        self._rows = rows
        self._arms = arms
        self._order = order
        self._features = features
        self._due_ns = None if due_ns is None else np.ascontiguousarray(due_ns).data
        self._made: dict[int, Made] = {}
        self._held = 0
        self._making: asyncio.Future[dict[int, Made]] | None = None
        self._failed: BaseException | None = None
        self._listener: Callable[[], None] = lambda: None

    def listen(self, listener: Callable[[], None]) -> None:
        """Call this on the loop whenever there is more to send."""
        self._listener = listener

    async def first(self) -> None:
        """The window at the start of the schedule is filled."""
        while self._wants(0, now_ns=0):
            await self._chunk()

    async def until(self, position: int) -> None:
        """This position is ready; raises what reading the requests raised."""
        while self.ready <= position:
            await self._chunk()

    def poke(self, position: int, *, now_ns: int) -> None:
        """Go on making, should the window that starts at this position and time not be full."""
        if self._making is None and self._wants(position, now_ns=now_ns):
            self._start()

    def take(self, job: int) -> Made:
        """The bytes of a job that is ready, which are then forgotten."""
        made = self._made.pop(job)
        self._held -= len(made)
        return made

    def close(self) -> None:
        """Nothing more is made, and nothing is held."""
        self._listener = lambda: None
        self._rows = self._rows[: self.ready]
        self._made.clear()

    def _wants(self, position: int, *, now_ns: int) -> bool:
        """Whether the next chunk belongs into the window."""
        start = self.ready
        if (
            start >= len(self._rows)
            or self._failed is not None
            or (self._held >= AHEAD_BYTES and start > position)
        ):
            return False
        soon = self._due_ns is not None and self._due_ns[start] < now_ns + AHEAD_NS
        return soon or start < position + AHEAD_ROWS

    def _start(self) -> asyncio.Future[dict[int, Made]]:
        start, stop = self.ready, min(self.ready + CHUNK_ROWS, len(self._rows))
        making = asyncio.get_running_loop().run_in_executor(None, self._make, start, stop)
        making.add_done_callback(lambda future: self._finished(future, stop))
        self._making = making
        return making

    def _finished(self, making: asyncio.Future[dict[int, Made]], stop: int) -> None:
        self._making = None
        if making.cancelled() or self.ready >= len(self._rows):
            return
        self._failed = making.exception()
        if self._failed is None:
            self._made |= making.result()
            self._held += sum(map(len, making.result().values()))
            self.ready = stop
        self._listener()

    def check(self) -> None:
        """Raises what reading or making the requests raised."""
        if self._failed is not None:
            raise self._failed

    async def _chunk(self) -> None:
        """The chunk under way, or the next one, is made; raises what making it raised."""
        self.check()
        await asyncio.wait([self._making or self._start()])
        self.check()

    def _make(self, start: int, stop: int) -> dict[int, Made]:
        """The bytes of all jobs of a chunk; runs in a thread."""
        made: dict[int, Made] = {}
        requests = self._source.read(self._rows[start:stop])
        for position, request in enumerate(requests, start):
            for place in range(len(self._arms)):
                job = position * len(self._arms) + place
                made[job] = self._encoded(self._arms[self._order[job]], request)
        return made

    def _encoded(self, arm: Arm, request: CapturedRequest) -> Made:
        try:
            return arm.prepare(request, features=self._features)
        except CaptureError as error:
            return error.sentence()
