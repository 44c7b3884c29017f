"""Which rows of the holdout are fair to evaluate on, as far as that leaves enough of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from harness.diagnosis.samples import REPEATED, UNTIMELY

if TYPE_CHECKING:
    from collections.abc import Iterator

    from harness.diagnosis.material import Codes, HoldoutRows, Mask, ProductionRows

UNITS = "known units"
#: fewer rows than this, or fewer of one outcome than `LEAST_CLASS`, evaluate nothing
LEAST_ROWS, LEAST_CLASS = 200, 20
#: production that knows so much of the holdout's share of known units has them too: they are no leak
RETURNING = 0.5


@dataclass(frozen=True, kw_only=True)
class Evaluation:
    """One fair evaluation of the holdout: its name, the ladder's step, and the rows that fall out.

    `used` is whether the ladder leaves them out; `why_not` says what speaks against it.
    """

    name: str
    step: str
    bad: Mask | None
    used: bool = False
    why_not: str = ""


def evaluations(holdout: HoldoutRows) -> tuple[Evaluation, ...]:
    """Each check of the rows, in the order of the ladder; each has all before it that left enough rows."""
    keep = np.ones(holdout.label.size, dtype=bool)
    found = []
    for name, step, bad, unknown in _checks(holdout):
        if bad is None:
            found.append(Evaluation(name=name, step=step, bad=None, why_not=unknown))
            continue
        left = keep & ~bad
        why = _against(name, holdout, left=left)
        keep = keep if why else left
        found.append(Evaluation(name=name, step=step, bad=bad, used=not why, why_not=why))
    return tuple(found)


def _against(name: str, holdout: HoldoutRows, *, left: Mask) -> str:
    """What speaks against leaving rows out, nothing where they should be."""
    if not _enough(holdout, left):
        many = np.count_nonzero(left)
        return f"{f'only {many:,}' if many else 'none'} of {left.size:,} rows would be left"
    known = 0.0 if name != UNITS or holdout.known_unit is None else float(holdout.known_unit.mean())
    if known and holdout.known_in_production >= RETURNING * known:
        return f"production knows them too: {holdout.known_in_production:.0%} of its requests are of such"
    return ""


def _checks(holdout: HoldoutRows) -> Iterator[tuple[str, str, Mask | None, str]]:
    yield "duplicates", REPEATED, holdout.duplicate, "it is not known which rows training has too"
    yield UNITS, REPEATED, holdout.known_unit, "it is not known which units training has"
    why = "the times of the holdout rows, or the end of the training data, are not known"
    yield "early rows", UNTIMELY, holdout.early, why


def _enough(holdout: HoldoutRows, rows: Mask) -> bool:
    label = holdout.label[rows]
    positive, negative = int((label == 1.0).sum()), int((label == 0.0).sum())
    return positive + negative >= LEAST_ROWS and min(positive, negative) >= LEAST_CLASS


def fair_rows(holdout: HoldoutRows) -> Mask:
    """The rows of the holdout that are held against production: those that no check of the ladder leaves out.

    To check: a holdout whose every check is unknown has all its rows.
    """
    bad = [one.bad for one in evaluations(holdout) if one.used and one.bad is not None]
    rows: Mask = ~np.logical_or.reduce(bad) if bad else np.ones(holdout.label.size, dtype=bool)
    return rows


def compared_rows(production: ProductionRows) -> Mask:
    """The requests that the holdout is held against: the mature ones, all where none is."""
    mature = production.mature
    return mature if mature.any() else np.ones(len(production), dtype=bool)


def units(holdout: HoldoutRows, production: ProductionRows) -> tuple[Codes, Codes]:
    """Units of both sides; rows of a holdout without units are units of their own."""
    here = production.unit
    if holdout.unit is not None:
        return holdout.unit, here
    return np.arange(holdout.label.size, dtype=np.int64) + int(here.max(initial=-1)) + 1, here


def left_out(found: tuple[Evaluation, ...], step: str) -> Mask | None:
    """The rows that a step of the ladder leaves out; None where it leaves out nothing for a reason."""
    bad = [one.bad for one in found if one.step == step and one.used and one.bad is not None]
    return np.logical_or.reduce(bad) if bad else None


def why_not(found: tuple[Evaluation, ...], step: str) -> str:
    """Why a step of the ladder cannot be climbed."""
    return "; ".join(f"{one.name}: {one.why_not}" for one in found if one.step == step and one.why_not)
