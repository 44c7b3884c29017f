"""A diagnosis in a few sentences: what was lost where, what hides it, what could not be checked."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.diagnosis.samples import OFFLINE, REPORTED
from harness.diagnosis.terms import ANOTHER_MODEL, LEAK, METRICS, STEPS
from harness.diagnosis.thin import THIN

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from harness.records import CheckedCause, Exhibit, GapPart, MetricGap, Remedy

#: a gap that leaves out one of these does not reach production
REACHES = frozenset({"covariate_unseen", "production_offline", "served_scores", "serving_threshold"})
#: reads 1 where all labels are positive, so it is never the one that sentences are about
FLATTERED = "pr_auc"
#: what remedies are ranked by, and which way each metric is better
RANKED_BY = "log_loss"
BETTER = {"roc_auc": 1, "pr_auc": 1, "log_loss": -1, "brier": -1, "precision": 1, "recall": 1, "f1": 1}
#: a remedy that surely costs this stands behind those that do not: better probabilities, worse decisions
DEAR = "f1"
MOST = 3
#: where serving differs from the offline model, and what shows it though the order of the scores stays
SERVED = frozenset({"served_features", "served_scores", "serving_threshold"})
UNSEEN_BY_RANK = ("log_loss", "predicted_positive_rate")
#: a change below this is 0 to the places that are told
LEAST_TOLD = 5e-4


def step_words(step: str) -> str:
    """A step of the ladder in words."""
    if step.startswith(LEAK):
        column = step.removeprefix(LEAK)
        return (
            ANOTHER_MODEL
            if column == ANOTHER_MODEL
            else f"the column {column!r}, filled in after the request"
        )
    return STEPS[step].loss if step in STEPS else step


def main_gap(metrics: Sequence[MetricGap]) -> MetricGap | None:
    """The first metric whose gap is known and reaches production, or else whose gap is known; or None."""
    known = [one for one in metrics if one.gap is not None and one.rungs and one.metric != FLATTERED]
    return next((one for one in known if reaches_production(one)), known[0] if known else None)


def reaches_production(gap: MetricGap) -> bool:
    """Whether the last rung is of production's rows, scores and threshold."""
    return not REACHES & set(gap.outside)


def sentences(
    metrics: Sequence[MetricGap], *, exhibits: Sequence[Exhibit], causes: Sequence[CheckedCause]
) -> tuple[str, ...]:
    """Most important first: the gap, what made it, what hides some of it, what was found beside it."""
    main = main_gap(metrics)
    if main is None:
        why = next((one.why_not for one in metrics if one.why_not), "no metric has two rungs")
        return (f"The gap cannot be told: {why}.", *_found(exhibits, causes))
    told = [_from_to(main), *_unsplit(main)]
    for words, sign in (("Of this", 1), ("The number looks better than it is by", -1)):
        parts = [f"{_much(part, main)} {_to(part, _side(main, sign))}" for part in _sure(main, sign=sign)]
        told += [f"{words}: {'; '.join(parts)}."] if parts else []
    return (*told, *_thin(main), *_unseen(main, metrics), *_found(exhibits, causes))


def _from_to(gap: MetricGap) -> str:
    """Where the metric was and is; a gap that ends before production, or begins after the report, says so."""
    first, last = gap.rungs[0], gap.rungs[-1]
    then = "in the report" if first.step == REPORTED else f"with {step_words(first.step)}"
    if first.step == REPORTED and gap.parts and gap.parts[0].step == OFFLINE:
        then = "as reported (as given)"
    told = f"{METRICS.get(gap.metric, gap.metric)} was {first.value:.3f} {then} and is {last.value:.3f}"
    if reaches_production(gap):
        return f"{told} in production."
    missing = ", ".join(STEPS[step].term for step in gap.outside if step in REACHES)
    return f"{told} once changed by {step_words(last.step)}; production is not reached, without {missing}."


def _unsplit(gap: MetricGap) -> tuple[str, ...]:
    """A report without its rows: how far it is from the offline model on production's, and no more."""
    first = gap.parts[0] if gap.parts else None
    if first is None or first.step != OFFLINE or first.value is None:
        return ()
    to = f"the offline model on production's rows ({gap.rungs[1].value:.3f})"
    return (f"From the report to {to} nothing could be split, because no holdout was given.",)


def _much(part: GapPart, gap: MetricGap) -> str:
    """How much was lost; with its sign, after minus before, where no direction is better."""
    if gap.better == "neither" and part.value is not None:
        return f"{-part.value.value:+.3f}".replace("-", "−")
    return f"{abs(part.harm or 0.0):.3f}"


def _side(gap: MetricGap, sign: int) -> int:
    """Nothing is lost where no direction is better."""
    return -1 if gap.better == "neither" else sign


def _to(part: GapPart, sign: int) -> str:
    """What a part went to; one that holds steps that were not computed is nobody's alone."""
    to = "lost to" if sign > 0 else "through"
    if not part.includes:
        return f"{to} {step_words(part.step)}"
    held = " + ".join(STEPS[step].term if step in STEPS else step for step in part.includes)
    beside = f"which holds also what was not computed: {held}"
    return f"{to} causes not told apart ({step_words(part.step)}, {beside})"


def _thin(gap: MetricGap) -> tuple[str, ...]:
    """The steps that were left out for lack of rows: where the number ends is before them."""
    return tuple(
        f"Not computed: {step_words(part.step)} ({part.why_not})."
        for part in gap.parts
        if part.why_not.startswith(THIN)
    )


def _unseen(main: MetricGap, metrics: Sequence[MetricGap]) -> tuple[str, ...]:
    """What serving did to probabilities and decisions where it surely did nothing to the main metric."""
    seen = {part.step for part in main.parts if part.value is not None and part.value.excludes_zero()}
    told = [
        f"{_named(gap.metric)} {abs(part.value.value):.3f} {'lower' if part.value.value > 0.0 else 'higher'} "
        f"through {step_words(part.step)}"
        for gap in metrics
        if gap.metric in UNSEEN_BY_RANK and gap is not main
        for part in gap.parts
        if part.step in SERVED and part.step not in seen and part.value is not None
        if part.value.excludes_zero(together=True) and abs(part.value.value) >= LEAST_TOLD
    ]
    name = METRICS.get(main.metric, main.metric)
    return (f"{name} does not show: {'; '.join(told)}.",) if told else ()


def _sure(gap: MetricGap, *, sign: int) -> list[GapPart]:
    """The parts that harm (1) or flatter (-1), of all at once beyond chance, the largest first."""
    sure = [
        part
        for part in gap.parts
        if part.value is not None and part.harm is not None and part.value.excludes_zero(together=True)
    ]
    signed = [part for part in sure if part.harm is not None and part.harm * sign > 0.0]
    return sorted(signed, key=lambda part: -abs(part.harm or 0.0))[:MOST]


def _found(exhibits: Iterable[Exhibit], causes: Iterable[CheckedCause]) -> tuple[str, ...]:
    traps = [one.answer for one in exhibits if one.key == "label_delay" and one.found == "found"]
    named = [one.name for one in causes if one.found == "found"]
    return (*traps, *((f"Of the eight usual causes: {', '.join(named)}.",) if named else ()))


def next_steps(remedies: Sequence[Remedy], causes: Sequence[CheckedCause]) -> tuple[str, ...]:
    """First what puts the measurement right; the remedies that help and make no limit worse, best first.

    What surely costs F1 comes after what does not. Last what has not been checked.
    """
    measured = [one.action for one in remedies if one.kind == "measurement" and _moves(one)]
    mended = [one for one in remedies if one.kind != "measurement" and _bearable(one) and _helps(one)]
    mended.sort(key=lambda one: DEAR in _moved(one, sign=-1))
    good = [*measured, *(_said(one) for one in mended if not one.why_not)]
    unchecked = [one.name for one in causes if one.found == "not checked"]
    told = tuple(good[:MOST])
    return (*told, f"Not checked yet: {', '.join(unchecked)}.") if unchecked else told


def _moves(one: Remedy) -> bool:
    """Whether some metric surely reads otherwise, better or worse: then it is not what it seems now."""
    return not one.why_not and any(number.excludes_zero(together=True) for number in one.gains.values())


def _bearable(one: Remedy) -> bool:
    """Whether the limits hold then, or one that is broken now as well is broken by less, and none by more."""
    queue = one.volume
    if one.guardrail != "broken":
        return True
    if queue is None or one.worsens:
        return False
    return queue.then < queue.now or queue.busy_then < queue.busy_now


def _helps(one: Remedy) -> bool:
    """Whether it surely betters what remedies are ranked by, mends a limit, or betters and worsens nothing.

    Another threshold trades precision for recall: one of the two is better at any threshold.
    """
    mends = one.guardrail_now == "broken" and one.guardrail == "kept"
    better = _moved(one, sign=1)
    return mends or RANKED_BY in better or bool(better and not _moved(one, sign=-1))


def _said(one: Remedy) -> str:
    """What to do, at the cost of what, and how many are flagged a day then."""
    worse = [f"{_named(name)} ({_from_now(one, name)})" for name in _moved(one, sign=-1)]
    said = f"{one.action}, at the cost of {' and '.join(worse)}" if worse else one.action
    queue = one.volume
    moved = queue is not None and f"{queue.now:.3g}" != f"{queue.then:.3g}"
    return f"{said}; flagged a day {queue.now:.3g} → {queue.then:.3g}" if queue and moved else said


def _from_now(one: Remedy, metric: str) -> str:
    """A metric now and then, or how far it moves where only that is known."""
    if metric in one.now and metric in one.then:
        return f"{one.now[metric]:.3f} → {one.then[metric]:.3f}"
    return f"{one.gains[metric].value:+.3f}".replace("-", "−")


def _named(metric: str) -> str:
    """A metric within a sentence: "recall", but "ROC-AUC"."""
    name = METRICS.get(metric, metric)
    return f"{name[0].lower()}{name[1:]}" if name[1].islower() else name


def _moved(one: Remedy, *, sign: int) -> list[str]:
    """The metrics that surely get better (1) or worse (-1), of all at once beyond chance."""
    return [
        name
        for name, number in one.gains.items()
        if name in BETTER and number.excludes_zero(together=True) and number.value * BETTER[name] * sign > 0.0
    ]


def missing(metrics: Sequence[MetricGap], exhibits: Sequence[Exhibit]) -> tuple[str, ...]:
    """What could not be computed, each reason once."""
    main = main_gap(metrics)
    steps = (
        ()
        if main is None
        else tuple(f"{step_words(part.step)}: {part.why_not}" for part in main.parts if part.why_not)
    )
    others = (f"{one.title}: {one.why_not}" for one in exhibits if one.found == "not checked" and one.why_not)
    return tuple(dict.fromkeys((*steps, *others)))
