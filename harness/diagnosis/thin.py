"""Steps to so few rows of production that they would speak of these rows, not of the step."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from harness.diagnosis.material import Floats, Mask, Material

#: fewer labelled rows than this, or fewer of one class, and a step that drops the others is not computed
LEAST_ROWS, LEAST_CLASS = 100, 20
#: how the reason of such a step begins
THIN = "too few rows: "
#: the steps that count other rows or labels, and the columns that they need, in the order of the ladder
LABELS = {"label_definition": "production_label", "label_maturity": "seen_label"}
ROWS = {"join_loss": "joined", "exposure": "exposed"}


def thin_steps(material: Material) -> dict[str, str]:
    """The steps that would leave too few labelled rows, or too few of a class, each with its reason.

    Each step is taken after those before it that leave enough. Where there were too few before, no step is to
    blame. To check: 60 labels of 1,000 rows are too few, 100 of both classes are not.
    """
    rows = material.production
    label, counted = rows.label, np.isfinite(rows.served_score)
    found: dict[str, str] = {}
    for step, name in (LABELS | ROWS).items():
        value = getattr(rows, name)
        if value is None:
            continue
        then = (value, counted) if step in LABELS else (label, counted & value)
        if (why := _thin(*then)) and not _thin(label, counted):
            left = int(np.count_nonzero(_known(*then)))
            found[step] = f"{THIN}it rests on {left:,} of {np.count_nonzero(_known(label, counted)):,}, {why}"
        else:
            label, counted = then
    return found


def columns_of(steps: dict[str, str]) -> dict[str, Any]:
    """The columns of production behind these steps, to be taken as not given."""
    return {column: None for step, column in (LABELS | ROWS).items() if step in steps}


def _known(label: Floats, counted: Mask) -> Mask:
    known: Mask = counted & ~np.isnan(label)
    return known


def _thin(label: Floats, counted: Mask) -> str:
    """What is too few among the labelled of these rows; nothing where it is enough."""
    truth = label[_known(label, counted)]
    least = int(min(np.count_nonzero(truth == 1.0), np.count_nonzero(truth == 0.0)))
    if truth.size < LEAST_ROWS:
        return f"{LEAST_ROWS} are needed"
    return f"{least:,} of one class, {LEAST_CLASS} are needed" if least < LEAST_CLASS else ""
