"""What the holdout knew that production does not: rows, units, time, columns; and how often it was used."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from harness.diagnosis.delong import delong
from harness.diagnosis.exhibits.numbers import number, share, table
from harness.diagnosis.exhibits.question import Question
from harness.diagnosis.fair import evaluations
from harness.diagnosis.influence import NAMES, grid
from harness.diagnosis.influence import table as metrics_of
from harness.diagnosis.leakage import changed_columns, fitted_on_all, ledger, single_columns
from harness.diagnosis.samples import REPEATED, UNTIMELY
from harness.records import HoldoutUses
from harness.stats.auc import MIN_OF_EACH_OUTCOME, auc_difference

if TYPE_CHECKING:
    from harness.diagnosis.leakage import SingleColumn
    from harness.diagnosis.material import HoldoutRows, Mask, Material
    from harness.records import Cell, Exhibit, Number

#: a reported number that differs from the recomputed one by more than it is usually rounded by
ROUNDED = 0.006
LEAKS = "leaky_columns"
Z95 = 1.959964
ONE_CLASS = "the labels of the holdout are of one class"


def rows(material: Material) -> Exhibit:
    """The holdout evaluated again without repeated rows, known units, early rows."""
    holdout = material.holdout
    base = Question(
        key="holdout_rows",
        title="Rows of the holdout",
        question="Does the holdout hold rows, or units, that training has, or rows older than its end?",
        steps=(REPEATED, UNTIMELY),
    )
    if holdout is None:
        return base.unchecked(material.why_no_holdout)
    checks = evaluations(holdout)
    known = [one for one in checks if one.bad is not None]
    every = np.ones(holdout.label.size, dtype=bool)
    lines: list[tuple[Cell, ...]] = [("as reported", holdout.label.size, 0, _auc(holdout, every), "")]
    lines += [
        (
            f"without {one.name}",
            int((~one.bad).sum()),
            int(one.bad.sum()),
            _auc(holdout, ~one.bad),
            one.why_not,
        )
        for one in known
        if one.bad is not None
    ]
    bad = {one.name: float(one.bad.mean()) for one in known if one.bad is not None}
    told = ", ".join(f"{share(part)} are {name}" for name, part in bad.items())
    return base.answered(
        found=any(bad.values()) if known else None,
        answer=f"Of the {holdout.label.size:,} rows {told}." if told else "Not checked.",
        tables=(
            table("evaluated|rows:count|left out:count|ROC-AUC:number|not in the ladder because", lines),
        ),
        why_not="; ".join(f"{one.name}: {one.why_not}" for one in checks if one.bad is None),
    )


def columns(material: Material) -> tuple[Exhibit, ...]:
    """Columns that change after the request, and columns that rank the labels nearly alone."""
    holdout = material.holdout
    if holdout is None or holdout.features is None:
        why = material.why_no_holdout or "the holdout has no feature columns"
        return _no_columns(why)
    known = ~np.isnan(holdout.label)
    if np.unique(holdout.label[known]).size < 2:
        return _no_columns(ONE_CLASS)
    return (_changed(holdout, known), _alone(holdout, known))


def _no_columns(why: str) -> tuple[Exhibit, ...]:
    return tuple(base.unchecked(why) for base in (_CHANGED, _ALONE))


_CHANGED = Question(
    key="changed_columns",
    title="Columns filled in after the request",
    question="Which columns of the holdout hold values that were not known when the request was made?",
    steps=(LEAKS,),
)
_ALONE = Question(
    key="single_columns",
    title="Columns that rank the labels alone",
    question="Is there a column that knows the answer?",
    steps=(LEAKS,),
)


def _changed(holdout: HoldoutRows, known: Mask) -> Exhibit:
    if holdout.requested is None or holdout.features is None:
        why = "the features as known at request time were not given (holdout_requested)"
        return _CHANGED.unchecked(why)
    then = {name: values[known] for name, values in holdout.requested.items()}
    later = {name: values[known] for name, values in holdout.features.items()}
    found = [one for one in changed_columns(then, later, labels=holdout.label[known]) if one.changed > 0.0]
    once_right = _once_right(holdout, known)
    ranks = {name for name, one in once_right.items() if one.upper is not None and one.upper < 0.0}
    lost = {name: one.value for name, one in once_right.items()}
    leaks = sorted(
        (one for one in found if one.leaks or one.name in ranks), key=lambda one: lost.get(one.name, 0.0)
    )
    names = "; ".join(
        f"{one.name}, {share(one.changed)} of the rows{_cost(lost.get(one.name))}" for one in leaks
    )
    lines = [
        (
            one.name,
            one.changed,
            number(one.auc.value, (one.auc.low, one.auc.high)),
            once_right.get(one.name),
            one in leaks,
        )
        for one in found
    ]
    unknown = holdout.unrequested
    return _CHANGED.answered(
        found=bool(names) if names or not unknown else None,
        why_not=f"holdout_requested does not hold {', '.join(unknown)}: not compared" if unknown else "",
        answer=f"Changed later, in a way that tells the label: {names}."
        if names
        else f"{len(found)} changed later, none in a way that tells the label.",
        tables=(
            table(
                "column|rows changed:share|AUC of the change:number|ROC-AUC once right:signed|leaks",
                lines,
            ),
        ),
    )


def _cost(lost: float | None) -> str:
    return "" if lost is None else f" ({lost:+.3f} ROC-AUC once right)"


def _once_right(holdout: HoldoutRows, known: Mask) -> dict[str, Number]:
    """What the model's ROC-AUC loses, one column after another put right, with its 95 % interval (DeLong)."""
    scores = [holdout.score, *(one.score for one in holdout.rederived)]
    rows = known & np.isfinite(scores).all(axis=0)
    label, before = holdout.label[rows], holdout.score[rows]
    if min((label == 1.0).sum(), (label == 0.0).sum()) < MIN_OF_EACH_OUTCOME:
        return {}
    found = {}
    for one in holdout.rederived:
        after = one.score[rows]
        away = auc_difference(label, champion=before, challenger=after)
        ends = away.difference - Z95 * away.se, away.difference + Z95 * away.se
        if (made := number(away.difference, ends)) is not None:
            found[one.column] = made
        before = after
    return found


def _alone(holdout: HoldoutRows, known: Mask) -> Exhibit:
    features = holdout.features or {}
    model = _auc(holdout, known)
    found = single_columns(
        {name: values[known] for name, values in features.items()},
        holdout.label[known],
        model_auc=math.nan if model is None else model.value,
        units=None if holdout.unit is None else holdout.unit[known],
    )
    names = ", ".join(one.name for one in found if one.leaks)
    lines = [(one.name, number(one.auc.value, (one.auc.low, one.auc.high)), one.why) for one in found]
    answer = f"Suspicious: {names}." if names else f"None; the best is {_best(found)}."
    return _ALONE.answered(
        found=bool(names),
        answer=answer,
        tables=(table("column|ROC-AUC alone:number|why suspicious", lines, most=10),),
    )


def _best(found: tuple[SingleColumn, ...]) -> str:
    return f"{found[0].name} with {found[0].auc.value:.3f}" if found else "none"


def reported(material: Material) -> Exhibit:
    """The report's own numbers, and the reported scores, against what the rows and the model give."""
    holdout, config = material.holdout, material.config
    base = Question(
        key="reported",
        title="The report recomputed",
        question="Do the holdout's rows give the numbers that were reported, and the model these scores?",
        steps=("reported",),
    )
    if holdout is None:
        return base.unchecked(material.why_no_holdout)
    given = config.reported
    values = _metrics(holdout, material.thresholds.offline)
    apart = away(material)
    lines: list[tuple[Cell, ...]] = [
        (name, given.get(name), value, apart.get(name)) for name, value in values.items()
    ]
    off = [name for name, one in apart.items() if abs(one) > ROUNDED]
    unknown = [name for name, one in apart.items() if math.isnan(one)]
    scores, differ = _rescored(holdout)
    told = [f"reported {name} is not what the rows give" for name in off]
    told += ["the rows give the reported numbers"] if len(unknown) < len(apart) and not off else []
    why = [] if apart else ["the report's own numbers were not given ([diagnosis] reported)"]
    why += [f"the rows do not give {', '.join(unknown)}"] if unknown else []
    checked = len(unknown) < len(apart) or holdout.rescored is not None
    answer = "; ".join([*told, scores])
    return base.answered(
        found=bool(off or differ) if checked else None,
        answer=f"{answer[0].upper()}{answer[1:]}.",
        tables=(table("metric|reported:number|from the rows:number|difference:signed", lines),),
        why_not="; ".join(why),
    )


def _rescored(holdout: HoldoutRows) -> tuple[str, bool]:
    if holdout.rescored is None:
        return "the model could not be asked for these scores", False
    off = ~np.isclose(holdout.rescored, holdout.score, rtol=1e-9, atol=1e-12, equal_nan=True)
    if not off.any():
        return f"the model gives all {off.size:,} scores again", False
    return f"the model gives other scores on {np.count_nonzero(off):,} of {off.size:,} rows", True


def away(material: Material) -> dict[str, float]:
    """Each reported number minus what the rows of the holdout give; nan where these give none."""
    holdout, given = material.holdout, material.config.reported
    if holdout is None or not given:
        return {}
    values = _metrics(holdout, material.thresholds.offline)
    return {name: one - float(values.get(name, math.nan)) for name, one in given.items()}


def _metrics(holdout: HoldoutRows, threshold: float) -> dict[str, float]:
    known = holdout.judged
    made = metrics_of(
        grid(holdout.score[known]),
        holdout.label[known],
        weight=np.ones(int(known.sum())),
        threshold=threshold,
    )
    rate = float(holdout.label[known].mean()) if known.any() else math.nan
    return dict(zip(NAMES, made.values.tolist(), strict=True)) | {"base_rate": rate}


def transforms(material: Material) -> Exhibit:
    """What it gave to fit transforms on the holdout too: the same rows with those of training alone."""
    base = Question(
        key="fitted_on_all",
        title="Transforms fitted on everything",
        question="Were scalers, encoders or fills fitted on the holdout too?",
        steps=(LEAKS,),
    )
    holdout = material.holdout
    if holdout is None or holdout.training_only is None:
        why = "the holdout has no column score_training_only: scores with transforms of training alone"
        return base.unchecked(material.why_no_holdout or why)
    known = ~np.isnan(holdout.label) & np.isfinite(holdout.score) & np.isfinite(holdout.training_only)
    label = holdout.label[known]
    if min(int((label == one).sum()) for one in (0.0, 1.0)) < MIN_OF_EACH_OUTCOME:
        return base.unchecked(ONE_CLASS)
    found = fitted_on_all(label, everything=holdout.score[known], training_only=holdout.training_only[known])
    ends = found.gain - Z95 * found.se, found.gain + Z95 * found.se
    lines: list[tuple[Cell, ...]] = [
        ("ROC-AUC with transforms fitted on everything", found.everything),
        ("ROC-AUC with those of training alone", found.training_only),
        ("what the holdout gave away", number(found.gain, ends)),
    ]
    told = f"with transforms of training alone ROC-AUC is {found.training_only:.3f}"
    return base.answered(
        f"{'Yes' if found.leaks else 'No'}: {told}, as reported {found.everything:.3f}.",
        found=found.leaks,
        tables=(table("what|value:number", lines),),
    )


def uses(material: Material) -> HoldoutUses | None:
    """How often this holdout has been used for a decision, this time included."""
    holdout = material.holdout
    if holdout is None or not material.uses:
        return None
    known = holdout.judged
    auc = delong(holdout.label[known], holdout.score[known])
    found = ledger(material.uses, holdout=holdout.digest, se=auc.se)
    optimism = found.optimism if math.isfinite(found.optimism) else None
    return HoldoutUses(
        holdout=found.holdout, uses=found.uses, first=found.first, last=found.last, optimism=optimism
    )


def _auc(holdout: HoldoutRows, rows: Mask) -> Number | None:
    known = rows & holdout.judged
    found = delong(holdout.label[known], holdout.score[known])
    return number(found.value, (found.low, found.high))
