"""One HTTP/1.1 answer as it is parsed: its status, the headers that are wanted, its body up to a limit."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import httptools

from harness.inflating import inflated
from harness.records import State
from harness.replay.arm import Try

if TYPE_CHECKING:
    from collections.abc import Callable

HEAD_ROOM = 1 << 16
HEAD_END = b"\r\n\r\n"
HEAD_END_BYTES = len(HEAD_END)
HEADS_KEPT = 256
_NAMES_KEPT = 64
_FRAMING = frozenset({"content-length", "transfer-encoding"})
_ENCODING = "content-encoding"
_PLAIN = frozenset({"", "identity"})

Fields = tuple[tuple[bytes, bytes], ...]


class RawTry(Try, frozen=True, kw_only=True):
    """A try whose answer, once `whole`, is kept as it came: every field in order, the body still encoded."""

    fields: Fields = ()
    whole: bool = False


@dataclass(frozen=True, kw_only=True)
class Terms:
    """What is kept of an answer, how much of it is read, and how long a connection may lie idle.

    `headers` are names in lower case; with `raw` every field is kept, in order, and the body as it came.
    `resend` says that a request may be sent again when it met a connection that the server had closed.
    """

    headers: frozenset[str] = frozenset()
    raw: bool = False
    max_body: int = 1 << 20
    keepalive_s: float = 4.0
    resend: bool = True
    clock: Callable[[], int] = field(default=time.monotonic_ns)


@dataclass(frozen=True, slots=True)
class Head:
    """What the head of an answer says, for one whose body has exactly `length` bytes and no encoding."""

    state: State
    status: int
    headers: dict[str, str]
    detail: str
    fields: Fields | None
    length: int


class Answer:
    """The answers of one connection, one at a time: `begin`, then `feed` until it is `over`.

    However the bytes are cut into reads, the same bytes give the same `result`. Nothing is raised: what is no
    answer has a `fault`. httptools calls the `on_` methods.
    """

    __slots__ = (
        "body",
        "complete",
        "encoding",
        "extra",
        "fault",
        "fields",
        "framed",
        "head_only",
        "headers",
        "names",
        "open",
        "parser",
        "received",
        "size",
        "status",
        "stays",
        "terms",
    )

    def __init__(self, terms: Terms) -> None:
        self.terms = terms
        self.names: dict[bytes, str] = {}
        self.parser: httptools.HttpResponseParser | None = None
        self.head_only = False
        self.begin()

    def begin(self, *, head_only: bool = False) -> None:
        """The next bytes are another answer; one to HEAD ends with its head."""
        if self.parser is None or self.head_only:  # after HEAD it still waits for the body
            self.parser = httptools.HttpResponseParser(self)
        self.head_only = head_only
        self.complete = self.stays = self.extra = False
        self.received = 0
        self.fault: tuple[State, str] | None = None
        self._begin_message()

    def end(self) -> None:
        """Nothing more comes: the parser holds our methods, a cycle, and no collector runs during a phase."""
        self.parser = None

    @property
    def over(self) -> bool:
        """Nothing that follows belongs to this answer."""
        return self.complete or self.fault is not None

    def feed(self, data: bytes) -> None:
        """Parse what has come, up to twice the limit and a head's room, whatever it is spent on."""
        assert self.parser is not None  # noqa: S101  -- begin made it
        room = 2 * self.terms.max_body + HEAD_ROOM - self.received
        self.received += len(data)
        broken = False
        try:
            self.parser.feed_data(data if len(data) <= room else data[:room])
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):
            broken = True
        if self.size > self.terms.max_body:
            self._fail(State.BAD_BODY, f"over {self.terms.max_body} bytes")
        elif self.complete:
            self.extra |= broken
        elif broken:
            self._fail(State.CONNECTION_ERROR, "the answer is not HTTP/1.1")
        elif len(data) > room:
            self._fail(State.BAD_BODY, f"over {self.terms.max_body} bytes")

    def eof(self, *, reset: bool = False) -> None:
        """The connection has ended: a body without a length is whole, anything else is cut short."""
        if self.open and not self.framed and not reset:
            self.complete = True
        else:
            where = "in the middle of the answer" if self.received else "before an answer"
            self._fail(State.CONNECTION_ERROR, f"{'reset' if reset else 'closed'} {where}")

    def _fail(self, state: State, detail: str) -> None:
        """The first fault is the answer's; an error status outranks a body that cannot be read."""
        if state is State.BAD_BODY and self.status and not 200 <= self.status < 300:
            state, detail = State.HTTP_ERROR, f"HTTP {self.status}, {detail}"
        self.fault = self.fault or (state, detail)

    def _begin_message(self) -> None:
        self.status = self.size = 0
        self.open = self.framed = False
        self.encoding = ""
        self.headers: dict[str, str] = {}
        self.fields: list[tuple[bytes, bytes]] = []
        self.body: list[bytes] = []

    def on_message_begin(self) -> None:
        """A message after the whole one is not ours; one before it was a 1xx."""
        if self.complete:
            self.extra = True
        elif self.status:
            self._begin_message()

    def on_header(self, name: bytes, value: bytes) -> None:
        """Keep the headers that are wanted, and what frames and encodes the body; trailers say nothing."""
        if self.complete or self.open:
            return
        if self.terms.raw:
            self.fields.append((name, value))
        known = self.names.get(name)
        if known is None:
            known = self._name(name)
        if not known:
            return
        if known in _FRAMING:
            self.framed = True
        elif known == _ENCODING:
            self.encoding = value.decode("latin-1").strip().lower()
        if known in self.terms.headers:
            self.headers[known] = value.decode("utf-8", "replace")

    def _name(self, name: bytes) -> str:
        """A header's name in lower case, "" for one of no interest; remembered, as they come again."""
        if len(self.names) >= _NAMES_KEPT:
            self.names.clear()
        lower = name.decode("latin-1").lower()
        wanted = lower in self.terms.headers or lower in _FRAMING or lower == _ENCODING
        return self.names.setdefault(name, lower if wanted else "")

    def on_headers_complete(self) -> None:
        """A 1xx is not the answer; an answer to HEAD ends here."""
        if self.complete or self.parser is None:
            return
        self.status = self.parser.get_status_code()
        self.open = self.status >= 200
        if self.head_only and self.open:
            self.complete = True
            self.stays = self.framed and self.parser.should_keep_alive()

    def on_body(self, data: bytes) -> None:
        """Count all of the body, keep it up to the limit."""
        if self.complete:
            self.extra = True
            return
        self.size += len(data)
        if self.size <= self.terms.max_body:
            self.body.append(data)

    def on_message_complete(self) -> None:
        """The answer is whole; only now does the parser know whether the connection stays."""
        if self.open and not self.complete and self.parser is not None:
            self.complete = True
            self.stays = self.parser.should_keep_alive()

    @property
    def reusable(self) -> bool:
        """The connection may carry another request."""
        return self.complete and self.stays and not self.extra and self.fault is None

    def result(
        self,
        *,
        submit_ns: int | None = None,
        written_ns: int | None = None,
        first_ns: int | None = None,
        done_ns: int | None = None,
    ) -> Try:
        """The try with these stamps; a whole 2xx is OK, all else an HTTP error, redirects too.

        A head that did not end says nothing: how much of it was seen depends on the reads.
        """
        state, detail, body = self._read()
        if self.terms.raw:
            return RawTry(
                whole=self.fault is None,
                fields=tuple(self.fields) if self.open else (),
                state=state,
                status=self.status or None,
                body=body,
                submit_ns=submit_ns,
                written_ns=written_ns,
                first_ns=first_ns,
                done_ns=done_ns,
                detail=detail,
            )
        return Try(
            state=state,
            status=self.status or None,
            headers=self.headers if self.open else {},
            body=body,
            submit_ns=submit_ns,
            written_ns=written_ns,
            first_ns=first_ns,
            done_ns=done_ns,
            detail=detail,
        )

    def _read(self) -> tuple[State, str, bytes]:
        """What became of it, why, and its body, decoded unless it is wanted raw."""
        if self.fault is not None:
            return (*self.fault, b"")
        state, detail = _verdict(self.status)
        body = self.body[0] if len(self.body) == 1 else b"".join(self.body)
        if self.encoding in _PLAIN or self.terms.raw or not body:
            return state, detail, body
        try:
            return state, detail, inflated(body, self.encoding, limit=self.terms.max_body)
        except ValueError as error:
            return (State.BAD_BODY, str(error), b"") if state is State.OK else (state, detail, b"")

    def head(self, data: bytes) -> tuple[bytes, Head] | None:
        """The head of a whole answer that came as `data`, where its bytes alone say how the rest is read.

        That is: one read, one message, kept alive, exactly as long as it announced. Then an answer that
        begins with the same bytes and is as long says the same, and needs no parser.
        """
        size = data.find(HEAD_END) + HEAD_END_BYTES
        plain = self.terms.raw or self.encoding in _PLAIN
        whole = self.received == len(data) == size + self.size
        if self.head_only or not (whole and plain and self.framed and self.reusable):
            return None
        state, detail = _verdict(self.status)
        fields = tuple(self.fields) if self.terms.raw else None
        said = Head(state, self.status, self.headers, detail, fields, self.size)
        return data[:size], said


def _verdict(status: int) -> tuple[State, str]:
    """What a whole answer with this status is."""
    return (State.OK, "") if 200 <= status < 300 else (State.HTTP_ERROR, f"HTTP {status}")
