"""How findings read: subject, verb, number, unit, since when."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

#: characters of a cell that a report shows; artefacts keep more of it
LONGEST = 120


def number(value: float) -> str:
    """A number for a sentence: whole numbers with commas, others to six digits; 3600.0 reads 3,600."""
    if float(value).is_integer() and abs(value) < 10**15:
        return f"{int(value):,}".replace("-", "−")
    return f"{value:,.6g}".replace("-", "−")


def small(value: float) -> str:
    """A measured size to two digits; 0.02134 reads 0.021."""
    return np.format_float_positional(value, precision=2, fractional=False, trim="-")


def percent(part: int, whole: int) -> str:
    """A share in percent to two digits, a tenth at the most; 292 of 7,122 reads 4.1 %."""
    share = 100.0 * part / whole if whole else 0.0
    return f"{share:.1f} %" if share >= 1.0 else f"{small(share)} %"


def listed(names: Sequence[str]) -> str:
    """Names in a row: `a`, `a and b`, `a, b and c`; of more than six the first five."""
    if len(names) > 6:
        return f"{', '.join(names[:5])} and {len(names) - 5:,} more"
    return " and ".join(filter(None, [", ".join(names[:-1]), *names[-1:]]))


def quoted(text: str) -> str:
    """A level in quotation marks, cut where it would fill the page."""
    return f'"{text}"' if len(text) <= LONGEST else f'"{text[:LONGEST]}…"'


def duration(ns: int) -> str:
    """A length of time in its largest whole unit; 3,600,000,000,000 reads 1 h."""
    for unit, size in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if ns % (size * 10**9) == 0:
            return f"{ns // (size * 10**9):,} {unit}"
    return f"{number(ns / 1e9)} s"


def milliseconds(ns: float) -> str:
    """A length of time in whole milliseconds, below 10 to two digits; 1,234,567 reads 1.2 ms."""
    return f"{number(round(ns / 1e6))} ms" if ns >= 10**7 else f"{small(ns / 1e6)} ms"


def reference(arm: str) -> str:
    """The left arm, compared with: `offline:v7` reads offline, `champion` reads the champion."""
    return "offline" if arm.partition(":")[0] == "offline" else f"the {arm}"


def subject(arm: str) -> str:
    """The arm that a sentence is about."""
    return f"The {arm}"
