"""What the ladder is climbed on: columns of the holdout and of production, with what is known of each row."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

import numpy as np

from harness.errors import HarnessError

if TYPE_CHECKING:
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]
    Mask = npt.NDArray[np.bool_]
    Codes = npt.NDArray[np.int64]

DAY_NS = 86_400_000_000_000


@dataclass(frozen=True, kw_only=True)
class Overlap:
    """How each row of one population looks to models that saw both; all (rows,) float64.

    `produced` is the probability that the row is of production rather than of the leak-free holdout, were
    both equally frequent, from a model that did not see the row's unit. `label_before` and `label_now` are
    the probability of a positive label given the features, as in the holdout and as in production; without
    them the overlap parts are not corrected for errors of `produced`.
    """

    produced: Floats
    label_before: Floats | None = None
    label_now: Floats | None = None

    def __post_init__(self) -> None:
        """Refuse what is no probability."""
        for field in fields(self):
            column = getattr(self, field.name)
            if column is not None and not bool(((column >= 0.0) & (column <= 1.0)).all()):
                raise HarnessError(
                    f"{field.name} of the overlap is no probability", expected="numbers between 0 and 1"
                )


@dataclass(frozen=True, kw_only=True)
class Rederived:
    """The holdout scored with one more column as it was at request time: `score` is (rows,) float64."""

    column: str
    score: Floats


@dataclass(frozen=True, kw_only=True)
class Holdout:
    """The holdout as the team reported it, n rows.

    `label` (0, 1, NaN where none) and `score` are what the report was computed from. `repeated` marks rows
    that have a duplicate, or their group, in training. `time_ns` with `trained_until_ns` tells rows that are
    no later than the training data. `rederived` are scores with one leaky column after another put right,
    each with all before it. `unit` is a code by which rows belong together; a code that production has too
    is the same unit. Without units, days of `time_ns` are the units, without either the rows.
    """

    label: Floats
    score: Floats
    unit: Codes | None = None
    time_ns: Codes | None = None
    trained_until_ns: int | None = None
    repeated: Mask | None = None
    rederived: tuple[Rederived, ...] = ()
    weight: Floats | None = None
    overlap: Overlap | None = None

    def __post_init__(self) -> None:
        """Refuse columns of other lengths, labels that are neither 0 nor 1, and weights below 0."""
        _check(self, "holdout")
        for one in self.rederived:
            if one.score.shape != self.label.shape:
                raise HarnessError(
                    f"the holdout rescored without {one.column!r} has another number of rows",
                    found=f"{one.score.shape}",
                    expected=f"{self.label.shape}",
                )


@dataclass(frozen=True, kw_only=True)
class Production:
    """Production rows, n of them; NaN is a label or score that is not there, None a column that is not.

    `offline_score` is the offline model on features recomputed as of the request, `served_features_score`
    the offline model on the features that were served, `served_score` what was answered.
    `served_model_score`, the served model on recomputed features, is used by Shapley only.
    `label` is mature, by the offline definition; `production_label` mature, by production's;
    `seen_label` by production's, as the dashboard saw it at its time. `early_label`, by the offline
    definition at the dashboard's time, is used by Shapley only. `joined` are the rows that the dashboard
    found a label for, `exposed` those that were shown. Units as in `Holdout`.
    """

    offline_score: Floats
    label: Floats | None = None
    unit: Codes | None = None
    time_ns: Codes | None = None
    served_features_score: Floats | None = None
    served_score: Floats | None = None
    served_model_score: Floats | None = None
    production_label: Floats | None = None
    seen_label: Floats | None = None
    early_label: Floats | None = None
    joined: Mask | None = None
    exposed: Mask | None = None
    weight: Floats | None = None
    overlap: Overlap | None = None

    def __post_init__(self) -> None:
        """Refuse columns of other lengths, labels that are neither 0 nor 1, and weights below 0."""
        _check(self, "production")


@dataclass(frozen=True, kw_only=True)
class Thresholds:
    """A row is predicted positive when its score is at least this: offline, and where it is served."""

    offline: float
    serving: float | None = None


def unit_codes(unit: Codes | None, time_ns: Codes | None, *, size: int) -> Codes:
    """Which rows belong together: by unit, else by day, else each row alone; (size,) int64."""
    if unit is not None:
        return unit
    if time_ns is not None:
        return time_ns // DAY_NS
    return np.arange(size, dtype=np.int64)


def _check(rows: Holdout | Production, what: str) -> None:
    columns: dict[str, Any] = {field.name: getattr(rows, field.name) for field in fields(rows)}
    size = len(rows.score if isinstance(rows, Holdout) else rows.offline_score)
    for name, column in columns.items():
        if isinstance(column, Overlap):
            column = column.produced  # noqa: PLW2901  -- its length is what is checked
        if isinstance(column, np.ndarray) and column.shape != (size,):
            raise HarnessError(
                f"{name} of the {what} has another number of rows than its scores",
                found=f"{column.shape}",
                expected=f"({size},)",
            )
        if name.endswith("label") and column is not None:
            _check_label(column, f"{name} of the {what}")
    weight = columns["weight"]
    if weight is not None and not bool((np.isfinite(weight) & (weight >= 0.0)).all()):
        raise HarnessError(f"weight of the {what} has unusable values", expected="finite numbers, 0 or more")


def _check_label(label: Floats, name: str) -> None:
    strange = label[~(np.isnan(label) | (label == 0.0) | (label == 1.0))]
    if strange.size:
        raise HarnessError(
            f"{name} is not a binary label",
            found=f"{strange[0]:g} ({strange.size:,} of {label.size:,} rows)",
            expected="0, 1 or NaN",
        )
