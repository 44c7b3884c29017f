"""The texts of one call by the rules: changed where a rule names them, else freed of what is of a class."""

from __future__ import annotations

import re
from hashlib import blake2b
from urllib.parse import unquote

from .json_paths import Paths
from .patterns import Hit, found, own, shapes
from .rules import Rules

#: what stands for a text that a rule masks; one of a class is named by its class
MASK = "[redacted]"
#: a shorter text is too common to be looked for among the names of a request
_TELLING = 3
#: an id so long is found in bodies too
_UNLIKELY = 8
_PASSES = 6
_SHORT = 64
_REMEMBERED = 1 << 14
_TOKEN = re.compile(r"h_[a-p]{32}")
#: an id made of the trace and the span of a `traceparent`
_TRACED = re.compile(r"([0-9a-f]{32})-([0-9a-f]{16})")
_LETTERS = str.maketrans("0123456789abcdef", "abcdefghijklmnop")


class DroppedError(Exception):
    """A rule leaves the whole request out; its argument is the reason, in few and stable words."""


class OpaqueError(DroppedError):
    """What holds, or may hold, something that a rule names cannot be taken apart."""


def is_token(text: str) -> bool:
    """Whether the text stands for one that was hashed."""
    return _TOKEN.fullmatch(text) is not None


class Means:
    """Rules and their key, made ready."""

    def __init__(self, rules: Rules, key: bytes) -> None:
        """Raises ValueError where something is to be hashed and there is no key."""
        if rules.hashes and not key:
            raise ValueError("something is to be hashed, and there is no key")
        self.rules = rules
        self.key = key if len(key) <= blake2b.MAX_KEY_SIZE else blake2b(key).digest()
        self.paths = Paths(dict(rules.paths))
        self.actions = rules.class_actions()
        mine = [own(name, pattern.regex) for name, pattern in rules.patterns.items()]
        self.shapes = [*mine, *shapes(self.actions)]
        self.keep = frozenset(rules.keep_values)
        #: short texts without anything of a class, for names and values come again and again
        self.innocent: set[str] = set()
        self.query = {name.lower(): action for name, action in rules.query.items()}
        self.headers = {name.lower(): action for name, action in rules.headers.items()}
        self.kept = frozenset(map(str.lower, rules.keep_headers)) | self.headers.keys()

    def hits(self, text: str) -> list[Hit]:
        """What of the text is of a class, without what may stay."""
        return found(text, self.shapes, keep=self.keep)

    def token(self, text: str) -> str:
        """What stands for a text that is hashed: the same for the same text and key (RFC 7693, 128 bits).

        Its letters are of no class, and a token stands for itself, so a capture may be redacted twice.
        """
        if is_token(text):
            return text
        digest = blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16, key=self.key)
        return "h_" + digest.hexdigest().translate(_LETTERS)


class Texts:
    """One call: `taken` by rules, with their action; `said` what was changed, by rule and place.

    `named` are its ids and unit that were hashed, and the parts of them that tracing headers carry.
    """

    def __init__(self, means: Means) -> None:
        self.means = means
        self.rules = means.rules
        self.taken: dict[str, str] = {}
        self.named: list[str] = []
        self.said: dict[tuple[str, str], None] = {}

    def say(self, rule: str, place: str) -> None:
        """Something was changed there by that rule."""
        self.said[rule, place] = None

    def take(self, text: str, action: str) -> None:
        """A rule takes this value out: it goes from the names of the request too."""
        self.taken.setdefault(text, action)

    def hidden(self, *ids: str | None) -> frozenset[str]:
        """Those of the ids that are hashed in any case, and so long that nothing else is likely the same."""
        rule = self.rules.fields.get("request_id")
        known = (one for one in ids if one and len(one) >= _UNLIKELY and self.means.key and not is_token(one))
        return frozenset(one for one in known if rule == "hash" or (rule is None and self._hits(one)))

    def replace(self, name: str) -> None:
        """An id or unit was hashed: it is taken from the rest of the call, where traces carry it too."""
        self.take(name, "hash")
        traced = _TRACED.fullmatch(name)
        self.named += [name, *(traced.groups() if traced else ())]

    def without_names(self, text: str, place: str) -> str:
        """The text of a tracing header, a token for each id in it that was hashed."""
        for name in self.named:
            if len(name) >= _TELLING and name.lower() in text.lower():
                part = re.compile(rf"(?<!\w){re.escape(name)}(?!\w)", re.IGNORECASE)
                new = part.sub(self.means.token(name), text)
                if new != text:
                    self.say("rule for its place", place)
                text = new
        return text

    def name(self, text: str, field: str) -> str:
        """A unit or id: hashed whole or let be, for requests are told apart by it. Raises DroppedError."""
        action = self.rules.fields.get(field)
        if action == "drop_request":
            raise DroppedError(f"fields.{field}")
        rule = self._why(text) if action is None else f"fields.{field}"
        if not rule:
            return text
        if not self.means.key:
            raise DroppedError(f"{field} gives it away ({rule}), and there is no key to hash it with")
        if not is_token(text):
            self.say(rule, field)
        return self.means.token(text)

    def _why(self, text: str) -> str:
        hits = self._hits(text)
        if hits:
            return hits[0][2]
        return "taken out of a body" if len(text) >= _TELLING and text in self.taken else ""

    def whole(self, text: str, place: str, *, action: str | None = None) -> str | None:
        """A text by the rule for its place, or that for the same value in a body; None: it goes.

        Without either it is freed of what is of a class. Raises DroppedError.
        """
        if action is None and len(text) >= _TELLING:
            action = self.taken.get(text)
        if action is None:
            return self.freed(text, place)
        if action == "drop_request":
            raise DroppedError(f"rule for {place}")
        new = None if action == "remove" else self.means.token(text) if action == "hash" else MASK
        if new != text:
            self.say("rule for its place", place)
        return new

    def freed(self, text: str, place: str) -> str:
        """The text without what is of a class: again until nothing is found, and at last without anything."""
        for _ in range(_PASSES):
            hits = self._hits(text)
            if not hits:
                return text
            pieces, at = [], 0
            for start, end, name in hits:
                self.say(name, place)
                pieces += [text[at:start], self._instead(text[start:end], name)]
                at = end
            text = "".join(pieces) + text[at:]
        return MASK

    def _hits(self, text: str) -> list[Hit]:
        if text in self.means.innocent:
            return []
        hits = self.means.hits(text)
        if not hits and len(text) <= _SHORT and len(self.means.innocent) < _REMEMBERED:
            self.means.innocent.add(text)
        return hits

    def _instead(self, text: str, name: str) -> str:
        action = self.means.actions[name]
        if action == "drop_request":
            raise DroppedError(f"class {name}")
        if action == "hash":
            return self.means.token(unquote(text, errors="surrogateescape"))
        return f"[{name}]" if action == "mask" else ""
