"""Two arms compared on each request: exact counts, the differing cells, and the bugs behind them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import msgspec
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from harness.columns import DIFFERENCES, Column, Kind, Pair
from harness.diff.bands import SHIPPED_SCORE
from harness.diff.case import Case, Context
from harness.diff.cells import Difference, Judged, absent, judge, largest, mismatch, signed, texts
from harness.diff.damage import Rescore, damage
from harness.diff.event_time import Rebuild
from harness.diff.exemplars import cell_exemplars
from harness.diff.findings import SCORE_FIELD, find
from harness.diff.places import Places
from harness.diff.profiles import score_grid
from harness.diff.scores import as_column, compare_scores, flipped
from harness.diff.tolerance import EVERYTHING, Tolerance, Tolerances
from harness.diff.traffic import traffic
from harness.records import Damage, FieldSummary, Finding, IgnoredRule, PairSummary
from harness.stats import clopper_pearson_interval
from harness.weighting import even

#: features whose damage is measured, those with most mismatches: each scores its mismatching requests again
DAMAGE_FIELDS = 200
NOTHING = Context()


@dataclass(frozen=True)
class Masks:
    """Which of the n requests differ, bool (n,) each; `any_feature` is None where features are not judged."""

    any_feature: NDArray[np.bool_] | None
    score: NDArray[np.bool_]
    flips: NDArray[np.bool_]


@dataclass(frozen=True)
class PairResult:
    """Everything known of one pair: the summary, its findings ranked, and a row for each differing cell.

    `differences` has the schema `columns.DIFFERENCES`, sorted by field and seq, its `phase` null: a request
    is compared once, over all phases. `ignored` has every rule that widens or ignores, with what it silenced.
    """

    summary: PairSummary
    findings: tuple[Finding, ...]
    differences: pa.Table
    ignored: tuple[IgnoredRule, ...]
    masks: Masks


def compare(
    pair: Pair,
    *,
    tolerances: Tolerances,
    threshold: float | None = None,
    rescore: Rescore | None = None,
    rebuild: Rebuild | None = None,
    context: Context = NOTHING,
) -> PairResult:
    """Two arms compared on every request of a pair, exactly; the right arm is the one under test.

    `threshold`: the decision is score >= threshold; without one nothing flips. `rescore` scores offline
    vectors (only where the left arm is offline), `rebuild` builds offline features for requests, by seq, with
    event_time shifted by some ns. `context` is what is known of the requests beside the answers.
    """
    judged = _judge_features(pair, tolerances)
    touched = np.zeros(len(pair.seq), np.int32)
    for one in judged or ():
        touched[one.rows] += 1
    scored = compare_scores(
        pair.left.scores, pair.right.scores, band=tolerances.score, unstable=pair.unstable
    )
    case = Case(
        pair=pair,
        places=Places.of(pair),
        judged=judged,
        touched=touched,
        scored=scored,
        flips=flipped(pair.left.scores, pair.right.scores, threshold=threshold),
        threshold=threshold,
        score_band=tolerances.score,
        rescore=rescore,
        context=replace(context, extra={**_unknown(pair), **context.extra}),
    )
    masks = Masks(None if judged is None else touched > 0, scored.codes != Difference.EQUAL, case.flips)
    score = _as_judged(case, tolerances)
    return PairResult(
        summary=_summary(case, masks=masks, score=score),
        findings=find(case, rebuild),
        differences=_differences(pair, [*case.bad, score]),
        ignored=_ignored(tolerances, judged or (), score=score),
        masks=masks,
    )


def _judge_features(pair: Pair, tolerances: Tolerances) -> tuple[Judged, ...] | None:
    left, right = pair.left.features, pair.right.features
    if left is None or right is None:
        return None
    return tuple(
        judge(column, right[name] if name in right else absent(column), name=name, tolerances=tolerances)
        for name, column in left.items()
    )


def _as_judged(case: Case, tolerances: Tolerances) -> Judged:
    """The scores as one more compared column."""
    left, right, codes = (
        as_column(case.pair.left.scores),
        as_column(case.pair.right.scores),
        case.scored.codes,
    )
    silenced = np.zeros(0, np.int64)
    if tolerances.score.wider_than(SHIPPED_SCORE):
        strict = mismatch(left, right, tolerance=SHIPPED_SCORE)
        silenced = np.flatnonzero((strict != Difference.EQUAL) & (codes == Difference.EQUAL))
    return Judged(
        SCORE_FIELD, left, right, codes, np.flatnonzero(codes), len(codes), tolerances.score, silenced
    )


def _summary(case: Case, *, masks: Masks, score: Judged) -> PairSummary:
    pair, anywhere = case.pair, np.arange(len(case.pair.seq))
    damages = _damages(case)
    features = masks.any_feature
    either = masks.score if features is None else masks.score | features
    return PairSummary(
        left=pair.left.arm,
        right=pair.right.arm,
        compared=len(pair.seq),
        feature_mismatches=None if masks.any_feature is None else int(np.count_nonzero(masks.any_feature)),
        score_mismatches=int(np.count_nonzero(masks.score)),
        flips=int(np.count_nonzero(masks.flips)),
        nondeterministic=int(np.count_nonzero(pair.unstable)),
        units=case.places.units(anywhere),
        units_mismatching=_units(case, either),
        units_features=None if features is None else _units(case, features),
        units_scores=_units(case, masks.score),
        units_flips=_units(case, masks.flips),
        fields=tuple(_field(case, j, damaged=damages.get(j.field)) for j in case.judged or ()),
        score=_field(case, score, classes=case.scored.classes),
        time=case.places.times,
        grid=score_grid(pair.left.scores, pair.right.scores, flips=masks.flips, threshold=case.threshold),
        unsure=tuple(_unsure(case)),
        redacted=int(np.count_nonzero(_hidden(case))) if case.context.hidden else msgspec.UNSET,
        traffic=traffic(case, features=features, scores=masks.score, flips=masks.flips),
    )


def _units(case: Case, where: NDArray[np.bool_]) -> int:
    return case.places.units(np.flatnonzero(where))


def _field(
    case: Case, judged: Judged, *, damaged: Damage | None = None, classes: dict[str, int] | None = None
) -> FieldSummary:
    rows, places = judged.rows, case.places
    change = signed(judged, rows)
    change = change[np.isfinite(change)]
    counts = np.bincount(judged.codes[rows], minlength=len(Difference))
    low, high = None, None
    if judged.compared and (case.context.weight is None or even(case.context.weight, case.context.most)):
        low, high = clopper_pearson_interval(len(rows), judged.compared)
    return FieldSummary(
        field=judged.field,
        dtype=judged.left.dtype,
        compared=judged.compared,
        mismatches=len(rows),
        rate=len(rows) / judged.compared if judged.compared else 0.0,
        lower=low,
        upper=high,
        by_time=places.by_time(rows),
        kinds={d.label: int(counts[d]) for d in Difference if d and counts[d]},
        classes=classes or {},
        max_abs=float(np.abs(change).max()) if len(change) else None,
        median_difference=float(np.median(change)) if len(change) else None,
        first_seen=places.first_seen(rows),
        last_seen=places.last_seen(rows),
        units=places.units(rows),
        by_segment=places.by_segment(rows) if len(rows) else {},
        exemplars=cell_exemplars(places, (judged.left, judged.right), rows=rows),
        damage=damaged,
        tolerance=judged.rule,
    )


def _damages(case: Case) -> dict[str, Damage]:
    if case.rescore is None:
        return {}
    worst = sorted(case.bad, key=lambda j: -len(j.rows))[:DAMAGE_FIELDS]
    return {
        j.field: damage(case.pair, {j.field}, rows=j.rows, threshold=case.threshold, rescore=case.rescore)
        for j in worst
    }


def _unsure(case: Case) -> list[str]:
    """What could not be judged, and why, a sentence each."""
    pair, judged = case.pair, case.judged
    if judged is None:
        silent = pair.left.arm if pair.left.features is None else pair.right.arm
        return [f"{silent} shows no features: scores and decisions are compared, features are not judged"]
    n = len(pair.seq)
    said = [
        f"{j.field}: redacted wherever an arm shows it"
        if j.field in case.context.hidden
        else f"{j.field}: neither {pair.left.arm} nor {pair.right.arm} shows it"
        for j in judged
        if not j.compared and n
    ]
    dark = int(np.count_nonzero(_dark(judged, n) & ~_hidden(case)))
    if dark:
        said.append(f"{pair.right.arm} shows no features on {dark:,} of {n:,} requests: counted as missing")
    said += [
        f"{j.field}: empty in both arms on every request, nothing was compared"
        for j in judged
        if j.compared and _empty(j.left) and _empty(j.right)
    ]
    return said


def _empty(column: Column) -> bool:
    """Whether a column holds no value on any request."""
    return bool(np.all((column.kind != Kind.VALUE) & (column.kind != Kind.WRONG_TYPE)))


def _hidden(case: Case) -> NDArray[np.bool_]:
    """The requests with a feature that redaction changed: what an arm used is not known."""
    rows = np.zeros(len(case.pair.seq), dtype=bool)
    for one in case.context.hidden.values():
        rows |= one
    return rows


def _dark(judged: tuple[Judged, ...], n: int) -> NDArray[np.bool_]:
    """The requests on which the right arm shows none of the features, and the left arm any."""
    dark, shown = np.full(n, bool(judged)), np.zeros(n, dtype=bool)
    for one in judged:
        dark &= one.right.kind == Kind.MISSING
        shown |= one.left.kind != Kind.MISSING
    found: NDArray[np.bool_] = dark & shown
    return found


def _unknown(pair: Pair) -> dict[str, int]:
    known, served = pair.left.features, pair.right.features or {}
    if known is None:
        return {}
    return {name: _shown(column) for name, column in served.items() if name not in known}


def _shown(column: Column) -> int:
    return int(np.count_nonzero(column.kind != Kind.MISSING))


def _ignored(tolerances: Tolerances, judged: tuple[Judged, ...], *, score: Judged) -> tuple[IgnoredRule, ...]:
    """Every rule that widens or ignores, whether it silenced anything or not."""
    here = {j.field: [j] for j in judged}
    rules = [
        _rule_of(
            name, told=_said(rule, tolerances, held=here.get(name)), by=rule, silenced=here.get(name, [])
        )
        for name, rule in tolerances.features.items()
        if rule.ignore or rule.rule(tolerances.default).widens
    ]
    if tolerances.default.widens:
        others = [j for j in judged if j.field not in tolerances.features]
        rules.append(_rule_of(EVERYTHING, told=str(tolerances.default), by=tolerances, silenced=others))
    if tolerances.score.wider_than(SHIPPED_SCORE):
        rules.append(_rule_of(SCORE_FIELD, told=score.rule, by=tolerances, silenced=[score]))
    return tuple(rules)


def _said(rule: Tolerance, tolerances: Tolerances, *, held: list[Judged] | None) -> str:
    """A rule as it was held, its open decimals found; as it was written where its feature was not judged."""
    if held:
        return held[0].rule
    return "ignored" if rule.ignore else str(rule.rule(tolerances.default))


def _rule_of(field: str, *, told: str, by: Tolerance | Tolerances, silenced: Sequence[Judged]) -> IgnoredRule:
    """A rule with its owner and what it silenced: how many cells, and the largest of the differences."""
    sizes = [size for one in silenced if (size := largest(one, one.silenced)) is not None]
    return IgnoredRule(
        field=field,
        rule=told,
        reason=by.reason,
        owner=by.owner,
        expires=by.expires,
        silenced=sum(len(one.silenced) for one in silenced),
        max_abs=max(sizes, default=None),
    )


def _differences(pair: Pair, judged: list[Judged]) -> pa.Table:
    parts = [_cells(pair, one) for one in sorted(judged, key=lambda j: j.field) if len(one.rows)]
    return pa.concat_tables(parts) if parts else DIFFERENCES.empty_table()


def _cells(pair: Pair, judged: Judged) -> pa.Table:
    rows = judged.rows
    labels = pa.array([d.label for d in Difference], pa.string())
    columns = {
        "seq": pa.array(pair.seq[rows]),
        "left_arm": pa.repeat(pair.left.arm, len(rows)),
        "right_arm": pa.repeat(pair.right.arm, len(rows)),
        "phase": pa.nulls(len(rows), pa.string()),
        "field": pa.repeat(judged.field, len(rows)),
        "kind": labels.take(pa.array(judged.codes[rows])),
        "left": texts(judged.left, rows),
        "right": texts(judged.right, rows),
        "magnitude": pa.array(np.abs(signed(judged, rows)), from_pandas=True),
    }
    return pa.table(columns, schema=DIFFERENCES)
