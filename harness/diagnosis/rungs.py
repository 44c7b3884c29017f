"""The rungs from the reported holdout to the dashboard: all metrics on each, and what each unit does to them.

Each rung changes one thing and keeps all changes before it. The order is that of the pipeline, so a step
says what its change does when everything before it is as in production already. A rung whose columns are not
there says so, and its change is part of the next one that is computed.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from harness.diagnosis.influence import (
    NAMES,
    RANKED,
    at_threshold,
    decision_influence,
    table,
    unit_influence,
)
from harness.diagnosis.overlap import Half, overlap_metrics
from harness.diagnosis.samples import (
    OFFLINE,
    REPORTED,
    Sample,
    holdout_samples,
    offline_sample,
    production_samples,
)

if TYPE_CHECKING:
    import numpy.typing as npt

    from harness.diagnosis.influence import Table
    from harness.diagnosis.intervals import Units
    from harness.diagnosis.rows import Holdout, Overlap, Production, Thresholds

    Floats = npt.NDArray[np.float64]
    Codes = npt.NDArray[np.int64]

SEEN, CONCEPT, UNSEEN = "covariate_seen", "concept", "covariate_unseen"
NO_HOLDOUT = "there is no holdout"
NO_LABELS = "there are no labels"
NO_OVERLAP = "no domain classifier has weighted holdout and production to where they overlap"


@dataclass(frozen=True, kw_only=True)
class Rung:
    """All metrics on one rung: `values` (8,), and the influence of each unit on them, (8, units) or None.

    `empty` says by metric why it is undefined, `why_not` why the rung is not computed at all.
    """

    key: str
    values: Floats = field(default_factory=lambda: np.full(len(NAMES), np.nan))
    holdout: Floats | None = None
    production: Floats | None = None
    empty: dict[str, str] = field(default_factory=dict)
    why_not: str = ""


def all_rungs(
    holdout: Holdout | None, production: Production, *, thresholds: Thresholds, units: Units
) -> tuple[Rung, ...]:
    """Every rung in order; one that cannot be computed has the reason."""
    offline = offline_sample(production, thresholds)
    found = [Rung(key=REPORTED, why_not=NO_HOLDOUT)]
    if holdout is not None:
        fair = [*holdout_samples(holdout, thresholds.offline)]
        found = [_of_holdout(key, sample, units=units) for key, sample in fair]
        leak_free = [sample for _, sample in fair if isinstance(sample, Sample)][-1]
        overlap = holdout.overlap, production.overlap
        found += _on_overlap(leak_free, offline, overlap=overlap, units=units)
    samples = production_samples(production, offline, thresholds=thresholds)
    last = None
    for key, sample in ((OFFLINE if holdout is None else UNSEEN, offline), *samples):
        if isinstance(sample, str):
            found.append(Rung(key=key, why_not=sample))
        else:
            last = measured(sample, units.production, size=units.sizes[1], like=last)
            found.append(Rung(key=key, values=last.values, production=last.sums, empty=last.empty))
    return tuple(found)


@dataclass(frozen=True, kw_only=True)
class Measured:
    """A sample with its metrics (8,), its units' influence on them (8, units), and what is undefined."""

    sample: Sample
    table: Table
    values: Floats
    sums: Floats
    empty: dict[str, str]


def measured(sample: Sample, unit: Codes, *, size: int, like: Measured | None = None) -> Measured:
    """The metrics of a sample and each unit's influence on them; `unit` (n,) are codes below `size`.

    Where `like` differs in the threshold only, what does not depend on it is taken from there.
    """
    scores, weight = sample.scores, sample.used()
    label = np.zeros(weight.size) if sample.label is None else sample.label
    if like is not None and sample.same_but_threshold(like.sample):
        made = at_threshold(like.table, scores, threshold=sample.threshold)
        decided = decision_influence(made, scores, label=label, weight=weight, unit=unit, size=size)
        sums = np.concatenate([like.sums[:RANKED], decided])
    else:
        made = table(scores, label, weight=weight, threshold=sample.threshold)
        sums = unit_influence(made, scores, label=label, weight=weight, unit=unit, size=size)
    values, empty = made.values, made.empty
    if sample.label is None:
        # The predicted positive rate, the last, is the only one that needs no label.
        values = np.array([*[np.nan] * (len(NAMES) - 1), values[-1]])
        empty = empty | dict.fromkeys(NAMES[:-1], NO_LABELS)
    return Measured(sample=sample, table=made, values=values, sums=sums, empty=empty)


def _of_holdout(key: str, sample: Sample | str, *, units: Units) -> Rung:
    if isinstance(sample, str):
        return Rung(key=key, why_not=sample)
    made = measured(sample, units.holdout, size=units.sizes[0])
    return Rung(key=key, values=made.values, holdout=made.sums, empty=made.empty)


def _on_overlap(
    leak_free: Sample, offline: Sample, *, overlap: tuple[Overlap | None, Overlap | None], units: Units
) -> list[Rung]:
    """The leak-free holdout and production, each weighted to where they overlap; or why not."""
    there, here = overlap
    if there is None or here is None or offline.label is None or leak_free.label is None:
        why = NO_OVERLAP if offline.label is not None else NO_LABELS
        return [Rung(key=SEEN, why_not=why), Rung(key=CONCEPT, why_not=why)]
    before = Half(
        scores=leak_free.scores,
        label=leak_free.label,
        weight=leak_free.used(),
        toward=there.produced,
        label_own=there.label_before,
        label_other=there.label_now,
        unit=units.holdout,
        units=units.sizes[0],
    )
    now = Half(
        scores=offline.scores,
        label=offline.label,
        weight=offline.used(),
        toward=1.0 - here.produced,
        label_own=here.label_now,
        label_other=here.label_before,
        unit=units.production,
        units=units.sizes[1],
    )
    if before.weight.sum() == 0.0 or now.weight.sum() == 0.0:
        why = "no labelled row is left on one side"
        return [Rung(key=SEEN, why_not=why), Rung(key=CONCEPT, why_not=why)]
    seen, concept = overlap_metrics(before, now, threshold=offline.threshold)
    # The predicted positive rate knows no labels, so no concept shift moves it: both are the same number.
    concept.values[-1], concept.own[-1], concept.other[-1] = seen.values[-1], seen.other[-1], seen.own[-1]
    return [
        Rung(key=SEEN, values=seen.values, holdout=seen.own, production=seen.other, empty=seen.empty),
        Rung(
            key=CONCEPT,
            values=concept.values,
            holdout=concept.other,
            production=concept.own,
            empty=concept.empty,
        ),
    ]
