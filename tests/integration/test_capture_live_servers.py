"""The middlewares in real servers on the loopback interface: what they record, and that nobody notices."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, make_server

import httpx
import uvicorn
from fastapi import FastAPI, Request
from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.middleware import Middleware
from starlette.responses import JSONResponse, StreamingResponse
from starlette.routing import Route

from harness.capture import CaptureConfig
from harness.capture.live import attach, current_id
from harness.capture.live.asgi import CaptureMiddleware
from harness.capture.live.wsgi import CaptureMiddleware as WsgiCaptureMiddleware
from harness.capture.live.wsgi import Environ, StartResponse
from harness.capture.read import read
from harness.records import CapturedRequest
from tests.kit.command import run


@contextmanager
def uvicorn_of(app: Any) -> Iterator[str]:  # noqa: ANN401  -- an ASGI application
    """The address of a real server; at the end it has shut down in order."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        server = uvicorn.Server(uvicorn.Config(app, log_level="critical", lifespan="on"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join(10)
            server.force_exit = True


def recorded(folder: Path) -> dict[str, CapturedRequest]:
    """The calls by id; a bad line is an error."""

    def bad(line: object) -> None:
        raise AssertionError(line)

    return {one.request_id: one for one in read(folder, CaptureConfig(path="-"), on_bad=bad)}


def service(folder: Path) -> FastAPI:
    """A scoring service as its users write one."""
    app = FastAPI()
    app.add_middleware(CaptureMiddleware, folder=folder, paths=["/score*", "/stream"], model="abc")

    @app.post("/score")
    async def score(request: Request) -> dict[str, float]:
        amount = (await request.json())["amount"]
        attach(request, features={"amount": amount, "twice": 2 * amount}, unit=f"u{amount % 2}")
        return {"score": amount / 100}

    @app.post("/score/thread")
    def score_in_a_thread(given: dict[str, float]) -> dict[str, float]:
        attach(features=given)
        return given

    @app.post("/score/broken")
    async def broken() -> None:
        raise LookupError("no model")

    @app.get("/stream")
    async def stream() -> StreamingResponse:
        return StreamingResponse(iter([b"a", b"b", b"c"]))

    @app.get("/health")
    async def health() -> str:
        return str(current_id())

    return app


def test_a_fastapi_service_is_recorded_while_it_answers(tmp_path: Path) -> None:
    """Two hundred calls at once: each client has its own answer, each call its own features."""
    with uvicorn_of(service(tmp_path)) as url, httpx.Client(base_url=url) as client:

        def ask(k: int) -> float:
            headers = {"x-request-id": f"r{k}", "authorization": "Bearer secret"}
            return float(client.post("/score", json={"amount": k}, headers=headers).json()["score"])

        with ThreadPoolExecutor(8) as threads:
            assert list(threads.map(ask, range(200))) == [k / 100 for k in range(200)]
        assert client.get("/health").json() == "None"
    found = recorded(tmp_path)
    assert sorted(found) == sorted(f"r{k}" for k in range(200))
    for k in range(200):
        one = found[f"r{k}"]
        answer = one.recorded_response
        assert answer is not None
        assert (json.loads(one.body), json.loads(answer.body)) == ({"amount": k}, {"score": k / 100})
        assert one.online_features is not None
        assert json.loads(one.online_features) == {"amount": k, "twice": 2 * k}
        assert (one.unit, one.served_by) == (f"u{k % 2}", {"model": "abc"})
        assert "authorization" not in one.headers


def test_threads_streams_and_errors_of_fastapi(tmp_path: Path) -> None:
    """A handler in a thread attaches too; a stream is whole; an error stays the server's own 500."""
    with uvicorn_of(service(tmp_path)) as url:
        names = {name: {"x-request-id": name} for name in ("thread", "broken", "stream")}
        # Each has a connection of its own: the server drops that of an error without a word of it.
        given = {"a": 1.5}
        assert httpx.post(f"{url}/score/thread", json=given, headers=names["thread"]).json() == given
        assert httpx.post(f"{url}/score/broken", headers=names["broken"]).status_code == 500
        assert httpx.get(f"{url}/stream", headers=names["stream"]).text == "abc"
    found = recorded(tmp_path)
    assert found["thread"].online_features == b'{"a":1.5}'
    assert found["broken"].tags == {"exception": "LookupError"}
    answers = {name: one.recorded_response for name, one in found.items()}
    assert {name: one.status for name, one in answers.items() if one} == {
        "thread": 200,
        "broken": 500,
        "stream": 200,
    }
    assert answers["stream"] is not None
    assert answers["stream"].body == b"abc"


def test_a_client_that_hangs_up_in_a_stream_is_told(tmp_path: Path) -> None:
    """The stream ends with the client, and the record says that the answer is not whole."""
    over = threading.Event()

    async def endless() -> Any:  # noqa: ANN401  -- an endless stream
        try:
            while True:
                yield b"x" * 65_536
                await asyncio.sleep(0)
        finally:
            over.set()

    async def stream(_request: Request) -> StreamingResponse:
        return StreamingResponse(endless())

    capturing = Middleware(CaptureMiddleware, folder=tmp_path, max_body_bytes=1_000)
    app = Starlette(routes=[Route("/", stream)], middleware=[capturing])
    with uvicorn_of(app) as url:
        host, port = url.removeprefix("http://").split(":")
        with socket.create_connection((host, int(port))) as client:
            client.sendall(b"GET / HTTP/1.1\r\nHost: x\r\nX-Request-Id: gone\r\n\r\n")
            assert client.recv(100)
        assert over.wait(10)
    one = recorded(tmp_path)["gone"]
    assert one.recorded_response is not None
    assert len(one.recorded_response.body) == 1_000
    assert one.tags["answer_truncated"] == "true"


def test_work_after_the_answer_is_not_waited_for(tmp_path: Path) -> None:
    """A background task of Starlette runs after the record is made."""
    offered: list[int] = []

    async def answer(request: Request) -> JSONResponse:
        recorder = request.app.middleware_stack.app.recorder
        return JSONResponse({}, background=BackgroundTask(lambda: offered.append(recorder.counts.offered)))

    capturing = Middleware(CaptureMiddleware, folder=tmp_path)
    app = Starlette(routes=[Route("/", answer)], middleware=[capturing])
    with uvicorn_of(app) as url:
        httpx.get(url)
    assert offered == [1]


def test_what_was_recorded_is_a_capture_for_every_command(tmp_path: Path) -> None:
    """`capture info` and `capture import` take the folder as it is."""
    folder = tmp_path / "calls"
    with uvicorn_of(service(folder)) as url, httpx.Client(base_url=url) as client:
        for k in range(5):
            client.post("/score", json={"amount": k})
    told = run("capture", "info", folder)
    assert told.code == 0, told.err
    assert "5, 5 with an answer, 5 of them timed" in told.out
    done = run("capture", "import", folder, "--to", tmp_path / "c.parquet")
    assert done.code == 0, done.err
    assert len(recorded(tmp_path / "c.parquet")) == 5


class Quiet(WSGIRequestHandler):
    """A handler that writes no log."""

    def log_message(self, *_: Any) -> None:  # noqa: ANN401  -- as its base has it
        """Nothing."""


@contextmanager
def wsgiref_of(app: Any) -> Iterator[str]:  # noqa: ANN401  -- a WSGI application
    """The address of the standard library's WSGI server."""
    with make_server("127.0.0.1", 0, app, handler_class=Quiet) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


def test_a_wsgi_service_is_recorded_while_it_answers(tmp_path: Path) -> None:
    """A plain application behind wsgiref: the answer keeps its length, its headers and its bytes."""

    def app(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        given = json.loads(environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"])))
        attach(features=given, unit="u1")
        start_response("200 OK", [("Content-Type", "application/json")])
        return [json.dumps({"score": given["amount"] / 100}).encode()]

    watched = WsgiCaptureMiddleware(app, tmp_path, model="abc")
    with wsgiref_of(watched) as url:
        for k in range(20):
            headers = {"x-request-id": f"r{k}"}
            answer = httpx.post(f"{url}/score?x=1", json={"amount": k}, headers=headers)
            assert (answer.json(), answer.headers["content-length"]) == (
                {"score": k / 100},
                str(len(answer.content)),
            )
    assert watched.recorder.close()
    found = recorded(tmp_path)
    assert sorted(found) == sorted(f"r{k}" for k in range(20))
    one = found["r7"]
    assert one.recorded_response is not None
    assert (one.path, one.body, one.recorded_response.body) == (
        "/score?x=1",
        b'{"amount":7}',
        b'{"score": 0.07}',
    )
    assert (one.online_features, one.unit, one.served_by) == (b'{"amount":7}', "u1", {"model": "abc"})
