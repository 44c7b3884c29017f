"""A changed request on the bench: the reference first, nothing sent twice, and why it shows nothing."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import msgspec

from harness.diff import Tolerances
from harness.records import CapturedRequest, Finding
from harness.replay.breaker import Breaker
from harness.replay.clock import run_async
from harness.replay.message import Message
from harness.run.bench import Bench, Offline, Probe
from harness.run.probing import Asker, Budget, Limits
from replayers.http import HttpArm, HttpTarget
from replayers.offline import OfflineModel, OfflineReplayer
from tests.kit import small
from tests.kit.scoring import Scoring, amount_too_high, model_text

REQUEST = CapturedRequest(seq=0, request_id="r0", ts_ns=0)
FINDING = Finding(arm="challenger", fields=("amount",), cause="shift", sentence="", requests=1, explained=1)
RIGHT = {"amount": 3, "age": 2, "visits": 1}
WRONG = RIGHT | {"country": "fr"}

Look = Callable[[dict[str, Any]], Awaitable[Probe]]


def on_the_bench(
    folder: Path,
    use: Callable[[Bench, Look], Awaitable[None]],
    *,
    finding: Finding = FINDING,
    **service: Any,  # noqa: ANN401  -- the fields of Scoring
) -> int:
    """Run with a bench of a live service, and a way to look at a body; how often the service was asked."""
    small.make(folder)
    replayer = OfflineReplayer(
        OfflineModel(file="model.txt", features="features:build"), folder, name="model"
    )

    async def main(url: str) -> None:
        arm = HttpArm(HttpTarget(url=url), name="challenger", run_id="run")
        asker = Asker(arm, budget=Budget(Limits(rate=1000)), breaker=Breaker())
        bench = Bench(finding, asker, Offline(replayer), Tolerances())

        async def look(body: dict[str, Any]) -> Probe:
            request = msgspec.structs.replace(REQUEST, body=json.dumps(body).encode())
            return await bench.probe(request, Message.of(arm.prepare(request, features=True)))

        try:
            await use(bench, look)
        finally:
            await arm.aclose()

    with Scoring(model_text(folder), **service) as live:
        run_async(main, live.url)
        return len(live.seen)


def test_a_request_shows_the_finding_or_says_why_not(tmp_path: Path) -> None:
    """The pipeline is asked first and costs the service nothing; what is known is not sent again."""

    async def use(bench: Bench, look: Look) -> None:
        first = await look(WRONG)
        assert first.fields == ("amount",)
        assert first.seen is not None
        bench.settle_on(first.seen)
        assert (await look(WRONG)) is first
        assert (await look(RIGHT)) == Probe((), "served as expected", (await look(RIGHT)).seen)
        assert (await look({"amount": 3})).why.startswith("the offline pipeline raises KeyError")
        assert (await look(WRONG | {"age": None})).fields == ("amount",)
        assert (await look(WRONG | {"amount": None})).why == "served as expected"

    assert on_the_bench(tmp_path, use, bug=amount_too_high) == 4


def test_a_refusal_is_told_in_the_words_of_the_service(tmp_path: Path) -> None:
    """And nothing is remembered of what was not sent any more."""

    async def use(bench: Bench, look: Look) -> None:
        assert (await look(RIGHT)).why == "the service answers HTTP 422: missing key 'user'"
        bench.asker.budget.stopped = "enough"
        assert (await look(WRONG)).why == "not tried any more"
        assert len(bench.known) == 1

    assert on_the_bench(tmp_path, use, insists=("user",)) == 1


def test_a_score_that_differs_beside_a_feature_is_no_score_finding(tmp_path: Path) -> None:
    """Then the feature is the finding."""
    score = msgspec.structs.replace(FINDING, fields=("score",), cause="unexplained")

    async def use(_bench: Bench, look: Look) -> None:
        assert (await look(WRONG | {"amount": 24, "age": 24})).fields == ()

    on_the_bench(tmp_path, use, finding=score, bug=amount_too_high)


def test_what_answers_differently_each_time_is_asked_three_times(tmp_path: Path) -> None:
    """A steady score is no such finding."""
    finding = msgspec.structs.replace(FINDING, fields=("score",), cause="nondeterministic")
    noise = iter(range(100))

    async def unsteady(_bench: Bench, look: Look) -> None:
        assert (await look(RIGHT)).fields == ("score",)

    async def steady(_bench: Bench, look: Look) -> None:
        assert (await look(RIGHT)).fields == ()

    assert on_the_bench(tmp_path, unsteady, finding=finding, score_bug=lambda s: s + next(noise)) == 3
    assert on_the_bench(tmp_path, steady, finding=finding, score_bug=lambda s: s / 2) == 3
