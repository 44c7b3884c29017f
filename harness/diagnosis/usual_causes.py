"""The eight usual causes of a gap, each with the check that ran, its result, and what would change it.

A cause whose evidence is not there is "not checked", never "not found": silence is no acquittal.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Callable

Ruling = Literal["found", "not found", "not checked"]

#: a domain classifier whose interval stays below this tells nothing that matters apart
TELLS_APART = 0.55
LEAST_KAPPA = 0.8
#: shares of rows that are late, unlabelled or differ, from which a cause counts as found
NOTABLE = 0.01


@dataclass(frozen=True, kw_only=True)
class Interval:
    """A number with its interval."""

    value: float
    low: float
    high: float

    def excludes_zero(self) -> bool:
        """Whether 0 lies outside."""
        return self.low > 0.0 or self.high < 0.0

    def __str__(self) -> str:
        """As it is printed: value [low, high], three decimals."""
        return f"{self.value:.3f} [{self.low:.3f}, {self.high:.3f}]"


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """What is known when the causes are judged; None is not known.

    `recomputed` is the reported offline metric minus the same computed from rows. `threshold_part`,
    `feature_part`, `score_part`, `label_part` are parts of the gap; those of AUC, and of loss `within`
    segments, are above 0 where they harm. `thresholds` are (offline, served).
    `differing` is the share of requests with a feature or score that differs, `fallback` the share answered
    late, by timeout or by a fallback. `rescored` is the share of requests whose score is not that of the
    offline model on the same features, and the share whose decision flips; `score_loss` what that costs in
    log loss, above 0 where it harms: no monotone bug moves a ROC-AUC.
    `labelled` is the share with a label among (flagged, other) rows, `unlabelled` the share of rows old
    enough without a label, and how many may.
    `confirmed_slices` and `within` are of segments; `immature` is the share of rows judged before maturity.
    """

    recomputed: Interval | None = None
    thresholds: tuple[float, float] | None = None
    threshold_part: Interval | None = None
    domain_auc: Interval | None = None
    concept_part: Interval | None = None
    differing: float | None = None
    feature_part: Interval | None = None
    score_part: Interval | None = None
    rescored: tuple[float, float] | None = None
    score_loss: Interval | None = None
    fallback: float | None = None
    labelled: tuple[float, float] | None = None
    kappa: Interval | None = None
    immature: float | None = None
    unlabelled: tuple[float, float] | None = None
    label_part: Interval | None = None
    confirmed_slices: tuple[str, ...] | None = None
    within: Interval | None = None


@dataclass(frozen=True, kw_only=True)
class UsualCause:
    """One of the eight: the ruling, the check behind it, its result in words, and what would change it."""

    name: str
    ruling: Ruling
    check: str
    result: str
    would_change: str


def usual_causes(evidence: Evidence) -> tuple[UsualCause, ...]:
    """The eight causes in pipeline order, each judged on what is known."""
    return tuple(judge(evidence) for judge in _JUDGES)


def _judged(
    name: str, results: tuple[tuple[bool, str] | None, ...], *, check: str, would_change: str
) -> UsualCause:
    known = [one for one in results if one is not None]
    ruling: Ruling = "not checked" if not known else "found" if any(bad for bad, _ in known) else "not found"
    said = "; ".join(words for _, words in known)
    return UsualCause(
        name=name,
        ruling=ruling,
        check=check,
        result=said or "nothing that this check needs was given",
        would_change=would_change,
    )


def _part(name: str, part: Interval | None) -> tuple[bool, str] | None:
    """A part of what was lost is a cause where it surely harmed: one that helped is none."""
    return None if part is None else (part.low > 0.0, f"{name} {part}")


def _either(name: str, part: Interval | None) -> tuple[bool, str] | None:
    """A difference that has no better side is a cause where it is surely not 0."""
    return None if part is None else (part.excludes_zero(), f"{name} {part}")


def _metric(known: Evidence) -> UsualCause:
    return _judged(
        "metric mismatch",
        (_either("reported minus recomputed", known.recomputed),),
        check="the reported offline metric against the same metric from the holdout's rows",
        would_change="the rows, weights and code behind the reported number",
    )


def _threshold(known: Evidence) -> UsualCause:
    pair = known.thresholds
    told = None if pair is None else (pair[0] != pair[1], f"offline {pair[0]:g}, served {pair[1]:g}")
    return _judged(
        "threshold",
        (told, _either("part of the gap", known.threshold_part)),
        check="decisions on the same scores at either threshold",
        would_change="another threshold, or scores on another scale: see calibration",
    )


def _shift(known: Evidence) -> UsualCause:
    auc = known.domain_auc
    told = None if auc is None else (auc.low > TELLS_APART, f"a classifier tells the data apart, AUC {auc}")
    return _judged(
        "shift",
        (told, _part("concept part", known.concept_part)),
        check="a domain classifier on holdout and production; the overlap-weighted parts",
        would_change="a holdout from the same weeks, or a model trained on them",
    )


def _logging(known: Evidence) -> UsualCause:
    share = known.differing
    told = None if share is None else (share > NOTABLE, f"{100 * share:.3g} % of the requests differ")
    return _judged(
        "logging or pipeline bug",
        (
            told,
            _scores(known.rescored),
            _part("features' part", known.feature_part),
            _part("scores' part", known.score_part),
            _part("scores' part of log loss", known.score_loss),
        ),
        check="every captured request through the offline pipeline and model, cell by cell",
        would_change="the named features put right, and the same requests replayed",
    )


def _scores(pair: tuple[float, float] | None) -> tuple[bool, str] | None:
    """Scores that are not the model's, though their order may be the same; or decisions that flip."""
    if pair is None:
        return None
    words = f"{100 * pair[0]:.3g} % of the scores differ on the same features"
    return max(pair) > NOTABLE, f"{words}, {100 * pair[1]:.3g} % of the decisions flip"


def _latency(known: Evidence) -> UsualCause:
    share = known.fallback
    told = (
        None if share is None else (share > NOTABLE, f"{100 * share:.3g} % late or without a proper answer")
    )
    return _judged(
        "latency",
        (told,),
        check="the share of requests that were late, timed out or failed",
        would_change="a replay at the recorded speed with a longer time limit",
    )


def _feedback(known: Evidence) -> UsualCause:
    pair, told = known.labelled, None
    if pair is not None:
        words = f"{100 * pair[0]:.3g} % of flagged rows have a label, {100 * pair[1]:.3g} % of the others"
        told = (abs(pair[0] - pair[1]) > NOTABLE, words)
    return _judged(
        "feedback loop",
        (told,),
        check="whether a row's chance of a label depends on the decision",
        would_change="a random share of rows shown whatever the decision, with its propensity logged",
    )


def _labels(known: Evidence) -> UsualCause:
    kappa, young = known.kappa, known.immature
    return _judged(
        "biased labels",
        (
            None if kappa is None else (kappa.high < LEAST_KAPPA, f"kappa of the two definitions {kappa}"),
            None if young is None else (young > NOTABLE, f"{100 * young:.3g} % of the rows were immature"),
            _unlabelled(known.unlabelled),
            _part("labels' part", known.label_part),
        ),
        check="both label definitions on the same ids; the age of the rows against the delay curve",
        would_change="one definition for both, on rows past the maturity window",
    )


def _unlabelled(pair: tuple[float, float] | None) -> tuple[bool, str] | None:
    """Labels that never came are no chance sample: above what may be missing they are a cause."""
    if pair is None:
        return None
    words = f"{100 * pair[0]:.3g} % of the rows that are old enough have no label, {100 * pair[1]:.3g} % may"
    return pair[0] > pair[1], words


def _segment(known: Evidence) -> UsualCause:
    names = known.confirmed_slices
    told = None
    if names is not None:
        told = (bool(names), f"confirmed: {'; '.join(names)}" if names else "no slice was confirmed")
    return _judged(
        "segment regression",
        (told, _part("change of log loss within segments", known.within)),
        check="the worst slices of one half of the units, tested on the other half; mix and within",
        would_change="the slice's rows looked at, and its features replayed",
    )


_JUDGES: tuple[Callable[[Evidence], UsualCause], ...] = (
    _metric,
    _threshold,
    _shift,
    _logging,
    _latency,
    _feedback,
    _labels,
    _segment,
)
