"""Request ids, each given once, so that a call and its mirrored copy are one pair in two captures."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

from harness.capture.live.recorder import Names

if TYPE_CHECKING:
    from harness.proxy.heads import RequestHead

_HEADER = b"x-request-id"
_LONGEST = 200


class CallNames:
    """Names calls: by the user's own X-Request-Id, one that comes again as `id~2`, else by a new one.

    As many ids are known as a recorder knows.
    """

    def __init__(self) -> None:
        self._known = Names()

    def name(self, head: RequestHead) -> str:
        """The id of this call."""
        given = _given(head)
        return self._once(given) if given else uuid.uuid4().hex

    def _once(self, given: str) -> str:
        times = self._known.times(given)
        return given if times == 1 else f"{given}~{times}"


def _given(head: RequestHead) -> str:
    for name, value in head.fields:
        if len(name) == len(_HEADER) and name.lower() == _HEADER and len(value) <= _LONGEST:
            return value.decode("latin-1")
    return ""
