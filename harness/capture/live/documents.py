"""What a text that begins as JSON is: values one after another, whole or cut at the end, or not JSON."""

from __future__ import annotations

import json
from typing import NamedTuple

import msgspec

#: letters of a text whose values would take too much memory
LARGE = 4 << 20

_WORDS = ("true", "false", "null", "NaN", "Infinity", "-Infinity")
#: what is left of a number that was cut behind its digits
_EXPONENT = ("e-", "e+", "E-", "E+")
#: a broken escape so near to the end of a text was cut
_ESCAPE = 6

_DECODER = json.JSONDecoder(strict=False, parse_int=float)  # a number may have any number of digits


class Documents(NamedTuple):
    """The values of a text one after another; `sound`: nothing but JSON stands there, whole or `cut`.

    Those of a `large` text are not given.
    """

    values: list[object]
    sound: bool
    cut: bool = False
    large: bool = False


def documents(text: str) -> Documents:
    """The JSON values of a text: one, or several as in JSON Lines."""
    if len(text) > LARGE:
        return Documents([], _is_json(text), large=True)
    values: list[object] = []
    end = len(text.rstrip())
    at = _next(text, 1 if text.startswith("\ufeff") else 0)
    while at < end:
        try:
            value, at = _DECODER.raw_decode(text, at)
        except json.JSONDecodeError as error:
            return Documents(values, cut := _is_cut(error, text[:end]), cut)
        except (RecursionError, ValueError):
            return Documents(values, sound=False)
        values.append(value)
        at = _next(text, at)
    return Documents(values, sound=True)


def _is_json(text: str) -> bool:
    try:
        msgspec.json.decode(text.lstrip("\ufeff").encode("utf-8", "replace"), type=msgspec.Raw)
    except (msgspec.DecodeError, RecursionError):
        return False
    return True


def _next(text: str, at: int) -> int:
    """The next place that is no blank, or begins a record of a JSON text sequence (RFC 7464)."""
    while at < len(text) and text[at] in " \t\r\n\x1e":
        at += 1
    return at


def _is_cut(error: json.JSONDecodeError, text: str) -> bool:
    rest = text[error.pos :]
    escape = len(rest) <= _ESCAPE and "escape" in error.msg
    word = any(one.startswith(rest) for one in _WORDS)
    return (
        len(rest) <= 1 or rest in _EXPONENT or escape or word or error.msg.startswith("Unterminated string")
    )
