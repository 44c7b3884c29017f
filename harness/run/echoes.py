"""The features that arms show beside their answers, as they may be compared: asked for, and not masked."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from harness import diff, join

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from harness.columns import Column


def of(
    answers: join.Answers, rows: NDArray[np.int64], *, known: dict[str, Column] | None
) -> diff.Echo | None:
    """The features that an arm echoed on some rows, typed as the offline model knows them."""
    if known is None:
        return None
    return diff.from_json(
        list(answers.features[rows]), {name: column.dtype for name, column in known.items()}
    )


def as_asked(
    theirs: dict[str, Column], mine: diff.Echo, *, asked: NDArray[np.bool_]
) -> tuple[dict[str, Column], diff.Echo]:
    """Features nobody asked for, or that a log lacks, are missing on both sides: they are not compared."""
    if asked.all():
        return theirs, mine
    return join.keep(theirs, asked), replace(mine, columns=join.keep(mine.columns, asked))


def hidden_in(*echoes: diff.Echo | None) -> dict[str, NDArray[np.bool_]]:
    """The cells that redaction changed on any side, by feature."""
    found: dict[str, NDArray[np.bool_]] = {}
    for echo in echoes:
        for name, where in echo.hidden.items() if echo else ():
            found[name] = where | found.get(name, np.False_)
    return found


def as_shown(
    theirs: dict[str, Column], mine: diff.Echo, *, hidden: Mapping[str, NDArray[np.bool_]]
) -> tuple[dict[str, Column], diff.Echo]:
    """Cells that redaction changed on either side are missing on both: a mask is not what was served."""
    ours, others = dict(mine.columns), dict(theirs)
    for name, where in hidden.items():
        ours |= join.keep({name: ours[name]}, ~where)
        others |= join.keep({name: others[name]}, ~where)
    return others, replace(mine, columns=ours)


def masked(*echoes: tuple[str, diff.Echo | None]) -> list[str]:
    """How many cells of which features redaction changed, in a sentence for each arm."""
    return [
        f"redaction changed {sum(int(where.sum()) for where in echo.hidden.values()):,} cells of the "
        f"features that {arm} used ({', '.join(sorted(echo.hidden))}): not compared"
        for arm, echo in echoes
        if echo is not None and echo.hidden
    ]


def unread(arm: str, echo: diff.Echo | None) -> list[str]:
    """That some echoes are no features at all, in a sentence."""
    if echo is None or not echo.unreadable:
        return []
    return [f"{arm} shows features that cannot be read on {echo.unreadable:,} requests: counted as missing"]
