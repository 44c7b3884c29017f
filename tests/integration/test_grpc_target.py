"""A target over gRPC: the same seam, scores to the last bit, every code an outcome, and stamps in order."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import anyio
import msgspec
import pytest

from harness.errors import ScenarioError, TargetUnreachable
from harness.records import Attempt, CapturedRequest, Outcome, State
from harness.replay.arm import Reply, Try
from harness.replay.clock import run_async
from replayers.http import HttpArm, HttpTarget
from tests.kit.command import ROOT
from tests.kit.model_servers import COLUMNS, score_of

HERE = "grpcio is not installed: pip install 'replaygate[grpc]' to run the tests of gRPC targets"
ROW = b'{"area": 1306, "radius": 20.48, "texture": null}'


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    """A server of the protocol in a process of its own."""
    pytest.importorskip("grpc.aio", reason=HERE)
    command = [sys.executable, "-m", "tests.kit.grpc_server"]
    with subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        yield int(process.stdout.readline())
        process.kill()


def target(port: int, **changes: object) -> HttpTarget:
    """The target as a scenario declares it."""
    protocol = {"kind": "oip-v2", "transport": "grpc", "model_name": "bc", "columns": COLUMNS}
    plain: dict[str, Any] = {"kind": "http", "url": f"http://127.0.0.1:{port}", "ready": "", "connections": 1}
    return msgspec.convert(plain | {"protocol": protocol | changes}, HttpTarget)


def asked(one: HttpTarget, *, body: bytes = ROW, times: int = 1) -> tuple[Outcome, Try]:
    """The outcome of the last of some requests sent at once, and its try."""

    async def main() -> tuple[Outcome, Try]:
        arm = HttpArm(one, name="t", run_id="run")
        replies: list[Reply] = []
        done = anyio.Event()

        def note(reply: Reply) -> None:
            replies.append(reply)
            if len(replies) == times:
                done.set()

        try:
            await arm.open(one.connections)
            for seq in range(times):
                request = CapturedRequest(seq=seq, request_id=f"r-{seq}", ts_ns=0, body=body)
                arm.submit(arm.prepare(request, features=True), note)
            await done.wait()
        finally:
            await arm.aclose()
        last = replies[-1].final
        values = {name: getattr(last, name) for name in ("state", "status", "headers", "body", "detail")}
        attempt = Attempt(seq=times - 1, phase="p", target="t", attempt=1, **values)
        return arm.outcome(attempt, sent_id=None), last

    found: tuple[Outcome, Try] = run_async(main)
    return found


def test_a_row_is_scored_to_the_last_bit_and_its_id_repeated(port: int) -> None:
    """A missing value travels as the bits of NaN."""
    outcome, last = asked(target(port))
    assert (outcome.state, outcome.detail, outcome.echoed_id) == (State.OK, "", "r-0")
    assert outcome.score == score_of([20.48, None, 1306])
    assert last.submit_ns <= last.written_ns <= last.first_ns == last.done_ns  # type: ignore[operator]  # all are there


def test_many_requests_are_answered_at_once(port: int) -> None:
    """Each is called back exactly once."""
    outcome, _ = asked(target(port), times=200)
    assert outcome.state is State.OK


def test_captured_tensors_are_sent_on(port: int) -> None:
    """From JSON to raw contents."""
    body = b'{"inputs": [{"name": "x", "shape": [1, 3], "datatype": "FP64", "data": [20.48, 0.1, 2]}]}'
    assert asked(target(port), body=body)[0].score == score_of([20.48, 0.1, 2])


@pytest.mark.parametrize(
    ("changes", "state", "detail"),
    [
        ({"model_name": "nope"}, State.HTTP_ERROR, "HTTP 404: gRPC NOT_FOUND: Model nope not found"),
        ({"model_name": "shed"}, State.HTTP_ERROR, "HTTP 499: gRPC CANCELLED: too much to do"),
        (
            {"columns": COLUMNS[:2], "ignore": ["area"]},
            State.HTTP_ERROR,
            "HTTP 400: gRPC INVALID_ARGUMENT: expected 3 features, got 2: …",
        ),
    ],
)
def test_a_code_is_an_outcome_with_its_words(
    port: int, changes: dict[str, object], state: State, detail: str
) -> None:
    """And its message holds no value of the input."""
    outcome, _ = asked(target(port, **changes))
    assert (outcome.state, outcome.detail) == (state, detail)


def test_a_late_answer_is_a_timeout(port: int) -> None:
    """The deadline is the target's."""
    late = msgspec.structs.replace(target(port, model_name="slow"), timeout_s=0.3)
    assert asked(late)[0].state is State.TIMEOUT


def test_an_answer_over_the_limit_is_a_bad_body(port: int) -> None:
    """It is not read."""
    outcome, _ = asked(msgspec.structs.replace(target(port), max_response_bytes=8))
    assert (outcome.state, outcome.detail) == (State.BAD_BODY, "the answer is too long")


def test_nobody_there_is_said_before_anything_is_sent(port: int) -> None:
    """As of every other target."""
    assert port
    with pytest.raises(TargetUnreachable):
        asked(target(9))


def test_what_is_missing_is_said_with_how_to_install_it() -> None:
    """Where the extra is not there."""
    try:
        import grpc.aio  # noqa: F401  -- whether it can be
    except ImportError:
        with pytest.raises(ScenarioError, match=r"pip install 'replaygate\[grpc\]'"):
            HttpArm(target(9), name="t", run_id="r")
    else:
        assert HttpArm(target(9), name="t", run_id="r").name == "t"
