"""Why answers failed, counted: reasons that differ in the value they show alone are one."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

#: a text that stands where the score should be, as it is shown
_TEXT = re.compile(r"\bis text (?P<quote>['\"]).*(?P=quote)$")
_TRUTH = re.compile(r"\bis (true|false)$")


def reasons(details: Iterable[str]) -> dict[str, int]:
    """How often each reason is given; one of several values is told with that which is seen most.

    To check: `score is text '0.1'` and `score is text '0.2'` are `score is text, such as '0.1'`, twice.
    """
    groups: dict[str, Counter[str]] = defaultdict(Counter)
    for detail in details:
        groups[_kind(detail)][detail] += 1
    return {_name(kind, seen): seen.total() for kind, seen in groups.items()}


def _kind(detail: str) -> str:
    return _TRUTH.sub("is true or false", _TEXT.sub("is text", detail))


def _name(kind: str, seen: Counter[str]) -> str:
    often = min(seen, key=lambda one: (-seen[one], one))
    if len(seen) == 1:
        return often
    return f"{kind}, such as {often[len(kind) :].strip()}" if kind.endswith("is text") else kind
