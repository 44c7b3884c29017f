"""Requests and the answers that a capture keeps apart from them, joined by id in bounded memory."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

import msgspec

from harness.capture.formats.pieces import Answered, Asked, Dropped, Labelled, Piece, Place, cut, unstated
from harness.capture.seen import Seen, key_of
from harness.records import CapturedRequest

#: how much is held back while answers are waited for
HELD_PIECES = 20_000
HELD_BYTES = 64 << 20

Key = tuple[str, int | None]


@dataclass
class Joined:
    """What is known beside the requests once all were given: `unanswered` ones waited in vain."""

    on_dropped: Callable[[Dropped], None]
    on_label: Callable[[Labelled], None]
    unanswered: int = 0
    _waiting: OrderedDict[Key, Asked] = field(default_factory=OrderedDict)
    _early: OrderedDict[str, Answered] = field(default_factory=OrderedDict)
    _held: int = 0
    _seen: Seen = field(default_factory=Seen)

    def requests(
        self, pieces: Iterable[Piece], *, most: int = HELD_PIECES, most_bytes: int = HELD_BYTES
    ) -> Iterator[CapturedRequest]:
        """The requests in file order, each with its answer where it came near enough.

        Near enough: no more than `most` other pieces or `most_bytes` of bodies between them. Of two requests
        with one id (and row) the later is dropped; so is an answer whose request is not there.
        """
        for piece in pieces:
            match piece:
                case Asked():
                    self._asked(piece)
                case Answered():
                    self._answered(piece)
                case Labelled():
                    self.on_label(piece)
                case Dropped():
                    self.on_dropped(piece)
            yield from self._ready()
            while len(self._waiting) + len(self._early) > most or self._held > most_bytes:
                yield from self._give_up()
        while self._waiting or self._early:
            yield from self._give_up()

    def _asked(self, piece: Asked) -> None:
        request = piece.request
        key = (request.request_id, request.row_index)
        if not self._seen.add(key_of(*key)):
            place = Place(request.source_file, request.source_offset)
            self.on_dropped(place.dropped("duplicate request_id", key[0]))
            return
        self._waiting[key] = piece
        self._held += _size(request)
        if piece.waits and (early := self._early.pop(key[0], None)) is not None:
            self._held -= len(early.response.body)
            self._answered(early)

    def _answered(self, piece: Answered) -> None:
        key = (piece.request_id, None)
        asked = self._waiting.get(key)
        if asked is not None and asked.waits:
            took = piece.at_ns - asked.sent_ns
            response = piece.response
            if response.latency_ns is None and took > 0:
                response = msgspec.structs.replace(response, latency_ns=took, latency_kind="service")
            tags = asked.request.tags | cut(piece.truncated) | unstated(piece.delivered)
            request = msgspec.structs.replace(asked.request, recorded_response=response, tags=tags)
            self._waiting[key] = Asked(request)
            self._held += len(response.body)
        elif piece.request_id in self._early or asked is not None:
            self.on_dropped(piece.place.dropped("second answer", piece.request_id))
        else:
            self._early[piece.request_id] = piece
            self._held += len(piece.response.body)

    def _ready(self) -> Iterator[CapturedRequest]:
        """The first requests in line, as far as none of them waits."""
        while self._waiting:
            key, piece = next(iter(self._waiting.items()))
            if piece.waits:
                return
            del self._waiting[key]
            yield self._let_go(piece)

    def _give_up(self) -> Iterator[CapturedRequest]:
        """The oldest answer whose request did not come goes, or the oldest request that waits."""
        if len(self._early) > len(self._waiting):
            _, orphan = self._early.popitem(last=False)
            self._held -= len(orphan.response.body)
            self.on_dropped(orphan.place.dropped("answer without a request", orphan.request_id))
            return
        _, piece = self._waiting.popitem(last=False)
        self.unanswered += piece.waits
        yield self._let_go(piece)
        yield from self._ready()

    def _let_go(self, piece: Asked) -> CapturedRequest:
        self._held -= _size(piece.request)
        return piece.request


def _size(request: CapturedRequest) -> int:
    answer = request.recorded_response
    return len(request.body) + (0 if answer is None else len(answer.body))
