"""Times as text and as ns since the epoch (UTC), with the resolution that their digits show."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from decimal import Decimal
from functools import lru_cache

import msgspec

SECOND_NS = 1_000_000_000
MAX_NS = 2**63 - 1

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_RFC_3339 = re.compile(
    r"(\d{4}-\d\d-\d\d)[Tt ]((?:[01]\d|2[0-3]):[0-5]\d):([0-5]\d)(?:\.(\d{1,9}))?([Zz]|[+-]\d\d:\d\d)?",
    re.ASCII,
)


def parse(text: str) -> tuple[int, int]:
    """The instant of an RFC 3339 text in ns, and its resolution in ns: 1e9, 1e6, 1e3 or 1 by its digits.

    Raises ValueError for another shape, a time without zone, and years outside 1970-2262.
    To check: "1970-01-01T01:00:00.5+01:00" is (500_000_000, 1_000_000).
    """
    match = _RFC_3339.fullmatch(text)
    if match is None:
        raise ValueError(f"{clip(text)} is not an RFC 3339 time such as 2025-06-18T20:40:45.123Z")
    date, minute, second, digits, zone = match.groups(default="")
    if not zone:
        raise ValueError(f"{clip(text)} has no zone; write Z for UTC, or +02:00")
    try:
        start = _minute_ns(f"{date}T{minute}{zone.upper()}")
    except ValueError as error:
        raise ValueError(f"{clip(text)} is no moment of the calendar: {error}") from error
    ns = start + int(second) * SECOND_NS + int(digits.ljust(9, "0"))
    return in_range(ns, text), 10 ** (9 - 3 * -(-len(digits) // 3))


@lru_cache(maxsize=1_024)  # traffic is nearly in time order, so most lines share their minute
def _minute_ns(text: str) -> int:
    since = datetime.fromisoformat(text) - _EPOCH
    return (since.days * 86_400 + since.seconds) * SECOND_NS


def from_epoch_seconds(seconds: float) -> int:
    """The instant in ns, exact to the digits that `seconds` shows.

    Raises ValueError for a number that is not finite or lies outside 1970-2262.
    To check: 1750000000.25 is 1_750_000_000_250_000_000.
    """
    exact = Decimal(repr(seconds))
    if not exact.is_finite():
        raise ValueError(f"{seconds} is not a time")
    return in_range(int(exact * SECOND_NS), str(seconds))


def in_range(ns: int, shown: str) -> int:
    """The same ns, once it is known to fit int64 and not to lie before 1970; ValueError otherwise."""
    if not 0 <= ns <= MAX_NS:
        raise ValueError(f"{clip(shown)} lies outside the years 1970-2262")
    return ns


def rfc3339(ns: int) -> str:
    """The instant as RFC 3339 text in UTC, with as many decimals as it needs."""
    seconds, fraction = divmod(ns, SECOND_NS)
    decimals = f".{fraction:09d}".rstrip("0") if fraction else ""
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}{decimals}Z"


def counted(n: int, noun: str, plural: str = "") -> str:  # noqa: PLR0917  -- a number and its noun
    """The number with its noun: `1 row`, `1,314 rows`."""
    return f"{n:,} {noun if n == 1 else plural or noun + 's'}"


def clip(value: object, limit: int = 80) -> str:
    """A text in quotes, anything else as JSON, cut to `limit` characters: no value can fill a screen."""
    match value:
        case str():
            return repr(value) if len(value) <= limit else f"{value[:limit]!r}…"
        case bytes():
            return clip(value.decode(errors="replace"), limit)
        case _:
            text = msgspec.json.encode(value, enc_hook=str).decode()
            return text if len(text) <= limit else f"{text[:limit]}…"
