"""The champion's own noise: a rate with an interval, what it excuses, and what it must not hide."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from harness.columns import Column, Kind, Pair, Side
from harness.diff import Tolerance, Tolerances, compare
from harness.diff.noise import excused, is_noise, least, noise, row, with_noise
from harness.records import FieldSummary, NoiseRow, NoiseTaken, PairSummary

N = 40_000
#: 2 % of 40,000
NOISE = 800


def numbers(values: np.ndarray) -> Column:
    """A feature."""
    return Column("number", values, np.full(len(values), Kind.VALUE, np.uint8))


def pair(*fields: FieldSummary, score: int = 0, flips: int = 0, n: int = N) -> PairSummary:
    """A pair of n requests with such features."""
    differ = max((field.mismatches for field in fields), default=0)
    return PairSummary(
        left="offline:m",
        right="challenger",
        compared=n,
        feature_mismatches=differ,
        score_mismatches=score,
        flips=flips,
        nondeterministic=0,
        units=n,
        units_mismatching=differ,
        fields=fields,
    )


def field(
    name: str, differ: int, *, n: int = N, dtype: str = "category", value: int | None = None
) -> FieldSummary:
    """One feature that differs on so many requests, on `value` of them by a number."""
    kinds = {} if value is None else {"value": value, "null": differ - value}
    return FieldSummary(field=name, dtype=dtype, compared=n, mismatches=differ, rate=differ / n, kinds=kinds)


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
    assert (held.features["age"].atol, held.ignores("age")) == (0.01, False)
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


def test_noise_that_is_no_number_has_no_size_and_gets_no_rule() -> None:
    """A null now and then is told each time; what of its count is noise is for the budget to know."""
    kind = np.where(NOISY, Kind.NULL, Kind.VALUE).astype(np.uint8)
    pair = served(TRUE)
    pair = replace(pair, right=replace(pair.right, features={"age": Column("number", TRUE, kind)}))
    mine = Tolerances()
    assert excused(mine, pair, known={"age": row("age", differ=NOISE, n=N)}) is mine


@pytest.mark.parametrize(("asked", "bug"), [(356, 100), (712, 50), (356, 1), (712, 1), (N, 3)])
def test_a_small_sample_never_hides_a_bug_of_another_size(asked: int, bug: int) -> None:
    """Though 1 % and .5 % are less than what 356 and 712 requests asked twice can show to be rare."""
    noisy = np.arange(N) % 50 == 0
    age = np.where(noisy, TRUE + JITTER / 10, TRUE)
    age[1 : 1 + 50 * bug : 50] = 1e6
    pair = served(age)
    known = {"age": row("age", differ=asked // 50, n=asked, max_abs=1e-3)}
    found = compare(pair, tolerances=excused(Tolerances(), pair, known=known))
    assert found.summary.feature_mismatches == bug


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


@pytest.mark.parametrize(
    ("asked", "moved", "differ", "expected"),
    [
        (356, 1, 110, 0),
        (712, 1, 50, 0),
        (356, 7, 142, 56),
        (712, 14, 142, 76),
        (712, 14, 20, 20),
        (7_120, 142, 142, 119),
    ],
)
def test_the_lower_limit_of_the_noise_is_taken_off(
    asked: int, moved: int, differ: int, expected: int
) -> None:
    """Of 7,120 requests: one that moved once says nearly nothing, however wide its interval."""
    assert least(row("score", differ=moved, n=asked), differ=differ, n=7_120) == expected
    assert least(None, differ=differ, n=7_120) == 0


@pytest.mark.parametrize("asked", [356, 712])
def test_scores_and_decisions_keep_their_counts(asked: int) -> None:
    """One of 356 or of 712 that differs once has hidden 110 wrong scores, and their flips too."""
    known = {name: row(name, differ=1, n=asked) for name in ("score", "decision")}
    wrong = pair(score=110, flips=90, n=7_122)
    assert with_noise(wrong, known=known, passed=()) == (wrong, ())


def test_what_is_taken_off_is_said_and_the_counts_stay() -> None:
    """Each by its own rate."""
    known = {"score": row("score", differ=NOISE, n=N), "decision": row("decision", differ=5, n=N)}
    told, rules = with_noise(pair(score=NOISE, flips=400), known=known, passed=("age",))
    assert (told.score_mismatches, told.flips) == (NOISE, 400)
    assert told.noise == NoiseTaken(scores=746, flips=1, numbers=("age",))
    assert [(rule.field, rule.rule, rule.silenced) for rule in rules] == [
        ("score", "noise, not skew", 746),
        ("decision", "noise, not skew", 1),
    ]


def test_of_features_the_noisiest_alone_is_taken_off() -> None:
    """Others may be noisy on the same requests; a number that differs is no null, a sized one has a rule."""
    known = {
        "country": row("country", differ=100, n=N),
        "plan": row("plan", differ=NOISE, n=N),
        "nulls": row("nulls", differ=N // 2, n=N),
        "age": row("age", differ=N, n=N, max_abs=0.01),
    }
    fields = (
        field("country", 100),
        field("plan", NOISE),
        field("nulls", 9_000, dtype="number", value=8_990),
        field("age", 9_000, dtype="number", value=9_000),
        field("quiet", 9_000),
    )
    told, (rule,) = with_noise(pair(*fields), known=known, passed=())
    assert (told.noise.features, rule.field, told.feature_mismatches) == (746, "plan", 9_000)
