"""Bytes are made a window ahead, given out once, and bounded in number and in size."""

from pathlib import Path

import anyio.lowlevel
import numpy as np
import pytest

from harness.errors import RunError
from harness.records import CapturedRequest
from harness.replay.clock import run_async
from harness.replay.feed import AHEAD_BYTES, AHEAD_NS, AHEAD_ROWS, CHUNK_ROWS, Feed
from harness.replay.schedule import Phase, Saturate
from harness.replay.source import Listed
from tests.kit.fake_arm import FakeArm, captured, run

N = 40_000
S = 1_000_000_000


class Counting:
    """Requests made up as they are read."""

    def __init__(self, *, broken_from: int = N) -> None:
        self.read_rows = 0
        self.broken_from = broken_from

    def seqs(self, rows: np.ndarray) -> np.ndarray:
        """The rows themselves."""
        return rows

    def read(self, rows: np.ndarray) -> list[CapturedRequest]:
        """Count them."""
        if rows[0] >= self.broken_from:
            raise RunError("unreadable")
        self.read_rows = int(rows[-1]) + 1
        return [CapturedRequest(seq=row, request_id="r", ts_ns=0) for row in rows.tolist()]


class Large(FakeArm):
    """Each request is a megabyte."""

    def prepare(self, request: CapturedRequest, *, features: bool) -> bytes:
        """The seq, padded."""
        return super().prepare(request, features=features).ljust(1 << 20)


def feed(source: Counting, *, arm: FakeArm | None = None, rate: float | None = None) -> Feed:
    """A feed of N rows for one arm; with a rate they have due times."""
    due = None if rate is None else (np.arange(N) / rate * S).astype(np.int64)
    return Feed(
        source,
        np.arange(N, dtype=np.int64),
        arms=[arm or FakeArm()],
        order=bytes(N),
        features=False,
        due_ns=due,
    )


@pytest.mark.parametrize(
    ("rate", "ready"),
    [(None, AHEAD_ROWS), (100, AHEAD_ROWS), (10_000, 10_000 * AHEAD_NS // S)],
)
def test_the_first_window_is_so_many_rows_or_seconds(rate: float | None, ready: int) -> None:
    """Whichever is more, and not a chunk beyond."""
    source = Counting()
    run_async(feed(source, rate=rate).first)
    assert ready <= source.read_rows < ready + CHUNK_ROWS


def test_large_requests_end_the_window_early() -> None:
    """What is held stays at the limit and a chunk; taking makes room."""

    async def main() -> None:
        one = feed(Counting(), arm=Large())
        await one.first()
        assert AHEAD_BYTES >> 20 <= one.ready < (AHEAD_BYTES >> 20) + CHUNK_ROWS
        before = one.ready
        for job in range(before):
            assert int(one.take(job).split()[0]) == job
        await one.until(before)
        assert one.ready == before + CHUNK_ROWS

    run_async(main)


def test_a_poke_moves_the_window_on_and_tells() -> None:
    """One chunk a poke, made meanwhile; a closed feed makes nothing."""

    async def main() -> None:
        one, told = feed(Counting()), anyio.Event()
        await one.first()
        before = one.ready
        one.listen(told.set)
        one.poke(0, now_ns=0)
        await anyio.lowlevel.checkpoint()
        assert one.ready == before
        one.poke(CHUNK_ROWS, now_ns=0)
        await told.wait()
        assert one.ready == before + CHUNK_ROWS
        one.close()
        one.poke(N, now_ns=0)
        assert one.ready == before + CHUNK_ROWS

    run_async(main)


def test_what_cannot_be_read_is_raised_where_it_is_wanted() -> None:
    """By `check` after a poke, and by `until`; rows before it can be had."""

    async def main() -> None:
        one, told = feed(Counting(broken_from=AHEAD_ROWS)), anyio.Event()
        await one.first()
        one.listen(told.set)
        one.poke(CHUNK_ROWS, now_ns=0)
        await told.wait()
        with pytest.raises(RunError, match="unreadable"):
            one.check()
        with pytest.raises(RunError, match="unreadable"):
            await one.until(AHEAD_ROWS)
        await one.until(AHEAD_ROWS - 1)

    run_async(main)


def test_a_refused_request_is_its_reason() -> None:
    """Text instead of bytes, for that arm alone."""

    async def main() -> None:
        arms = [FakeArm("a", rules={101: "refused"}), FakeArm("b")]
        rows = np.arange(3, dtype=np.int64)
        one = Feed(Listed(captured(3)), rows, arms=arms, order=b"\0\1" * 3, features=True, due_ns=None)
        await one.first()
        assert [one.take(job) for job in range(2, 4)] == ["must not be sent", b"101 1"]

    run_async(main)


def test_a_long_capture_is_replayed_while_it_is_read(tmp_path: Path) -> None:
    """More rows than the window holds: all are sent, and never more than a window was made ahead."""
    source, ahead = Counting(), [0]
    arm = FakeArm(rules=dict.fromkeys(range(N), "at_once"))

    def look(seq: int) -> None:
        ahead[0] = max(ahead[0], source.read_rows - seq)

    arm.on_submit = look
    counts = run(arm, n=20_000, folder=tmp_path, phase=Phase(name="p", pace=Saturate()), source=source)
    assert sum(counts.states["fake"].values()) == 20_000
    assert arm.submitted == list(range(20_000))
    assert ahead[0] <= AHEAD_ROWS + 2 * CHUNK_ROWS
