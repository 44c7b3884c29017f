"""Champion against challenger on labels that have matured: metrics of each arm, and the paired test."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from harness.evidence.ahead import ahead
from harness.evidence.cohort import DAY_NS, stamp
from harness.evidence.contrasts import by_segment, differences
from harness.evidence.delays import delays
from harness.evidence.harms import PAIRED_CLIP, harm
from harness.evidence.looks import changed, clipped, compared, looks, remembered
from harness.evidence.outcomes import BINARY
from harness.metrics import METRICS
from harness.records import Estimate, MetricRow, QualitySummary
from harness.stats import kish_effective, mean_influence, unit_sums
from harness.weighting import alike

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from harness.evidence.cohort import Arms, Cohort
    from harness.evidence.outcomes import Plan
    from harness.records import Look

_SMALLEST_P = 1e-4
_FEWEST_UNITS = 2
#: what was assumed of some requests; told only where there are any
_DOUBTS = ("exposure unknown, taken as exposed", "propensity unused, others have none")


def summarise(cohort: Cohort, arms: Arms, *, plan: Plan, as_of_ns: int) -> QualitySummary:
    """The metrics of each arm on one outcome, and its paired test, look by look.

    Only requests that both arms answered are compared. `identical` is a fact about every score in scope,
    labelled or not: then no label can tell the arms apart.
    """
    used = compared(cohort, arms, delay_days=plan.delay_days, as_of_ns=as_of_ns)
    counts = _counts(cohort, arms, delay_days=plan.delay_days, as_of_ns=as_of_ns)
    seen = tuple(looks(cohort, arms, plan=plan, as_of_ns=as_of_ns))
    return QualitySummary(
        name=plan.name,
        role=plan.outcome.role,
        superiority=plan.superiority,
        measure=f"{plan.name}: {plan.outcome.harm}",
        as_of=stamp(as_of_ns),
        outcome=plan.outcome.meaning or plan.name,
        counts=counts,
        full_days=_full_days(cohort.event_ns[used]),
        metrics=_metrics(cohort, arms, used=used, plan=plan),
        identical=bool(used.any()) and _identical(cohort, arms),
        estimate=_estimate(
            seen[-1],
            plan,
            clipped=clipped(cohort, arms, plan=plan, used=used),
            equal=_equal_units(cohort, used),
        )
        if seen
        else None,
        fixed_n=_fixed_n(cohort, arms, used=used, plan=plan),
        segments=by_segment(cohort, arms, plan=plan, used=used),
        delays=delays(cohort, delay_days=plan.delay_days, as_of_ns=as_of_ns),
        ahead=ahead(seen, goals={"PASS": plan.goal, "FAIL": 0.0}),
        looks=seen,
        max_missing_share=plan.max_missing_share,
        margin=plan.outcome.margin,
        alpha_go=plan.levels.go,
        alpha_nogo=plan.levels.nogo,
        note=_note(cohort, plan.delay_days, counts=counts),
    )


def remember(summary: QualitySummary, written: Sequence[Look]) -> QualitySummary:
    """The summary with the looks that its test took before, up to its time: what was ruled then stays.

    Looks of another tuning of the same outcome are another test; they are counted, and rule nothing.
    """
    mine = {look.test for look in summary.looks}
    past = [look for look in written if look.as_of <= summary.as_of]
    before = [look for look in past if look.test in mine]
    others = [look for look in past if look.test not in mine and look.test.startswith(f"{summary.name}: ")]
    differ = changed(summary.looks, before)
    told = ""
    if differ:
        told += (
            f" {differ:,} past looks would show other numbers by the labels there are now; "
            "what they ruled stays."
        )
    if mine and others:
        told += f" {len(others):,} looks under another tuning were another test and rule nothing here."
    looked = remembered(summary.looks, before)
    still = summary.ahead if looked and looked[-1].ruling == "UNDECIDED" else None
    return msgspec.structs.replace(summary, looks=looked, ahead=still, note=summary.note + told)


def exhausted(summaries: Sequence[QualitySummary]) -> bool:
    """Whether no more evidence is to come: any guardrail, or every success metric, has ended undecided."""
    judged = [summary for summary in summaries if summary.role != "watched"]
    used_up = {
        superiority: [_used_up(summary) for summary in judged if summary.superiority == superiority]
        for superiority in (True, False)
    }
    return any(used_up[False]) or (bool(used_up[True]) and all(used_up[True]))


def _used_up(summary: QualitySummary) -> bool:
    return bool(summary.looks) and summary.looks[-1].final and summary.looks[-1].ruling == "UNDECIDED"


def _full_days(event_ns: NDArray[np.int64]) -> int:
    """Whole days of 24 h from the first to the last compared request that have any of them.

    Known: requests at hours 0, 12, 25 and 49 fill 2 days, the third has not passed.
    """
    if not event_ns.size:
        return 0
    passed = (event_ns - event_ns.min()) // DAY_NS
    return len(np.unique(passed[passed < passed.max()]))


def _counts(cohort: Cohort, arms: Arms, *, delay_days: float, as_of_ns: int) -> dict[str, int]:
    """How many requests were lost on the way to the comparison, and why."""
    base = cohort.eligible()
    ripe = base & (cohort.ripe_ns(delay_days) <= as_of_ns)
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


def _metrics(cohort: Cohort, arms: Arms, *, used: NDArray[np.bool_], plan: Plan) -> tuple[MetricRow, ...]:
    """Every metric for each arm that scored all of the cohort used."""
    if plan.outcome.metric not in BINARY:
        return (_value_row(cohort, used, plan=plan),)
    labels, weight = cohort.label[used], cohort.weight[used]
    rows = []
    apart = differences(cohort, arms, used=used, threshold=plan.threshold)
    for metric in METRICS.values():
        values: dict[str, float | None] = {}
        for arm, scores in cohort.scores.items():
            mine = scores[used]
            # A comparison with NaN is false, so an arm without all its scores has no value.
            whole = mine.size > 0 and bool(((mine >= 0) & (mine <= 1)).all())
            value = np.nan
            if whole and bool(np.isin(labels, (0.0, 1.0)).all()):
                value = metric.value(labels, mine, threshold=plan.threshold, weight=weight)
            values[arm] = None if np.isnan(value) else float(value)
        rows.append(
            MetricRow(
                metric=metric.name, direction=metric.better, arms=values, difference=apart.get(metric.name)
            )
        )
    return tuple(rows)


def _value_row(cohort: Cohort, used: NDArray[np.bool_], *, plan: Plan) -> MetricRow:
    """The outcome's number a request over those that an arm decides for; without them it counts as 0."""
    values: dict[str, float | None] = {}
    for arm, scores in cohort.scores.items():
        mine = scores[used]
        whole = mine.size > 0 and not bool(np.isnan(mine).any())
        taken = cohort.label[used] * (mine >= plan.threshold)
        values[arm] = float(np.average(taken, weights=cohort.weight[used])) if whole else None
    return MetricRow(metric=f"{plan.name} a request", direction=plan.outcome.better, arms=values)


def _equal_units(cohort: Cohort, used: NDArray[np.bool_]) -> float:
    """How many units of equal size the compared requests are worth (Kish 1965)."""
    return kish_effective(unit_sums(cohort.weight[used], cohort.unit[used]).sums)


def _estimate(last: Look, plan: Plan, *, clipped: int, equal: float) -> Estimate:
    at_clip = f", {clipped:,} requests clipped at {PAIRED_CLIP:g}" if clipped else ""
    return Estimate(
        name=f"{plan.name}: {plan.outcome.harm}",
        value=last.estimate,
        n=last.n,
        lower=last.lower,
        upper=last.upper,
        unit="mean difference a request" if plan.outcome.metric != "auc" else "difference",
        method=plan.outcome.how.method(),
        note=f"{last.units:,} units, worth {equal:,.0f} of equal size{at_clip}",
    )


def _fixed_n(cohort: Cohort, arms: Arms, *, used: NDArray[np.bool_], plan: Plan) -> Estimate | None:
    """What a test that looks only once would say; a read-out beside the sequential test, never a gate."""
    if not alike(cohort.weight[used]):
        return _weighted_t(cohort, arms, used=used, plan=plan)
    if plan.outcome.metric in BINARY:
        return _mcnemar(cohort, arms, used=used, threshold=plan.threshold)
    return _paired_t(cohort, arms, used=used, plan=plan)


def _weighted_t(cohort: Cohort, arms: Arms, *, used: NDArray[np.bool_], plan: Plan) -> Estimate | None:
    """Student's t on the weighted mean a request, linearised by unit, where requests weigh unequally.

    Of an outcome of 0 and 1 it is the difference of the shares decided right. Counts of pairs, as McNemar's,
    would speak of the sample and not of its traffic.
    """
    from statsmodels.stats.weightstats import DescrStatsW

    if plan.outcome.metric in BINARY:
        plan = replace(plan, outcome=msgspec.structs.replace(plan.outcome, metric="correct", test=None))
    champion, challenger = (cohort.scores[arm][used] for arm in (arms.champion, arms.challenger))
    worse = harm(plan, cohort.label[used], champion=champion, challenger=challenger)
    weight, unit = cohort.weight[used], cohort.unit[used]
    each = mean_influence(unit_sums(worse * weight, unit).sums, unit_sums(weight, unit).sums)
    if len(each) < _FEWEST_UNITS or not each.std():
        return None
    fit = DescrStatsW(each)
    low, high = fit.tconfint_mean(alpha=0.1)
    p = _p_value(float(fit.ttest_mean(0.0)[1]))
    return Estimate(
        name=f"{plan.name}: {plan.outcome.harm}, of the traffic",
        value=float(fit.mean),
        lower=float(low),
        upper=float(high),
        level=0.9,
        n=len(each),
        unit="mean difference a request",
        method=f"Student's t by unit on weighted requests, two-sided {p}, if looked at once",
    )


def _paired_t(cohort: Cohort, arms: Arms, *, used: NDArray[np.bool_], plan: Plan) -> Estimate | None:
    """Student's t on the units' mean difference of value (statsmodels `DescrStatsW.ttest_mean`)."""
    from statsmodels.stats.weightstats import DescrStatsW

    champion, challenger = (cohort.scores[arm][used] for arm in (arms.champion, arms.challenger))
    difference = harm(plan, cohort.label[used], champion=champion, challenger=challenger)
    sums = unit_sums(difference, cohort.unit[used])
    means = sums.sums / sums.counts
    if len(means) < _FEWEST_UNITS or not means.std():
        return None
    fit = DescrStatsW(means)
    low, high = fit.tconfint_mean(alpha=0.1)
    p = float(fit.ttest_mean(0.0)[1])
    return Estimate(
        name=f"{plan.name}: {plan.outcome.harm}, mean of the units",
        value=float(fit.mean),
        lower=float(low),
        upper=float(high),
        level=0.9,
        n=len(means),
        unit="mean difference a unit",
        method=f"Student's t by unit, two-sided {_p_value(p)}, if looked at once",
    )


def _mcnemar(cohort: Cohort, arms: Arms, *, used: NDArray[np.bool_], threshold: float) -> Estimate | None:
    """Exact McNemar (1947), who alone was right; it counts requests, as if they were independent.

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


def _note(cohort: Cohort, delay_days: float, *, counts: dict[str, int]) -> str:
    unexposed, in_scope = counts["not exposed"], counts["in scope"]
    assumed, partial = (counts.get(name, 0) for name in _DOUBTS)
    said = [
        "All traffic, by inverse propensity."
        if cohort.weighted
        else f"Exposed traffic only ({unexposed:,} requests were not exposed and can have no label)."
    ]
    if cohort.sampled:
        said.append("The capture is a sample: every request counts by its sampling weight.")
    if assumed:
        said.append(
            f"Of {assumed:,} of {in_scope:,} requests it is not known whether they were exposed: taken as so."
        )
    if partial:
        said.append(
            f"{partial:,} of {in_scope:,} requests have a propensity and the others none: "
            "no request is weighted."
        )
    return " ".join([*said, f"A label is final {delay_days:g} days after its request."])
