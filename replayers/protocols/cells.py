"""Fields of captured CSV: texts, of which only the columns of a model say whether they are numbers."""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Iterable
from typing import Self

Number = float | int

#: a number as programs write one: no zero before it, an exponent only with a sign or after a point
_WRITTEN = re.compile(
    r"[-+]?((0|[1-9][0-9]*)(\.[0-9]*([eE][-+]?[0-9]+)?|[eE][-+][0-9]+)?|\.[0-9]+|inf|Infinity)|nan|NaN"
)


class OfTheModel(tuple[str, ...]):  # noqa: SLOT001  -- a tuple with slots cannot hold more
    """Columns of text as a model names them, and its others, `numbers`, however a captured cell spells one.

    Unlike those that a scenario declares, they make no text of what was captured as a number.
    """

    numbers: frozenset[str]

    def __new__(cls, texts: Iterable[str] = (), *, numbers: Iterable[str] = ()) -> Self:
        """The names of both."""
        found = super().__new__(cls, texts)
        found.numbers = frozenset(numbers)
        return found


class Cell(str):
    """A field of captured CSV as it stands there, never empty."""

    __slots__ = ()

    def under(self, name: str, texts: Collection[str]) -> Number | str | None:
        """What it is in the column of this name, where `texts` are the columns of text."""
        if name in texts:
            return str(self)
        known = isinstance(texts, OfTheModel) and name in texts.numbers
        return number_or_text(self) if known else field(self)


def field(text: str) -> Number | str | None:
    """A field whose column is not known: an empty one is missing, and what is written as numbers are is one.

    "01234", "1E5" and "NAN" are texts: as numbers they would not come back.
    """
    return number_or_text(text) if not text.strip() or _WRITTEN.fullmatch(text.strip()) else text


def number_or_text(text: str) -> Number | str | None:
    """A field of a column of numbers: missing where it is empty, and a text where it spells none."""
    stripped = text.strip()
    if not stripped:
        return None
    if "_" in stripped or not stripped.isascii():
        return text
    try:
        return int(stripped)
    except ValueError:
        pass
    try:
        number = float(stripped)
    except ValueError:
        return text
    return text if math.isinf(number) and "i" not in stripped.lower() else number
