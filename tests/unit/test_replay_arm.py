"""How a request ended at an arm, and the words for a try that another one follows."""

import anyio

from harness.records import State
from harness.replay.arm import RETRIED, Reply, Try
from harness.replay.clock import run_async
from replayers.faulty import Faulty
from replayers.http import HttpArm, HttpTarget
from tests.kit.fake_arm import captured


def test_the_last_try_counts() -> None:
    """Of two, the second."""
    tries = (Try(state=State.CONNECTION_ERROR), Try(state=State.OK))
    assert Reply(tries=tries).final is tries[1]


def test_the_wire_says_why_it_tried_again_in_the_known_words() -> None:
    """A resumed run tells by them whether a second try was torn off the journal."""
    seen: list[Reply] = []

    async def main() -> None:
        for behaviour in ("close_after", "500-then-close"):
            async with Faulty(behaviour=behaviour) as faulty:
                arm = HttpArm(HttpTarget(url=faulty.url), name="t", run_id="r")
                await arm.open(1)
                for request in captured(6):
                    await answered(arm, arm.prepare(request, features=False))
                await arm.aclose()

    async def answered(arm: HttpArm, data: bytes) -> None:

        done = anyio.Event()

        def note(reply: Reply) -> None:
            seen.append(reply)
            done.set()

        arm.submit(data, note)
        await done.wait()

    run_async(main)
    firsts = {reply.tries[0].detail for reply in seen if len(reply.tries) > 1}
    assert firsts
    assert firsts <= RETRIED
    assert not any(reply.final.detail in RETRIED for reply in seen)
