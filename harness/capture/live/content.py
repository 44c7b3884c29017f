"""Bodies and queries of one call by the rules: JSON by its places, forms and tables by their names."""

from __future__ import annotations

import json
import re
from base64 import b64decode, b64encode
from collections.abc import Callable, Mapping
from functools import cache
from urllib.parse import quote, unquote, unquote_plus

from .bodies import UnreadableError, decoded, opened, unpacked
from .columns import at, columns, plain
from .documents import documents
from .forms import joined, pairs, table
from .json_paths import Place, spelled, steps_of
from .json_text import GONE, Walk, is_number, text_of, token_of
from .patterns import candidates
from .texts import MASK, DroppedError, OpaqueError, Texts, is_token

Rule = Callable[[str], str | None]

_NESTED = 3
#: letters of the shortest JSON that has a name, `{"":1}`
_LEAST = 6
_UNTAKEN = "has names of a rule and cannot be taken apart"
#: a text that may be JSON, or the text of a Python object
_OBJECT = re.compile(r"\s*[{\[](?:[\s{\[(]*'|.*\")", re.DOTALL)
#: a token whose text is, or base64 of JSON (`{"`, `{`, `[{`), gzipped too, which no escape gives away
_WITHIN = re.compile(r"\"(?:\s*+[{\[]|(?:e[ywz]|W[1-3y]|H4sI)[A-Za-z0-9+/_-]{6,}+={0,2}\")")
_BASE64 = re.compile(r"\s*(?:e[ywz]|W[1-3y]|H4sI)[A-Za-z0-9+/_-]{6,}+={0,2}\s*")
_JSON_STARTS = ("{", "[", '"')
_STANDARD = str.maketrans("-_", "+/")
_WORDS = {"true": "false", "false": "false", "NaN": "NaN"}  # that a value was not there stays


#: how long the JSON is that raw tensors follow (Open Inference Protocol, binary tensor data)
_HEAD = "inference-header-content-length"


def head_length(headers: Mapping[str, str], body: bytes) -> int:
    """How many bytes of a body are its JSON, where raw tensors follow that it tells the sizes of; else 0."""
    text = next((value for name, value in headers.items() if name.lower() == _HEAD), "")
    length = int(text) if text.isascii() and text.isdecimal() and len(text) < 16 else 0
    return length if 0 < length <= len(body) and _raw(body[:length]) == len(body) - length else 0


def _raw(head: bytes) -> int:
    """The sizes of all tensors whose values stand behind this JSON, together; -1 where it is none."""
    try:
        said = json.loads(head)
        tensors = [one for side in ("inputs", "outputs") for one in said.get(side) or ()]
        return sum(int(one.get("parameters", {}).get("binary_data_size", 0)) for one in tensors)
    except (ValueError, TypeError, AttributeError, RecursionError):
        return -1


def measured(headers: dict[str, str], *, longer: int) -> dict[str, str]:
    """The headers of a body whose JSON before raw tensors has become so much longer."""
    if not longer:
        return headers
    return {
        name: str(int(value) + longer) if name.lower() == _HEAD else value for name, value in headers.items()
    }


class Content:
    """The bodies of one call; `where` says which is being read, `longer` by how much its JSON has grown.

    Texts of JSON that are one of `ids` are hashed.

    What cannot be taken apart, while it speaks of the place of a rule, is no content: OpaqueError.
    """

    def __init__(self, texts: Texts, *, ids: frozenset[str] = frozenset()) -> None:
        self.texts = texts
        self.ids = ids
        self.means = texts.means
        self.where = ""
        self.longer = 0
        self._depth = 0
        self._ruled_values = 0

    def body(self, body: bytes, *, where: str, headers: Mapping[str, str]) -> bytes:
        """The body by the rules, byte for byte as it was where none speaks of it. Raises DroppedError."""
        self.where, self.longer = where, 0
        if not body:
            return body
        lower = {name.lower(): value.lower() for name, value in headers.items()}
        try:
            whole = unpacked(body, lower.get("content-encoding", ""))
        except UnreadableError:
            self._opaque("is packed and cannot be searched")
            return body
        length = head_length(lower, whole.plain)
        head, raw = (whole.plain[:length], whole.plain[length:]) if length else (whole.plain, b"")
        text, closed = decoded(head)
        if raw:
            self._check_tensors(text, raw)
        after = self._text(text, lower.get("content-type", ""))
        if after == text:
            return body
        new = closed(after)
        self.longer = len(new) - length if length else 0
        return whole.packed(new + raw)

    def _opaque(self, why: str) -> None:
        if self.texts.rules.unreadable != "keep":
            raise OpaqueError(f"the {self.where} {why}")

    def _check_tensors(self, head: str, raw: bytes) -> None:
        """Raw tensors behind a JSON head stay: nothing in them can be made longer or shorter."""
        text = raw.decode("utf-8", "replace")
        if self.means.hits(text):
            self._opaque("has tensors that hold what a class takes out")
        if self.means.paths and (self.means.paths.may_quote(head) or self.means.paths.may_name(text)):
            self._opaque(_UNTAKEN)

    def features(self, features: Mapping[str, object]) -> dict[str, object]:
        """Features by name as a handler attached them, each as a member of a body."""
        self.where = "features"
        after: dict[str, object] = {}
        for name, value in features.items():
            token = token_of(value) if isinstance(value, str) else _token(value)
            new = self.value((name,), token, action=self.action((name,)))
            if new != GONE:
                key = self.texts.freed(name, self.where)
                after[key] = value if new is None else json.loads(new)
        return after

    def times(self, times: bytes) -> bytes:
        """Times by feature: names and texts without what is of a class; no rule is for these places."""
        self.where = "feature_timestamps"
        text = times.decode("utf-8", "surrogateescape")
        return (
            Walk(text, _Unruled(self), hot=candidates(text, self.means.shapes))
            .changed()
            .encode("utf-8", "surrogateescape")
        )

    def path(self, path: str) -> str:
        """A request's target: its steps and its query, encoded as they were where nothing is changed."""
        self.where = "query"
        target, mark, query = path.partition("?")
        steps = map(self._step, target.split("/"))
        return "/".join(steps) + mark + self.query(query, where="query", rule=self._by_query)

    def _step(self, step: str) -> str:
        """A step, its parameters (`/a;name=value`) by the rules for a query."""
        name, *given = step.split(";")
        pairs = (self._pair(one, where="query", rule=self._by_query) for one in given)
        first = self._quoted(name, "path", unquoted=unquote)
        return ";".join((first, *(pair for pair in pairs if pair is not None)))

    def _by_query(self, name: str) -> str | None:
        """The rule for a parameter; `mail[]` is `mail`."""
        rules = self.means.query
        steps = steps_of(name.lower())
        return next((rules[one] for one in (name.lower(), *steps[:1], *steps[1:][-1:]) if one in rules), None)

    def query(self, query: str, *, where: str, rule: Rule) -> str:
        """The pairs of a query or form."""
        ruled = cache(lambda name: rule(unquote_plus(name)) is not None)
        given = pairs(query, ruled=ruled)
        return joined((mark, self._pair(pair, where=where, rule=rule)) for mark, pair in given)

    def _pair(self, pair: str, *, where: str, rule: Rule) -> str | None:
        name, equals, value = pair.partition("=")
        plain, action = unquote_plus(value), rule(unquote_plus(name))
        key = self._quoted(name, where, unquoted=unquote_plus)
        place = f"{where}.{unquote_plus(key)}"
        if action is None:
            if self.means.paths and len(plain) >= _LEAST:
                within = self._nested(plain, tuple(steps_of(unquote_plus(name))))
                value = value if within == plain else quote(within, safe="[]")
            return key + equals + self._quoted(value, place, unquoted=unquote_plus)
        self._ruled_values += 1
        self.texts.take(plain, action)
        new = self.texts.whole(plain, place, action=action)
        return None if new is None else f"{key}={quote(new, safe='[]')}"

    def _quoted(self, text: str, place: str, *, unquoted: Callable[[str], str]) -> str:
        plain = unquoted(text)
        new = self.texts.whole(plain, place)
        return text if new == plain else quote(new or "", safe="[]")

    def _text(self, text: str, kind: str) -> str:
        paths = self.means.paths
        form, tabular = "x-www-form-urlencoded" in kind, "csv" in kind or "tab-separated" in kind
        start = text.lstrip("\ufeff \t\r\n")
        begins = start.startswith(_JSON_STARTS) or is_number(start)
        if begins and not (paths and tabular) and not (form and paths and not documents(text).sound):
            return self._json(text, ())
        before = self._ruled_values
        if form:
            after = self.query(text, where=self.where, rule=paths.named)
        elif paths:
            after = (tabular and self._csv(text)) or self._nested(text, ())
        else:
            after = text
        if before == self._ruled_values and paths.may_name(after):
            self._opaque(_UNTAKEN)
        return self.texts.freed(after, self.where)

    def _csv(self, text: str) -> str | None:
        """Columns by the names in the first line; None without a rule for one of them."""
        return table(text, rule=self.means.paths.named, cell=self._cell)

    def _cell(self, text: str, *, name: str, action: str) -> str:
        self._ruled_values += 1
        self.texts.take(text, action)
        return self.texts.whole(text, f"{self.where}:{name}", action=action) or ""

    def _json(self, text: str, root: Place) -> str:
        hot = candidates(text, self.means.shapes)
        spoken = self.means.paths.may_speak_of(text)
        if self.means.paths:
            hot += [match.span() for match in _WITHIN.finditer(text)]
        for one in self.ids:
            hot += [match.span() for match in re.finditer(re.escape(one), text)]
        hot.sort()
        if not hot and "\\" not in text and not spoken:
            return text
        by_column = self._columns(text, root) if spoken else {}
        visitor = _Numbered(self, by_column) if by_column else self
        walk = Walk(text, visitor, root=root, hot=hot, numbered=bool(by_column))
        return self.texts.freed(walk.changed(), self.where)

    def _columns(self, text: str, root: Place) -> dict[Place, str]:
        """The rules for values whose names stand elsewhere. Raises OpaqueError for what is no sound JSON."""
        paths = self.means.paths
        found = documents(text)
        if not found.sound and paths.may_name(text):
            self._opaque(_UNTAKEN)
        if not paths.may_quote(text):
            return {}
        named = columns(found.values, root, action=lambda place, name: paths.below(plain(place), name))
        if found.cut or found.large or named is None:
            self._opaque(_UNTAKEN)
        return named or {}

    # what the walk over JSON asks for

    def action(self, place: Place, /) -> str | None:
        """The rule for the value at this place."""
        return self.means.paths.at(place)

    def key(self, place: Place, token: str, /) -> str | None:
        """A key without what is of a class."""
        text = text_of(token)
        new = self.texts.freed(text, self._at(place))
        return None if new == text else token_of(new)

    def value(self, place: Place, token: str, /, *, action: str | None) -> str | None:
        """A value by its rule, or without what is of a class. Raises DroppedError."""
        if action is not None:
            return self._ruled(place, token, action=action)
        text = text_of(token)
        if text in self.ids:
            self.texts.say("fields.request_id", self._at(place))
            return token_of(self.means.token(text))
        new = self._nested(text, place) if token.startswith('"') else text
        new = self.texts.freed(new, self._at(place))
        if new == text:
            return None
        if is_number(token):
            return token_of(new) if is_token(new) else "0" if new else "null"
        return token_of(new) if token.startswith('"') else new

    def _ruled(self, place: Place, token: str, *, action: str) -> str | None:
        self._ruled_values += 1
        if action == "drop_request":
            raise DroppedError(f"rule for {self._at(place)}")
        if token == "null" and action != "remove":  # noqa: S105  -- a word of JSON
            return None
        text = text_of(token)
        new = self._instead(token, text, action=action)
        if new == token:
            return None
        self.texts.say("rule for its place", self._at(place))
        if token not in ("{", "[", "null"):
            self.texts.take(text, action)
        return new

    def _instead(self, token: str, text: str, *, action: str) -> str:
        if action == "remove":
            return GONE
        if action == "hash":
            return token_of(self.means.token(text))
        return token_of(MASK) if token.startswith('"') else _WORDS.get(token, "0")

    def _nested(self, text: str, place: Place) -> str:
        """A text, which may be JSON itself, or base64 of it: its places go on from here."""
        packed = _BASE64.fullmatch(text) is not None
        inner = _from_base64(text) if packed else text
        if not _OBJECT.match(inner):
            return text
        if self._depth >= _NESTED:
            if self.means.paths.may_name(inner):
                self._opaque(_UNTAKEN)
            return text
        self._depth += 1
        try:
            after = self._json(inner, place)
        finally:
            self._depth -= 1
        if after == inner:
            return text
        return b64encode(after.encode("utf-8", "surrogatepass")).decode() if packed else after

    def _at(self, place: Place) -> str:
        return f"{self.where}:{spelled(place)}"


def _from_base64(text: str) -> str:
    """The text that base64 spells, unpacked, in either alphabet; empty where it spells none."""
    try:
        data = b64decode(text.strip().rstrip("=").translate(_STANDARD) + "==")
        return opened(data).text
    except (ValueError, UnreadableError):
        return ""


class _Numbered:
    """A visitor of places whose elements have numbers, with the rules for values by their columns."""

    def __init__(self, content: Content, columns: Mapping[Place, str]) -> None:
        self._content, self._columns = content, columns

    def action(self, place: Place, /) -> str | None:
        """The rule for the place, or for its column."""
        return self._content.action(plain(place)) or at(self._columns, place)

    def key(self, place: Place, token: str, /) -> str | None:
        """As the content says."""
        return self._content.key(plain(place), token)

    def value(self, place: Place, token: str, /, *, action: str | None) -> str | None:
        """As the content says."""
        return self._content.value(plain(place), token, action=action)


class _Unruled:
    """A visitor for which no rule speaks of a place."""

    def __init__(self, content: Content) -> None:
        self.key = content.key
        self.value = content.value

    def action(self, _: Place, /) -> None:
        """None."""


def _token(value: object) -> str:
    """The JSON token of what is no text; NaN is spelled as JSON spells no NaN."""
    if value is None:
        return "null"
    return str(value).lower() if isinstance(value, bool) else str(value)
