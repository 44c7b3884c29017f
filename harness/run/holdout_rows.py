"""The holdout of a diagnosis as its columns: scored again, with leaks put right, held against training."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from harness import diff
from harness.capture.times import parse
from harness.diagnosis.leakage import duplicates
from harness.diagnosis.material import HoldoutRows
from harness.diagnosis.rows import Rederived
from harness.diagnosis.terms import ANOTHER_MODEL
from harness.run.holdouts import RowsFile, aligned

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from harness.columns import Column
    from harness.diagnosis import DiagnosisConfig
    from harness.run.source import Source

    Floats = NDArray[np.float64]
    Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class UnitCodes:
    """Units as whole numbers, one coding for all sides; None for a side whose file has no units."""

    production: NDArray[np.int64]
    holdout: NDArray[np.int64] | None
    training: NDArray[np.int64] | None


def unit_codes(
    here: NDArray[np.object_], *, holdout: RowsFile | None, training: RowsFile | None
) -> UnitCodes:
    """The units of the requests and of both files; a row without a unit is one of its own."""
    mine = [one if one is not None else f"\0p{k}" for k, one in enumerate(here)]
    sides = [mine, _named(holdout, "h"), _named(training, "t")]
    names = [name for side in sides if side is not None for name in side]
    codes = np.unique(np.asarray(names, dtype=str), return_inverse=True)[1].astype(np.int64)
    ends = np.cumsum([0 if side is None else len(side) for side in sides])
    parts = np.split(codes, ends[:-1])
    return UnitCodes(
        production=parts[0],
        holdout=None if sides[1] is None else parts[1],
        training=None if sides[2] is None else parts[2],
    )


def _named(rows: RowsFile | None, mark: str) -> list[str] | None:
    if rows is None or rows.unit is None:
        return None
    return [one if one is not None else f"\0{mark}{k}" for k, one in enumerate(rows.unit)]


def holdout_rows(
    source: Source,
    rows: RowsFile,
    *,
    requested: RowsFile | None,
    training: RowsFile | None,
    codes: UnitCodes,
) -> tuple[HoldoutRows | None, str]:
    """The holdout as the diagnosis sees it, or why it is none."""
    lacking = [name for name in ("label", "score") if getattr(rows, name) is None]
    score = rows.score
    complete = not rows.lacking(source.replayer.names)
    if score is None and complete:
        score, lacking = source.replayer.rescore(rows.features), [n for n in lacking if n != "score"]
    if lacking or rows.label is None or score is None:
        return None, f"the holdout has no column {' and '.join(lacking)}"
    then = None
    unrequested: tuple[str, ...] = ()
    if requested is not None:
        known = aligned(rows, requested).features
        then = {name: known.get(name, column) for name, column in rows.features.items()}
        unrequested = tuple(name for name in rows.features if name not in known)
    rescored = source.replayer.rescore(rows.features) if complete else None
    until = _until(source.config, training)
    return HoldoutRows(
        digest=rows.digest,
        label=rows.label,
        score=score,
        unit=codes.holdout,
        time_ns=rows.event_ns,
        features=arrays(rows.features) if rows.features else None,
        requested=None if then is None else arrays(then),
        unrequested=unrequested,
        rescored=rescored,
        training_only=rows.training_only,
        rederived=_rederived(source, rows, requested=then, score=score) if complete else (),
        duplicate=_duplicate(rows, training),
        known_unit=_known(codes, codes.holdout),
        known_in_production=_share(_known(codes, codes.production)),
        trained_until_ns=until,
    ), ""


def _until(config: DiagnosisConfig, training: RowsFile | None) -> int | None:
    if config.trained_until is not None:
        return parse(config.trained_until)[0]
    if training is None or training.event_ns is None:
        return None
    return int(training.event_ns.max())


def _duplicate(rows: RowsFile, training: RowsFile | None) -> Mask | None:
    """Rows that training has too, and rows that are there twice, by all features of both."""
    if training is None or not set(rows.features) & set(training.features):
        return None
    found = duplicates(arrays(training.features), arrays(rows.features))
    return found.in_training | found.repeated


def _known(codes: UnitCodes, side: NDArray[np.int64] | None) -> Mask | None:
    if side is None or codes.training is None:
        return None
    return np.isin(side, codes.training)


def _share(rows: Mask | None) -> float:
    return 0.0 if rows is None or not rows.size else float(rows.mean())


def _rederived(
    source: Source, rows: RowsFile, *, requested: dict[str, Column] | None, score: Floats
) -> tuple[Rederived, ...]:
    """The holdout scored with one column after another as at request time, those that changed most first."""
    now, found = dict(rows.features), []
    again = source.replayer.rescore(now)
    if not np.allclose(again, score, rtol=1e-9, atol=1e-12, equal_nan=True):
        found.append(Rederived(column=ANOTHER_MODEL, score=again))
    changed = {
        name: int(np.count_nonzero(diff.mismatch(now[name], column)))
        for name, column in (requested or {}).items()
        if name in now
    }
    for name in sorted((one for one, many in changed.items() if many), key=lambda one: (-changed[one], one)):
        now[name] = (requested or {})[name]
        found.append(Rederived(column=name, score=source.replayer.rescore(now)))
    return tuple(found)


def arrays(features: Mapping[str, Column]) -> dict[str, NDArray[Any]]:
    """Features as plain columns: what is no value is NaN, or None among texts."""
    return {name: column.values for name, column in features.items()}
