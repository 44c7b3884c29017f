"""What plain JSON answers have in common: a list with an entry a row: a number, a list or an object."""

from __future__ import annotations

import re
from collections.abc import Sequence

import jmespath
from jmespath.exceptions import JMESPathError

from replayers.selectors import Unreadable

#: a version of digits alone is a time (20240119192757)
_HASH = re.compile(r"sha256:[0-9a-fA-F]{12,64}|(?![0-9]+$)[0-9a-fA-F]{12,64}")


def entries(document: object, keys: Sequence[str]) -> list[object]:
    """The list of an answer with an entry a row, under the first of these keys; raises Unreadable."""
    if isinstance(document, list):
        return document
    if not isinstance(document, dict):
        raise Unreadable("body is null" if document is None else f"body is a {type(document).__name__}")
    key = next((one for one in keys if one in document), None)
    if key is None:
        raise Unreadable(f"no field {keys[0]!r}")
    held = document[key]
    if isinstance(held, dict):
        return _named(held, key)
    if not isinstance(held, list):
        raise Unreadable(f"{key} is no list")
    return held


def _named(held: dict[str, object], key: str) -> list[object]:
    """The one list of outputs by name."""
    lists = [value for value in held.values() if isinstance(value, list)]
    if len(lists) != 1:
        raise Unreadable(f"{key} has {len(held)} outputs: say which in response.score"[:80])
    return lists[0]


def field_of(entry: object, field: str) -> object:
    """What an object says of a row: at the JMESPath `field`, or its one value; raises Unreadable."""
    if not isinstance(entry, dict):
        return entry
    if field:
        try:
            found = jmespath.search(field, entry)
        except JMESPathError:
            found = None
        if found is None:
            raise Unreadable(f"nothing at {field!r} of a prediction")
        return found
    if len(entry) != 1:
        raise Unreadable(f"a prediction has the fields {', '.join(map(str, entry))}: say which"[:80])
    return next(iter(entry.values()))


def hash_in(document: object, *keys: str) -> str | None:
    """What stands under one of these keys and is a hash; a name of a version names no file."""
    for key in keys if isinstance(document, dict) else ():
        value = document.get(key)  # type: ignore[attr-defined]  # an object, or there is no key
        if isinstance(value, str) and _HASH.fullmatch(value):
            return value
    return None
