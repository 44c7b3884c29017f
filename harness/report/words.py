"""How numbers, times and names from a capture are written, the same in every rendering."""

from __future__ import annotations

import math
import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from harness.records import Estimate

NONE = "–"
_DIGITS = 3
#: letters of a sentence and of a name: what a capture holds may be of any length, a page may not
_LONGEST, NAME = 2_000, 80
_SMALLEST_PLAIN = 1e-4
_LARGEST_PLAIN = 1e15
_STAMP = re.compile(r"\b(\d{4}-\d\d-\d\d)T(\d\d:\d\d)(?::\d\d(?:\.\d+)?)?Z\b")
_PER_CENT = re.compile(r"(?<![\w.,/-])(\d+(?:\.\d+)?) ?%(?![\w%])")


def count(n: int) -> str:
    """7122 is "7,122"."""
    return f"{n:,}"


def counted(n: int, noun: str, *, plural: str = "") -> str:
    """1 and "request" is "1 request", 7122 "7,122 requests"."""
    return f"{n:,} {noun if n == 1 else plural or noun + 's'}"


def number(x: float | None) -> str:
    """Three significant digits, but whole thousands kept: .0041234 is "0.00412", 7122.4 "7,122", None "–"."""
    if x is None:
        return NONE
    if not math.isfinite(x):
        return "NaN" if math.isnan(x) else ("∞" if x > 0 else "−∞")
    size = abs(x)
    if size != 0 and not _SMALLEST_PLAIN <= size < _LARGEST_PLAIN:
        return _signed(f"{x:.2e}".replace("e-0", "e-").replace("e+0", "e").replace("e+", "e"))
    if size >= 10**_DIGITS - 0.5:
        return _signed(f"{x:,.0f}")
    return _signed(_trimmed(f"{x:#.{_DIGITS}g}"))


def percent(share: float | None) -> str:
    """.859312 is "85.9 %", .002 "0.2 %"; what is not quite all is never rounded up to "100 %"."""
    if share is None or not math.isfinite(share):
        return number(share)
    if 0.9995 <= share < 1:  # noqa: PLR2004  -- would round to 100
        return "> 99.9 %"
    if 0 < share < 1e-6:  # noqa: PLR2004  -- below what three digits of a per cent can say plainly
        return "< 0.0001 %"
    return f"{number(share * 100)} %"


def ms(x: float | None) -> str:
    """3.123 is "3.12 ms"."""
    return NONE if x is None else f"{number(x)} ms"


def quantity(value: float | None, unit: str) -> str:
    """A value in its unit; shares ("share", "share of requests") are read as per cent.

    A unit of several words is left to the sentence beside it.
    """
    if value is None:
        return NONE
    if unit.startswith("share"):
        return percent(value)
    plain = f"{value:,.0f}" if float(value).is_integer() and abs(value) < _LARGEST_PLAIN else number(value)
    return plain if " " in unit else f"{plain} {printable(unit)}".rstrip()


def interval(estimate: Estimate) -> str:
    """Both bounds, "0.1 % to 0.3 % (95 %)", or the one bound there is, or a dash.

    A count of all requests is "exact", and its bound is about traffic to come.
    """
    lower, upper, unit = estimate.lower, estimate.upper, estimate.unit
    level = f" ({percent(estimate.level)})" if estimate.level is not None else ""
    if lower is not None and upper is not None:
        return f"{quantity(lower, unit)} to {quantity(upper, unit)}{level}"
    if upper is not None and unit == "share of the traffic":
        return f"{quantity(estimate.value, unit)} of the traffic, ≤ {quantity(upper, unit)}"
    if upper is not None and estimate.method.startswith("exact count"):
        return f"exact; future ≤ {quantity(upper, unit)}"
    if upper is not None:
        return f"≤ {quantity(upper, unit)}{level}"
    if lower is not None:
        return f"≥ {quantity(lower, unit)}{level}"
    return NONE


def moment(text: str | None) -> str:
    """An RFC 3339 time, shortened and in UTC: "2025-06-03 14:00 UTC"; anything else as it stands."""
    if not text:
        return NONE
    try:
        stamp = datetime.fromisoformat(text)
    except ValueError:
        return printable(text)
    stamp = stamp.replace(tzinfo=UTC) if stamp.tzinfo is None else stamp.astimezone(UTC)
    return f"{stamp:%Y-%m-%d %H:%M:%S}".removesuffix(":00") + " UTC"


def tally(counts: Mapping[str, int], limit: int = 5) -> str:
    """{"value": 6000, "null": 120} is "value 6,000 · null 120", largest first."""
    ordered = sorted((item for item in counts.items() if item[1]), key=lambda item: (-item[1], item[0]))
    shown = [f"{clipped(name)} {n:,}" for name, n in ordered[:limit]]
    rest = len(ordered) - limit
    return " · ".join(shown + ([f"{rest} more"] if rest > 0 else [])) or NONE


def listed(names: Sequence[str], limit: int = 4) -> str:
    """("a", "b", "c") is "a, b and c"; beyond the limit "a, b and 7 more"."""
    clean = [clipped(name) for name in names]
    if len(clean) > limit:
        clean = [*clean[: limit - 1], f"{len(names) - limit + 1} more"]
    return " and ".join(filter(None, [", ".join(clean[:-1]), *clean[-1:]]))


def remarks(said: Sequence[str], limit: int = 12) -> str:
    """("A is so", "B too") is "A is so; B too"; beyond the limit "; and 7 more"."""
    rest = f"and {len(said) - limit} more" if len(said) > limit else ""
    return joined((*map(sentence, said[:limit]), rest), "; ")


def printable(text: str) -> str:
    r"""Text on one line in which control and direction characters show as escapes: ESC becomes "\x1b"."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def sentence(text: str) -> str:
    """A sentence of the program on one line, its per cents written as in the tables: "0.20%" is "0.2 %".

    Times are to the minute: "2025-03-03T14:49:04Z" is "2025-03-03 14:49 UTC".

    Digits that say something stay: rounding 12.35 again could contradict the 12.3 beside it.
    """
    text = _STAMP.sub(r"\1 \2 UTC", text)
    return _PER_CENT.sub(
        lambda found: f"{_trimmed(found[1]) if float(found[1]) else found[1]} %", clipped(text, _LONGEST)
    )


def joined(parts: Iterable[str], separator: str) -> str:
    """The parts that say something, joined."""
    return separator.join(part for part in parts if part)


def clipped(text: str, limit: int = NAME) -> str:
    """Printable text of at most `limit` characters, the cut marked."""
    clean = printable(text)
    return clean if len(clean) <= limit else clean[: limit - 1] + "…"


def _trimmed(text: str) -> str:
    return text.rstrip("0").rstrip(".") if "." in text else text


def _signed(text: str) -> str:
    """A true minus sign, and no minus on nothing."""
    return (
        text.replace("-", "−", 1) if text.startswith("-") and text.strip("-0.,") else text.removeprefix("-")
    )
