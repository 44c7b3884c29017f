"""Bodies and queries of one call by the rules: JSON by its places, forms and tables by their names."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Mapping
from urllib.parse import quote, unquote, unquote_plus

from .bodies import UnreadableError, opened
from .json_paths import Place, spelled
from .json_text import GONE, Walk, is_number, text_of, token_of
from .patterns import candidates
from .texts import MASK, DroppedError, Texts, is_token

Rule = Callable[[str], str | None]

_NESTED = 3
_JSON_STARTS = ("{", "[", '"')
_WORDS = {"true": "false", "false": "false", "NaN": "NaN"}  # that a value was not there stays


class Content:
    """The bodies of one call; `where` says which is being read."""

    def __init__(self, texts: Texts) -> None:
        self.texts = texts
        self.means = texts.means
        self.where = ""
        self._depth = 0

    def body(self, body: bytes, *, where: str, headers: Mapping[str, str]) -> bytes:
        """The body by the rules, byte for byte as it was where none speaks of it. Raises DroppedError."""
        if not body:
            return body
        self.where = where
        lower = {name.lower(): value.lower() for name, value in headers.items()}
        try:
            whole = opened(body, lower.get("content-encoding", "").strip())
        except UnreadableError as error:
            if self.texts.rules.unreadable == "keep":
                return body
            raise DroppedError(f"the {where} is packed and cannot be searched") from error
        after = self._text(whole.text, lower.get("content-type", ""))
        return body if after == whole.text else whole.closed(after)

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

    def path(self, path: str) -> str:
        """A request's target: its steps and its query, encoded as they were where nothing is changed."""
        target, mark, query = path.partition("?")
        steps = (self._quoted(step, "path", unquoted=unquote) for step in target.split("/"))
        return "/".join(steps) + mark + self.query(query, where="query", rule=self.texts.rules.query.get)

    def query(self, query: str, *, where: str, rule: Rule) -> str:
        """The pairs of a query or form."""
        pairs = (self._pair(one, where=where, rule=rule) for one in query.split("&"))
        return "&".join(pair for pair in pairs if pair is not None)

    def _pair(self, pair: str, *, where: str, rule: Rule) -> str | None:
        name, equals, value = pair.partition("=")
        plain, action = unquote_plus(value), rule(unquote_plus(name))
        key = self._quoted(name, where, unquoted=unquote_plus)
        place = f"{where}.{unquote_plus(key)}"
        if action is None:
            return key + equals + self._quoted(value, place, unquoted=unquote_plus)
        self.texts.take(plain, action)
        new = self.texts.whole(plain, place, action=action)
        return None if new is None else f"{key}={quote(new, safe='[]')}"

    def _quoted(self, text: str, place: str, *, unquoted: Callable[[str], str]) -> str:
        plain = unquoted(text)
        new = self.texts.whole(plain, place)
        return text if new == plain else quote(new or "", safe="[]")

    def _text(self, text: str, kind: str) -> str:
        if text.lstrip("\ufeff \t\r\n").startswith(_JSON_STARTS):
            return self._json(text, ())
        if "x-www-form-urlencoded" in kind:
            text = self.query(text, where=self.where, rule=lambda name: self.means.paths.at((name,)))
        elif "csv" in kind and self.means.paths:
            text = self._csv(text)
        return self.texts.freed(text, self.where)

    def _csv(self, text: str) -> str:
        """Columns by the names in the first line; without a rule for one of them the text stays."""
        rows = list(csv.reader(io.StringIO(text, newline="")))
        names = [name.strip() for name in rows[0]] if rows else []
        ruled = {
            place: action for place, name in enumerate(names) if (action := self.means.paths.at((name,)))
        }
        if not ruled:
            return text
        for row in rows[1:]:
            for place, action in ruled.items():
                if place < len(row) and row[place]:
                    self.texts.take(row[place], action)
                    at = f"{self.where}:{names[place]}"
                    row[place] = self.texts.whole(row[place], at, action=action) or ""
        out = io.StringIO(newline="")
        csv.writer(out, lineterminator="\r\n" if "\r\n" in text else "\n").writerows(rows)
        return out.getvalue()

    def _json(self, text: str, root: Place) -> str:
        hot = candidates(text, self.means.shapes)
        if not hot and "\\" not in text and not self.means.paths.may_speak_of(text):
            return text
        return self.texts.freed(Walk(text, self, root=root, hot=hot).changed(), self.where)

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
        new = self._nested(text, place) if token.startswith('"') else text
        new = self.texts.freed(new, self._at(place))
        if new == text:
            return None
        if is_number(token):
            return token_of(new) if is_token(new) else "0" if new else "null"
        return token_of(new) if token.startswith('"') else new

    def _ruled(self, place: Place, token: str, *, action: str) -> str | None:
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
        """A text, which may be JSON itself: its places go on from here."""
        if self._depth >= _NESTED or not (text.startswith(("{", "[")) and '"' in text):
            return text
        self._depth += 1
        try:
            return self._json(text, place)
        finally:
            self._depth -= 1

    def _at(self, place: Place) -> str:
        return f"{self.where}:{spelled(place)}"


def _token(value: object) -> str:
    """The JSON token of what is no text; NaN is spelled as JSON spells no NaN."""
    if value is None:
        return "null"
    return str(value).lower() if isinstance(value, bool) else str(value)
