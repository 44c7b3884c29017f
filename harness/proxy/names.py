"""Request ids, each given once, so that a call and its mirrored copy are one pair in two captures."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from harness.proxy.heads import RequestHead

REMEMBERED = 1 << 15
_HEADER = b"x-request-id"
_LONGEST = 200


class Names:
    """Names calls: by the user's own X-Request-Id, one that comes again as `id~2`, else by a new one.

    The last `REMEMBERED` ids are known, and as many before them.
    """

    def __init__(self) -> None:
        self._new: dict[str, int] = {}
        self._old: dict[str, int] = {}

    def name(self, head: RequestHead) -> str:
        """The id of this call."""
        given = _given(head)
        return self._once(given) if given else uuid.uuid4().hex

    def _once(self, given: str) -> str:
        times = self._new.get(given, self._old.get(given, 0)) + 1
        self._new[given] = times
        if len(self._new) >= REMEMBERED:
            self._new, self._old = {}, self._new
        return given if times == 1 else f"{given}~{times}"


def _given(head: RequestHead) -> str:
    for name, value in head.fields:
        if len(name) == len(_HEADER) and name.lower() == _HEADER and len(value) <= _LONGEST:
            return value.decode("latin-1")
    return ""
