"""Targets for a shadow: credentials in their queries, by name or by what they look like, are masked."""

from __future__ import annotations

import re
from functools import lru_cache
from urllib.parse import unquote_plus

from harness.capture.live.patterns import found, shapes
from harness.columns import is_private

_WORD = b"masked"
_ENDS = re.compile(rb"([&;])")
#: of what the classes of redaction know, those that let somebody in
_KEYS = shapes(("key", "bearer"))
#: how frameworks write `user[token]`, `user.token`
_STEPS = re.compile(r"[][.]+")
#: names of queries beside those of headers: signed URLs, OAuth, sessions of Java and PHP, a Google key
_NAMED = frozenset(
    {
        *("apikey", "appkey", "assertion", "awsaccesskeyid", "code", "googleaccessid", "hmac", "jwt", "key"),
        *("otp", "pass", "passphrase", "pwd", "sig"),
    }
)
_ENDINGS = ("password", "passwd", "secret", "sessid", "sessionid", "signature", "token")


def masked(target: bytes) -> bytes:
    """The target with the word `masked` for each credential in its query and in the parameters of its path.

    What follows a `;` and is no pair is of the value before it: servers differ on where a value ends.
    """
    path, mark, query = target.partition(b"?")
    if mark:
        query = _pairs(query)
    if b";" not in path:
        return path + mark + query
    steps = (step.partition(b";") for step in path.split(b"/"))
    return b"/".join(name + end + _pairs(given) for name, end, given in steps) + mark + query


def _pairs(text: bytes) -> bytes:
    kept: list[bytes] = []
    hides = False
    end = b""
    for place, piece in enumerate(_ENDS.split(text)):
        if place % 2:
            end = piece
        elif not (hides and end == b";" and b"=" not in piece):
            hides = _hides(piece)
            name, has_value, _ = piece.partition(b"=")
            kept += (end, name + has_value + _WORD if hides else piece)
    return b"".join(kept)


def _hides(piece: bytes) -> bool:
    """Whether a pair is one of a credential, by its name or by what its value looks like."""
    name, has_value, value = piece.partition(b"=")
    if not has_value:
        return False
    return _is_credential(_text(name)) or (value != b"" and bool(found(_text(value), _KEYS)))


@lru_cache(maxsize=1_024)
def _is_credential(name: str) -> bool:
    plain = _STEPS.sub("_", name)
    bare = plain.replace("-", "").replace("_", "").lower()
    return bare in _NAMED or bare.endswith(_ENDINGS) or is_private(plain)


def _text(wire: bytes) -> str:
    return unquote_plus(wire.decode("latin-1"))
