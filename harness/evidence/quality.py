"""Champion against challenger on labels that have matured: metrics of each arm, and the paired test."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import numpy as np

from harness.evidence.cohort import DAY_NS, stamp
from harness.evidence.looks import PAIRED_CLIP, changed, clipped, compared, looks, remembered
from harness.metrics import METRICS
from harness.records import Estimate, MetricRow, QualitySummary

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from harness.evidence.cohort import Arms, Cohort, LabelsConfig
    from harness.evidence.model import Levels
    from harness.records import Look

_SMALLEST_P = 1e-4
#: what was assumed of some requests; told only where there are any
_DOUBTS = ("exposure unknown, taken as exposed", "propensity unused, others have none")


def summarise(
    cohort: Cohort, arms: Arms, *, config: LabelsConfig, threshold: float, as_of_ns: int, levels: Levels
) -> QualitySummary:
    """The metrics of each arm, and the paired test of challenger minus champion, look by look.

    Only requests that both arms answered are compared. `identical` is a fact about every score in scope,
    labelled or not: then no label can tell the arms apart.
    """
    used = compared(cohort, arms, delay_days=config.delay_days, as_of_ns=as_of_ns)
    counts = _counts(cohort, arms, config=config, as_of_ns=as_of_ns)
    seen = tuple(looks(cohort, arms, config=config, as_of_ns=as_of_ns, levels=levels))
    return QualitySummary(
        as_of=stamp(as_of_ns),
        outcome=config.outcome,
        counts=counts,
        days=float(np.ptp(cohort.event_ns[used]) / DAY_NS) if used.any() else 0.0,
        metrics=_metrics(cohort, used, threshold=threshold),
        identical=bool(used.any()) and _identical(cohort, arms),
        estimate=_estimate(seen[-1], config, clipped=clipped(cohort, arms, used=used)) if seen else None,
        fixed_n=_fixed_n(cohort, arms, used=used, threshold=threshold),
        looks=seen,
        max_missing_share=config.max_missing_share,
        margin=config.margin,
        note=_note(cohort, config, counts=counts),
    )


def remember(summary: QualitySummary, written: Sequence[Look]) -> QualitySummary:
    """The summary with the looks that were taken before, up to its time: what was ruled then stays."""
    before = [look for look in written if look.as_of <= summary.as_of]
    differ = changed(summary.looks, before)
    told = (
        f" {differ:,} past looks would show other numbers by the labels there are now; what they ruled stays."
    )
    return msgspec.structs.replace(
        summary,
        looks=remembered(summary.looks, before),
        note=summary.note + (told if differ else ""),
    )


def _counts(cohort: Cohort, arms: Arms, *, config: LabelsConfig, as_of_ns: int) -> dict[str, int]:
    """How many requests were lost on the way to the comparison, and why."""
    base = cohort.eligible()
    ripe = base & (cohort.ripe_ns(config.delay_days) <= as_of_ns)
    labelled = ripe & cohort.known(as_of_ns)
    answered = cohort.answered(arms)
    masks = {
        "in scope": cohort.in_scope,
        "not exposed": cohort.in_scope & ~cohort.exposed,
        "exposure unknown, taken as exposed": cohort.in_scope & _some(cohort.assumed, base),
        "propensity unused, others have none": cohort.in_scope & _some(cohort.partial, base),
        "not matured": base & ~ripe,
        "matured": ripe,
        "matured without label": ripe & ~labelled,
        "labelled but not answered by both": labelled & ~answered,
        "compared": labelled & answered,
    }
    found = {name: int(mask.sum()) for name, mask in masks.items()}
    return {"captured": len(base)} | {name: n for name, n in found.items() if n or name not in _DOUBTS}


def _some(mask: NDArray[np.bool_] | None, like: NDArray[np.bool_]) -> NDArray[np.bool_]:
    return np.zeros_like(like) if mask is None else mask


def _identical(cohort: Cohort, arms: Arms) -> bool:
    rows = cohort.in_scope & cohort.answered(arms)
    return bool(np.array_equal(cohort.scores[arms.champion][rows], cohort.scores[arms.challenger][rows]))


def _metrics(cohort: Cohort, used: NDArray[np.bool_], *, threshold: float) -> tuple[MetricRow, ...]:
    """Every metric for each arm that scored all of the cohort used."""
    labels, weight = cohort.label[used], cohort.weight[used]
    rows = []
    for metric in METRICS.values():
        arms: dict[str, float | None] = {}
        for arm, scores in cohort.scores.items():
            mine = scores[used]
            # A comparison with NaN is false, so an arm without all its scores has no value.
            whole = mine.size > 0 and bool(((mine >= 0) & (mine <= 1)).all())
            value = metric.value(labels, mine, threshold=threshold, weight=weight) if whole else np.nan
            arms[arm] = None if np.isnan(value) else float(value)
        rows.append(MetricRow(metric=metric.name, direction=metric.better, arms=arms))
    return tuple(rows)


def _estimate(last: Look, config: LabelsConfig, *, clipped: int) -> Estimate:
    at_clip = f", {clipped:,} requests clipped at {PAIRED_CLIP:g}" if config.metric == "log_loss" else ""
    return Estimate(
        name=f"{config.metric}: challenger − champion",
        value=last.estimate,
        n=last.n,
        lower=last.lower,
        upper=last.upper,
        unit="mean difference a request",
        method="asymptotic confidence sequence by unit (Waudby-Smith et al. 2024), one-sided bounds",
        note=f"{last.units:,} units{at_clip}",
    )


def _fixed_n(cohort: Cohort, arms: Arms, *, used: NDArray[np.bool_], threshold: float) -> Estimate | None:
    """What a test of the decisions that looks only once would say: exact McNemar (1947), who alone was right.

    A read-out beside the sequential test, never a gate: wrong when looked at again, and it counts requests.
    Known: 10 against 2 discordant pairs give p = 0.0386.
    """
    from statsmodels.stats.contingency_tables import mcnemar

    truth = cohort.label[used] == 1.0
    champion, challenger = (
        (cohort.scores[arm][used] >= threshold) == truth for arm in (arms.champion, arms.challenger)
    )
    alone = int(np.count_nonzero(challenger & ~champion)), int(np.count_nonzero(champion & ~challenger))
    if not sum(alone):
        return None
    p = float(mcnemar([[0, alone[0]], [alone[1], 0]], exact=True).pvalue)
    return Estimate(
        name="decisions right only in the challenger, of those right in one arm only",
        value=alone[0] / sum(alone),
        count=alone[0],
        n=sum(alone),
        unit="share of discordant requests",
        method=f"exact McNemar, two-sided {_p_value(p)}, if looked at once and requests were independent",
    )


def _p_value(p: float) -> str:
    """.0386 is "p = 0.0386"; no p is nothing, so what four digits would make 0.0000 is "p < 0.0001"."""
    return f"p = {p:.4f}" if p >= _SMALLEST_P else f"p < {_SMALLEST_P:.4f}"


def _note(cohort: Cohort, config: LabelsConfig, *, counts: dict[str, int]) -> str:
    unexposed, in_scope = counts["not exposed"], counts["in scope"]
    assumed, partial = (counts.get(name, 0) for name in _DOUBTS)
    said = [
        "All traffic, by inverse propensity."
        if cohort.weighted
        else f"Exposed traffic only ({unexposed:,} requests were not exposed and can have no label)."
    ]
    if assumed:
        said.append(
            f"Of {assumed:,} of {in_scope:,} requests it is not known whether they were exposed: taken as so."
        )
    if partial:
        said.append(
            f"{partial:,} of {in_scope:,} requests have a propensity and the others none: "
            "no request is weighted."
        )
    return " ".join([*said, f"A label is final {config.delay_days:g} days after its request."])
