"""One text a request, coded once: whole numbers are compared and counted much faster than texts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

#: how a request without the text reads
NO_LEVEL = "(none)"


def codes_of(
    texts: Sequence[str | None] | NDArray[Any] | pa.StringArray,
) -> tuple[NDArray[np.int64], list[str]]:
    """Texts as codes: int64 (n,), -1 for none, and the distinct texts in order of appearance."""
    coded = pa.array(texts, pa.string()).dictionary_encode()
    codes = coded.indices.cast(pa.int64()).fill_null(-1).to_numpy(zero_copy_only=False)
    return np.array(codes, np.int64), coded.dictionary.to_pylist()


@dataclass(frozen=True)
class Texts:
    """One text a request, coded: `codes` int64 (n,) index into `levels`; no text is the level "(none)"."""

    codes: NDArray[np.int64]
    levels: tuple[str, ...]

    @classmethod
    def of(cls, values: NDArray[np.object_]) -> Texts:
        """Texts or None (n,), coded."""
        codes, levels = codes_of(pa.array(values, pa.string()).fill_null(NO_LEVEL))
        return cls(codes, tuple(levels))

    def __getitem__(self, rows: NDArray[np.int64]) -> Texts:
        return Texts(self.codes[rows], self.levels)

    def top(self, at_most: int) -> dict[str, int]:
        """How many requests the most frequent levels have, most first, of as many by name."""
        found, counts = np.unique(self.codes, return_counts=True)
        named = [(self.levels[code], int(count)) for code, count in zip(found, counts, strict=True)]
        return dict(sorted(named, key=lambda level: (-level[1], level[0]))[:at_most])
