"""Bugs from their texts, as a command line or the environment gives them.

NAME[:FEATURE,...][,KEY=VALUE,...]; beside its own options each bug takes
rate=0.01                       the share of requests, the same ones each time
segment=market_segment=Groups   only requests whose body says so
since=2017-01-01T00:00Z         only events from this time on
"""

import json
from collections.abc import Iterable
from datetime import datetime
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from scenarios.bugs.active import ALWAYS, SCORE, Bug, Bugs
from scenarios.bugs.catalogue import CATALOGUE, Entry
from scenarios.bugs.context import Ground
from scenarios.request import Kinds

BUGS_VARIABLE = "BUGS"
"""The environment variable that names bugs, separated by semicolons."""


def parse_bugs(texts: Iterable[str], ground: Ground, *, data: Path) -> Bugs:
    """All bugs by their texts, with `typical.json` of the folder `data`."""
    active = tuple(parse_bug(text.strip(), ground) for text in texts)
    typical = json.loads((data / "typical.json").read_text()) if active else {}
    return Bugs(active, typical)


def parse_bug(text: str, ground: Ground) -> Bug:
    """A bug from its text; ValueError says what is wrong and what is expected."""
    name, _, rest = text.partition(":")
    if name not in CATALOGUE:
        near = get_close_matches(name, CATALOGUE, n=1)
        meant = f"did you mean {near[0]!r}?" if near else "see python -m scenarios.bugs list"
        raise ValueError(f"unknown bug {name!r}; {meant}")
    entry, parts = CATALOGUE[name], [part.strip() for part in rest.split(",") if part.strip()]
    pairs = dict(part.split("=", 1) for part in parts if "=" in part)
    where = {key: pairs.pop(key) for key in ("rate", "segment", "since") if key in pairs}
    return Bug(
        name=name,
        entry=entry,
        features=_features(name, [part for part in parts if "=" not in part], kinds=ground.kinds),
        options=_options(name, entry, given=pairs, keys=ground.keys),
        rate=_share(where.get("rate", "1")),
        segment=_segment(where["segment"]) if "segment" in where else None,
        since=_moment("since", where["since"]) if "since" in where else ALWAYS,
    )


def applicable(entry: Entry, kinds: Kinds) -> list[str]:
    """The features that a bug can hit."""
    known = {**kinds, SCORE: (SCORE,)}
    return [feature for feature, kind in known.items() if set(kind) & set(entry.kinds)]


def _features(name: str, given: list[str], *, kinds: Kinds) -> tuple[str, ...]:
    entry = CATALOGUE[name]
    known = applicable(entry, kinds)
    wrong = [feature for feature in given if feature not in known]
    least = entry.least if entry.kinds else 0
    if not known and entry.kinds:
        raise ValueError(f"{name}: no feature here is of kind {' or '.join(entry.kinds)}")
    if wrong or len(given) < least or (given and not entry.kinds):
        many = f"{least} or more of " if least > 1 else "one of " if least else "no feature"
        raise ValueError(
            f"{name}: found {', '.join(wrong or given) or 'no feature'}; expected {many}{', '.join(known)}"
        )
    if SCORE in given and len(given) > 1:
        raise ValueError(f"{name}: score stands alone; give the bug once more for {', '.join(given)}")
    return tuple(given)


def _options(name: str, entry: Entry, *, given: dict[str, str], keys: tuple[str, ...]) -> dict[str, Any]:
    unknown = sorted(given.keys() - entry.options.keys())
    if unknown:
        expected = ", ".join([*entry.options, "rate", "segment", "since"])
        raise ValueError(f"{name}: unknown option {unknown[0]!r}; expected {expected}")
    if "key" in given and given["key"] not in keys:
        raise ValueError(f"{name}: key: expected {' or '.join(keys)}, found {given['key']!r}")
    defaults = entry.options.items()
    return {key: _option(name, key, default=default, given=given.get(key)) for key, default in defaults}


def _option(name: str, key: str, *, default: object, given: str | None) -> object:
    """An option as its default's type says; see the catalogue."""
    if given is None:
        if isinstance(default, type):
            raise ValueError(f"{name} needs {key}=...")
        return default[0] if isinstance(default, tuple) else default
    if isinstance(default, tuple) and given not in default:
        raise ValueError(f"{name}: {key}: expected {' or '.join(default)}, found {given!r}")
    if isinstance(default, tuple | str) or default is str:
        return given
    if default is datetime:
        return _moment(key, given)
    return _factors(given) if default is dict else _number(key, given)


def _factors(text: str) -> dict[str, float]:
    pairs = (part.rpartition(":") for part in text.split("/"))
    return {level: _number("factors", factor) for level, _, factor in pairs}


def _segment(text: str) -> tuple[str, str]:
    fieldname, equals, value = text.partition("=")
    if not equals:
        raise ValueError(f"segment: expected segment=FIELD=VALUE, found {text!r}")
    return fieldname, value


def _share(text: str) -> float:
    rate = _number("rate", text)
    if not 0 < rate <= 1:
        raise ValueError(f"rate: expected a share above 0 and up to 1, found {text!r}")
    return rate


def _number(key: str, text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise ValueError(f"{key}: expected a number, found {text!r}") from None


def _moment(key: str, text: str) -> datetime:
    """A time with an offset."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise ValueError(
            f"{key}: expected a time with an offset, such as 2025-03-03T09:00:00Z, found {text!r}"
        )
    return moment
