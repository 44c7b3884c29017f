"""A/A noise: what of an answer changes when the same build is asked the same thing twice."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import numpy as np

from harness.diff.cells import Difference, judge, largest, signed
from harness.diff.scores import as_column, flipped
from harness.diff.tolerance import Tolerance, Tolerances
from harness.records import IgnoredRule, NoiseRow
from harness.stats import clopper_pearson_interval

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from harness.columns import Column, Pair
    from harness.diff.cells import Judged
    from harness.records import PairSummary

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
    """The tolerances that also let pass what is noise in a pair, each with its figures as the reason.

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
    """What of a feature passes as noise: all of it, what is no larger than the noise, or nothing.

    Where the noise is one of numbers, a difference is noise that is no larger than the largest seen between
    two answers, if these are no more frequent than the noise. Larger ones are a bug, unless they are so few
    that as many may be beyond the largest of as many answers asked twice.
    """
    n, rows = judged.compared, judged.rows
    reason = told(known, rate=len(rows) / n if n else 0.0)
    if not len(rows):
        return None
    if known.max_abs is None or judged.left.dtype != "number":
        return Tolerance(ignore=True, reason=reason) if is_noise(known, differ=len(rows), n=n) else None
    small = np.abs(signed(judged, rows)) <= known.max_abs
    if not small.any() or not is_noise(known, differ=int(np.count_nonzero(small)), n=n):
        return None
    if np.count_nonzero(~small) <= clopper_pearson_interval(0, known.n)[1] * n:
        return Tolerance(ignore=True, reason=reason)
    return Tolerance(atol=known.max_abs, reason=f"{reason}; larger differences are told")


def without_noise(
    summary: PairSummary, *, known: Mapping[str, NoiseRow]
) -> tuple[PairSummary, tuple[IgnoredRule, ...]]:
    """The pair with scores and decisions that differ no more than the champion's own, as if they agreed."""
    counts = {"score": summary.score_mismatches, "decision": summary.flips}
    n = summary.compared
    noisy = {name: hit for name, hit in counts.items() if hit and is_noise(known.get(name), differ=hit, n=n)}
    rules = tuple(
        IgnoredRule(field=name, rule=RULE, reason=told(known[name], rate=hit / n), silenced=hit)
        for name, hit in noisy.items()
    )
    calm = msgspec.structs.replace(
        summary,
        score_mismatches=0 if "score" in noisy else summary.score_mismatches,
        flips=0 if "decision" in noisy else summary.flips,
    )
    return calm, rules


def told(known: NoiseRow, *, rate: float) -> str:
    """The numbers that excuse a field, and what could hide behind them."""
    return (
        f"{RULE}: two answers of the champion differ on {known.differ:,} of {known.n:,} requests "
        f"({known.rate:.2%}, {known.lower:.2%} to {known.upper:.2%} at 95%), this build on {rate:.2%}; "
        f"a bug on {max(0.0, known.upper - known.lower):.2%} of the requests could hide in it"
    )
