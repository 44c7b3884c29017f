"""Scores of two arms against each other, counted on a grid: agreement is the diagonal."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.report import marks, words

if TYPE_CHECKING:
    from harness.records import PairSummary, Report


@dataclass(frozen=True)
class Heat:
    """A sentence that says the fact, what was counted, and the drawing."""

    title: str
    caption: str
    svg: str


def pictures(report: Report) -> list[Heat]:
    """One for each pair whose scores differ anywhere; what is the same against two arms is drawn once."""
    drawn: dict[object, Heat] = {}
    for pair in report.pairs:
        if pair.grid is not None and pair.score_mismatches:
            drawn.setdefault((pair.right, pair.grid), _heat(pair))
    return list(drawn.values())


def _heat(pair: PairSummary) -> Heat:
    grid = pair.grid
    assert grid is not None  # noqa: S101  -- as chosen above
    counted = sum(cell.requests for cell in grid.cells)
    apart = sum(cell.requests for cell in grid.cells if cell.left != cell.right)
    names = words.clipped(pair.right, 30), words.clipped(pair.left, 30)
    flips = f", {words.counted(pair.flips, 'decision flip')} ringed" if pair.flips else ""
    at = "" if grid.threshold is None else f"; thin lines: threshold {words.number(grid.threshold)}"
    title = (
        f"{names[0]} scores {words.counted(pair.score_mismatches, 'request')} of {pair.compared:,} otherwise "
        f"than {names[1]}, {apart:,} of them by a cell or more"
    )
    return Heat(
        title=title,
        caption=(
            f"n = {words.counted(counted, 'request')} in {grid.size} by {grid.size} cells, stronger is more "
            f"(log scale){flips}{at}. On the diagonal both scores agree."
        ),
        svg=marks.heat(grid, names=(pair.left, pair.right), described=title),
    )
