"""Champion against challenger on labels that have matured: metrics of each arm, and the paired test."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from statsmodels.stats.contingency_tables import mcnemar

from harness.evidence.cohort import DAY_NS, stamp
from harness.evidence.looks import PAIRED_CLIP, clipped, compared, looks
from harness.metrics import METRICS
from harness.records import Estimate, MetricRow, QualitySummary

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from harness.evidence.cohort import Arms, Cohort, LabelsConfig
    from harness.evidence.model import Levels
    from harness.records import Look


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
        note=_note(cohort, config, unexposed=counts["not exposed"]),
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
        "not matured": base & ~ripe,
        "matured": ripe,
        "matured without label": ripe & ~labelled,
        "labelled but not answered by both": labelled & ~answered,
        "compared": labelled & answered,
    }
    return {"captured": len(base)} | {name: int(mask.sum()) for name, mask in masks.items()}


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
        method=f"exact McNemar, two-sided p = {p:.4f}, if looked at once and requests were independent",
    )


def _note(cohort: Cohort, config: LabelsConfig, *, unexposed: int) -> str:
    scope = (
        "All traffic, by inverse propensity."
        if cohort.weighted
        else f"Exposed traffic only ({unexposed:,} requests were not exposed and can have no label)."
    )
    return f"{scope} A label is final {config.delay_days:g} days after its request."
