"""The middleware before an ASGI application: what is special there."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from harness.capture import CaptureConfig
from harness.capture.live import Recorder
from harness.capture.live.asgi import CaptureMiddleware, Message, Receive, Scope, Send
from harness.capture.live.exchange import KEY
from harness.capture.read import read
from harness.records import CapturedRequest

HTTP: Scope = {"type": "http", "method": "POST", "path": "/é x", "headers": []}


def called(app: Any, scope: Scope, *messages: Message) -> list[Message]:  # noqa: ANN401  -- an application
    """What the application sends, given these messages."""
    left, sent = list(messages), []

    async def receive() -> Message:
        return left.pop(0)

    async def send(message: Message) -> None:
        sent.append(message)

    asyncio.run(app(scope, receive, send))
    return sent


def recorded(recorder: Recorder, folder: Path) -> list[CapturedRequest]:
    """What was recorded, once all is written."""
    assert recorder.close()
    return list(read(folder, CaptureConfig(path="-"), on_bad=print))


def answering(*messages: Message) -> Any:  # noqa: ANN401  -- an application
    """An application that reads once and then sends these."""

    async def app(_scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        for message in messages:
            await send(message)

    return app


START: Message = {"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"a/b")]}
BODY: Message = {"type": "http.request", "body": b"{}"}


def test_a_path_without_its_raw_form_is_quoted(tmp_path: Path) -> None:
    """`raw_path` is optional in ASGI; the path is then written as a client would."""
    app = CaptureMiddleware(answering(START, {"type": "http.response.body"}), tmp_path)
    called(app, dict(HTTP), BODY)
    (one,) = recorded(app.recorder, tmp_path)
    assert one.path == "/%C3%A9%20x"


def test_headers_that_can_be_read_once_are_still_sent(tmp_path: Path) -> None:
    """ASGI lets headers be any iterable: the server gets them all the same."""
    start = {**START, "headers": iter([(b"content-type", b"a/b")])}
    app = CaptureMiddleware(answering(start, {"type": "http.response.body"}), tmp_path)
    sent = called(app, dict(HTTP), BODY)
    assert list(sent[0]["headers"]) == [(b"content-type", b"a/b")]
    (one,) = recorded(app.recorder, tmp_path)
    assert one.recorded_response is not None
    assert one.recorded_response.headers == {"content-type": "a/b"}


def test_a_message_passes_as_it_is(tmp_path: Path) -> None:
    """The very objects go to the server, and what is no part of an answer too."""
    messages = [{"type": "http.response.debug"}, START, {"type": "http.response.body", "body": b"x"}]
    app = CaptureMiddleware(answering(*messages), tmp_path)
    sent = called(app, dict(HTTP), BODY)
    assert [one is other for one, other in zip(sent, messages, strict=True)] == [True] * 3
    app.recorder.close()


@pytest.mark.parametrize("body", ["text", 7, ["a"]])
def test_what_is_no_bytes_is_the_server_s_to_refuse(tmp_path: Path, body: object) -> None:
    """It gets it as it is; the record has the call, and that its answer is not whole."""
    app = CaptureMiddleware(answering(START, {"type": "http.response.body", "body": body}), tmp_path)
    sent = called(app, dict(HTTP), BODY)
    assert sent[1]["body"] is body
    (one,) = recorded(app.recorder, tmp_path)
    assert one.tags == {"answer_truncated": "true", "exception": "TypeError"}


@pytest.mark.parametrize("kind", ["http.response.pathsend", "http.response.zerocopysend"])
def test_an_answer_that_the_server_reads_itself_is_not_whole(tmp_path: Path, kind: str) -> None:
    """A file that is named instead of sent was not seen, and the record says so."""
    app = CaptureMiddleware(answering(START, {"type": kind, "path": "/file"}), tmp_path)
    called(app, dict(HTTP), BODY)
    (one,) = recorded(app.recorder, tmp_path)
    assert one.tags == {"answer_truncated": "true"}


def test_a_client_that_goes_away_is_told(tmp_path: Path) -> None:
    """The service hears of it as ever, and the record has no answer then."""
    app = CaptureMiddleware(answering(), tmp_path)
    called(app, dict(HTTP), {"type": "http.disconnect"})
    (one,) = recorded(app.recorder, tmp_path)
    assert (one.recorded_response, one.tags) == (None, {"disconnected": "true"})


def test_a_cancelled_call_is_recorded_and_stays_cancelled(tmp_path: Path) -> None:
    """A server that cancels the task of a client that went is obeyed."""

    async def app(_scope: Scope, _receive: Receive, send: Send) -> None:
        await send(START)
        await asyncio.Event().wait()

    watched = CaptureMiddleware(app, tmp_path)

    async def ignored(*_: Any) -> Any:  # noqa: ANN401  -- receives and sends nothing
        return None

    async def serve() -> None:
        task = asyncio.create_task(watched(dict(HTTP), ignored, ignored))
        await asyncio.sleep(0)
        task.cancel()
        await task

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(serve())
    (one,) = recorded(watched.recorder, tmp_path)
    assert one.tags == {
        "exception": "CancelledError",
        "disconnected": "true",
        "answer_truncated": "true",
    }


def test_a_call_is_offered_with_the_end_of_its_answer(tmp_path: Path) -> None:
    """What the application does afterwards, in the background, is not waited for."""
    seen: list[int] = []

    async def app(_scope: Scope, _receive: Receive, send: Send) -> None:
        await send(START)
        await send({"type": "http.response.body", "body": b"x"})
        seen.append(watched.recorder.counts.offered)

    watched = CaptureMiddleware(app, tmp_path)
    called(watched, dict(HTTP))
    assert (seen, watched.recorder.counts.offered) == ([1], 1)
    watched.recorder.close()


def test_websockets_pass_untouched(tmp_path: Path) -> None:
    """They are no calls: the application gets the server's own two functions and the bare scope."""
    given: list[object] = []

    async def app(*parts: object) -> None:
        given.extend(parts)

    async def never() -> Message:
        raise AssertionError

    async def nor_this(_message: Message) -> None:
        raise AssertionError

    scope: Scope = {"type": "websocket", "path": "/"}
    asyncio.run(CaptureMiddleware(app, tmp_path)(scope, never, nor_this))
    assert given == [scope, never, nor_this]
    assert KEY not in scope


def test_the_end_of_the_lifespan_writes_the_rest(tmp_path: Path) -> None:
    """A server that shuts down in order has every call in the files before it says that it is done."""
    app = CaptureMiddleware(answering(START, {"type": "http.response.body"}), tmp_path)
    called(app, dict(HTTP), BODY)
    there: list[int] = []

    async def lifespan(_scope: Scope, _receive: Receive, send: Send) -> None:
        await send({"type": "lifespan.shutdown.complete"})
        there.append(app.recorder.counts.written)

    app.app = lifespan
    sent = called(app, {"type": "lifespan"})
    assert (sent, there) == ([{"type": "lifespan.shutdown.complete"}], [1])


@pytest.mark.parametrize(
    ("listens", "error"), [(True, None), (False, None), (False, AssertionError("no http"))]
)
def test_an_application_without_a_lifespan_gets_one(
    tmp_path: Path, *, listens: bool, error: Exception | None
) -> None:
    """A bare application that refuses the lifespan still has its last calls written by the end."""

    async def bare(_scope: Scope, receive: Receive, _send: Send) -> None:
        if listens:
            await receive()
        if error:
            raise error

    app = CaptureMiddleware(bare, tmp_path)
    sent = called(app, {"type": "lifespan"}, {"type": "lifespan.startup"}, {"type": "lifespan.shutdown"})
    assert [one["type"] for one in sent] == ["lifespan.startup.complete", "lifespan.shutdown.complete"]


@pytest.mark.parametrize("says", [True, False])
def test_a_start_that_fails_is_the_applications(tmp_path: Path, *, says: bool) -> None:
    """An application that cannot start is believed, whether it says so or raises."""

    async def failing(_scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        if says:
            await send({"type": "lifespan.startup.failed"})
        raise LookupError

    app, sent = CaptureMiddleware(failing, tmp_path), list[Message]()

    async def receive() -> Message:
        return {"type": "lifespan.startup"}

    async def send(message: Message) -> None:
        sent.append(message)

    with pytest.raises(LookupError):
        asyncio.run(app({"type": "lifespan"}, receive, send))
    assert sent == [{"type": "lifespan.startup.failed"}] * says


CHUNKED = [(b"transfer-encoding", b"chunked")]
SIZED = [(b"content-length", b"4")]


@pytest.mark.parametrize(
    ("scope", "pieces", "truncated"),
    [
        ({"headers": CHUNKED}, [(b'{"a":1,', True)], True),
        ({"headers": CHUNKED}, [(b'{"a":', True), (b"1}", False)], False),
        ({"headers": CHUNKED}, [], True),
        ({"headers": []}, [(b"half", True)], True),
        ({"headers": []}, [], False),
        ({"headers": SIZED}, [(b"4444", True)], False),
        ({"headers": SIZED}, [(b"333", True)], True),
        ({"headers": [], "http_version": "2"}, [], True),
        ({"headers": [], "http_version": "2"}, [(b"", False)], False),
        ({"headers": [], "http_version": "2", "method": "GET"}, [], False),
    ],
)
def test_a_body_whose_end_was_not_read_is_truncated(
    tmp_path: Path, *, scope: Scope, pieces: list[tuple[bytes, bool]], truncated: bool
) -> None:
    """Without a length only the last message says that a body is whole; half a body must not be replayed."""

    async def app(_scope: Scope, receive: Receive, send: Send) -> None:
        for _ in pieces:
            await receive()
        await send(START)
        await send({"type": "http.response.body"})

    watched = CaptureMiddleware(app, tmp_path)
    messages = [{"type": "http.request", "body": body, "more_body": more} for body, more in pieces]
    called(watched, {**HTTP, **scope}, *messages)
    (one,) = recorded(watched.recorder, tmp_path)
    assert (one.truncated, one.body) == (truncated, b"".join(body for body, _ in pieces))
