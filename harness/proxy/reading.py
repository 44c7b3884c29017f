"""Bytes in, parts of HTTP/1.1 messages out: httptools finds the framing, whatever reads the bytes come in.

A part is a head, some of the body (bytes), or what ended the message. The same bytes give the same parts, the
bytes of bodies joined, however they are cut into reads. Nothing is raised.
"""

from __future__ import annotations

from dataclasses import dataclass

import httptools

from harness.proxy.heads import AnswerHead, Fields, Refusal, RequestHead, framing, request_head

#: so many bytes may come without saying anything: a head, trailers, extensions of a chunk
HEAD_ROOM = 1 << 16
_BODILESS = frozenset({204, 304})


@dataclass(frozen=True, slots=True)
class End:
    """The message is whole; what followed a body in chunks."""

    trailers: Fields


@dataclass(frozen=True, slots=True)
class Fault:
    """What came is no answer, or half of one; `error` is a word of RFC 9209, section 2.3."""

    error: str


RequestPart = RequestHead | bytes | End | Refusal
AnswerPart = AnswerHead | bytes | End | Fault


class RequestReader:
    """The requests of one connection, one after another; after a refusal nothing more is read.

    `rest` is what came after a request that wants an upgrade; `go_on` says that it was not granted. httptools
    calls the `on_` methods. It takes a wish for an upgrade for the end of the request, and leaves its body
    unread: that is framed by another parser, which is told the length alone.
    """

    __slots__ = (
        "_fields",
        "_head",
        "_open",
        "_over",
        "_parser",
        "_parts",
        "_raw",
        "_target",
        "_unread",
        "_unsaid",
        "_waits",
        "rest",
    )

    def __init__(self) -> None:
        self._parser: httptools.HttpRequestParser | None = None
        self._parts: list[RequestPart] = []
        self._over = self._open = self._raw = self._waits = self._unread = False
        self._unsaid = 0
        self.rest = b""
        self._begin()

    def feed(self, data: bytes) -> list[RequestPart]:
        """The parts that these bytes complete."""
        if self._raw:
            return [data]
        self._parts = []
        if self._waits:
            self.rest += data
        elif not self._over:
            self._parse(data)
        return self._parts

    def go_on(self, *, raw: bool) -> list[RequestPart]:
        """The parts of `rest`: as it is where the connection now speaks another protocol."""
        rest, self.rest, self._raw = self.rest, b"", raw
        self._over = self._waits = False
        self._begin()
        return self.feed(rest) if rest else []

    def end(self) -> None:
        """Nothing more comes; the parser holds our methods, a cycle that no collector need find."""
        self._over = True
        self._parser = None

    def _begin(self) -> None:
        self._parser = httptools.HttpRequestParser(self)
        self._head: RequestHead | None = None
        self._fields: Fields = []
        self._target = b""

    def _parse(self, data: bytes) -> None:
        rest = data
        while rest:
            rest = self._read(rest)
        self._unsaid = 0 if self._parts else self._unsaid + len(data)
        if self._unsaid > HEAD_ROOM:
            self._refuse(Refusal(431, f"a head, or trailers, may have {HEAD_ROOM} bytes"))

    def _read(self, data: bytes) -> bytes:
        """What this parser has left for another."""
        assert self._parser is not None  # noqa: S101  -- not over, so there is one
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            return self._upgraded(data[int(upgrade.args[0]) :])
        except httptools.HttpParserError as error:
            self._refuse(Refusal(400, str(error) or "this is no request"))
        return b""

    def _upgraded(self, rest: bytes) -> bytes:
        """What follows waits for the answer; where the request is passed on without its wish, it is read."""
        head = self._head
        if head is not None and head.upgrade:
            self.rest, self._over, self._waits = rest, True, True
        if head is None or self._over:
            return b""
        self._begin()
        if self._unread:
            assert self._parser is not None  # noqa: S101  -- begin made it
            self._parser.feed_data(framing(head))
            self._unread = False
        return rest

    def _refuse(self, refusal: Refusal) -> None:
        """After a last request, or one that was refused, it matters no more what comes."""
        if not self._over:
            self._over = True
            self._open = False
            self._parts.append(refusal)

    def on_message_begin(self) -> None:
        """Another request."""
        self._open = True
        self._head, self._fields, self._target = None, [], b""

    def on_url(self, url: bytes) -> None:
        """A piece of the target."""
        self._target += url

    def on_header(self, name: bytes, value: bytes) -> None:
        """A field of the head; trailers of a request are not passed on."""
        if self._open:
            self._fields.append((name, value.rstrip(b" \t")))

    def on_headers_complete(self) -> None:
        """The head is whole."""
        if self._over or self._parser is None:
            return
        parser = self._parser
        self._open = False
        if self._unread:  # the head is known: this one only frames its body
            return
        head = request_head(
            parser.get_method(),
            self._target,
            fields=self._fields,
            version=parser.get_http_version(),
            keep_alive=parser.should_keep_alive(),
        )
        if isinstance(head, Refusal):
            self._refuse(head)
        else:
            self._head = head
            self._unread = parser.should_upgrade() and (head.length > 0 or head.chunked)
            self._parts.append(head)

    def on_body(self, data: bytes) -> None:
        """A piece of the body."""
        if not self._over:
            self._parts.append(data)

    def on_message_complete(self) -> None:
        """The request is whole; after a last one nothing more is read."""
        if not self._over and not self._unread and self._parser is not None:
            self._parts.append(End([]))
            self._over = not self._parser.should_keep_alive()


class AnswerReader:
    """The answers of one connection, one at a time: `begin`, then `feed` until an End or a Fault.

    An answer with 1xx is a head alone, and no end. httptools calls the `on_` methods.
    """

    __slots__ = (
        "_fields",
        "_head",
        "_head_only",
        "_parser",
        "_parts",
        "_raw",
        "_reason",
        "_rest",
        "_unsaid",
        "done",
        "reusable",
    )

    def __init__(self) -> None:
        self._parser: httptools.HttpResponseParser | None = None
        self._head_only = self._raw = False
        self.begin()

    def begin(self, *, head_only: bool = False) -> None:
        """The next bytes are another answer; one to HEAD ends with its head."""
        if self._parser is None or self._head_only:  # the parser still waits for the body
            self._parser = httptools.HttpResponseParser(self)
        self._head_only = head_only
        self._head: AnswerHead | None = None
        self._unsaid = 0
        self._parts: list[AnswerPart] = []
        self._fields: Fields = []
        self._reason = self._rest = b""
        self.done = self.reusable = False

    def feed(self, data: bytes) -> list[AnswerPart]:
        """The parts that these bytes complete."""
        if self._raw:
            return [data]
        self._parts = []
        if self.done:
            self.reusable = False
            return []
        assert self._parser is not None  # noqa: S101  -- begin made it
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            self._rest = data[int(upgrade.args[0]) :]
        except httptools.HttpParserError:
            self.reusable = False
            self._fail("http_protocol_error")
        self._unsaid = 0 if self._parts else self._unsaid + len(data)
        if self._unsaid > HEAD_ROOM:
            self._fail(
                "http_response_header_section_size"
                if self._head is None
                else "http_response_trailer_section_size"
            )
        return self._parts

    def eof(self, *, reset: bool = False) -> list[AnswerPart]:
        """The connection has ended: a body without a length is whole, anything else is cut short."""
        self._parts = []
        if self._raw or (self._head is not None and self._head.to_close and not reset):
            self._finish()
        else:
            self._fail("connection_terminated" if self._head is None else "http_response_incomplete")
        return self._parts

    def upgraded(self) -> list[AnswerPart]:
        """What came after 101, and from now on bytes as they are."""
        self._raw = True
        return [self._rest] if self._rest else []

    def end(self) -> None:
        """Nothing more comes; the parser holds our methods, a cycle that no collector need find."""
        self._parser = None

    def _fail(self, error: str) -> None:
        if not self.done:
            self.done = True
            self._parts.append(Fault(error))

    def _finish(self) -> None:
        if not self.done:
            self.done = True
            self._parts.append(End(self._fields))
            self._fields = []

    def on_message_begin(self) -> None:
        """What comes after a whole answer was not asked for."""
        if self.done:
            self.reusable = False
        else:
            self._fields, self._reason = [], b""

    def on_status(self, reason: bytes) -> None:
        """A piece of the reason phrase."""
        if not self.done:
            self._reason += reason

    def on_header(self, name: bytes, value: bytes) -> None:
        """A field of the head, or a trailer."""
        if not self.done:
            self._fields.append((name, value))

    def on_headers_complete(self) -> None:
        """The head is whole; a 1xx is not yet the answer."""
        if self.done or self._parser is None:
            return
        status, fields = self._parser.get_status_code(), self._fields
        keep_alive, self._fields = self._parser.should_keep_alive(), []
        names = {name.lower() for name, _ in fields}
        bodiless = self._head_only or status in _BODILESS
        framed = b"content-length" in names or b"transfer-encoding" in names
        codings = [value.strip().lower() for name, value in fields if name.lower() == b"transfer-encoding"]
        if codings not in ([], [b"chunked"]):
            self._fail("http_response_transfer_coding")
            return
        head = AnswerHead(
            status,
            self._reason,
            fields,
            chunked=b"transfer-encoding" in names,
            to_close=not (bodiless or framed) and status >= 200,
            keep_alive=keep_alive,
        )
        self._parts.append(head)
        if status >= 200:
            self._head, self.reusable = head, keep_alive
            self._head_only = bodiless  # where a length is told, the parser would wait for what it is of
            if bodiless:
                self._finish()

    def on_body(self, data: bytes) -> None:
        """A piece of the body."""
        if not self.done:
            self._parts.append(data)
        else:
            self.reusable = False

    def on_message_complete(self) -> None:
        """The answer is whole, unless it was a 1xx."""
        if self._head is not None:
            self._finish()
