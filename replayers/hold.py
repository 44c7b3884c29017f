"""A stub that answers after a known time, to measure the harness: `python -m replayers.hold --hold-ms 20`.

Each answer says when its request was received and when the answer was sent (`X-Received-Ns`, `X-Sent-Ns`,
both CLOCK_MONOTONIC) and so, as `Server-Timing`, how long it was really held. It prints its address and
serves on the loopback interface until it is stopped. Each `--slow-every`-th request is held for `--slow-ms`.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import itertools
import time
from dataclasses import dataclass
from pathlib import Path

_BODY = b'{"score": 0.5}'
_ANSWER = (
    b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\nX-Received-Ns: %d\r\n"
    b"X-Sent-Ns: %d\r\nServer-Timing: app;dur=%.6f\r\n%b\r\n%b"
)
_ID = b"x-request-id:"
_LENGTH = b"content-length:"


@dataclass(frozen=True)
class Hold:
    """How long requests are held: `slow_ms` for each `slow_every`-th one, 0 for none."""

    hold_ms: float = 20.0
    slow_ms: float = 200.0
    slow_every: int = 0

    def seconds(self, number: int) -> float:
        """How long to hold the n-th request, counted from 1."""
        slow = self.slow_every and number % self.slow_every == 0
        return (self.slow_ms if slow else self.hold_ms) / 1000


class HoldProtocol(asyncio.Protocol):
    """One keep-alive connection, one request at a time."""

    def __init__(self, hold: Hold, numbers: itertools.count[int]) -> None:
        self._hold = hold
        self._numbers = numbers
        self._received = bytearray()
        self._transport: asyncio.WriteTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep where answers go."""
        self._transport = transport  # type: ignore[assignment]  # a stream transport, as create_server says

    def data_received(self, data: bytes) -> None:
        """Each whole request is held and answered."""
        now_ns = time.monotonic_ns()
        self._received += data
        while (head := taken(self._received)) is not None:
            wait_s = self._hold.seconds(next(self._numbers))
            echo = _line(head, _ID)
            asyncio.get_running_loop().call_later(wait_s, self._answer, now_ns, echo)

    def _answer(self, received_ns: int, echo: bytes) -> None:
        if self._transport is None or self._transport.is_closing():
            return
        now_ns = time.monotonic_ns()
        held_ms = (now_ns - received_ns) / 1e6
        lines = b"X-Request-Id: %b\r\n" % echo if echo else b""
        self._transport.write(_ANSWER % (len(_BODY), received_ns, now_ns, held_ms, lines, _BODY))


def taken(received: bytearray) -> bytes | None:
    """The head of the next whole request, which is removed from the bytes; None until it is there."""
    end = received.find(b"\r\n\r\n")
    if end < 0:
        return None
    head = bytes(received[:end])
    whole = end + 4 + int(_line(head, _LENGTH) or 0)
    if len(received) < whole:
        return None
    del received[:whole]
    return head


def _line(head: bytes, name: bytes) -> bytes:
    """The value of a header, found without parsing the others."""
    start = head.lower().find(b"\r\n" + name)
    if start < 0:
        return b""
    start += 2 + len(name)
    end = head.find(b"\r\n", start)
    return head[start : end if end >= 0 else None].strip()


def command(hold: Hold, *, python: str = "{python}", port: str = "{port}") -> tuple[str, ...]:
    """The command that starts the stub; by default with the placeholders of a target's `start`."""
    arguments = ("--hold-ms", f"{hold.hold_ms:g}", "--slow-ms", f"{hold.slow_ms:g}")
    # -P keeps this folder off the path, where http.py would hide the standard library's package
    return (
        python,
        "-P",
        str(Path(__file__)),
        "--port",
        port,
        *arguments,
        "--slow-every",
        str(hold.slow_every),
    )


async def serve(hold: Hold, *, port: int = 0) -> asyncio.Server:
    """The stub, listening on the loopback interface; 0 takes a free port."""
    numbers = itertools.count(1)
    loop = asyncio.get_running_loop()
    return await loop.create_server(lambda: HoldProtocol(hold, numbers), "127.0.0.1", port, backlog=1024)


async def _main(arguments: argparse.Namespace) -> None:
    hold = Hold(arguments.hold_ms, arguments.slow_ms, arguments.slow_every)
    server = await serve(hold, port=arguments.port)
    bound = server.sockets[0].getsockname()[1]
    print(f"http://127.0.0.1:{bound}/score", flush=True)  # noqa: T201  -- the command line's one line
    async with server:
        await server.serve_forever()


def _run(arguments: argparse.Namespace) -> None:
    """On uvloop where there is one."""
    try:
        import uvloop
    except ImportError:
        asyncio.run(_main(arguments))
    else:
        uvloop.run(_main(arguments))


def main() -> None:
    """Answer after a known time, until interrupted."""
    parser = argparse.ArgumentParser(prog="python -m replayers.hold", description=main.__doc__)
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--hold-ms", type=float, default=20.0)
    parser.add_argument("--slow-ms", type=float, default=200.0)
    parser.add_argument("--slow-every", type=int, default=0, help="hold each n-th request for --slow-ms")
    with contextlib.suppress(KeyboardInterrupt):
        _run(parser.parse_args())


if __name__ == "__main__":
    main()
