"""A live endpoint is asked slowly, not for long, and left alone once it is in trouble."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from harness.records import CapturedRequest, State
from harness.replay.breaker import Breaker
from harness.replay.clock import run_async
from harness.replay.message import Message
from harness.run.probing import Asker, Budget, Limits
from replayers.http import HttpArm, HttpTarget
from tests.kit import small
from tests.kit.scoring import Scoring, model_text

REQUEST = CapturedRequest(seq=0, request_id="r0", ts_ns=0, body=b'{"amount": 1, "age": 2, "visits": 3}')


class Clock:
    """Stands still until it is told."""

    def __init__(self) -> None:
        self.now_ns = 0

    def __call__(self) -> int:
        """The time."""
        return self.now_ns


def asking(
    url: str,
    budget: Budget,
    use: Callable[[Asker, Message], Awaitable[None]],
    *,
    breaker: Breaker | None = None,
) -> None:
    """Run with an asker of a service, and the message of the request."""

    async def main() -> None:
        arm = HttpArm(HttpTarget(url=url), name="challenger", run_id="run")
        try:
            asker = Asker(arm, budget=budget, breaker=breaker or Breaker())
            await use(asker, Message.of(arm.prepare(REQUEST, features=True)))
        finally:
            await arm.aclose()

    run_async(main)


def test_an_answer_is_read_as_in_a_run(tmp_path: Path) -> None:
    """Score and features; and another id is only an error where one was sent."""

    async def use(asker: Asker, message: Message) -> None:
        whole = await asker.ask(message, REQUEST)
        bare = await asker.ask(message.with_headers(["content-type"]), REQUEST)
        assert whole is not None
        assert bare is not None
        assert (whole.state, bare.state) == (State.OK, State.OK)
        assert whole.score == bare.score is not None
        assert whole.features is not None
        assert bare.features is None
        assert asker.budget.sends == 2

    with Scoring(model_text(small.make(tmp_path))) as service:
        asking(service.url, Budget(Limits(rate=1000)), use)


def test_nothing_is_sent_beyond_the_limits() -> None:
    """So many sends, then none; so many seconds, then none; each says which option."""

    async def sends() -> None:
        budget = Budget(Limits(sends=2, rate=1e6), clock=Clock())
        assert [await budget.take() for _ in range(3)] == [True, True, False]
        assert "--max-sends" in budget.stopped
        assert (budget.sends, budget.seconds) == (2, 0.0)

    async def seconds() -> None:
        clock = Clock()
        budget = Budget(Limits(seconds=5, rate=1e6), clock=clock)
        assert budget.seconds == 0.0
        assert await budget.take()
        clock.now_ns = 5 * 10**9
        assert not await budget.take()
        assert "--max-seconds" in budget.stopped

    run_async(sends)
    run_async(seconds)


def test_requests_keep_their_distance(monkeypatch: pytest.MonkeyPatch) -> None:
    """Twenty a second: the second waits for 50 ms, one that comes late for nothing."""
    waits: list[float] = []

    async def sleep(seconds: float) -> None:
        waits.append(seconds)

    async def main() -> None:
        clock = Clock()
        budget = Budget(Limits(rate=20), clock=clock)
        await budget.take()
        await budget.take()
        clock.now_ns = 10**9
        await budget.take()

    monkeypatch.setattr("harness.run.probing.anyio.sleep", sleep)
    run_async(main)
    assert waits == [0.0, 0.05, 0.0]


@pytest.mark.parametrize(
    ("status", "breaker", "asked"),
    [
        pytest.param(503, Breaker(), 3, id="not now"),
        pytest.param(429, Breaker(), 3, id="too many"),
        pytest.param(500, Breaker(), 6, id="an answer"),
        pytest.param(500, Breaker(consecutive=4), 4, id="the breaker of the scenario"),
    ],
)
def test_trouble_ends_the_asking(status: int, breaker: Breaker, asked: int, tmp_path: Path) -> None:
    """What says "not now" three times is left alone; a 500 counts for the breaker only."""

    async def use(asker: Asker, message: Message) -> None:
        answers = [await asker.ask(message, REQUEST) for _ in range(6)]
        assert len([one for one in answers if one is not None]) == asked
        assert bool(asker.budget.stopped) is (asked < 6)

    with Scoring(model_text(small.make(tmp_path)), refuses=status) as service:
        asking(service.url, Budget(Limits(rate=1000)), use, breaker=breaker)
        assert len(service.seen) == asked


def test_a_service_that_is_gone_is_given_up() -> None:
    """No connection, three times."""

    async def use(asker: Asker, message: Message) -> None:
        for _ in range(3):
            outcome = await asker.ask(message, REQUEST)
            assert outcome is not None
            assert outcome.state is State.CONNECTION_ERROR
        assert await asker.ask(message, REQUEST) is None
        assert "challenger is in trouble" in asker.budget.stopped

    asking("http://127.0.0.1:9/score", Budget(Limits(rate=1000)), use)
