"""The middleware before a WSGI application: what is special there."""

from __future__ import annotations

import io
import sys
from array import array
from collections import deque
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any
from wsgiref.handlers import SimpleHandler
from wsgiref.util import FileWrapper, setup_testing_defaults
from wsgiref.validate import validator

import pytest

from harness.capture import CaptureConfig
from harness.capture.live.wsgi import App, CaptureMiddleware, Environ, StartResponse
from harness.capture.read import read
from harness.records import CapturedRequest

BODY = b"one\ntwo\nthree\n"


class Stream(io.BytesIO):
    """One whose methods take their argument by a name, as those of some servers do."""

    def read(self, size: int | None = None) -> bytes:
        """So many bytes."""
        return super().read(size)

    def read1(self, size: int | None = None) -> bytes:
        """As many as there are."""
        return super().read1(size)

    def readline(self, size: int | None = None) -> bytes:
        """A line, or so much of it."""
        return super().readline(size)

    def readlines(self, hint: int | None = None) -> list[bytes]:
        """All lines."""
        return super().readlines(hint)

    def readinto(self, buffer: Any) -> int:  # noqa: ANN401  -- a buffer
        """Into what is given."""
        return super().readinto(buffer)


def environ(**given: Any) -> Environ:  # noqa: ANN401  -- as a server gives it
    """An environ with a body of three lines."""
    made: Environ = {
        "wsgi.input": Stream(BODY),
        "REQUEST_METHOD": "POST",
        "CONTENT_LENGTH": str(len(BODY)),
    }
    setup_testing_defaults(made)
    return {**made, **given}


def called(app: App, given: Environ) -> Iterable[bytes]:
    """The answer of the application, not read yet."""
    return app(given, lambda *_: lambda _data: None)


def recorded(app: CaptureMiddleware, folder: Path) -> CapturedRequest:
    """The one call that was recorded."""
    assert app.recorder.close()
    (one,) = read(folder, CaptureConfig(path="-"), on_bad=print)
    return one


@pytest.mark.parametrize(
    "reading",
    [
        lambda stream: stream.read(),
        lambda stream: [stream.read(5), stream.read(100)],
        lambda stream: [stream.readline(), stream.readline(2), stream.read1(100)],
        lambda stream: stream.readlines(),
        list,
        lambda stream: [stream.readinto(bytearray(100))],
        lambda stream: io.BufferedReader(Raw(stream)).read(),
        lambda stream: [stream.read(size=5), stream.read(size=None)],
        lambda stream: [stream.readline(size=2), stream.readline(size=-1), stream.read1(size=100)],
        lambda stream: stream.readlines(hint=100),
        lambda stream: [stream.readinto(buffer=array("H", bytes(100)))],
        lambda stream: [next(stream) for _ in range(3)],
    ],
)
def test_however_a_body_is_read_it_is_seen(tmp_path: Path, reading: Any) -> None:  # noqa: ANN401  -- reads a stream
    """All that the server's stream can do, and each byte once."""

    def app(given: Environ, start_response: StartResponse) -> list[bytes]:
        reading(given["wsgi.input"])
        start_response("200 OK", [])
        return []

    watched = CaptureMiddleware(app, tmp_path)
    called(watched, environ())
    one = recorded(watched, tmp_path)
    assert (one.body, one.truncated) == (BODY, False)


class Raw(io.RawIOBase):
    """A raw stream on top of the server's, as some frameworks make one."""

    def __init__(self, stream: Any) -> None:  # noqa: ANN401  -- the server's
        self._stream = stream

    def readable(self) -> bool:
        """It is."""
        return True

    def readinto(self, buffer: Any) -> int:  # noqa: ANN401  -- a buffer
        """From the server's."""
        return int(self._stream.readinto(buffer))


def test_what_the_stream_cannot_do_it_cannot(tmp_path: Path) -> None:
    """A framework that asks what a stream can do gets the server's answer."""

    class Plain:
        def read(self, _size: int = -1) -> bytes:
            return b""

    able: list[bool] = []

    def app(given: Environ, start_response: StartResponse) -> list[bytes]:
        able.extend(hasattr(given["wsgi.input"], name) for name in ("read", "readinto", "fileno"))
        start_response("200 OK", [])
        return []

    watched = CaptureMiddleware(app, tmp_path)
    called(watched, environ(**{"wsgi.input": Plain()}))
    watched.recorder.close()
    assert able == [True, False, False]


@pytest.mark.parametrize("answer", [[b"a", b"b"], (b"a", b"b")])
def test_a_list_is_given_on_as_it_is(tmp_path: Path, answer: Iterable[bytes]) -> None:
    """Servers tell the length of a body from a list of one."""
    watched = CaptureMiddleware(answering(answer), tmp_path)
    assert called(watched, environ()) is answer
    assert recorded(watched, tmp_path).recorded_response.body == b"ab"  # type: ignore[union-attr]


def answering(answer: Iterable[bytes]) -> App:
    """An application that gives this answer."""

    def app(given: Environ, start_response: StartResponse) -> Iterable[bytes]:
        given["wsgi.input"].read()
        start_response("200 OK", [("Content-Type", "text/plain")])
        return answer

    return app


def test_an_answer_keeps_its_length(tmp_path: Path) -> None:
    """What has a length has it still."""
    watched = CaptureMiddleware(answering(deque([b"a"])), tmp_path)
    answer = called(watched, environ())
    assert len(answer) == 1  # type: ignore[arg-type]
    assert list(answer) == [b"a"]
    watched.recorder.close()


def test_a_file_is_left_to_the_server(tmp_path: Path) -> None:
    """A server that sends files by itself still gets one; the record says that its bytes were not seen."""
    answer = FileWrapper(io.BytesIO(b"x"))
    watched = CaptureMiddleware(answering(answer), tmp_path)
    assert called(watched, environ(**{"wsgi.file_wrapper": FileWrapper})) is answer
    assert recorded(watched, tmp_path).tags == {"answer_truncated": "true"}


class Closing:
    """An answer that says when it was closed."""

    def __init__(self) -> None:
        self.closed = 0

    def __iter__(self) -> Iterator[bytes]:
        yield from (b"a", b"b")

    def close(self) -> None:
        """Once more."""
        self.closed += 1


@pytest.mark.parametrize(
    ("method", "taken", "tags"),
    [
        ("POST", 3, {}),
        ("POST", 1, {"disconnected": "true", "answer_truncated": "true"}),
        ("HEAD", 0, {}),
    ],
)
def test_the_answer_is_closed_by_the_server_only(
    tmp_path: Path, *, method: str, taken: int, tags: dict[str, str]
) -> None:
    """`close` reaches the application's answer once; before its end it means that the client went."""
    answer = Closing()
    watched = CaptureMiddleware(answering(answer), tmp_path)
    given = called(watched, environ(REQUEST_METHOD=method))
    chunks = iter(given)
    for _ in range(taken):
        next(chunks, b"")
    given.close()  # type: ignore[attr-defined]
    assert answer.closed == 1
    assert recorded(watched, tmp_path).tags == tags


def raising(_given: Environ, start_response: StartResponse) -> list[bytes]:
    """An application that fails once it has said its head."""
    start_response("200 OK", [("X-Request-Id", "its own")])
    raise LookupError


def raising_later(given: Environ, start_response: StartResponse) -> Iterator[bytes]:
    """One that fails as its first chunk is asked for."""
    yield from (b"", *raising(given, start_response))


def begun(_given: Environ, start_response: StartResponse) -> Iterator[bytes]:
    """One that fails after a byte went out."""
    start_response("200 OK", [])
    yield b"a"
    raise LookupError


def lettered(_given: Environ, start_response: StartResponse) -> list[Any]:
    """One that answers with letters instead of bytes."""
    start_response("200 OK", [])
    return ["text"]


def lettered_later(given: Environ, start_response: StartResponse) -> Iterator[Any]:
    """One that yields them."""
    yield from lettered(given, start_response)


def half_lettered(_given: Environ, start_response: StartResponse) -> Iterator[Any]:
    """One that does so after a byte went out."""
    start_response("200 OK", [])
    yield from (b"a", "text")


def without(_given: Environ, start_response: StartResponse) -> Any:  # noqa: ANN401  -- nothing at all
    """One that forgets to give its answer back."""
    start_response("200 OK", [])


@pytest.mark.parametrize(
    ("app", "error", "status"),
    [
        (raising, "LookupError", 500),
        (raising_later, "LookupError", 500),
        (begun, "LookupError", 200),
        (lettered, "TypeError", 500),
        (lettered_later, "TypeError", 500),
        (half_lettered, "TypeError", 200),
        (without, "TypeError", 500),
    ],
)
def test_the_record_has_the_status_that_the_server_sends(
    tmp_path: Path, *, app: App, error: str, status: int
) -> None:
    """A head goes out with the first byte: before that the server's own 500 does, for its own error."""
    told: list[str] = []

    def serve(one: App) -> str:
        handler = Server(io.BytesIO(BODY), io.BytesIO(), io.StringIO(), environ())
        handler.run(one)
        told.append(handler.said)
        return handler.said

    watched = CaptureMiddleware(app, tmp_path)
    assert serve(watched) == serve(app)
    assert (status == 500) == (told[0] != "")
    one = recorded(watched, tmp_path)
    assert one.recorded_response is not None
    assert (one.recorded_response.status, one.tags["exception"]) == (status, error)
    assert one.tags.get("answer_truncated", "false") == ("true" if status == 200 else "false")
    assert "disconnected" not in one.tags


class Server(SimpleHandler):
    """That of the standard library; `said` is the error for which it answered by itself."""

    said = ""

    def log_exception(self, exc_info: Any) -> None:  # noqa: ANN401  -- as its base has it
        """Nothing is printed."""

    def error_output(self, environ: Any, start_response: Any) -> list[bytes]:  # noqa: ANN401  -- as its base has it
        """The answer for an error before the head."""
        self.said = repr(sys.exc_info()[1])
        return super().error_output(environ, start_response)


def test_an_error_after_the_head_is_the_servers(tmp_path: Path) -> None:
    """`exc_info` is given on, and what is written with `write` is part of the answer."""
    given: list[Any] = []

    def start_response(status: str, headers: Any, exc_info: Any = None) -> Any:  # noqa: ANN401  -- as PEP 3333 says
        given.append((status, headers, exc_info) if exc_info else (status, headers))
        return given.append

    def app(_environ: Environ, start: StartResponse) -> list[bytes]:
        start("200 OK", [])(b"half")
        try:
            environ()["nothing"]
        except LookupError:
            start("500 Oh", [], exc_info=sys.exc_info())
        return [b"rest"]

    watched = CaptureMiddleware(app, tmp_path)
    watched(environ(CONTENT_LENGTH=""), start_response)
    assert [len(one) for one in given] == [2, 4, 3]
    assert given[2][2][0] is KeyError
    answer = recorded(watched, tmp_path).recorded_response
    assert answer is not None
    assert (answer.status, answer.body) == (500, b"halfrest")


@pytest.mark.parametrize(
    ("given", "path"),
    [
        ({"SCRIPT_NAME": "/api", "PATH_INFO": "/a b", "QUERY_STRING": "x=1"}, "/api/a%20b?x=1"),
        ({"PATH_INFO": "/é".encode().decode("latin-1")}, "/%C3%A9"),
        ({"PATH_INFO": "/a b", "RAW_URI": "/a%20b?x=1", "QUERY_STRING": "x=1"}, "/a%20b?x=1"),
        ({"PATH_INFO": "/a", "REQUEST_URI": "http://host/a"}, "/a"),
        ({"PATH_INFO": ""}, "/"),
    ],
)
def test_the_path_is_as_the_client_wrote_it(tmp_path: Path, given: Environ, path: str) -> None:
    """WSGI takes the quotes away; the record has them again."""
    watched = CaptureMiddleware(answering([]), tmp_path)
    called(watched, environ(**{"SCRIPT_NAME": "", **given}))
    assert recorded(watched, tmp_path).path == path


def test_the_middleware_is_proper_wsgi(tmp_path: Path) -> None:
    """The validator of the standard library finds nothing on either side of it."""

    def app(_environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        start_response("200 OK", [("Content-Type", "text/plain")])
        return iter([b"a", b"b"])

    watched = CaptureMiddleware(validator(app), tmp_path)
    given = environ(QUERY_STRING="")
    answer = validator(watched)(given, lambda *_: lambda _data: None)
    assert b"".join(answer) == b"ab"
    answer.close()  # type: ignore[attr-defined]
    watched.recorder.close()


@pytest.mark.parametrize(
    ("reading", "truncated"),
    [
        (lambda stream: stream.read(), False),
        (lambda stream: stream.read(-1), False),
        (lambda stream: stream.read(100), False),
        (lambda stream: stream.read(5), True),
        (lambda stream: [stream.read(5), stream.read()], False),
        (lambda stream: [stream.read(), stream.read(0)], False),
        (lambda stream: stream.read(0), True),
        (lambda stream: stream.read1(100), True),
        (lambda stream: [stream.read1(100), stream.read1(100)], False),
        (lambda stream: [stream.readline() for _ in range(3)], True),
        (lambda stream: [stream.readline() for _ in range(4)], False),
        (list, False),
        (next, True),
        (lambda stream: stream.readlines(), False),
        (lambda stream: stream.readlines(2), True),
        (lambda stream: stream.read(size=100), False),
        (lambda stream: stream.read(size=5), True),
        (lambda stream: stream.readlines(hint=2), True),
        (lambda stream: [next(stream) for _ in range(3)], True),
        (lambda stream: [next(stream, b"") for _ in range(4)], False),
        (lambda stream: stream.readinto(bytearray(5)), True),
        (lambda stream: [stream.readinto(bytearray(100)) for _ in range(2)], False),
        (lambda stream: io.BufferedReader(Raw(stream)).read(), False),
        (repr, True),
    ],
)
def test_a_body_in_chunks_is_whole_once_its_end_was_seen(
    tmp_path: Path,
    *,
    reading: Any,  # noqa: ANN401  -- reads a stream
    truncated: bool,
) -> None:
    """Without a length nothing but the end says that all was read; half a body must not be replayed."""

    def app(given: Environ, start_response: StartResponse) -> list[bytes]:
        reading(iter(given["wsgi.input"]) if reading is next else given["wsgi.input"])
        start_response("200 OK", [])
        return []

    watched = CaptureMiddleware(app, tmp_path)
    called(watched, environ(CONTENT_LENGTH="", HTTP_TRANSFER_ENCODING="chunked"))
    assert recorded(watched, tmp_path).truncated is truncated


def test_a_request_without_a_body_is_whole(tmp_path: Path) -> None:
    """A GET that nobody reads is not cut."""

    def app(_given: Environ, start_response: StartResponse) -> list[bytes]:
        start_response("200 OK", [])
        return []

    watched = CaptureMiddleware(app, tmp_path)
    called(watched, environ(REQUEST_METHOD="GET", CONTENT_LENGTH="", **{"wsgi.input": io.BytesIO()}))
    assert recorded(watched, tmp_path).truncated is False
