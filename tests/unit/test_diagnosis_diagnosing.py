"""All parts together: what is known to be largest is named first; what is missing stops nothing."""

from __future__ import annotations

import functools
import math
from dataclasses import replace
from typing import Any

import msgspec
import numpy as np
import pytest

from harness.diagnosis import sampled, summary
from harness.diagnosis.diagnosing import Parts, diagnose
from harness.diagnosis.influence import NAMES
from harness.diagnosis.material import Material
from tests.kit import diagnosed
from tests.kit.diagnosed import ROWS, Troubles

MADE = diagnosed.material()
CALM = Troubles(leak=0.0, repeated=0.0, drift=0.0, concept=0.0, bug=0.0, other_model=0.0, moved=0.0)
NONE = np.full(ROWS, np.nan)
ALL_HOLDOUT = (
    "unit",
    "time_ns",
    "features",
    "requested",
    "rescored",
    "rederived",
    "duplicate",
    "known_unit",
    "trained_until_ns",
)
ALL_PRODUCTION = (
    "served_features_score",
    "served_features",
    "fixed",
    "others",
    "production_label",
    "seen_label",
    "seen_early",
    "joined",
    "exposed",
    "fallback",
    "segments",
)


def quietly(made: Material) -> Parts:
    """The diagnosis, without a word on the way."""
    return diagnose(made, say=lambda _: None)


@functools.cache
def whole() -> Parts:
    """The diagnosis of everything."""
    return quietly(MADE)


def told(found: Parts) -> tuple[str, ...]:
    """The summary."""
    return summary.sentences(found.metrics, exhibits=found.exhibits, causes=found.causes)


def production(**columns: Any) -> Material:  # noqa: ANN401  -- any column
    """The material with other columns in production."""
    return replace(MADE, production=replace(MADE.production, **columns))


def holdout(**columns: Any) -> Material:  # noqa: ANN401  -- any column
    """The material with other columns in the holdout."""
    assert MADE.holdout is not None
    return replace(MADE, holdout=replace(MADE.holdout, **columns))


def feature(values: np.ndarray, *, here: bool = True, there: bool = True) -> Material:
    """The material with another column of amounts in production, in the holdout, or in both."""
    made, rows, now = MADE, MADE.holdout, MADE.production
    assert rows is not None
    if there:
        sides: dict[str, Any] = {
            name: {**(getattr(rows, name) or {}), "amount": values} for name in ("features", "requested")
        }
        made = replace(made, holdout=replace(rows, **sides))
    if here:
        both: dict[str, Any] = {
            name: {**(getattr(now, name) or {}), "amount": values}
            for name in ("offline_features", "served_features")
        }
        made = replace(made, production=replace(now, **both))
    return made


@pytest.mark.parametrize(
    ("troubles", "words"),
    [
        ({"leak": 1.0}, "lost to the column 'outcome_note'"),
        ({"concept": 1.0}, "causes not told apart (the same features meaning something else now, which"),
        ({"bug": 2.0}, "lost to features served otherwise"),
        ({"other_model": 12.0}, "lost to scores served otherwise"),
        ({"leak": 0.3, "bug": 2.5, "other_model": 1.0}, "lost to features served otherwise"),
    ],
    ids=["leak", "concept", "bug", "model", "mostly the bug"],
)
def test_the_largest_part_is_named_first(troubles: dict[str, float], words: str) -> None:
    """Each trouble alone, and a large one beside small ones; labels are complete here."""
    made = diagnosed.material(replace(CALM, **troubles))
    here = replace(made.production, seen_label=None, production_label=None, joined=None, exposed=None)
    of_this = next(one for one in told(quietly(replace(made, production=here))) if one.startswith("Of this:"))
    assert words in of_this.split(";")[0]


def test_each_part_is_the_metric_before_minus_after() -> None:
    """Computed by hand from the simulated columns: the bug, the other model, the leak."""
    found = {part.step: part.value for part in whole().metrics[0].parts}
    here, label = MADE.production, MADE.production.label
    by_hand = {
        "served_features": _auc(here.offline_score, label) - _auc(_there(here.served_features_score), label),
        "served_scores": _auc(_there(here.served_features_score), label) - _auc(here.served_score, label),
    }
    for step, expected in by_hand.items():
        number = found[step]
        assert number is not None
        assert number.value == pytest.approx(expected, abs=1e-12)


def _there(column: np.ndarray | None) -> np.ndarray:
    assert column is not None
    return column


def _auc(score: np.ndarray, label: np.ndarray) -> float:
    """The share of pairs in order, ties half."""
    known = ~np.isnan(label)
    positive, negative = score[known & (label == 1.0)], score[known & (label == 0.0)]
    above, level = positive[:, None] > negative, positive[:, None] == negative
    return float(above.mean() + 0.5 * level.mean())


def test_a_calm_production_loses_nothing_surely() -> None:
    """Nothing is lost where nothing is wrong: no large part is found."""
    made = diagnosed.material(CALM)
    here = replace(made.production, seen_label=None, production_label=None)
    found = quietly(replace(made, production=here))
    sure = [p for p in found.metrics[0].parts if p.value is not None and p.value.excludes_zero()]
    assert [part.step for part in sure if abs(part.harm or 0.0) > 0.03] == []


def test_the_whole_has_every_part() -> None:
    """Eight metrics, every exhibit once, eight causes, remedies, the uses of the holdout."""
    found = whole()
    assert tuple(one.metric for one in found.metrics) == NAMES
    keys = [one.key for one in found.exhibits]
    assert len(set(keys)) == len(keys) == 22
    assert len(found.causes) == 8
    assert found.remedies
    assert found.uses is not None
    assert found.ladder.adds_up() < 1e-9


def test_the_same_material_gives_the_same_diagnosis() -> None:
    """To the last bit."""
    again = quietly(MADE)
    assert msgspec.json.encode((again.metrics, again.exhibits, again.remedies)) == msgspec.json.encode(
        (whole().metrics, whole().exhibits, whole().remedies)
    )


CASES = {
    "bare holdout": diagnosed.without(MADE, holdout=ALL_HOLDOUT),
    "bare production": diagnosed.without(MADE, production=ALL_PRODUCTION),
    "no holdout": diagnosed.no_holdout(MADE),
    "no labels": diagnosed.no_labels(MADE),
    "neither": diagnosed.no_holdout(diagnosed.no_labels(MADE)),
    "only positives": production(label=np.where(np.isnan(MADE.production.label), np.nan, 1.0)),
    "holdout of positives": holdout(label=np.ones(ROWS)),
    "holdout without labels": holdout(label=NONE),
    "none mature": production(label=NONE, production_label=NONE),
    "raw served scores": production(served_score=np.linspace(-9.0, 9.0, ROWS)),
    "raw holdout scores": holdout(score=np.linspace(-9.0, 9.0, ROWS), rederived=(), rescored=None),
    "infinite served scores": production(served_score=np.where(np.arange(ROWS) % 9, 0.3, np.inf)),
    "nothing served": production(served_score=NONE),
    "nothing scored offline": production(offline_score=NONE),
    "holdout of unknown scores": holdout(score=NONE),
    "one score": production(served_score=np.full(ROWS, 0.3)),
    "empty column": feature(NONE),
    "constant column": feature(np.zeros(ROWS)),
    "infinite values": feature(np.where(np.arange(ROWS) % 9, 1.0, np.inf)),
    "a column of texts in the holdout": feature(np.array(["a", "b"] * (ROWS // 2), object), here=False),
    "a column of many levels": feature(np.array([f"l{k}" for k in range(ROWS)], object)),
    "one unit": production(unit=np.zeros(ROWS, np.int64)),
    "no request": diagnosed.first(MADE, 0),
    "no request, no holdout": diagnosed.no_holdout(diagnosed.first(MADE, 0)),
    "one request": diagnosed.first(MADE, 1),
    "thirty requests": diagnosed.first(MADE, 30),
    "a segment without values": production(segments={"region": np.full(ROWS, None, object)}),
    "no feature used": replace(MADE, used=(), names=()),
    "as of before everything": replace(diagnosed.no_labels(MADE), as_of_ns=0),
    "a threshold above all": replace(MADE, thresholds=replace(MADE.thresholds, serving=2.0)),
}


@functools.cache
def of_case(name: str) -> Parts:
    """The diagnosis of one of these, without a model trained anew."""
    made = CASES[name]
    return quietly(replace(made, config=msgspec.structs.replace(made.config, retrain=False)))


@pytest.mark.parametrize("name", CASES)
def test_what_is_missing_or_odd_stops_nothing(name: str) -> None:
    """Every exhibit is there, each not checked says why, all numbers are finite, nothing reads nan."""
    found = of_case(name)
    keys = [one.key for one in whole().exhibits]
    assert [one.key for one in found.exhibits] == keys
    assert [one.key for one in found.exhibits if one.found == "not checked" and not one.why_not] == []
    plain = msgspec.to_builtins((found.metrics, found.exhibits, found.remedies, found.causes, found.uses))
    assert list(not_finite(plain)) == []
    words = [*told(found), *(one.answer for one in found.exhibits), *(one.result for one in found.causes)]
    assert [text for text in words if "nan" in text.split()] == []
    for gap in found.metrics:
        assert gap.gap is not None or gap.why_not
        assert [p.step for p in gap.parts if p.value is None and not p.why_not] == []


def not_finite(value: Any) -> Any:  # noqa: ANN401  -- plain JSON
    """The numbers in it that JSON does not have."""
    if isinstance(value, float) and not math.isfinite(value):
        yield value
    for one in (
        value.values() if isinstance(value, dict) else value if isinstance(value, list | tuple) else ()
    ):
        yield from not_finite(one)


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("no holdout", "holdout_rows"),
        ("no labels", "threshold"),
        ("none mature", "worst_slices"),
        ("bare production", "feature_skew"),
        ("bare holdout", "drift"),
        ("one unit", "concept"),
        ("thirty requests", "domain"),
        ("nothing served", "score_skew"),
        ("no request", "label_delay"),
    ],
)
def test_nothing_is_denied_for_lack_of_rows(name: str, key: str) -> None:
    """What would have been found is then not checked, never not found."""
    found = {one.key: one.found for one in of_case(name).exhibits}
    assert found[key] == "not checked"


@pytest.mark.parametrize("name", ["no labels", "nothing served", "no request"])
def test_a_gap_that_ends_before_production_says_so(name: str) -> None:
    """The ROC-AUC of the holdout alone is never called production's."""
    found = of_case(name)
    first = told(found)[0]
    assert "in production." not in first or first.startswith("Flagged share")


def test_reasons_of_the_holdout_are_told_at_its_steps() -> None:
    """In the words of its rows, not of the ladder."""
    found = quietly(diagnosed.without(MADE, holdout=("duplicate", "known_unit")))
    parts = {part.step: part.why_not for part in found.metrics[0].parts}
    assert parts["repeated_rows"].startswith("duplicates: it is not known")
    none = of_case("no holdout")
    assert "no holdout was given" in {part.step: part.why_not for part in none.metrics[0].parts}["reported"]


def test_a_report_without_its_rows_stays_the_top_of_the_gap() -> None:
    """All steps of the holdout are in the one to production's rows; the parts add up to the whole."""
    found = quietly(diagnosed.no_holdout(diagnosed.material(reported={"roc_auc": 0.937})))
    by_name = {one.metric: one for one in found.metrics}
    main, other = by_name["roc_auc"], by_name["log_loss"]
    assert [one.step for one in main.rungs[:2]] == ["reported", "production_offline"]
    assert main.rungs[0].value == 0.937
    assert main.gap is not None
    parts = [part.value.value for part in main.parts if part.value is not None]
    assert math.fsum(parts) == pytest.approx(main.gap.value, abs=1e-12)
    assert main.gap.value == pytest.approx(0.937 - main.rungs[-1].value, abs=1e-12)
    assert "covariate_unseen" in main.parts[0].includes
    assert other.rungs[0].step == "production_offline"
    assert told(found)[0].startswith("ROC-AUC was 0.937 as reported (as given) and is")


def test_few_rows_do_not_carry_the_headline() -> None:
    """The join left five rows, all ranked right: the number ends before it, and the step says so."""
    here = MADE.production
    known = np.flatnonzero(~np.isnan(here.label))[:5]
    alone = {"exposed": None, "seen_label": None, "production_label": None}
    found = quietly(production(joined=np.isin(np.arange(ROWS), known), **alone))
    main = found.metrics[0]
    assert main.rungs[-1].step == "serving_threshold"
    step = next(one for one in main.parts if one.step == "join_loss")
    assert step.value is None
    assert "it rests on 5 of" in step.why_not
    assert any("labels that the dashboard did not join (too few rows" in one for one in told(found))


def test_the_exhibits_that_count_requests_are_known_by_their_keys() -> None:
    """A question that is renamed is not forgotten where a sampled capture says what is not weighted."""
    assert {one.key for one in whole().exhibits} >= sampled.COUNTED
