"""A/A noise: what of an answer changes when the same build is asked the same thing twice."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import numpy as np

from harness.diff.cells import mismatch
from harness.diff.scores import as_column, flipped
from harness.diff.tolerance import Tolerance, Tolerances
from harness.records import IgnoredRule, NoiseRow
from harness.stats import clopper_pearson_interval

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from harness.columns import Column
    from harness.records import PairSummary

RULE = "noise, not skew"
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
    found = {name: mismatch(column, again[name]) for name, column in first.items() if name in again}
    found["score"] = mismatch(*map(as_column, scores))
    found["decision"] = flipped(*scores, threshold=threshold).astype(np.uint8)
    return tuple(row(name, differ=int(np.count_nonzero(codes)), n=n) for name, codes in found.items())


def row(field: str, *, differ: int, n: int) -> NoiseRow:
    """A rate with its exact interval. To check: 10 of 100 gives 0.0490 to 0.1762."""
    lower, upper = clopper_pearson_interval(differ, n)
    return NoiseRow(field=field, differ=differ, n=n, rate=differ / n, lower=lower, upper=upper)


def is_noise(known: NoiseRow | None, *, differ: int, n: int) -> bool:
    """Whether a build that differs on `differ` of n requests does so no more than the champion from itself.

    Only where the champion was seen to differ from itself at all, and not beyond the upper bound of its rate:
    of a bug, what is above the noise is found.
    """
    return known is not None and known.differ > 0 and differ <= known.upper * n


def excused(tolerances: Tolerances, summary: PairSummary, *, known: Mapping[str, NoiseRow]) -> Tolerances:
    """The tolerances that also let pass what is noise in this pair, each with its figures as the reason."""
    noisy = {
        field.field: Tolerance(ignore=True, reason=told(known[field.field], rate=field.rate))
        for field in summary.fields
        if field.mismatches
        and is_noise(known.get(field.field), differ=field.mismatches, n=field.compared)
        and not tolerances.ignores(field.field)
    }
    if not noisy:
        return tolerances
    return msgspec.structs.replace(tolerances, features={**tolerances.features, **noisy})


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
