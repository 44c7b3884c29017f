"""A small HTTP service that gives prepared answers by request id, and misbehaves on demand; only stdlib.

In a thread of a test: `with Service(answers) as service: ... service.url`. As a program of its own:
`python service.py --port 8000 --answers answers.json`.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

Answers = dict[str, dict[str, Any]]

#: whole answers, whatever was asked
FIXED = {
    "html": ("200 OK", b"<!doctype html><html><body>It works</body></html>"),
    "500": ("500 Internal Server Error", b'{"error": "boom"}'),
    "empty": ("200 OK", b""),
    "list": ("200 OK", b"[0.5]"),
    "nan": ("200 OK", b'{"score": NaN}'),
    "null": ("200 OK", b'{"score": null}'),
    "text_nan": ("200 OK", b'{"score": "NaN"}'),
}


@dataclass
class Service:
    """The service; `seen` lists the ids it was asked, `connections` counts those it accepted.

    `mode` is one of FIXED, `slow:<ms>`, `down:<answers>` (then it resets every connection) or empty.
    """

    answers: Answers
    model: str = ""
    mode: str = ""
    port: int = 0
    seen: list[str] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    connections: int = 0
    asked: threading.Event = field(default_factory=threading.Event)

    @property
    def url(self) -> str:
        """Where requests go."""
        return f"http://127.0.0.1:{self.port}/score"

    def __enter__(self) -> Self:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self.start(), self._loop).result()
        return self

    def __exit__(self, *_: object) -> None:
        asyncio.run_coroutine_threadsafe(self._stop(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def start(self) -> None:
        """The port is open."""
        self._open: set[asyncio.Task[None]] = set()
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def _stop(self) -> None:
        self._server.close()
        for task in self._open:
            task.cancel()
        await asyncio.gather(*self._open, return_exceptions=True)
        await self._server.wait_closed()

    def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        task = asyncio.get_running_loop().create_task(self._connection(reader, writer))
        self._open.add(task)
        task.add_done_callback(self._open.discard)

    async def _connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
                first, *lines = head.strip().split("\r\n")
                headers = {k.lower(): v.strip() for k, _, v in (line.partition(":") for line in lines)}
                await reader.readexactly(int(headers.get("content-length", "0")))
                if first.split()[1] == "/health":
                    writer.write(_message("200 OK", b"{}", {}))
                elif not await self._score(headers, writer):
                    return
                await writer.drain()
        except (OSError, asyncio.IncompleteReadError):
            pass  # the client went away
        finally:
            writer.close()

    async def _score(self, headers: dict[str, str], writer: asyncio.StreamWriter) -> bool:
        """One answer; False when the connection is reset instead."""
        self.headers.append(headers)
        self.seen.append(headers["x-request-id"])
        self.asked.set()
        name, _, argument = self.mode.partition(":")
        if name == "down" and len(self.seen) > int(argument):
            writer.transport.abort()
            return False
        if name == "slow":
            await asyncio.sleep(int(argument) / 1000)
        status, body = FIXED.get(name) or ("200 OK", self._right(headers))
        fields = {"X-Request-Id": headers["x-request-id"]} | (
            {"X-Model-Hash": self.model} if self.model else {}
        )
        writer.write(_message(status, body, fields))
        return True

    def _right(self, headers: dict[str, str]) -> bytes:
        answer = self.answers[headers["x-request-id"]]
        shown = answer if "x-debug-features" in headers else {"score": answer["score"]}
        return json.dumps(shown).encode()


def _message(status: str, body: bytes, fields: dict[str, str]) -> bytes:
    named = {"Content-Type": "application/json", "Content-Length": str(len(body))} | fields
    lines = "".join(f"{name}: {value}\r\n" for name, value in named.items())
    return f"HTTP/1.1 {status}\r\n{lines}\r\n".encode() + body


async def _main(arguments: argparse.Namespace, answers: Answers) -> None:
    await Service(answers, model=arguments.model, mode=arguments.mode, port=arguments.port).start()
    await asyncio.Event().wait()


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--answers", required=True)
    parser.add_argument("--model", default="")
    parser.add_argument("--mode", default="")
    given = parser.parse_args()
    asyncio.run(_main(given, json.loads(Path(given.answers).read_text(encoding="utf-8"))))
