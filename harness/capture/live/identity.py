"""Which request it is, and which model answered it."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Mapping
from pathlib import Path

#: W3C Trace Context, level 1: version, trace, caller's span, flags
_TRACEPARENT = re.compile(r"[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}")


def request_id_of(headers: Mapping[str, str]) -> str:
    """`X-Request-Id`, else trace and span of `traceparent`, else a new random one."""
    given = headers.get("x-request-id", "").strip()
    if given:
        return given
    traced = _TRACEPARENT.match(headers.get("traceparent", ""))
    return f"{traced[1]}-{traced[2]}" if traced else os.urandom(16).hex()


def model_hash(path: str | os.PathLike[str]) -> str:
    """The SHA-256 of a model's file in hex, by which a replay knows it again; raises OSError."""
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
