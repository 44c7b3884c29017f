"""The reference endpoint of a scenario: FastAPI around features computed by the scenario's own serving code.

POST /score answers {"request_id", "score", "decision"}, with "features" when asked by `X-Debug-Features: 1`;
GET /health answers {"status": "ok", "model": {...}}; bad input gets a 4xx and {"error": ...}. Every response
names the model in its headers.
"""

import argparse
import hashlib
import json
import os
import socket
import sys
import time
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import lightgbm as lgb
import uvicorn
from fastapi import FastAPI, HTTPException, Request
from fastapi.responses import JSONResponse, Response

from scenarios import request as incoming
from scenarios.bugs.active import Bugs
from scenarios.bugs.context import Asked, Serving
from scenarios.bugs.parse import BUGS_VARIABLE, parse_bugs
from scenarios.request import BadRequestError, Features, Levels, spelled, vector

LARGEST_BODY = 65_536

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

    def score(self, features: Features, levels: Levels) -> float:
        """The probability for one request's features."""
        row = vector(features, levels, names=self.booster.feature_name())
        return float(self.booster.predict(row, num_threads=1)[0])

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


@dataclass(frozen=True, slots=True, kw_only=True)
class Scorer:
    """A model behind a scenario's serving code, with the bugs that are on and the models that these name."""

    model: Model
    serving: Serving
    bugs: Bugs = field(default_factory=Bugs)
    rivals: Mapping[str, Model] = field(default_factory=dict)

    def answer(self, request: incoming.Request) -> tuple[Asked, dict[str, Any]]:
        """A request as the bugs see it, and its score, decision and the model's features."""
        asked, features = self.bugs.serve(request, self.serving, score_by=self._score_by)
        score = self.bugs.score(self.model.score(features, self.serving.levels), features, asked=asked)
        names = [name for name in self.model.booster.feature_name() if name in features]
        echo = {name: spelled(features[name]) for name in names}
        return asked, {"score": score, "decision": score >= self.model.threshold, "features": echo}

    def _score_by(self, name: str, features: Features) -> float:
        return self.rivals[name].score(features, self.serving.levels)


def create_app(scorer: Scorer) -> Application:
    """The application, wrapped so that every response carries the identity headers."""
    app = FastAPI(openapi_url=None)
    model = scorer.model

    @app.get("/health")
    async def health() -> dict[str, object]:
        return {"status": "ok", "model": model.identity()}

    @app.post("/score")
    async def score(request: Request) -> Response:
        body = decode(await request.body())
        request_id = incoming.read_request_id(body)
        request.scope["request_id"] = request_id
        asked, answer = scorer.answer(body)
        await scorer.bugs.delay(asked)
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """What one scenario serves: its folder, its model's name, its threshold, and how its memory is loaded."""

    folder: Path
    name: str
    threshold: float
    load: Callable[[Path], Serving]

    def main(self, arguments: list[str]) -> None:
        """Serve until stopped, or exit with one line that says why it cannot start."""
        try:
            self._serve(self._options(arguments))
        except (OSError, ValueError, lgb.basic.LightGBMError) as problem:
            sys.exit(f"cannot start: {problem}")

    def _options(self, arguments: list[str]) -> argparse.Namespace:
        parser = argparse.ArgumentParser(
            description=f"Reference endpoint of the scenario {self.folder.name}."
        )
        add = parser.add_argument
        add("--port", type=int, default=0, help="port on 127.0.0.1; 0 takes a free one and prints it")
        add("--model", type=Path, default=self.folder / "models/champion.txt", help="LightGBM text model")
        add("--data", type=Path, default=self.folder / "data", help="folder of history and categories")
        add("--name", default=self.name, help="X-Model-Name")
        add("--version", default="", help="X-Model-Version; the start of the file's hash unless given")
        add("--threshold", type=float, default=self.threshold, help="positive when score >= threshold")
        add("--bug", action="append", default=[], metavar="NAME:FEATURE,KEY=VALUE", help="see scenarios/bugs")
        return parser.parse_args(arguments)

    def _serve(self, options: argparse.Namespace) -> None:
        """Load everything, bind, and answer until stopped."""
        path = options.model if options.model.exists() else self.folder / options.model
        identity = {"name": options.name, "version": options.version, "threshold": options.threshold}
        serving = self.load(options.data)
        texts = [*options.bug, *filter(None, os.environ.get(BUGS_VARIABLE, "").split(";"))]
        bugs = parse_bugs(texts, serving, data=options.data)
        rivals = {name: load_model(path.parent / f"{name}.txt", **identity) for name in bugs.models()}
        scorer = Scorer(model=load_model(path, **identity), serving=serving, bugs=bugs, rivals=rivals)
        with socket.create_server(("127.0.0.1", options.port)) as bound:
            settings = uvicorn.Config(
                create_app(scorer), log_level="warning", access_log=False, lifespan="off"
            )
            AnnouncingServer(settings).run(sockets=[bound])
