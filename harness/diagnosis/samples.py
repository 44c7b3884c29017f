"""The samples behind the rungs: which rows, scores, labels and threshold, with one change a time."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from harness.diagnosis.influence import grid
from harness.diagnosis.terms import LEAK

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy.typing as npt

    from harness.diagnosis.influence import Grid
    from harness.diagnosis.rows import Holdout, Production, Thresholds

    Floats = npt.NDArray[np.float64]
    Mask = npt.NDArray[np.bool_]

REPORTED, OFFLINE = "reported", "production_offline"
REPEATED, UNTIMELY, LEAKS = "repeated_rows", "time_order", "leaky_columns"
#: what production does to the offline sample, in the order of the pipeline, and why it is not computed
CHANGES = {
    "served_features": "there are no scores of the offline model on the served features",
    "served_scores": "there are no served scores",
    "serving_threshold": "the serving threshold is not known",
    "label_definition": "there are no mature labels by the production definition",
    "label_maturity": "there are no labels as the dashboard saw them",
    "join_loss": "it is not known which rows the dashboard joined",
    "exposure": "it is not known which rows were shown",
}
WITHOUT_HOLDOUT_COLUMNS = {
    REPEATED: "it is not known which holdout rows are repeated in training",
    UNTIMELY: "the times of the holdout rows, or the end of the training data, are not known",
    LEAKS: "no holdout column was re-derived as of request time",
}


@dataclass(frozen=True, kw_only=True)
class Sample:
    """Rows and what they are measured by: a score, a label (None where there is none), weights, a threshold.

    `rows` (n,) bool are those that count, None all.
    """

    scores: Grid
    label: Floats | None
    weight: Floats
    threshold: float
    rows: Mask | None = None

    def used(self) -> Floats:
        """Each row's weight, 0 where it has no score or no label or does not count, (n,)."""
        usable = self.scores.known
        if self.label is not None:
            usable = usable & ~np.isnan(self.label)
        if self.rows is not None:
            usable = usable & self.rows
        return self.weight if bool(usable.all()) else self.weight * usable

    def same_but_threshold(self, other: Sample) -> bool:
        """Whether both are of the very same columns."""
        mine = (self.scores, self.label, self.weight, self.rows)
        theirs = (other.scores, other.label, other.weight, other.rows)
        return all(one is two for one, two in zip(mine, theirs, strict=True))


def holdout_samples(holdout: Holdout, threshold: float) -> Iterator[tuple[str, Sample | str]]:
    """The holdout as reported, without repeated rows, in time order, with each leak put right; or why not."""
    sample = Sample(
        scores=grid(holdout.score),
        label=holdout.label,
        weight=_weights(holdout.weight, holdout.score),
        threshold=threshold,
    )
    yield REPORTED, sample
    for key, fair in _fair(holdout).items():
        if fair is None:
            yield key, WITHOUT_HOLDOUT_COLUMNS[key]
        else:
            sample = replace(sample, rows=fair if sample.rows is None else fair & sample.rows)
            yield key, sample
    if not holdout.rederived:
        yield LEAKS, WITHOUT_HOLDOUT_COLUMNS[LEAKS]
    for one in holdout.rederived:
        sample = replace(sample, scores=grid(one.score))
        yield LEAK + one.column, sample


def leak_free(holdout: Holdout) -> tuple[Floats, Mask]:
    """The scores with every leak put right, and the rows neither repeated in training nor too early."""
    rows = np.ones(holdout.score.size, dtype=bool)
    for fair in _fair(holdout).values():
        rows &= True if fair is None else fair
    return holdout.rederived[-1].score if holdout.rederived else holdout.score, rows


def offline_sample(production: Production, thresholds: Thresholds) -> Sample:
    """Production rows with offline scores, mature labels by the offline definition, the offline threshold."""
    return Sample(
        scores=grid(production.offline_score),
        label=production.label,
        weight=_weights(production.weight, production.offline_score),
        threshold=thresholds.offline,
    )


def production_samples(
    production: Production, offline: Sample, *, thresholds: Thresholds
) -> Iterator[tuple[str, Sample | str]]:
    """The samples after the offline one, each with one more thing as it is in production; or why not."""
    shown = production.exposed
    if shown is not None and production.joined is not None:
        shown = shown & production.joined
    changes: dict[str, tuple[str, Any]] = {
        "served_features": ("scores", optional_grid(production.served_features_score)),
        "served_scores": ("scores", optional_grid(production.served_score)),
        "serving_threshold": ("threshold", thresholds.serving),
        "label_definition": ("label", production.production_label),
        "label_maturity": ("label", production.seen_label),
        "join_loss": ("rows", production.joined),
        "exposure": ("rows", shown),
    }
    sample = offline
    for key, (field, value) in changes.items():
        if value is None:
            yield key, CHANGES[key]
        else:
            sample = replace(sample, **{field: value})
            yield key, sample


def optional_grid(score: Floats | None) -> Grid | None:
    """The column sorted, or None where there is none."""
    return None if score is None else grid(score)


def _fair(holdout: Holdout) -> dict[str, Mask | None]:
    """The rows that are fair in each respect, None where that is not known."""
    later = None
    if holdout.time_ns is not None and holdout.trained_until_ns is not None:
        later = holdout.time_ns > holdout.trained_until_ns
    return {REPEATED: None if holdout.repeated is None else ~holdout.repeated, UNTIMELY: later}


def _weights(weight: Floats | None, like: Floats) -> Floats:
    return np.ones(like.size) if weight is None else weight
