"""JSON text changed in place: what no rule speaks of stays byte for byte, and broken JSON is read too.

The text is walked by its tokens, without recursion, so NaN, long integers, keys that come twice and their
order survive, and neither depth nor a missing end stops the walk.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from typing import Protocol

from .columns import Index
from .json_paths import ELEMENT, Place, child

_TOKEN = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+(?:"|\\?\Z)|[{}\[\],:]|[^\s{}\[\],:"]++', re.DOTALL)
_NUMBER = re.compile(r"-?[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")

_OBJECT, _OPENING, _CLOSING, _COMMA, _COLON = (
    frozenset("{"),
    frozenset("{["),
    frozenset("}]"),
    frozenset(","),
    frozenset(":"),
)

#: what a visitor answers for a value that shall be gone
GONE = ""


class Visitor(Protocol):
    """What is done to each place: tokens are JSON texts (`"a"`, `17`, `NaN`), and so are the answers."""

    def action(self, place: Place, /) -> str | None:
        """The rule for the value at this place: "remove", "keep", any other word, or None."""

    def key(self, place: Place, token: str, /) -> str | None:
        """The token that stands for a key of the object at this place, None to let it be."""

    def value(self, place: Place, token: str, /, *, action: str | None) -> str | None:
        """The token that stands for a string, number or word, None to let it be."""


class _Frame:
    """An object or array that is open; `comma` is where the last one stood, -1 before the first."""

    __slots__ = (
        "action",
        "comma",
        "dangling",
        "index",
        "is_object",
        "kept",
        "key",
        "place",
        "since",
        "waits",
    )

    def __init__(self, place: Place, *, is_object: bool, action: str | None, since: int) -> None:
        self.place, self.is_object, self.action, self.since = place, is_object, action, since
        self.waits = is_object  # for a key
        self.key = ""
        self.index = 0
        self.comma = self.dangling = -1
        self.kept = False


def text_of(token: str) -> str:
    """The text that a string token spells; that of another token is itself, and broken escapes stay."""
    if not token.startswith('"'):
        return token
    inner = token[1:-1] if len(token) > 1 and token.endswith('"') else token[1:]
    if "\\" not in inner:
        return inner
    try:
        return str(json.loads(f'"{inner}"', strict=False))
    except ValueError:
        return inner


def token_of(text: str) -> str:
    """The string token that spells the text."""
    return json.dumps(text)


def is_number(token: str) -> bool:
    """Whether the token is a number of JSON."""
    return _NUMBER.fullmatch(token) is not None


class Walk:
    """One walk over a text; `edits` are (start, end, new text), in order and apart."""

    def __init__(
        self,
        text: str,
        visitor: Visitor,
        *,
        root: Place = (),
        hot: Sequence[tuple[int, int]] = (),
        numbered: bool = False,
    ) -> None:
        """`root` is where the text stands, for a JSON text inside a string of another.

        `numbered`: the places of elements have their numbers.

        Only tokens that a span of `hot` touches, that hold an escape or that a rule is for are visited.
        """
        self.text, self.visitor, self.root = text, visitor, root
        self._numbered = numbered
        self._hot, self._next = hot, 0
        self.edits: list[tuple[int, int, str]] = []
        self.open: list[_Frame] = []
        self._gone = 0  # how many open frames are inside of one that is removed, itself too
        self._key_start = 0

    def changed(self) -> str:
        """The text after the walk."""
        for match in _TOKEN.finditer(self.text):
            self._token(match)
        if self._gone:  # the text ends inside of what is removed
            first = len(self.open) - self._gone
            self._leave_out(
                self.open[first - 1] if first else None, start=self.open[first].since, end=len(self.text)
            )
        if not self.edits:
            return self.text
        return "".join(self._pieces())

    def _pieces(self) -> Iterator[str]:
        at = 0
        for start, end, new in self.edits:
            yield self.text[at:start]
            yield new
            at = end
        yield self.text[at:]

    def _token(self, match: re.Match[str]) -> None:
        token, end = match[0], match.end()
        frame = self.open[-1] if self.open else None
        if token in _OPENING:
            self._opened(match, frame)
        elif token in _CLOSING:
            self._closed(end)
        elif token in _COMMA:
            self._separated(match, frame)
        elif token in _COLON:
            if frame is not None:
                frame.waits = False
        elif self._gone:
            pass
        elif frame is not None and frame.is_object and frame.waits:
            self._keyed(match, frame)
        else:
            self._valued(match, frame)

    def _visited(self, match: re.Match[str]) -> bool:
        start, end = match.span()
        while self._next < len(self._hot) and self._hot[self._next][1] <= start:
            self._next += 1
        touched = self._next < len(self._hot) and self._hot[self._next][0] < end
        return touched or "\\" in match[0]

    def _place(self, frame: _Frame | None) -> Place:
        if frame is None:
            return self.root
        if frame.is_object:
            return child(frame.place, frame.key)
        return child(frame.place, Index(f"[{frame.index}]") if self._numbered else ELEMENT)

    def _rule(self, frame: _Frame | None, place: Place) -> str | None:
        """The rule for a place, or that of what it stands in."""
        own = self.visitor.action(place)
        return own if own is not None or frame is None else frame.action

    def _opened(self, match: re.Match[str], frame: _Frame | None) -> None:
        token, start = match[0], match.start()
        if self._gone:
            self._gone += 1
            self.open.append(_Frame((), is_object=token in _OBJECT, action=None, since=start))
            return
        place = self._place(frame)
        action = self._rule(frame, place)
        since = self._key_start if frame is not None and frame.is_object else start
        self.open.append(_Frame(place, is_object=token in _OBJECT, action=action, since=since))
        if action == "remove":
            self._gone = 1
            self.visitor.value(place, token, action=action)

    def _closed(self, end: int) -> None:
        if not self.open:
            return
        frame = self.open.pop()
        if self._gone:
            self._gone -= 1
            if not self._gone:
                self._leave_out(self.open[-1] if self.open else None, start=frame.since, end=end)
        elif self.open:
            self.open[-1].kept = True

    def _separated(self, match: re.Match[str], frame: _Frame | None) -> None:
        if frame is None or self._gone:
            return
        if frame.dangling >= 0:  # the first members are gone: so is the comma after them
            first, _, new = self.edits[frame.dangling]
            self.edits[frame.dangling] = (first, match.end(), new)
            frame.dangling = -1
        frame.comma = match.start()
        frame.index += 1
        frame.waits = frame.is_object

    def _keyed(self, match: re.Match[str], frame: _Frame) -> None:
        self._key_start = match.start()
        new = self.visitor.key(frame.place, match[0]) if self._visited(match) else None
        if new is not None:
            self.edits.append((*match.span(), new))
        frame.key = text_of(match[0] if new is None else new)

    def _valued(self, match: re.Match[str], frame: _Frame | None) -> None:
        start, end = match.span()
        place = self._place(frame)
        action = self._rule(frame, place)
        if action is None and not self._visited(match):
            new = None
        else:
            new = self.visitor.value(place, match[0], action=action)
        if new == GONE:
            member = frame is not None and frame.is_object
            self._leave_out(frame, start=self._key_start if member else start, end=end)
            return
        if new is not None:
            self.edits.append((start, end, new))
        if frame is not None:
            frame.kept = True

    def _leave_out(self, outer: _Frame | None, *, start: int, end: int) -> None:
        """A member goes with one comma; an element leaves null behind: the others keep their places."""
        if outer is None or not outer.is_object:
            self.edits.append((start, end, "null"))
            if outer is not None:
                outer.kept = True
            return
        while self.edits and self.edits[-1][0] >= start:  # what was changed inside, and the key
            self.edits.pop()
        if outer.kept and outer.comma >= 0:
            start = outer.comma
        self.edits.append((start, end, ""))
        if not outer.kept:
            outer.dangling = len(self.edits) - 1
