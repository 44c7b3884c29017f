"""A strict reader of the Prometheus text format 0.0.4, from its published grammar."""

from __future__ import annotations

import math
import re

_SERIES = re.compile(r"([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\S+)")
_LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\[\\"n])*)"(?:,|$)')
_UNESCAPED = {r"\\": "\\", r"\"": '"', r"\n": "\n"}
_PARTS = ("_bucket", "_sum", "_count")

Series = tuple[str, frozenset[tuple[str, str]]]


def parse(text: str) -> dict[Series, float]:
    """Every series with its value; AssertionError where a scraper would refuse the text."""
    assert not text or text.endswith("\n")
    found: dict[Series, float] = {}
    kinds: dict[str, str] = {}
    for line in text.split("\n")[:-1]:
        if line.startswith("#"):
            _, what, name, rest = line.split(" ", 3)
            if what == "TYPE":
                assert name not in kinds, f"two types of {name}"
                kinds[name] = rest
            continue
        match = _SERIES.fullmatch(line)
        assert match, line
        name, labels, value = match.groups()
        family = next((name.removesuffix(p) for p in _PARTS if name.removesuffix(p) in kinds), name)
        assert family in kinds, f"no type of {name}"
        assert family == list(kinds)[-1], f"{name} stands apart from its family"
        series = (name, frozenset(_labels(labels or "").items()))
        assert series not in found, f"{series} twice"
        found[series] = float(value)
        assert not math.isnan(found[series])
    return found


def _labels(text: str) -> dict[str, str]:
    found, place = {}, 0
    while place < len(text):
        match = _LABEL.match(text, place)
        assert match, text[place:]
        found[match[1]] = re.sub(r'\\[\\"n]', lambda m: _UNESCAPED[m[0]], match[2])
        place = match.end()
    return found


def value(series: dict[Series, float], name: str, **labels: str) -> float | None:
    """The one series of that name with these labels among its own; None where there is none."""
    wanted = set(labels.items())
    hits = [v for (n, has), v in series.items() if n == name and wanted <= has]
    assert len(hits) <= 1, f"{name} {labels} is of {len(hits)} series"
    return hits[0] if hits else None
