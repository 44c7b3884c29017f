"""A service is recorded while it answers, and its record alone is judged: nothing is sent again."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from harness.capture.live import Limits, Recorder, attach
from harness.capture.live.asgi import CaptureMiddleware, Receive, Scope, Send
from tests.kit import command, small
from tests.kit.command import only_run, report_of, rulings
from tests.kit.served import Asked, call_asgi

HEADERS = [(b"content-type", b"application/json"), (b"x-model-hash", small.model_hash().encode())]


def recorded(folder: Path, *, skew: float) -> None:
    """The calls of the small scenario's users, and one too large for the recorder, through a real service."""
    answers = small.answers()

    async def service(scope: Scope, receive: Receive, send: Send) -> None:
        given = json.loads((await receive())["body"])
        name = dict(scope["headers"])[b"x-request-id"].decode()
        features = {one: given.get(one, 0.0) for one in small.FEATURES}
        attach(features=features | {"age": features["age"] + skew}, unit=given.get("user"))
        body = json.dumps({"score": answers.get(name, {"score": 0.0})["score"]}).encode()
        await send({"type": "http.response.start", "status": 200, "headers": HEADERS})
        await send({"type": "http.response.body", "body": body})

    async def all_calls() -> None:
        for row in small.captured():
            await call_asgi(app, asked(row["request_id"], row["body"]))
        await call_asgi(app, asked("too large", {"padding": "x" * 3_000_000}))

    limits = Limits(queue_bytes=2_000_000)
    recorder = Recorder(folder, limits=limits)
    app = CaptureMiddleware(service, recorder=recorder, max_body_bytes=4_000_000)
    asyncio.run(all_calls())
    assert recorder.close()


def asked(name: str, body: dict[str, Any]) -> Asked:
    """A call by this id."""
    return Asked(headers=(("x-request-id", name),), chunks=(json.dumps(body).encode(),))


@pytest.mark.parametrize(("skew", "ruling"), [(0.0, "PASS"), (1.0, "FAIL")])
def test_what_a_service_recorded_of_itself_is_judged(tmp_path: Path, skew: float, ruling: str) -> None:
    """Attached features are held against the offline pipeline, and what was not recorded is in the ledger."""
    folder = small.make(tmp_path / "scenario")
    recorded(folder / "calls", skew=skew)
    path = small.scenario(folder, "http://127.0.0.1:9/score", more=small.ONLY_PARITY)
    text = path.read_text(encoding="utf-8").replace('path = "capture.jsonl"', 'path = "calls"')
    http = text[text.index('kind = "http"') : text.index('model = "model"')]
    text = text.replace(http, 'kind = "recorded"\n').replace("timeout_s = 20\nconnections = 2\n", "")
    path.write_text(text, encoding="utf-8")
    done = command.run("run", path, "--results", tmp_path / "results")
    report = report_of(only_run(tmp_path / "results"))
    assert rulings(report)["feature_parity"] == ruling, done.out + done.err
    assert rulings(report)["score_parity"] == "PASS"
    captured, parsed = report["ledgers"][0]["steps"][:2]
    assert (captured["count"], parsed["count"]) == (small.REQUESTS + 1, small.REQUESTS)
    assert parsed["lost"] == [{"reason": "recorder: too large", "count": 1}]
    assert "recorder: too large: 1 not in the capture" in done.err + done.out
