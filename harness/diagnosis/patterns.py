"""From a table of metrics alone: which causes fit, why, and what to measure next.

Before a team has any logs it has eight numbers: ROC-AUC, precision, recall and log loss, offline and in
production. Each cause moves them in its own way: a threshold cannot change an AUC, a change of base rate can
neither, and log loss that rises more than ranking explains is calibration. The scores rank hypotheses; they
are no probabilities.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

from harness.errors import HarnessError

if TYPE_CHECKING:
    from collections.abc import Callable

#: an AUC or a rate that changed by less is taken as the same: about two errors of 2,000 rows
SAME = 0.02
#: the same for log loss, relative
SAME_LOSS = 0.10
LARGE = 0.08


@dataclass(frozen=True, kw_only=True)
class Metrics:
    """One side of the table; NaN where the team does not have a number."""

    roc_auc: float = math.nan
    precision: float = math.nan
    recall: float = math.nan
    log_loss: float = math.nan
    flagged: float = math.nan
    base_rate: float = math.nan

    def implied_base_rate(self) -> float:
        """The share of positives: as given, or from precision x flagged = recall x base rate."""
        if not math.isnan(self.base_rate) or self.recall == 0.0:
            return self.base_rate
        return self.precision * self.flagged / self.recall


@dataclass(frozen=True, kw_only=True)
class Cause:
    """One cause that fits: `score` ranks it, `because` says which numbers speak for it and against it."""

    name: str
    score: float
    because: tuple[str, ...]
    next_measurement: str


@dataclass(frozen=True, kw_only=True)
class Signs:
    """What changed from offline to production, offline minus production for metrics where higher is better.

    `loss` is production over offline log loss, less 1. NaN where it is not known.
    """

    auc: float
    precision: float
    recall: float
    loss: float
    flagged: float
    base_rate: float


def signs(offline: Metrics, production: Metrics) -> Signs:
    """The changes between the two columns of the table."""
    loss = production.log_loss / offline.log_loss - 1.0 if offline.log_loss > 0.0 else math.nan
    return Signs(
        auc=offline.roc_auc - production.roc_auc,
        precision=offline.precision - production.precision,
        recall=offline.recall - production.recall,
        loss=loss,
        flagged=offline.flagged - production.flagged,
        base_rate=offline.implied_base_rate() - production.implied_base_rate(),
    )


def read_table(offline: Metrics, production: Metrics) -> tuple[Cause, ...]:
    """Likely causes, best first; empty where no number is on both sides or nothing changed.

    To check: AUC .91 to .74, precision .84 to .58, log loss .29 to .67: features or scores that differ, or
    leakage, come first; a threshold alone comes last, since it cannot move an AUC.
    """
    for side in (offline, production):
        _check(side)
    found = signs(offline, production)
    if all(math.isnan(getattr(found, field.name)) for field in fields(found)):
        return ()
    causes = [_mismatch(offline, production), *(rule(found) for rule in _RULES)]
    return tuple(sorted((one for one in causes if one.score > 0.0), key=lambda one: -one.score))


def _check(side: Metrics) -> None:
    for field in fields(side):
        value = getattr(side, field.name)
        top = math.inf if field.name == "log_loss" else 1.0
        if not math.isnan(value) and not 0.0 <= value <= top:
            raise HarnessError("is out of range", where=field.name, found=value, expected=f"0 to {top:g}")


@dataclass(frozen=True, kw_only=True)
class _Sign:
    """One thing that may be seen in the table: whether it is, what it speaks for, and how it is said."""

    seen: bool
    points: float
    words: str


def _cause(name: str, seen: tuple[_Sign, ...], *, measure: str) -> Cause:
    there = [sign for sign in seen if sign.seen and sign.points]
    return Cause(
        name=name,
        score=sum(sign.points for sign in there),
        because=tuple(sign.words for sign in there),
        next_measurement=measure,
    )


def _sign(seen: bool, points: float, *, words: str) -> _Sign:  # noqa: FBT001  -- a fact
    return _Sign(seen=seen, points=points, words=words)


def _same(change: float) -> bool:
    return abs(change) <= SAME


def _moved(change: float) -> bool:
    return abs(change) > SAME


def _ranking(found: Signs, *, some: float, much: float) -> tuple[_Sign, ...]:
    """How far the AUC fell, which only what changes the ranking or the rows can do."""
    by = f"ROC-AUC fell by {found.auc:.2f}"
    return (
        _sign(found.auc > SAME, some, words=f"{by}: the ranking is worse, which no threshold does"),
        _sign(found.auc > LARGE, much, words=f"{by}, more than drift usually costs"),
        _sign(_same(found.auc), -2.0, words="ROC-AUC is the same, so the ranking is intact"),
    )


def _mismatch(offline: Metrics, production: Metrics) -> Cause:
    """Precision x flagged = recall x base rate on any one set of rows; where it is not, rows differ."""
    seen = []
    for name, side in (("offline", offline), ("production", production)):
        left, right = side.precision * side.flagged, side.recall * side.base_rate
        broken = abs(left - right) > SAME * max(left, right, SAME)
        words = (
            f"{name} numbers contradict each other: "
            f"precision x flagged {left:.3f}, recall x base rate {right:.3f}"
        )
        seen.append(_sign(broken, 2.5, words=words))
    return _cause(
        "the two columns are not the same metric",
        tuple(seen),
        measure="compute both columns with one implementation, from rows",
    )


def _skew(found: Signs) -> Cause:
    both = found.precision > SAME and found.recall > -SAME
    return _cause(
        "features or scores differ between offline and serving",
        (
            *_ranking(found, some=1.5, much=1.0),
            _sign(both, 0.5, words="precision fell and recall did not rise for it"),
            _sign(found.loss > SAME_LOSS, 0.5, words=f"log loss rose by {100 * found.loss:.0f} %"),
        ),
        measure="replay captured requests through the offline model; count features and scores that differ",
    )


def _leak(found: Signs) -> Cause:
    return _cause(
        "the holdout was too easy (leakage)",
        (
            *_ranking(found, some=1.0, much=1.25),
            _sign(found.loss > 0.5, 0.5, words=f"log loss rose by {100 * found.loss:.0f} %"),  # noqa: PLR2004  -- by half
            _sign(_same(found.flagged), 0.25, words="as many rows are flagged as before"),
        ),
        measure="evaluate the holdout again: later than training, without shared units and duplicates; "
        "AUC of each column alone",
    )


def _drift(found: Signs) -> Cause:
    return _cause(
        "the data or the outcome changed (covariate or concept shift)",
        (
            *_ranking(found, some=1.25, much=0.0),
            _sign(found.loss > SAME_LOSS, 0.5, words=f"log loss rose by {100 * found.loss:.0f} %"),
            _sign(_moved(found.flagged), 0.5, words=_flagged_words(found)),
            _sign(_moved(found.base_rate), 0.25, words="the share of positives moved"),
        ),
        measure="score production rows with offline features and mature labels; then a domain classifier",
    )


def _threshold(found: Signs) -> Cause:
    moved = any(map(_moved, (found.precision, found.recall, found.flagged)))
    traded = found.precision * found.recall < 0.0 and _moved(found.precision) and _moved(found.recall)
    return _cause(
        "another threshold is served",
        (
            _sign(moved and _same(found.auc), 1.0, words="ROC-AUC is the same: the ranking is intact"),
            _sign(
                moved and abs(found.loss) <= SAME_LOSS, 0.5, words="log loss is the same: so are the scores"
            ),
            _sign(traded, 1.5, words="precision and recall moved in opposite directions"),
            _sign(_moved(found.flagged), 0.5, words=_flagged_words(found)),
            _sign(found.auc > SAME, -0.75, words="a threshold cannot lower ROC-AUC; at most a part is its"),
        ),
        measure="read the served threshold, and count flagged rows with either threshold on the same scores",
    )


def _miscalibration(found: Signs) -> Cause:
    rose = f"log loss rose by {100 * found.loss:.0f} %"
    return _cause(
        "the probabilities are off (calibration)",
        (
            _sign(
                _same(found.auc) and found.loss > SAME_LOSS, 3.0, words=f"{rose} while ROC-AUC is the same"
            ),
            _sign(found.auc > SAME and found.loss > 1.0, 1.25, words=f"{rose}, more than the ranking lost"),
            _sign(found.loss > SAME_LOSS and _moved(found.flagged), 0.5, words=_flagged_words(found)),
        ),
        measure="reliability curve, slope and intercept on mature rows; log loss in its parts",
    )


def _base_rate(found: Signs) -> Cause:
    intact = _same(found.auc) and _same(found.recall) and (_moved(found.precision) or _moved(found.base_rate))
    return _cause(
        "only the share of positives moved (label shift)",
        (
            _sign(_moved(found.base_rate), 1.0, words="the share of positives moved"),
            _sign(intact, 1.0, words="ROC-AUC and recall are the same"),
            _sign(
                found.precision > SAME and _same(found.recall), 1.0, words="precision fell and recall did not"
            ),
            _sign(
                intact and found.precision * found.base_rate > SAME * SAME,
                1.0,
                words="precision moved the way the share of positives did",
            ),
            _sign(found.auc > SAME, -2.0, words="label shift cannot lower ROC-AUC"),
        ),
        measure="compare the scores of positives then and now, and those of negatives: both must be the same",
    )


def _labels(found: Signs) -> Cause:
    return _cause(
        "labels are young, missing or defined otherwise",
        (
            _sign(
                found.base_rate > SAME, 1.0, words="production has fewer positives: late ones look negative"
            ),
            _sign(
                found.precision > SAME and found.recall <= SAME,
                1.0,
                words="precision fell and recall did not: missing positives do that",
            ),
            _sign(found.auc > SAME, 0.5, words="wrong labels lower every metric, ROC-AUC too"),
        ),
        measure="the delay curve; the metrics on mature rows only; both definitions on the same ids (kappa)",
    )


def _exposure(found: Signs) -> Cause:
    return _cause(
        "only some rows get a label (feedback loop)",
        (
            _sign(
                found.auc > SAME and _same(found.precision),
                1.25,
                words="ROC-AUC fell while precision held: only flagged rows may have labels",
            ),
            _sign(
                found.recall < -SAME, 1.0, words="recall rose: positives that were not shown are not counted"
            ),
            _sign(found.auc > SAME, 0.25, words="a narrower range of scores ranks worse"),
        ),
        measure="the share of rows with a label by decision; metrics on rows shown at random",
    )


def _segment(found: Signs) -> Cause:
    return _cause(
        "one segment got worse, or a worse one got larger",
        (
            _sign(found.auc > SAME, 0.5, words="ROC-AUC fell somewhere"),
            _sign(found.precision > SAME, 0.25, words="precision fell somewhere"),
        ),
        measure="each metric by segment, and its change split into mix and within",
    )


def _flagged_words(found: Signs) -> str:
    direction = "fewer" if found.flagged > 0.0 else "more"
    return f"{direction} rows are flagged, by {100 * abs(found.flagged):.0f} points"


_RULES: tuple[Callable[[Signs], Cause], ...] = (
    _skew,
    _leak,
    _drift,
    _threshold,
    _miscalibration,
    _base_rate,
    _labels,
    _exposure,
    _segment,
)
