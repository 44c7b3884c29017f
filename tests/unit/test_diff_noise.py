"""The champion's own noise: a rate with an interval, what it excuses, and what it must not hide."""

from __future__ import annotations

from dataclasses import replace

import msgspec
import numpy as np
import pytest

from harness.columns import Column, Kind, Pair, Side
from harness.diff import Tolerance, Tolerances, compare
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
    assert [found[name].max_abs for name in "ab"] == [None, 1.0]
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


def served(age: np.ndarray, *, offline: np.ndarray | None = None) -> Pair:
    """An arm that serves this age, whose offline value is 40 and a bit."""
    ns, names = np.arange(N), np.arange(N).astype(str).astype(object)
    theirs = TRUE if offline is None else offline
    return Pair(
        left=Side("offline:m", np.zeros(N), {"age": numbers(theirs)}),
        right=Side("challenger", np.zeros(N), {"age": numbers(age)}),
        seq=ns,
        request_id=names,
        ts_ns=ns,
        event_time_ns=ns,
        unit=names,
        segments={},
        unstable=np.zeros(N, bool),
    )


TRUE = 40 + np.random.default_rng(0).random(N)
#: which answers of a champion are noisy, and by how much
NOISY = np.arange(N) % (N // NOISE) == 0
JITTER = np.random.default_rng(1).uniform(-0.01, 0.01, N)
KNOWN = {"age": row("age", differ=NOISE, n=N, max_abs=0.01)}


def test_what_is_noise_is_let_pass_with_its_figures() -> None:
    """As a rule for that field alone, whose reason holds both rates; rules of the user stay."""
    pair = served(np.where(NOISY, TRUE + JITTER, TRUE))
    mine = Tolerances(features={"amount": Tolerance(ignore=True, reason="mine")})
    held = excused(mine, pair, known=KNOWN)
    assert held.ignores("age")
    assert held.features["amount"].reason == "mine"
    assert "noise, not skew" in held.features["age"].reason
    assert "800 of 40,000" in held.features["age"].reason
    own = Tolerances(features={"age": Tolerance(atol=1e-3, reason="mine")})
    assert excused(own, pair, known=KNOWN) is own


def test_what_is_skew_changes_nothing() -> None:
    """The very same tolerances, where small differences outnumber the noise, or it is unknown."""
    mine = Tolerances()
    everywhere = served(TRUE + JITTER)
    assert excused(mine, everywhere, known=KNOWN) is mine
    assert excused(mine, everywhere, known={}) is mine
    assert excused(mine, everywhere, known={"age": row("age", differ=0, n=N)}) is mine
    assert excused(mine, served(TRUE), known=KNOWN) is mine


def test_noise_that_is_no_number_is_judged_by_its_rate_alone() -> None:
    """A null now and then has no size."""
    kind = np.where(NOISY, Kind.NULL, Kind.VALUE).astype(np.uint8)
    pair = served(TRUE)
    pair = replace(pair, right=replace(pair.right, features={"age": Column("number", TRUE, kind)}))
    assert excused(Tolerances(), pair, known={"age": row("age", differ=NOISE, n=N)}).ignores("age")
    few = {"age": row("age", differ=NOISE // 2, n=N)}
    assert not excused(Tolerances(), pair, known=few).ignores("age")


def diffy_shows(*, raw: int, noise: int, n: int) -> bool:
    """The rule of Diffy, which ignores a field whose raw and noise rates are roughly the same.

    github.com/opendiffy/diffy, README.md ("measures how often primary and secondary disagree with each other
    vs. how often primary and candidate disagree with each other"); JoinedDifferences.scala, Settings.scala:
    shown where raw > noise, their relative difference is above 20 % and the absolute one above 0.03 %.
    """
    relative = abs(raw - noise) / (raw + noise) * 100
    absolute = abs(raw - noise) / n * 100
    return raw > noise and relative > 20.0 and absolute > 0.03


@pytest.mark.parametrize(
    ("noisy", "bug"),
    [
        pytest.param(NOISY, NOISE // 4, id="a quarter of the noise"),
        pytest.param(NOISY, 20, id="a fortieth of the noise"),
        pytest.param(np.ones(N, bool), 200, id="every answer is noisy"),
    ],
)
def test_a_bug_rarer_than_half_the_noise_is_found(noisy: np.ndarray, bug: int) -> None:
    """Diffy's thresholds hide it; what is larger than the noise is told here, on its own requests alone."""
    quiet = np.flatnonzero(~noisy)[:bug] if not noisy.all() else np.arange(bug)
    age = np.where(noisy, TRUE + JITTER, TRUE)
    age[quiet] = TRUE[quiet] * 1000
    noise_rows = int(np.count_nonzero(noisy))
    raw = int(np.count_nonzero(age != TRUE))
    assert not diffy_shows(raw=raw, noise=noise_rows, n=N)
    known = {"age": row("age", differ=noise_rows, n=N, max_abs=0.01)}
    pair = served(age)
    found = compare(pair, tolerances=excused(Tolerances(), pair, known=known))
    (told,) = found.findings
    assert (told.requests, told.explained, told.cause) == (bug, bug, "scale")
    (rule,) = found.ignored
    assert rule.silenced == np.count_nonzero(noisy & (age < 1000) & (age != TRUE))


def test_a_few_larger_differences_may_be_noise_too() -> None:
    """As many as may be beyond the largest of as many answers asked twice: three of these, not five."""
    age = np.where(NOISY, TRUE + JITTER, TRUE)
    for larger, ignored in ((3, True), (5, False)):
        age[1 : 1 + larger] = TRUE[1 : 1 + larger] + 0.011
        assert excused(Tolerances(), served(age), known=KNOWN).ignores("age") is ignored


def test_scores_and_decisions_have_noise_of_their_own() -> None:
    """Each by its own rate: here the score is as noisy as the champion's, and the decisions flip more."""
    known = {"score": row("score", differ=NOISE, n=N), "decision": row("decision", differ=5, n=N)}
    summary = pair(0, score=NOISE, flips=400)
    calm, rules = without_noise(summary, known=known)
    assert calm == msgspec.structs.replace(summary, score_mismatches=0)
    assert [(rule.field, rule.rule, rule.silenced) for rule in rules] == [("score", "noise, not skew", NOISE)]
