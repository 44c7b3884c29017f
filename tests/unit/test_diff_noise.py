"""The champion's own noise: a rate with an interval, what it excuses, and what it must not hide."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest

from harness.columns import Column, Kind
from harness.diff import Tolerance, Tolerances
from harness.diff.noise import excused, is_noise, noise, row, without_noise
from harness.records import FieldSummary, NoiseRow, PairSummary

N = 40_000
#: 2 % of 40,000
NOISE = 800


def numbers(values: np.ndarray) -> Column:
    """A feature."""
    return Column("number", values, np.full(len(values), Kind.VALUE, np.uint8))


def pair(differ: int, *, score: int = 0, flips: int = 0) -> PairSummary:
    """A pair whose one feature differs on so many of N requests."""
    field = FieldSummary(field="age", dtype="number", compared=N, mismatches=differ, rate=differ / N)
    return PairSummary(
        left="offline:m",
        right="challenger",
        compared=N,
        feature_mismatches=differ,
        score_mismatches=score,
        flips=flips,
        nondeterministic=0,
        units=N,
        units_mismatching=differ,
        fields=(field,),
    )


def test_noise_is_a_rate_with_its_interval() -> None:
    """Ten of 100 answers differ in one feature, none in another; the score and the decision count too."""
    still, moved = np.zeros(100), np.zeros(100)
    moved[:10] = 1
    scores = (np.full(100, 0.4), np.where(moved > 0, 0.6, 0.4))
    found = {
        one.field: one
        for one in noise(
            {"a": numbers(still), "b": numbers(still)},
            {"a": numbers(still), "b": numbers(moved)},
            scores=scores,
            threshold=0.5,
        )
    }
    assert [(name, one.differ) for name, one in found.items()] == [
        ("a", 0),
        ("b", 10),
        ("score", 10),
        ("decision", 10),
    ]
    assert (found["b"].rate, found["b"].lower, found["b"].upper) == pytest.approx(
        (0.1, 0.049, 0.1762), abs=1e-4
    )


def test_nothing_asked_twice_teaches_nothing() -> None:
    """No row, and so no excuse."""
    nothing = np.zeros(0)
    assert noise({}, {}, scores=(nothing, nothing), threshold=None) == ()


@pytest.mark.parametrize(
    ("known", "differ", "expected"),
    [
        (row("age", differ=NOISE, n=N), NOISE, True),
        (row("age", differ=NOISE, n=N), NOISE + N // 200, False),
        (row("age", differ=0, n=100), 1, False),
        (None, 1, False),
    ],
    ids=["as noisy", "a bug on 0.5 % beside 2 % noise", "a field that never moved", "not known"],
)
def test_a_bug_above_the_noise_is_no_noise(known: NoiseRow | None, differ: int, *, expected: bool) -> None:
    """A rule that skips every noisy field would never find it; an interval without events excuses none."""
    assert is_noise(known, differ=differ, n=N) is expected


def test_what_is_noise_is_let_pass_with_its_figures() -> None:
    """As a rule for that field alone, whose reason holds both rates; rules of the user stay."""
    mine = Tolerances(features={"amount": Tolerance(ignore=True, reason="mine")})
    held = excused(mine, pair(NOISE), known={"age": row("age", differ=NOISE, n=N)})
    assert held.ignores("age")
    assert held.features["amount"].reason == "mine"
    assert "noise, not skew" in held.features["age"].reason
    assert "800 of 40,000" in held.features["age"].reason


def test_what_is_skew_changes_nothing() -> None:
    """The very same tolerances."""
    mine = Tolerances()
    assert excused(mine, pair(NOISE + 200), known={"age": row("age", differ=NOISE, n=N)}) is mine
    assert excused(mine, pair(NOISE), known={}) is mine


def test_scores_and_decisions_have_noise_of_their_own() -> None:
    """Each by its own rate: here the score is as noisy as the champion's, and the decisions flip more."""
    known = {"score": row("score", differ=NOISE, n=N), "decision": row("decision", differ=5, n=N)}
    summary = pair(0, score=NOISE, flips=400)
    calm, rules = without_noise(summary, known=known)
    assert calm == msgspec.structs.replace(summary, score_mismatches=0)
    assert [(rule.field, rule.rule, rule.silenced) for rule in rules] == [("score", "noise, not skew", NOISE)]
