"""How fitted parameters read in a sentence."""

from __future__ import annotations

import math
from typing import Final

from harness.diff.sentences import number, quoted

#: what a factor usually means, tried in this order
_MEANINGS: Final = (
    (1000.0, "milliseconds for seconds, or thousandths for units"),
    (0.001, "seconds for milliseconds, or units for thousandths"),
    (1e6, "microseconds for seconds, or millionths for units"),
    (1e-6, "seconds for microseconds, or units for millionths"),
    (1e9, "nanoseconds for seconds"),
    (1e-9, "seconds for nanoseconds"),
    (100.0, "percent for shares, or cents for units"),
    (0.01, "shares for percent, or units for cents"),
    (60.0, "minutes for hours, or seconds for minutes"),
    (1 / 60, "hours for minutes, or minutes for seconds"),
    (3600.0, "seconds for hours"),
    (1 / 3600, "hours for seconds"),
    (24.0, "hours for days"),
    (1 / 24, "days for hours"),
    (86400.0, "seconds for days"),
    (1 / 86400, "days for seconds"),
    (7.0, "days for weeks"),
    (1 / 7, "weeks for days"),
    (12.0, "months for years"),
    (1 / 12, "years for months"),
    (2.54, "centimetres for inches"),
    (1 / 2.54, "inches for centimetres"),
    (0.3048, "metres for feet"),
    (1 / 0.3048, "feet for metres"),
    (1.609344, "kilometres for miles"),
    (1 / 1.609344, "miles for kilometres"),
    (0.45359237, "kilograms for pounds"),
    (1 / 0.45359237, "pounds for kilograms"),
    (math.pi / 180, "radians for degrees"),
    (180 / math.pi, "degrees for radians"),
    (1024.0, "a binary unit smaller"),
    (1 / 1024, "a binary unit larger"),
    (1024.0**2, "bytes for mebibytes"),
    (1 / 1024**2, "mebibytes for bytes"),
    (1024.0**3, "bytes for gibibytes"),
    (1 / 1024**3, "gibibytes for bytes"),
)


def spoken(value: object) -> str:
    """A number as a number, a level in quotation marks."""
    return number(value) if isinstance(value, int | float) else quoted(str(value))


def higher(by: float) -> str:
    """A shift; −3600 reads 3,600 lower."""
    return f"{number(abs(by))} {'higher' if by > 0 else 'lower'}"


def times(by: float) -> str:
    """A factor; 1000 reads as 1,000 times, 1/60 reads as 1/60 of."""
    inverse = 1.0 / by
    if abs(by) < 1.0 and abs(inverse - round(inverse)) <= 1e-6 * abs(inverse):
        return f"as 1/{number(round(inverse))} of"
    return f"as {number(by)} times"


def meaning(by: float) -> str:
    """What a factor usually means, with a colon before it; empty where it is no usual one."""
    for factor, words in _MEANINGS:
        if abs(by - factor) <= 1e-4 * factor:
            return f": {words}"
    return ""


def age(seconds: float) -> str:
    """A length of time in the largest unit that leaves at least one of it; 93,600 reads 26 h."""
    for unit, size in (("d", 86_400.0), ("h", 3_600.0), ("min", 60.0)):
        if seconds >= (2 * size if unit == "d" else size):
            return f"{number(float(f'{seconds / size:.3g}'))} {unit}"
    return f"{number(float(f'{seconds:.3g}'))} s"
