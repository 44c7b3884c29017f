"""Other rows: the domain classifier, each column, only the share of positives."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from harness.diagnosis.domain import Domain
from harness.diagnosis.exhibits import shift
from harness.diagnosis.intervals import Interval
from harness.diagnosis.material import Material
from harness.diagnosis.rows import Overlap
from tests.kit import diagnosed
from tests.kit.diagnosed import NAMES, ROWS, Troubles

CALM = Troubles(leak=0.0, repeated=0.0, drift=0.0, concept=0.0, bug=0.0, other_model=0.0, moved=0.0)


def told_apart(auc: float, half: float) -> Domain:
    """What the classifier came to."""
    even = Overlap(produced=np.full(2, 0.5))
    value = Interval(
        value=auc, se=half / 2, lower=auc - half, upper=auc + half, lower_all=auc - half, upper_all=auc + half
    )
    return Domain(
        holdout=even, production=even, auc=value, gain={"amount": 0.9, "visits": 0.0}, effective=(0.8, 0.7)
    )


@pytest.mark.parametrize(
    ("auc", "half", "ruling"), [(0.9, 0.02, "found"), (0.51, 0.02, "not found"), (0.6, 0.2, "not found")]
)
def test_sides_are_told_apart_beyond_chance_only(auc: float, half: float, ruling: str) -> None:
    """The lower end of the interval decides; a feature that was not used is not named."""
    found = shift.domain(told_apart(auc, half), "")
    assert found.found == ruling
    assert "mostly by amount;" in found.answer
    assert found.tables[1].rows == (("amount", 0.9),)


def test_without_a_classifier_the_reason_is_told() -> None:
    """It is the one that was handed in."""
    assert shift.domain(None, "too few rows").why_not == "too few rows"


def test_drifted_columns_are_named_and_the_others_are_not() -> None:
    """Amounts and regions moved, visits did not; within regions amounts moved too."""
    found = shift.drift(diagnosed.material())
    rows = {row[0]: row for row in found.tables[0].rows}
    flagged = [one.name for one in found.tables[0].columns].index("flagged")
    assert found.found == "found"
    assert {name: rows[name][flagged] for name in NAMES} == {
        "amount": True,
        "region": True,
        "visits": False,
        "outcome_note": False,
    }
    within = found.tables[1]
    assert within.title == "Within segments"
    assert {row[0] for row in within.rows} == {"amount"}


def test_the_same_columns_have_not_drifted() -> None:
    """Without units rows are taken as independent, and that is said."""
    found = shift.drift(diagnosed.without(diagnosed.material(CALM), holdout=("unit",)))
    assert found.found == "not found"
    assert "rows are taken as independent" in found.why_not


@pytest.mark.parametrize("values", [np.full(ROWS, np.nan), np.zeros(ROWS), np.full(ROWS, np.inf)])
def test_one_empty_or_constant_column_does_not_stop_the_others(values: np.ndarray) -> None:
    """The other columns keep their lines."""
    made = diagnosed.material()
    assert made.holdout is not None
    features = {**(made.holdout.requested or {}), "visits": values}
    found = shift.drift(replace(made, holdout=replace(made.holdout, requested=features)))
    rows = {row[0]: row for row in found.tables[0].rows}
    assert set(rows) == set(NAMES)
    assert "amount" in found.answer


def test_a_column_that_turns_two_fifths_missing_is_flagged() -> None:
    """Missing is a value of its own."""
    made = diagnosed.material(CALM)
    visits = made.production.offline_features["visits"].copy()
    visits[: 2 * ROWS // 5] = np.nan
    now = replace(made.production, offline_features={**made.production.offline_features, "visits": visits})
    found = shift.drift(replace(made, production=now))
    assert found.found == "found"
    assert "visits" in found.answer


@pytest.mark.parametrize(
    ("made", "why"),
    [
        (diagnosed.no_holdout(diagnosed.material()), "no holdout was given"),
        (diagnosed.without(diagnosed.material(), holdout=("features", "requested")), "no feature columns"),
        (diagnosed.without(diagnosed.material(), production=("offline_features",)), "no feature in common"),
        (diagnosed.first(diagnosed.material(), 0), "or no row"),
    ],
    ids=["no holdout", "no features", "none shared", "no request"],
)
def test_drift_that_cannot_be_checked_says_why(made: Material, why: str) -> None:
    """No column compared is not no drift."""
    found = shift.drift(made)
    assert found.found == "not checked"
    assert why in found.why_not


def many(made: Material, times: int) -> Material:
    """The same with every row so many times, as another unit each."""
    there, here = made.holdout, made.production
    assert there is not None
    labels, scores = np.tile(there.label, times), np.tile(there.score, times)
    place = np.tile(np.arange(len(here)), times)
    size = labels.size
    plain = replace(
        there,
        label=labels,
        score=scores,
        time_ns=None,
        unit=np.arange(size),
        duplicate=None,
        known_unit=None,
    )
    rows = replace(diagnosed.taken(here, place), unit=size + np.arange(place.size))
    return replace(made, holdout=replace(plain, rederived=()), production=rows)


def test_few_rows_do_not_tell_that_scores_stayed() -> None:
    """Of 400 a class nobody knows it: a test that does not reject is no evidence of sameness."""
    made = diagnosed.material(CALM)
    negative = np.flatnonzero(made.production.label == 0.0)
    keep = np.setdiff1d(np.arange(ROWS), negative[::2])
    found = shift.labels(replace(made, production=diagnosed.taken(made.production, keep)))
    assert (found.found, found.answer) == ("not checked", "It cannot be told.")
    assert "may be 0." in found.why_not


def test_drift_leaves_out_rows_that_the_ladder_leaves_out() -> None:
    """Repeated rows of the holdout with amounts of their own are no drift."""
    made = diagnosed.material(CALM)
    assert made.holdout is not None
    again = np.arange(ROWS) % 4 == 0
    features = {**(made.holdout.features or {})}
    features["amount"] = np.where(again, 9.0, features["amount"])
    there = replace(made.holdout, features=features, duplicate=again)
    found = shift.drift(replace(made, holdout=there))
    rows = {row[0]: row for row in found.tables[0].rows}
    flagged = [one.name for one in found.tables[0].columns].index("flagged")
    assert not rows["amount"][flagged]


def test_only_the_share_of_positives_moved() -> None:
    """Half of production's negatives left out: scores of either class stay as they were."""
    made = diagnosed.material(CALM)
    big = many(made, 8)
    assert big.holdout is not None
    same = replace(big.production, label=big.holdout.label, offline_score=big.holdout.score)
    keep = np.setdiff1d(np.arange(len(same)), np.flatnonzero(same.label == 0.0)[::2])
    assert shift.labels(replace(big, production=diagnosed.taken(same, keep))).found == "found"
    still = shift.labels(made)
    assert still.found == "not found"
    assert "did not move" in still.answer


@pytest.mark.parametrize(
    ("made", "why"),
    [
        (diagnosed.no_holdout(diagnosed.material()), "no holdout"),
        (diagnosed.no_labels(diagnosed.material()), "no labels were given"),
        (diagnosed.first(diagnosed.material(), 30), "fewer than"),
    ],
    ids=["no holdout", "no labels", "thirty requests"],
)
def test_label_shift_that_cannot_be_checked_says_why(made: Material, why: str) -> None:
    """Too few rows are no finding in either direction."""
    found = shift.labels(made)
    assert found.found == "not checked"
    assert why in found.why_not
