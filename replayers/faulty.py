"""A stub service with faults on demand, the same each time: `async with Faulty() as faulty: ... faulty.url`.

The behaviour of an answer is named, in this order, by the request's `X-Faulty` header, by its path
(`/faulty/<name>`), by `every` (each k-th request, counted from 1), and otherwise by `behaviour`. A number
after a colon is its argument: `slow:50` waits 50 ms. On the command line: `python -m replayers.faulty`.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import gzip
import json
import socket
import struct
import zlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Self

Headers = dict[str, str]


@dataclass(frozen=True)
class Seen:
    """One request as it arrived, header names in lower case."""

    method: str
    path: str
    headers: Headers
    body: bytes


@dataclass
class _Turn:
    """One request, the connection to answer it on, and the argument of the behaviour."""

    seen: Seen
    writer: asyncio.StreamWriter
    argument: str
    freeze: Callable[[float], None]

    def number(self, default: int) -> int:
        return int(self.argument or default)

    def json(self, body: bytes, *, status: str = "200 OK", headers: Headers | None = None) -> None:
        """An answer with a Content-Length, and the request's id."""
        fields = {
            "Content-Type": "application/json",
            "X-Model-Hash": "stub",
            "Content-Length": str(len(body)),
            **(
                {"X-Request-Id": self.seen.headers["x-request-id"]}
                if "x-request-id" in self.seen.headers
                else {}
            ),
            **(headers or {}),
        }
        lines = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
        head = f"HTTP/1.1 {status}\r\n{lines}\r\n".encode()
        self.writer.write(head if self.seen.method == "HEAD" else head + body)

    def reset(self) -> None:
        """Close with RST instead of FIN."""
        sock = self.writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()


def score_of(body: bytes) -> float:
    """The stub's model: a number in [0, 1) that depends on every byte of the request body."""
    return zlib.crc32(body) % 10_000 / 10_000


def _answer(seen: Seen) -> bytes:
    """The right answer; it echoes the fields of the request as features when asked to."""
    answer: dict[str, object] = {"score": score_of(seen.body)}
    if "x-debug-features" in seen.headers:
        answer["features"] = json.loads(seen.body or b"{}")
    return json.dumps(answer).encode()


async def _ok(turn: _Turn) -> bool:
    turn.json(_answer(turn.seen))
    return True


def _fixed(body: bytes, *, status: str = "200 OK", headers: Headers | None = None) -> _Behaviour:
    """The same answer to everything."""

    async def behave(turn: _Turn) -> bool:
        turn.json(body, status=status, headers=headers)
        return True

    return behave


async def _error_then_close(turn: _Turn) -> bool:
    """As uvicorn does after an unhandled exception: a 500, then EOF, and no `Connection: close`."""
    turn.json(b'{"error": "boom"}', status="500 Internal Server Error")
    return False


async def _close_after(turn: _Turn) -> bool:
    turn.json(_answer(turn.seen))
    return False


async def _announced_close(turn: _Turn) -> bool:
    turn.json(_answer(turn.seen), headers={"Connection": "close"})
    return False


async def _until_eof(turn: _Turn) -> bool:
    turn.writer.write(b"HTTP/1.1 200 OK\r\nX-Model-Hash: stub\r\n\r\n" + _answer(turn.seen))
    return False


async def _huge(turn: _Turn) -> bool:
    """A body of so many bytes, written as long as somebody reads it."""
    left = turn.number(2_000_000)
    turn.writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % left)
    while left > 0:
        turn.writer.write(b" " * min(left, 1 << 16))
        left -= 1 << 16
        await turn.writer.drain()
    return True


async def _chunked(turn: _Turn) -> bool:
    turn.writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    for byte in _answer(turn.seen):
        turn.writer.write(b"1\r\n%c\r\n" % byte)
    turn.writer.write(b"0\r\n\r\n")
    return True


async def _gzip(turn: _Turn) -> bool:
    turn.json(gzip.compress(_answer(turn.seen)), headers={"Content-Encoding": "gzip"})
    return True


async def _deflate(turn: _Turn) -> bool:
    turn.json(zlib.compress(_answer(turn.seen)), headers={"Content-Encoding": "deflate"})
    return True


async def _bomb(turn: _Turn) -> bool:
    turn.json(gzip.compress(bytes(turn.number(20_000_000))), headers={"Content-Encoding": "gzip"})
    return True


async def _early_hints(turn: _Turn) -> bool:
    turn.writer.write(b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n")
    turn.json(_answer(turn.seen))
    return True


async def _slow(turn: _Turn) -> bool:
    await asyncio.sleep(turn.number(50) / 1000)
    return await _ok(turn)


async def _hang(turn: _Turn) -> bool:
    """Nothing, until the client goes."""
    await turn.writer.drain()
    await asyncio.Event().wait()
    return False


async def _half(turn: _Turn) -> bool:
    """The head of an answer, then nothing."""
    turn.writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\n{")
    return await _hang(turn)


async def _loris(turn: _Turn) -> bool:
    """An answer that never ends, a byte each 20 ms."""
    turn.writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n")
    while not turn.writer.is_closing():
        turn.writer.write(b" ")
        await asyncio.sleep(turn.number(20) / 1000)
    return False


async def _freeze(turn: _Turn) -> bool:
    """The whole server answers nobody for a while, and then everybody."""
    seconds = turn.number(50) / 1000
    turn.freeze(seconds)
    await asyncio.sleep(seconds)
    return await _ok(turn)


async def _timing(turn: _Turn) -> bool:
    turn.json(_answer(turn.seen), headers={"Server-Timing": "db;dur=1, app;dur=12.5"})
    return True


async def _echo(turn: _Turn) -> bool:
    """A debug page: every header of the request, in the body and in a header."""
    told = json.dumps({"score": 0.5, "headers": turn.seen.headers}).encode()
    turn.json(told, headers={"X-Model-Hash": turn.seen.headers.get("authorization", "none")})
    return True


async def _redirect_to(turn: _Turn) -> bool:
    turn.json(b"", status="302 Found", headers={"Location": turn.argument or _ELSEWHERE["Location"]})
    return True


async def _reset(turn: _Turn) -> bool:
    turn.reset()
    return False


async def _reset_after_head(turn: _Turn) -> bool:
    turn.writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\n{")
    await turn.writer.drain()
    await asyncio.sleep(0)
    turn.reset()
    return False


async def _truncated(turn: _Turn) -> bool:
    """Fewer bytes than announced, then EOF."""
    turn.writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n" + _answer(turn.seen)[:5])
    return False


async def _too_long(turn: _Turn) -> bool:
    """More bytes than announced."""
    body = _answer(turn.seen)
    turn.writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%bextra" % (len(body), body))
    return True


async def _not_http(turn: _Turn) -> bool:
    turn.writer.write(b"SSH-2.0-stub\r\n")
    return True


async def _stranger(turn: _Turn) -> bool:
    turn.json(_answer(turn.seen), headers={"X-Request-Id": "another"})
    return True


_Behaviour = Callable[[_Turn], Awaitable[bool]]

_HTML = b"<!doctype html><html><body>It works</body></html>"
_ELSEWHERE = {"Location": "http://127.0.0.1:9/stolen"}

#: each writes one answer and says whether the connection stays open
BEHAVIOURS: dict[str, _Behaviour] = {
    "ok": _ok,
    "html": _fixed(_HTML, headers={"Content-Type": "text/html"}),
    "500": _fixed(b'{"error": "boom"}', status="500 Internal Server Error"),
    "500-then-close": _error_then_close,
    "422": _fixed(b'{"error": "no such field"}', status="422 Unprocessable Content"),
    "empty": _fixed(b""),
    "204": _fixed(b"", status="204 No Content", headers={}),
    "list": _fixed(b"[0.5]"),
    "nan": _fixed(b'{"score": NaN}'),
    "null": _fixed(b'{"score": null}'),
    "text_nan": _fixed(b'{"score": "NaN"}'),
    "no_score": _fixed(b'{"result": 0.5}'),
    "cut_json": _fixed(b'{"score": 0.'),
    "redirect": _fixed(b"", status="302 Found", headers=_ELSEWHERE),
    "redirect_to": _redirect_to,
    "huge": _huge,
    "chunked": _chunked,
    "gzip": _gzip,
    "deflate": _deflate,
    "bomb": _bomb,
    "until_eof": _until_eof,
    "early_hints": _early_hints,
    "slow": _slow,
    "hang": _hang,
    "half": _half,
    "loris": _loris,
    "freeze": _freeze,
    "timing": _timing,
    "echo": _echo,
    "reset": _reset,
    "reset_after_head": _reset_after_head,
    "truncated": _truncated,
    "too_long": _too_long,
    "not_http": _not_http,
    "close_after": _close_after,
    "announced_close": _announced_close,
    "stranger": _stranger,
}


@dataclass
class Faulty:
    """The server, on the loopback interface while the context is open; `seen` lists the requests in order."""

    behaviour: str = "ok"
    every: dict[int, str] = field(default_factory=dict)
    port: int = 0
    seen: list[Seen] = field(default_factory=list)
    connections: int = 0

    async def __aenter__(self) -> Self:
        self._tasks: set[asyncio.Task[None]] = set()
        self._thawed = asyncio.Event()
        self._thawed.set()
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._server.wait_closed()

    @property
    def url(self) -> str:
        """Where requests go."""
        return f"http://127.0.0.1:{self.port}/score"

    def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        task = asyncio.get_running_loop().create_task(self._connection(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while (seen := await _read(reader)) is not None:
                self.seen.append(seen)
                await self._thawed.wait()
                name, _, argument = self._named(seen).partition(":")
                keep = await BEHAVIOURS[name](_Turn(seen, writer, argument, self._freeze))
                if not keep:
                    break
                await writer.drain()
        except (OSError, asyncio.IncompleteReadError):
            pass  # the client went away
        finally:
            writer.close()

    def _freeze(self, seconds: float) -> None:
        self._thawed.clear()
        asyncio.get_running_loop().call_later(seconds, self._thawed.set)

    def _named(self, seen: Seen) -> str:
        """The behaviour that this request meets."""
        if "x-faulty" in seen.headers:
            return seen.headers["x-faulty"]
        if seen.path.startswith("/faulty/"):
            return seen.path.removeprefix("/faulty/")
        if seen.path == "/health":
            return "ok"
        return next((name for k, name in self.every.items() if len(self.seen) % k == 0), self.behaviour)


async def _read(reader: asyncio.StreamReader) -> Seen | None:
    """The next request, None at the end of the connection."""
    try:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    except asyncio.IncompleteReadError:
        return None
    request_line, *lines = head.strip().split("\r\n")
    method, path, _ = request_line.split(" ")
    headers = {name.strip().lower(): value.strip() for name, _, value in (x.partition(":") for x in lines)}
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    return Seen(method, path, headers, body)


async def _main(arguments: argparse.Namespace) -> None:
    async with Faulty(behaviour=arguments.behaviour, port=arguments.port) as faulty:
        print(faulty.url, flush=True)  # noqa: T201  -- the command line's one line
        await asyncio.Event().wait()


def main() -> None:
    """Serve on the loopback interface until interrupted, after printing the address."""
    parser = argparse.ArgumentParser(prog="python -m replayers.faulty", description=main.__doc__)
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--behaviour", default="ok", help=f"one of: {' '.join(BEHAVIOURS)}")
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_main(parser.parse_args()))


if __name__ == "__main__":
    main()
