r"""The reference endpoint: one process, one worker, features computed by its own code.

    python scenarios/duo_acceptance/service.py --port 0 --model models/champion.txt \
        --fault 'event_time_early:hours=1,since=2025-03-03T09:00:00Z'

POST /score answers {"request_id", "score", "decision"}, with "features" when asked by `X-Debug-Features: 1`;
GET /health answers {"status": "ok", "model": {...}}; bad input gets a 4xx and {"error": ...}. Every response
names the model in its headers.
"""

import argparse
import hashlib
import json
import socket
import sys
import time
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import lightgbm as lgb
import uvicorn
from fastapi import FastAPI, HTTPException, Request
from fastapi.responses import JSONResponse, Response

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # a script finds its folder, not the project

from scenarios.duo_acceptance.faults import Faults, parse_faults
from scenarios.duo_acceptance.serving_features import (
    BadRequestError,
    Index,
    compute,
    load_index,
    read_event_time,
    text,
    vector,
)

HERE = Path(__file__).resolve().parent
LARGEST_BODY = 65_536
LONGEST_ID = 128

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]


class UnreadableError(Exception):
    """The body is not one JSON object of a sane size; carries the HTTP status to answer with."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """A loaded model with the identity it answers with; `sha256` is that of the model file."""

    booster: lgb.Booster
    name: str
    version: str
    sha256: str
    threshold: float

    def score(self, body: Mapping[str, object], *, index: Index, faults: Faults) -> dict[str, Any]:
        """Score, decision and features of one decoded body."""
        event_time, history_time = faults.read_times(read_event_time(body))
        features = compute(body, index, event_time=event_time, history_time=history_time)
        row = vector(features, index, names=self.booster.feature_name())
        score = float(self.booster.predict(row, num_threads=1)[0])
        return {"score": score, "decision": score >= self.threshold, "features": features}

    def identity(self) -> dict[str, str]:
        """Name, version and hash."""
        return {"name": self.name, "version": self.version, "hash": self.sha256}


def load_model(path: Path, *, name: str, version: str, threshold: float) -> Model:
    """Read a LightGBM text model; ValueError when the file is cut, on which LightGBM itself would crash."""
    content = path.read_bytes()
    if b"\nend of trees\n" not in content or b"\npandas_categorical:" not in content:
        raise ValueError(f"{path} is not a complete LightGBM text model ({len(content)} bytes)")
    booster = lgb.Booster(model_str=content.decode())
    sha256 = hashlib.sha256(content).hexdigest()
    return Model(
        booster=booster, name=name, version=version or sha256[:12], sha256=sha256, threshold=threshold
    )


def create_app(model: Model, *, index: Index, faults: Faults) -> Application:
    """The application, wrapped so that every response carries the identity headers."""
    app = FastAPI(openapi_url=None)

    @app.get("/health")
    async def health() -> dict[str, object]:
        return {"status": "ok", "model": model.identity()}

    @app.post("/score")
    async def score(request: Request) -> Response:
        body = decode(await request.body())
        request_id = read_request_id(body)
        request.scope["request_id"] = request_id
        answer = model.score(body, index=index, faults=faults)
        await faults.delay(read_event_time(body))
        if request.headers.get("x-debug-features") != "1":
            del answer["features"]
        return JSONResponse({"request_id": request_id, **answer})

    @app.exception_handler(BadRequestError)
    async def refuse(_request: Request, error: BadRequestError) -> Response:
        return JSONResponse({"error": str(error)}, status_code=422)

    @app.exception_handler(UnreadableError)
    async def unreadable(_request: Request, error: UnreadableError) -> Response:
        return JSONResponse({"error": str(error)}, status_code=error.status)

    @app.exception_handler(404)
    @app.exception_handler(405)
    async def nothing_here(request: Request, error: HTTPException) -> Response:
        message = f"{request.method} {request.url.path}: {error.detail}; there is POST /score and GET /health"
        return JSONResponse({"error": message}, status_code=error.status_code, headers=error.headers)

    return Identity(app, model)


def decode(raw: bytes) -> dict[str, object]:
    """The JSON object in a body; NaN and Infinity are not JSON."""
    if len(raw) > LARGEST_BODY:
        raise UnreadableError(413, f"body of {len(raw)} bytes, at most {LARGEST_BODY} are read")
    try:
        body = json.loads(raw, parse_constant=refuse_constant)
    except (ValueError, RecursionError) as error:
        raise UnreadableError(400, f"body is not JSON: {error}") from error
    if not isinstance(body, dict):
        raise UnreadableError(400, f"expected a JSON object, found {type(body).__name__}")
    return body


def refuse_constant(constant: str) -> object:
    """NaN, Infinity and -Infinity are refused as Python's parser would let them in."""
    raise ValueError(f"{constant} is not JSON")


def read_request_id(body: Mapping[str, object]) -> str:
    """The request id, safe to send back in a header."""
    request_id = text(body, "request_id")
    if not (0 < len(request_id) <= LONGEST_ID and request_id.isascii() and request_id.isprintable()):
        message = (
            f"request_id: expected 1 to {LONGEST_ID} printable ASCII characters, found {request_id!r:.80}"
        )
        raise BadRequestError(message)
    return request_id


@dataclass(frozen=True, slots=True)
class Identity:
    """Adds X-Model-*, X-Request-Id and Server-Timing to every response of the wrapped application."""

    app: Application
    model: Model

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: PLR0917  -- as ASGI says
        """Pass the call on, adding headers as the response starts."""
        started = time.perf_counter()

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", []), *self.headers(scope, started)]
            await send(message)

        await self.app(scope, receive, send_with_headers)

    def headers(self, scope: Scope, started: float) -> list[tuple[bytes, bytes]]:
        """The added headers; the id is the one in the request's header, else the one in its body."""
        elapsed_ms = 1000 * (time.perf_counter() - started)
        request_id = (
            next((v for k, v in scope["headers"] if k == b"x-request-id"), b"")
            or scope.get("request_id", "").encode()
        )
        named = [(f"x-model-{key}".encode(), value.encode()) for key, value in self.model.identity().items()]
        echoed = [(b"x-request-id", request_id)] if request_id else []
        return [*named, *echoed, (b"server-timing", f"app;dur={elapsed_ms:.3f}".encode())]


class AnnouncingServer(uvicorn.Server):
    """Says on stdout where it listens, once it does."""

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start serving, then print one line."""
        await super().startup(sockets)
        for bound in sockets or []:
            sys.stdout.write(f"listening on http://127.0.0.1:{bound.getsockname()[1]}\n")
            sys.stdout.flush()


def parse_arguments(arguments: list[str]) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description="Reference endpoint of the scenario duo_acceptance.")
    parser.add_argument(
        "--port", type=int, default=0, help="port on 127.0.0.1; 0 takes a free one and prints it"
    )
    parser.add_argument(
        "--model", type=Path, default=HERE / "models/champion.txt", help="LightGBM text model"
    )
    parser.add_argument("--data", type=Path, default=HERE / "data", help="folder of history and categories")
    parser.add_argument("--name", default="duo-acceptance", help="X-Model-Name")
    parser.add_argument(
        "--version", default="", help="X-Model-Version; the start of the file's hash unless given"
    )
    parser.add_argument("--threshold", type=float, default=0.60, help="accepted when score >= threshold")
    parser.add_argument(
        "--fault", action="append", default=[], metavar="NAME:KEY=VALUE,...", help="see faults.py"
    )
    return parser.parse_args(arguments)


def model_path(given: Path) -> Path:
    """The path as given, or under this folder when it is only found there."""
    return given if given.exists() else HERE / given


def serve(options: argparse.Namespace) -> None:
    """Load everything, bind, and answer until stopped."""
    faults = parse_faults(options.fault)
    model = load_model(
        model_path(options.model), name=options.name, version=options.version, threshold=options.threshold
    )
    app = create_app(model, index=load_index(options.data), faults=faults)
    with socket.create_server(("127.0.0.1", options.port)) as bound:
        server = AnnouncingServer(uvicorn.Config(app, log_level="warning", access_log=False, lifespan="off"))
        server.run(sockets=[bound])


if __name__ == "__main__":
    try:
        serve(parse_arguments(sys.argv[1:]))
    except (OSError, ValueError, lgb.basic.LightGBMError) as problem:
        sys.exit(f"cannot start: {problem}")
