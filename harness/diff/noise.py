"""A/A noise: what of an answer changes when the same build is asked the same thing twice."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from harness.diff.cells import Difference, judge, largest, signed
from harness.diff.scores import as_column, flipped
from harness.diff.tolerance import Tolerance, Tolerances
from harness.records import IgnoredRule, NoiseRow, NoiseTaken
from harness.stats import clopper_pearson_interval

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from harness.columns import Column, Pair
    from harness.diff.cells import Judged
    from harness.records import FieldSummary, PairSummary

RULE = "noise, not skew"
#: the reference is exact, so any difference between two answers of one build is its noise
_SHIPPED = Tolerances()
Scores = tuple["NDArray[np.float64]", "NDArray[np.float64]"]


def noise(
    first: Mapping[str, Column], again: Mapping[str, Column], *, scores: Scores, threshold: float | None
) -> tuple[NoiseRow, ...]:
    """The noise of each feature, the score and the decision, over n requests answered twice by one build.

    `first` and `again` are its features and `scores` its scores, each (n,). Any difference counts, for the
    reference is exact. Empty where n is 0: nothing was learnt.
    """
    n = len(scores[0])
    if not n:
        return ()
    pairs = {name: (column, again[name]) for name, column in first.items() if name in again}
    pairs["score"] = (as_column(scores[0]), as_column(scores[1]))
    found = [_row_of(name, both, n=n) for name, both in pairs.items()]
    return (*found, row("decision", differ=int(np.count_nonzero(flipped(*scores, threshold=threshold))), n=n))


def _row_of(field: str, answers: tuple[Column, Column], *, n: int) -> NoiseRow:
    judged = judge(*answers, name=field, tolerances=_SHIPPED)
    numbers = np.all(judged.codes[judged.rows] == Difference.VALUE)
    return row(field, differ=len(judged.rows), n=n, max_abs=largest(judged, judged.rows) if numbers else None)


def row(field: str, *, differ: int, n: int, max_abs: float | None = None) -> NoiseRow:
    """A rate with its exact interval. To check: 10 of 100 gives 0.0490 to 0.1762."""
    lower, upper = clopper_pearson_interval(differ, n)
    return NoiseRow(
        field=field, differ=differ, n=n, rate=differ / n, lower=lower, upper=upper, max_abs=max_abs
    )


def is_noise(known: NoiseRow | None, *, differ: int, n: int) -> bool:
    """Whether a build that differs on `differ` of n requests does so no more than the champion from itself.

    Only where the champion was seen to differ from itself at all, and not beyond the upper bound of its rate:
    of a bug, what is above the noise is found.
    """
    return known is not None and known.differ > 0 and differ <= known.upper * n


def excused(tolerances: Tolerances, pair: Pair, *, known: Mapping[str, NoiseRow]) -> Tolerances:
    """The tolerances that also let numbers pass that are no larger than noise, with its figures as reason.

    A rule of the user's for a feature stays as it is.
    """
    left, right = pair.left.features or {}, pair.right.features or {}
    noisy = {
        name: rule
        for name, held in known.items()
        if held.differ and name in left and name in right and name not in tolerances.features
        if (rule := _excuse(held, judge(left[name], right[name], name=name, tolerances=tolerances)))
    }
    if not noisy:
        return tolerances
    return msgspec.structs.replace(tolerances, features={**tolerances.features, **noisy})


def _excuse(known: NoiseRow, judged: Judged) -> Tolerance | None:
    """The rule that lets pass what is no larger than the noise of a number, where that is no more frequent.

    What is larger is told, however rare: a sample bounds how often the champion differs from itself, never
    by how much. What is no number (a category, a null now and then) has no size and gets no rule.
    """
    if known.max_abs is None or judged.left.dtype != "number":
        return None
    n, rows = judged.compared, judged.rows
    small = int(np.count_nonzero(np.abs(signed(judged, rows)) <= known.max_abs))
    if not small or not is_noise(known, differ=small, n=n):
        return None
    hidden = f"a bug no larger on {max(0.0, known.upper - known.lower):.2%} of the requests could hide in it"
    size = f"larger differences than {known.max_abs:g} are told; {hidden}"
    return Tolerance(atol=known.max_abs, reason=f"{told(known, rate=len(rows) / n)}; {size}")


def with_noise(
    summary: PairSummary, *, known: Mapping[str, NoiseRow], passed: tuple[str, ...]
) -> tuple[PairSummary, tuple[IgnoredRule, ...]]:
    """The pair with what of its counts is noise at the least, and each such part as a rule; the counts stay.

    Of the features it is the part of one, for others may be noisy on the same requests. `passed` are the
    features whose numbers pass by their size.
    """
    features = {one.field: _least(known.get(one.field), one) for one in summary.fields}
    noisiest = max(features, key=lambda name: features[name], default="")
    off = {
        **({noisiest: features[noisiest]} if noisiest else {}),
        "score": least(known.get("score"), differ=summary.score_mismatches, n=summary.compared),
        "decision": least(known.get("decision"), differ=summary.flips, n=summary.compared),
    }
    taken = NoiseTaken(
        features=features.get(noisiest, 0), scores=off["score"], flips=off["decision"], numbers=passed
    )
    rules = tuple(_taken_off(known[name], count) for name, count in off.items() if count)
    return (msgspec.structs.replace(summary, noise=taken) if rules or passed else summary), rules


def _least(known: NoiseRow | None, field: FieldSummary) -> int:
    """The noise among the mismatches of one feature, where they have no size."""
    if known is None or known.max_abs is not None:
        return 0
    sized = field.kinds.get(Difference.VALUE.label, 0) if field.dtype == "number" else 0
    return least(known, differ=field.mismatches - sized, n=field.compared)


def least(known: NoiseRow | None, *, differ: int, n: int) -> int:
    """How many of `differ` requests of n are noise at the least, by the lower limit of the champion's rate.

    To check: 14 of 712 differ, lower limit 1.08 %, so of 142 of 7,120 requests 76 are; 1 of 356 excuses none.
    """
    return 0 if known is None else min(differ, math.floor(known.lower * n))


def _taken_off(known: NoiseRow, count: int) -> IgnoredRule:
    reason = (
        f"{RULE}: two answers of the champion differ on {known.differ:,} of {known.n:,} requests, at least "
        f"{known.lower:.2%} at 95%; so many of this build's count against no budget, and every one is told"
    )
    return IgnoredRule(field=known.field, rule=RULE, reason=reason, silenced=count)


def told(known: NoiseRow, *, rate: float) -> str:
    """The numbers that excuse a field."""
    return (
        f"{RULE}: two answers of the champion differ on {known.differ:,} of {known.n:,} requests "
        f"({known.rate:.2%}, {known.lower:.2%} to {known.upper:.2%} at 95%), this build on {rate:.2%}"
    )
