"""A diagnosis in a few sentences: what was lost where, what hides it, what could not be checked."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from harness.records import CheckedCause, Exhibit, GapPart, MetricGap, Remedy

#: the metric that sentences are about, the first of these that has a gap
MAIN = ("roc_auc", "log_loss", "brier", "precision", "recall", "f1", "predicted_positive_rate")
TITLES = {
    "roc_auc": "ROC-AUC",
    "pr_auc": "PR-AUC",
    "log_loss": "log loss",
    "brier": "the Brier score",
    "precision": "precision",
    "recall": "recall",
    "f1": "F1",
    "predicted_positive_rate": "the share flagged",
}
#: each step in words that go on "… was lost to …"
STEPS = {
    "repeated_rows": "holdout rows that training has too",
    "time_order": "holdout rows older than the end of training",
    "leaky_columns": "columns filled in after the request",
    "covariate_seen": "harder rows of a known kind",
    "concept": "the same features meaning something else now",
    "covariate_unseen": "rows of a kind that the holdout has not",
    "served_features": "features served otherwise than built offline",
    "served_scores": "scores served otherwise than by the offline model",
    "serving_threshold": "the serving threshold",
    "label_definition": "another definition of the label",
    "label_maturity": "labels that had not come yet",
    "join_loss": "labels that the dashboard did not join",
    "exposure": "looking only at rows that were shown",
}
LEAK = "leak: "
MOST = 3


def step_words(step: str) -> str:
    """A step of the ladder in words."""
    if step.startswith(LEAK):
        return f"the column {step.removeprefix(LEAK)!r}, filled in after the request"
    return STEPS.get(step, step)


def main_gap(metrics: Sequence[MetricGap]) -> MetricGap | None:
    """The metric that a summary is about: the first usual one that has a gap; None where none has."""
    by = {one.metric: one for one in metrics}
    return next((by[name] for name in MAIN if name in by and by[name].gap is not None), None)


def sentences(
    metrics: Sequence[MetricGap], *, exhibits: Sequence[Exhibit], causes: Sequence[CheckedCause]
) -> tuple[str, ...]:
    """Most important first: the gap, what made it, what hides some of it, what was found beside it."""
    main = main_gap(metrics)
    if main is None:
        why = next((one.why_not for one in metrics if one.why_not), "no metric has two rungs")
        return (f"The gap cannot be told: {why}.", *_found(exhibits, causes))
    first, last = main.rungs[0].value, main.rungs[-1].value
    name = TITLES[main.metric]
    told = [f"{name[0].upper()}{name[1:]} was {first:.3f} in the report and is {last:.3f} in production."]
    for words, sign in (("Of this", 1), ("The number looks better than it is by", -1)):
        parts = [f"{abs(part.harm or 0.0):.3f} {_to(part, sign)}" for part in _sure(main, sign=sign)]
        told += [f"{words}: {'; '.join(parts)}."] if parts else []
    return (*told, *_found(exhibits, causes))


def _to(part: GapPart, sign: int) -> str:
    return f"{'lost to' if sign > 0 else 'through'} {step_words(part.step)}"


def _sure(gap: MetricGap, *, sign: int) -> list[GapPart]:
    """The parts whose interval leaves out 0 and that harm (1) or flatter (-1), the largest first."""
    sure = [
        part
        for part in gap.parts
        if part.value is not None and part.harm is not None and part.value.excludes_zero()
    ]
    signed = [part for part in sure if part.harm is not None and part.harm * sign > 0.0]
    return sorted(signed, key=lambda part: -abs(part.harm or 0.0))[:MOST]


def _found(exhibits: Iterable[Exhibit], causes: Iterable[CheckedCause]) -> tuple[str, ...]:
    traps = [one.answer for one in exhibits if one.key == "label_delay" and one.found == "found"]
    named = [one.name for one in causes if one.found == "found"]
    return (*traps, *((f"Of the eight usual causes: {', '.join(named)}.",) if named else ()))


def next_steps(remedies: Sequence[Remedy], causes: Sequence[CheckedCause]) -> tuple[str, ...]:
    """The remedies that help and make no limit worse, best first; then what has not been checked."""
    good = [one.action for one in remedies if not one.why_not and _bearable(one) and _helps(one)]
    unchecked = [one.name for one in causes if one.found == "not checked"]
    told = tuple(good[:MOST])
    return (*told, f"Not checked yet: {', '.join(unchecked)}.") if unchecked else told


def _bearable(one: Remedy) -> bool:
    """Whether the limits hold then, or are broken now as well and fewer are flagged then."""
    queue = one.volume
    if one.guardrail != "broken":
        return True
    return queue is not None and queue.then < queue.now and queue.busy_then <= queue.busy_now


def _helps(one: Remedy) -> bool:
    """Whether some metric surely gets better."""
    better = {"roc_auc": 1, "pr_auc": 1, "log_loss": -1, "brier": -1, "precision": 1, "recall": 1, "f1": 1}
    return any(
        number.excludes_zero() and number.value * better[name] > 0.0
        for name, number in one.gains.items()
        if name in better
    )


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
