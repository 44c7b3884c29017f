"""The stub that knows the truth about its own time."""

import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from replayers.hold import Hold, command, taken
from replayers.selectors import server_ns

REQUEST = b"POST /score HTTP/1.1\r\nHost: a\r\nX-Request-Id: r%d\r\nContent-Length: 2\r\n\r\n{}"


@contextmanager
def stub(hold: Hold) -> Iterator[socket.socket]:
    """The stub in a process of its own, and a connection to it."""
    arguments = command(hold, python=sys.executable, port="0")
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            port = int(process.stdout.readline().rpartition(":")[2].split("/")[0])
            with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
                yield connection
        finally:
            process.kill()


def answer(connection: socket.socket) -> dict[str, str]:
    """The headers of the next answer, by lower-case name."""
    received = b""
    while not received.endswith(b'{"score": 0.5}'):
        received += connection.recv(4096)
    lines = received.partition(b"\r\n\r\n")[0].decode().split("\r\n")[1:]
    return {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}


def test_an_answer_says_how_long_it_was_held() -> None:
    """No less than asked for, each third longer; stamps agree with Server-Timing; the id is echoed."""
    with stub(Hold(hold_ms=10, slow_ms=30, slow_every=3)) as connection:
        held = []
        for number in range(3):
            connection.sendall(REQUEST % number)
            headers = answer(connection)
            assert headers["x-request-id"] == f"r{number}"
            stamps = int(headers["x-sent-ns"]) - int(headers["x-received-ns"])
            assert server_ns(headers["server-timing"]) == stamps
            held.append(stamps / 1e6)
    assert min(held) >= 9
    assert held[2] >= 29


def test_a_request_in_pieces_is_one_request() -> None:
    """It is taken once its body is whole; two in one piece are two."""
    received = bytearray()
    for k in range(0, len(REQUEST % 1) - 1, 7):
        received += (REQUEST % 1)[k : k + 7]
        if len(received) < len(REQUEST % 1):
            assert taken(received) is None
    both = bytearray(REQUEST % 1 + REQUEST % 2)
    assert [b"r1" in (taken(both) or b""), b"r2" in (taken(both) or b""), taken(both)] == [True, True, None]


@pytest.mark.parametrize(("number", "seconds"), [(1, 0.02), (100, 0.2), (101, 0.02)])
def test_one_in_so_many_is_slow(number: int, seconds: float) -> None:
    """Counted from one; 0 is never."""
    assert Hold(slow_every=100).seconds(number) == pytest.approx(seconds)
    assert Hold().seconds(number) == pytest.approx(0.02)
