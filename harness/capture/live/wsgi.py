"""The middleware for WSGI (PEP 3333): Flask, Django, Bottle, or an application of one's own."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from operator import index
from time import perf_counter_ns
from types import TracebackType
from typing import Any, Unpack
from urllib.parse import quote

from .exchange import CURRENT, KEY, Exchange
from .recorder import Recorder
from .watch import Options, Watch

Environ = dict[str, Any]
Headers = list[tuple[str, str]]
Write = Callable[[bytes], object]
ExcInfo = tuple[type[BaseException], BaseException, TracebackType | None]
StartResponse = Callable[..., Write]
App = Callable[[Environ, StartResponse], Iterable[bytes]]


class CaptureMiddleware:
    """Records calls into `folder`, or with a `recorder` of one's own; see `Options` for the others.

    What is read and written is noted as it passes. An answer that is a list, or a file that the server sends
    by itself, is given on as it is. Errors of the application are recorded and raised again.
    """

    def __init__(
        self,
        app: App,
        folder: str | os.PathLike[str] | None = None,
        *,
        recorder: Recorder | None = None,
        **options: Unpack[Options],
    ) -> None:
        self.app = app
        self._watch = Watch(folder, recorder, options=options)
        self.recorder = self._watch.recorder

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """One call, as PEP 3333 says."""
        method = environ.get("REQUEST_METHOD", "GET")
        path = (environ.get("SCRIPT_NAME", "") + environ.get("PATH_INFO", "")) or "/"
        if not self._watch.wants(method, path):
            return self.app(environ, start_response)
        call = Exchange(
            self._watch,
            method=method,
            path=_target(environ, path),
            query=environ.get("QUERY_STRING", ""),
            headers=_headers(environ),
        )
        environ[KEY] = call
        if (stream := environ.get("wsgi.input")) is not None:
            environ["wsgi.input"] = _Input(stream, call)
        before = CURRENT.get()
        CURRENT.set(call)
        try:
            answer = self.app(environ, _starting(call, start_response, echo=self._watch.echo_id))
            return _given_on(answer, environ, call=call, before=before)
        except BaseException as error:
            _failed(call, error)
            _over(call, before)
            raise


def _given_on(
    answer: Iterable[bytes], environ: Environ, *, call: Exchange, before: Exchange | None
) -> Iterable[bytes]:
    """The answer itself where the server has a use for its kind, else one that notes what passes."""
    if isinstance(answer, list | tuple):
        for chunk in answer:
            call.answer.add(chunk)
    elif isinstance(wrapper := environ.get("wsgi.file_wrapper"), type) and isinstance(answer, wrapper):
        call.answer.cut = True
    else:
        kind = _Sized if hasattr(type(answer), "__len__") else _Answer
        return kind(answer, call, before=before)
    _over(call, before)
    return answer


def _failed(call: Exchange, error: BaseException) -> None:
    """The server has sent no head as long as it has no byte of a body: it answers by itself (PEP 3333)."""
    call.failed(error)
    if not call.answer.passed:
        call.status, call.answer_headers = 0, ()


def _over(call: Exchange, before: Exchange | None) -> None:
    """What is no bytes, a server refuses: that is no error of the application's, and not heard of here."""
    CURRENT.set(before)
    if call.answer.strange and not call.error:
        _failed(call, TypeError())
    call.end()


def _starting(call: Exchange, start_response: StartResponse, *, echo: bool) -> StartResponse:
    """`start_response`, and what it is told is noted."""

    def starting(status: str, headers: Headers, *exc_info: ExcInfo | None, **named: ExcInfo | None) -> Write:
        if echo and not any(name.lower() == "x-request-id" for name, _ in headers):
            headers = [*headers, ("X-Request-Id", call.request_id)]
        write = start_response(status, headers, *exc_info, **named)
        call.status = int(status[:3]) if status[:3].isdecimal() else 0
        call.answer_headers = headers

        def writing(data: bytes) -> object:
            call.answer.add(data)
            return write(data)

        return writing

    return starting


class _Answer:
    """The chunks of an answer, each noted as the server takes it."""

    def __init__(self, answer: Iterable[bytes], call: Exchange, *, before: Exchange | None) -> None:
        self._answer = answer
        self._chunks = iter(answer)
        self._call = call
        self._before = before

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        try:
            chunk = next(self._chunks)
        except StopIteration:
            _over(self._call, self._before)
            raise
        except BaseException as error:
            _failed(self._call, error)
            _over(self._call, self._before)
            raise
        self._call.answer.add(chunk)
        return chunk

    def close(self) -> None:
        """The server is done with it: before its end only where nobody listens any more."""
        try:
            close = getattr(self._answer, "close", None)
            if close is not None:
                close()
        finally:
            if not (self._call.done_ns or self._call.answer.strange or self._call.method == "HEAD"):
                self._call.left = True
            _over(self._call, self._before)


class _Sized(_Answer):
    """An answer of known length: servers ask, and say the length of a body of one chunk."""

    def __len__(self) -> int:
        return len(self._answer)  # type: ignore[arg-type]


class _Input:
    """The stream of a request's body: all that it can do, and what is read is noted, and its end."""

    def __init__(self, stream: Any, call: Exchange) -> None:  # noqa: ANN401  -- whatever the server gives
        self._stream = stream
        self._call = call

    def __iter__(self) -> Iterator[bytes]:
        for line in self._stream:
            self._note(line)
            yield line
        self._note(b"", end=True)

    def __next__(self) -> bytes:
        try:
            line: bytes = next(self._stream)
        except StopIteration:
            self._note(b"", end=True)
            raise
        self._note(line)
        return line

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401  -- whatever the server's stream has
        found = getattr(self._stream, name)
        return _READS[name](self, found) if name in _READS else found

    def _note(self, data: bytes, *, end: bool = False) -> None:
        self._call.asked.add(data)
        self._call.asked_ns = perf_counter_ns()
        if end or (data and not self._call.ended):
            self._call.ended = end

    def _reading(self, read: Callable[..., bytes]) -> Callable[..., bytes]:
        def reading(*given: Any, **named: Any) -> bytes:  # noqa: ANN401  -- as the stream takes it
            data = read(*given, **named)
            size = len(data or b"")
            self._note(data or b"", end=size < _asked(given, named, got=size))
            return data

        return reading

    def _reading_some(self, read: Callable[..., bytes]) -> Callable[..., bytes]:
        def reading(*given: Any, **named: Any) -> bytes:  # noqa: ANN401  -- as the stream takes it
            data = read(*given, **named)
            self._note(data or b"", end=not data and _asked(given, named, got=0) > 0)
            return data

        return reading

    def _reading_lines(self, read: Callable[..., list[bytes]]) -> Callable[..., list[bytes]]:
        def reading(*given: Any, **named: Any) -> list[bytes]:  # noqa: ANN401  -- as the stream takes it
            lines = read(*given, **named)
            for line in lines:
                self._note(line)
            size = sum(map(len, lines))
            self._note(b"", end=size < (_asked(given, named, got=size) or size + 1))
            return lines

        return reading

    def _reading_into(self, read: Callable[..., int | None]) -> Callable[..., int | None]:
        def reading(*given: Any, **named: Any) -> int | None:  # noqa: ANN401  -- as the stream takes it
            count = read(*given, **named)
            buffer = memoryview(_first(given, named)).cast("B")
            self._note(bytes(buffer[: count or 0]), end=count == 0 and len(buffer) > 0)
            return count

        return reading


def _first(given: Sequence[Any], named: Mapping[str, Any]) -> Any:  # noqa: ANN401  -- whatever was given
    """The one argument that a stream's methods take; servers do not agree on its name."""
    return given[0] if given else next(iter(named.values()), None)


def _asked(given: Sequence[Any], named: Mapping[str, Any], *, got: int) -> int:
    """How much was asked for by a stream's method; what has no limit asks for more than there is."""
    size = _first(given, named)
    try:
        size = -1 if size is None else index(size)
    except TypeError:
        return 0
    return got + 1 if size < 0 else int(size)


_READS: dict[str, Callable[[_Input, Any], Any]] = {
    "read": _Input._reading,  # noqa: SLF001  -- the table of the class above
    "read1": _Input._reading_some,  # noqa: SLF001  -- as above
    "readline": _Input._reading_some,  # noqa: SLF001  -- as above
    "readlines": _Input._reading_lines,  # noqa: SLF001  -- as above
    "readinto": _Input._reading_into,  # noqa: SLF001  -- as above
    "readinto1": _Input._reading_into,  # noqa: SLF001  -- as above
}


def _target(environ: Environ, path: str) -> str:
    """The path as it came, where the server keeps it, else quoted again; without the query."""
    for name in ("RAW_URI", "REQUEST_URI"):
        raw = environ.get(name, "")
        if raw.startswith("/"):
            return str(raw.partition("?")[0])
    return quote(path.encode("latin-1", "replace"), safe="/:@!$&'()*+,;=~")


def _headers(environ: Environ) -> Headers:
    """The headers of a request by the names that HTTP has for them."""
    found = [
        (name[5:].replace("_", "-"), value) for name, value in environ.items() if name.startswith("HTTP_")
    ]
    found += [
        (name.replace("_", "-"), environ[name])
        for name in ("CONTENT_TYPE", "CONTENT_LENGTH")
        if environ.get(name)
    ]
    return found
