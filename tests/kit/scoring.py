"""A live service for the small scenario that computes its features from each body, with bugs on demand.

In a thread of a test: `with Scoring(bug=...) as service: ... service.url`.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Self

import lightgbm
import numpy as np

from tests.kit import small

#: features of a body, changed as the buggy service would
Bug = Callable[[dict[str, Any], dict[str, Any]], dict[str, Any]]


class Refusal(Exception):  # noqa: N818  -- an answer, not a failure of the test
    """A request that the service does not score."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


def amount_too_high(body: dict[str, Any], features: dict[str, Any]) -> dict[str, Any]:
    """In France amount is served one too high."""
    wrong = body.get("country") == "fr" and features["amount"] is not None
    return features | ({"amount": features["amount"] + 1} if wrong else {})


def no_visits(_body: dict[str, Any], features: dict[str, Any]) -> dict[str, Any]:
    """Visits are left out."""
    return {name: value for name, value in features.items() if name != "visits"}


def healthy(_body: dict[str, Any], features: dict[str, Any]) -> dict[str, Any]:
    """No bug."""
    return features


@dataclass
class Scoring:
    """The service; `seen` holds the headers and bodies it was asked.

    `insists` are keys that a body must have (422), `token` the authorization without which nothing is scored
    (401, which repeats what it was given), `score_bug` changes the score, `refuses` answers with a status.
    """

    model: str
    bug: Bug = healthy
    insists: tuple[str, ...] = ()
    token: str = ""
    score_bug: Callable[[float], float] = float
    refuses: int = 0
    seen: list[tuple[dict[str, str], dict[str, Any]]] = field(default_factory=list)

    @property
    def url(self) -> str:
        """Where requests go."""
        return f"{self.origin}/score"

    @property
    def origin(self) -> str:
        """Scheme, host and port."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Self:
        self._booster = lightgbm.Booster(model_str=self.model)
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def answer(self, headers: dict[str, str], raw: bytes) -> dict[str, Any]:
        """The answer to one request; raises Refusal."""
        body = json.loads(raw)
        self.seen.append((headers, body))
        if self.refuses:
            raise Refusal(self.refuses, "not now")
        if self.token and headers.get("authorization") != self.token:
            raise Refusal(401, f"not authorized: {headers.get('authorization')}, want {self.token}")
        for name in self.insists:
            if name not in body:
                raise Refusal(422, f"missing key {name!r}")
        features = self.bug(body, {name: body.get(name) for name in small.FEATURES})
        vector = [np.nan if features.get(name) is None else float(features[name]) for name in small.FEATURES]
        score = float(np.asarray(self._booster.predict(np.array([vector]), num_threads=1))[0])
        shown = {"features": features} if "x-debug-features" in headers else {}
        return {"score": self.score_bug(score), **shown}


def _handler(service: Scoring) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            headers = {name.lower(): value for name, value in self.headers.items()}
            raw = self.rfile.read(int(headers.get("content-length", "0")))
            try:
                self.reply(200, service.answer(headers, raw), headers)
            except Refusal as refusal:
                self.reply(refusal.status, {"error": str(refusal)}, headers)

        def do_GET(self) -> None:
            self.reply(200, {}, {})

        def reply(self, status: int, answer: dict[str, Any], headers: dict[str, str]) -> None:
            data = json.dumps(answer).encode()
            self.send_response(status)
            if "x-request-id" in headers:
                self.send_header("X-Request-Id", headers["x-request-id"])
            self.send_header("X-Model-Hash", small.model_hash())
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_: object) -> None:
            pass

    return Handler


def model_text(folder: Path) -> str:
    """The model of a small scenario, for the service to serve."""
    return (folder / "model.txt").read_text(encoding="utf-8")
