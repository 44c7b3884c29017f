"""Where Y given X changed: what the labels of production say beyond a model of the holdout's labels.

A model g of the label is fitted on half of the holdout's units. On the other half, and on production, a
second model is boosted on top of g and tested on units that it has not seen. If the labels still follow g,
there is nothing to gain in production beyond what there is to gain in the holdout, where g is as rough: that
is the control. Both populations are weighted to where they overlap (Cai, Namkoong, Yadlowsky, arXiv
2303.02011), so g's errors weigh alike and a shift of X alone gains nothing. The served score would not do in
place of g: what it has wrong everywhere would be found everywhere.

The gain of a row is the integral along the way from g's log-odds to the new ones, so it splits exactly by the
features' parts of that way (Aumann, Shapley 1974; the parts are TreeSHAP's):

    part_j (y - (softplus(new) - softplus(old)) / (new - old)) .
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import expit

from harness.diagnosis.concept_places import Place, places
from harness.diagnosis.concept_rows import gain_parts, lacking, losses, on_overlap, sampled, started, too_few
from harness.diagnosis.intervals import Interval, contrasts, covariance, units
from harness.errors import HarnessError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy.typing as npt

    from harness.diagnosis.concept_rows import Side
    from harness.diagnosis.domain import Rows

    Floats = npt.NDArray[np.float64]

#: so many features are looked into
TOP = 3


@dataclass(frozen=True, kw_only=True)
class Changed:
    """One feature: its part of the excess gain in log loss, with its interval, and as a share of the excess.

    The share is nan where there is no excess. `places` are where the labels are not those to expect, for the
    first few features of a change.
    """

    name: str
    gain: Interval
    share: float
    places: tuple[Place, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Concept:
    """Whether Y given X changed, and where; log losses are on the overlap, in nats.

    `before` is the log loss of the holdout's model on production, `after` with what production's own labels
    add. `gain` is the difference, `control` the same in the holdout, `excess` what production has beyond it.
    `features` by falling share; `everywhere` is the part that all rows have alike; they sum to the excess.
    `rows` are those that were compared, of the holdout and of production.
    """

    changed: bool = False
    before: float | None = None
    after: float | None = None
    gain: Interval | None = None
    control: Interval | None = None
    excess: Interval | None = None
    features: tuple[Changed, ...] = ()
    everywhere: Changed | None = None
    rows: tuple[int, int] = (0, 0)
    why_not: str = ""


def where_changed(
    holdout: Rows,
    production: Rows,
    *,
    names: Sequence[str],
    levels: Mapping[str, Sequence[str]] | None = None,
) -> Concept:
    """Whether the label given the features changed from the leak-free holdout to production, and where.

    Features are columns of both, `names` theirs, NaN allowed; `levels` names the codes 0, 1, ... of those
    that are categories. Changed means that the intervals of the gain and of the excess over the control lie
    above 0. The same rows give the same answer. Raises HarnessError for features that the names do not fit.
    """
    for rows in (holdout, production):
        if rows.features.shape[1:] != (len(names),):
            raise HarnessError(
                "the names do not fit the features", found=rows.features.shape, expected=f"(n, {len(names)})"
            )
    if not names:
        return Concept(why_not="holdout and production have no feature in common")
    if why := lacking(holdout, production):
        return Concept(why_not=why)
    there, here = sampled(holdout, production)
    told = (there.label.size, here.label.size)
    if why := too_few(there, here):
        return Concept(rows=told, why_not=why)
    there, here = on_overlap(there, here)
    if why := too_few(there, here):
        return Concept(rows=told, why_not=f"where holdout and production overlap: {why}")
    there, here = started(there, here)
    return _judged(there, here, names=names, levels=levels or {})


def _judged(there: Side, here: Side, *, names: Sequence[str], levels: Mapping[str, Sequence[str]]) -> Concept:
    clusters = units(there.unit, here.unit)
    parts = [gain_parts(side) for side in (there, here)]
    # Means of both populations: the control, the gain, what that is beyond it, and its parts.
    control_rows, gain_rows = (one.sum(axis=1) for one in parts)
    rows = [
        np.column_stack([control_rows, np.zeros_like(control_rows), -control_rows, -parts[0]]),
        np.column_stack([np.zeros_like(gain_rows), gain_rows, gain_rows, parts[1]]),
    ]
    values = np.zeros(len(names) + 4)
    sums = []
    for each, side, codes, size in zip(
        rows, (there, here), (clusters.holdout, clusters.production), clusters.sizes, strict=True
    ):
        mean = np.average(each, axis=0, weights=side.weight)
        values += mean
        influence = (each - mean) * (side.weight / side.weight.sum())[:, None]
        by_unit = [np.bincount(codes, one, minlength=size) for one in influence.T]
        sums.append(np.stack(by_unit).astype(np.float64, copy=False))
    covariances = covariance(*sums, shared=clusters.shared)
    found = contrasts(values, covariances, weights=np.eye(len(values)), sizes=clusters.sizes)
    control, gain, excess, *features, everywhere = found
    before = float(np.average(losses(here.label, here.start), weights=here.weight))
    # Of nothing there are no shares.
    whole = excess.value if excess.value > 0.0 else np.nan
    shares = [
        Changed(name=name, gain=one, share=one.value / whole)
        for name, one in zip(names, features, strict=True)
    ]
    shares.sort(key=lambda one: -one.gain.value)
    changed = bool(gain.lower > 0.0 and excess.lower > 0.0)
    first = [_placed(one, (there, here), names=names, levels=levels) for one in shares[: TOP * changed]]
    return Concept(
        changed=changed,
        before=before,
        after=before - gain.value,
        gain=gain,
        control=control,
        excess=excess,
        features=(*first, *shares[len(first) :]),
        everywhere=Changed(name="everywhere", gain=everywhere, share=everywhere.value / whole),
        rows=(there.label.size, here.label.size),
    )


def _placed(
    one: Changed, both: tuple[Side, Side], *, names: Sequence[str], levels: Mapping[str, Sequence[str]]
) -> Changed:
    """The feature with where its labels are not those to expect."""
    column = list(names).index(one.name)
    sides = [(side.features[:, column], side.label, expit(side.start), side.unit) for side in both]
    return replace(one, places=places(sides[0], sides[1], levels=levels.get(one.name)))
