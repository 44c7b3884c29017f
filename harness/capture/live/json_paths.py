"""Places in JSON: `user.email`, `rows[].card`, `**.iban`, and which rule of a set is for a place."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping

#: names from the root, `[]` for an element of an array
Place = tuple[str, ...]

ELEMENT = "[]"
#: a place remembers its last names only, so that deep nesting costs no memory; what was cut is one of these
DEEPER = "…"
MAX_NAMES = 48
_REMEMBERED = 4_096

_WILD = frozenset({"*", "**"})
_BRACKETS = re.compile(r"[\[\].]+")
#: a name where something ends it that ends names: `ssn,` `ssn=` `name="ssn"` `ssn[]=`, or it is an element's
_MENTION = (r"(?<!\w)", r"(?:[\"'<>\[\]%]|[ \t]*[=:,;|\t\r\n])|(?<=[</])", r"\b")
_STEP = re.compile(r'"((?:[^"\\]|\\.)*)"|([^."\[\]]+)|(\[\])')


def parsed(path: str) -> Place:
    """The names of a path; `*` is any one name, `**` any number of them, `[]` may be left out.

    A name with a dot or a bracket stands in double quotes. Raises ValueError.
    """
    names: list[str] = []
    at = 0
    text = path.removeprefix("$.").removeprefix("$")
    while at < len(text):
        at += at > 0 and text[at] == "."
        step = _STEP.match(text, at)
        if step is None:
            break
        if step[3] is None:
            names.append(json.loads(step[0]) if step[1] is not None else step[2])
        at = step.end()
    if not names or at < len(text) or text.endswith("."):
        raise ValueError(f"{path!r} is no path: write user.email, rows[].card or **.iban")
    return tuple(names)


def spelled(place: Place) -> str:
    """The place as a path that `parsed` reads."""
    text = ""
    for name in place:
        if name == ELEMENT:
            text += ELEMENT
        else:
            plain = _STEP.fullmatch(name) is not None and not name.startswith('"')
            text += ("." if text else "") + (name if plain else json.dumps(name, ensure_ascii=False))
    return text or "$"


def child(place: Place, name: str) -> Place:
    """The place of this member or element; the far end of a long one is forgotten."""
    if len(place) < MAX_NAMES:
        return (*place, name)
    return (DEEPER, *place[2:], name)


class Paths:
    """Rules by path; `at` says which is for a place: the first given one whose path it is, in any case."""

    def __init__(self, rules: Mapping[str, str]) -> None:
        """`rules` gives an action for each path; raises ValueError for one that is no path."""
        self._rules = [(tuple(map(str.lower, parsed(path))), action, path) for path, action in rules.items()]
        self.used: set[str] = set()
        self._known: dict[Place, str | None] = {}
        self.last_names = frozenset(path[-1] for path, *_ in self._rules)
        self._wild = not self.last_names.isdisjoint(_WILD)
        names = [re.escape(name) for name in map(_last, (path for path, *_ in self._rules)) if name]
        any_name = rf"(?:{'|'.join(names)})" if names else r"(?!)"
        self._named = re.compile(any_name.join(_MENTION), re.IGNORECASE)
        self._quoted = re.compile(rf'["\].]{any_name}"(?!\s*:)', re.IGNORECASE)

    def __bool__(self) -> bool:
        """Whether there is any rule."""
        return bool(self._rules)

    def at(self, place: Place) -> str | None:
        """The action for what stands here, None where no rule is for it."""
        try:
            return self._known[place]
        except KeyError:
            names = [name.lower() for name in place if name != ELEMENT]
            action = None
            if place and place[-1] != ELEMENT:  # the array of an element is at the same names
                action = self._first(names)
            if len(self._known) < _REMEMBERED:
                self._known[place] = action
            return action

    def named(self, name: str) -> str | None:
        """The action for a form field or a column: by its name, or by the steps that `user[ssn]` spells."""
        action = self.at((name,))
        if action is None and (steps := steps_of(name)) != [name]:
            return self.at(tuple(steps))
        return action

    def below(self, place: Place, name: str) -> str | None:
        """The action for values that are named beside them, in what stands at this place."""
        ends = name.lower().rstrip("]")
        if not self._wild and not any(map(ends.endswith, self.last_names)):
            return None
        return self.at((*place, name)) or self.named(name)

    def _first(self, names: list[str]) -> str | None:
        for path, action, text in self._rules:
            if _matches(path, names):
                self.used.add(text)
                return action
        return None

    def may_speak_of(self, text: str) -> bool:
        """Whether a JSON text may hold a place that a rule is for: never wrongly no."""
        if not self._rules:
            return False
        if self._wild or "\\" in text:
            return True
        lower = text.lower()
        return any(name in lower for name in self.last_names)

    def may_name(self, text: str) -> bool:
        """Whether a text that is no JSON may be of fields, columns or parts of which a rule is for one."""
        return self._named.search(text) is not None

    def may_quote(self, text: str) -> bool:
        """Whether a JSON text may have the name of a place as a value, as tables have those of columns."""
        return bool(self._rules) and (self._wild or "\\" in text or self._quoted.search(text) is not None)


def steps_of(name: str) -> list[str]:
    """The names that a form's or a table's name is made of: `user[ssn]`, `user.ssn`, `mail[0]`."""
    return [step for step in _BRACKETS.split(name) if step and not step.isdecimal()]


def _last(path: Place) -> str:
    return next((name for name in reversed(path) if name not in _WILD), "")


def _matches(path: Place, names: Iterable[str]) -> bool:
    """Whether the path speaks of these names; one column of the table at a time, so never exponential."""
    reached = {0}
    reached = _skipped(path, reached)
    for name in names:
        reached = _skipped(path, {after for at in reached for after in _stepped(path[at:], at, name=name)})
        if not reached:
            return False
    return len(path) in reached


def _stepped(rest: Place, at: int, *, name: str) -> list[int]:
    if not rest:
        return []
    if rest[0] == "**":
        return [at]
    return [at + 1] if rest[0] in ("*", name) else []


def _skipped(path: Place, reached: set[int]) -> set[int]:
    """With those reached by taking `**` as no name at all."""
    found = set(reached)
    for at in reached:
        here = at
        while here < len(path) and path[here] == "**":
            here += 1
            found.add(here)
    return found
