"""What happened to one field: each cause is named on what it did, and noise is not."""

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest

from harness.columns import Column, Kind
from harness.diff.causes import (
    MIN_ROWS,
    TOO_FEW,
    UNEXPLAINED,
    Cause,
    Evidence,
    distinct,
    name_causes,
)
from harness.diff.cells import mismatch
from harness.diff.features import from_table
from harness.diff.scores import as_column

N = 400
RNG = np.random.default_rng(11)
AMOUNT = np.round(RNG.lognormal(3, 1, N), 2) + 0.003
HOUR = RNG.integers(0, 24, N).astype(float)
WEEKDAY = RNG.integers(0, 7, N).astype(float)
SIGNED = RNG.normal(size=N)
LEVELS = np.array(["Alpha", "Beta", " gamma", "Delta"], object)[RNG.integers(0, 4, N)]


def levels(values: np.ndarray) -> Column:
    """A column of levels."""
    return from_table(pa.table({"x": pa.array(values, pa.string())}))["x"]


def cause_of(left: Column, right: Column) -> Cause:
    """The cause named for a feature x."""
    rows = np.flatnonzero(mismatch(left, right))
    evidence = Evidence("x", "offline", left, right, rows)
    return name_causes(evidence)[0]


def marked(column: Column, kind: Kind) -> Column:
    """The column with every cell of one kind without value."""
    return Column(column.dtype, np.full(N, np.nan), np.full(N, kind, np.uint8))


@pytest.mark.parametrize(
    ("left", "right", "name", "phrase"),
    [
        pytest.param(AMOUNT, AMOUNT + 5, "shift", "serves x 5 higher than offline", id="shift"),
        pytest.param(AMOUNT, AMOUNT - 0.1, "shift", "serves x 0.1 lower than offline", id="shift-down"),
        pytest.param(AMOUNT, AMOUNT * 1000, "scale", "serves x as 1,000 times offline", id="scale"),
        pytest.param(AMOUNT, AMOUNT / 60, "scale", "serves x as 1/60 of offline", id="scale-down"),
        pytest.param(AMOUNT, AMOUNT * np.pi, "scale", "serves x as 3.14159 times offline", id="scale-pi"),
        pytest.param(AMOUNT, AMOUNT / 3, "scale", "serves x as 1/3 of offline", id="scale-third"),
        pytest.param(SIGNED, -SIGNED, "sign", "swaps the sign of x", id="sign"),
        pytest.param(AMOUNT, np.round(AMOUNT), "rounding", "rounds x to a whole number", id="round-0"),
        pytest.param(SIGNED, np.round(SIGNED, 1), "rounding", "rounds x to 1 decimal", id="round-1"),
        pytest.param(SIGNED, np.round(SIGNED, 3), "rounding", "rounds x to 3 decimals", id="round-3"),
        pytest.param(AMOUNT, np.trunc(AMOUNT), "truncation", "cuts x to a whole number", id="truncate"),
        pytest.param(
            SIGNED, SIGNED.astype(np.float32).astype(float), "float32", "casts x to float32", id="float32"
        ),
        pytest.param(AMOUNT, np.zeros(N), "constant", "serves the constant 0 for x", id="constant"),
        pytest.param(
            HOUR, (HOUR - 1) % 24, "modular_shift", "serves x 1 lower than offline, modulo 24", id="hour"
        ),
        pytest.param(
            WEEKDAY,
            (WEEKDAY + 1) % 7,
            "modular_shift",
            "serves x 1 higher than offline, modulo 7",
            id="weekday",
        ),
        pytest.param(
            (HOUR > 12).astype(float), np.zeros(N), "constant", "serves the constant 0 for x", id="flag-lost"
        ),
    ],
)
def test_numbers_are_explained_to_the_last_row(
    left: np.ndarray, right: np.ndarray, name: str, phrase: str
) -> None:
    """Each cause is named with its parameter, and reproduces every mismatching row."""
    found = cause_of(as_column(left), as_column(right))
    assert (found.name, found.phrase) == (name, phrase)
    assert found.explained == np.count_nonzero(mismatch(as_column(left), as_column(right)))


@pytest.mark.parametrize(
    ("kind", "name", "phrase"),
    [
        (Kind.NAN, "nan", "serves NaN for x"),
        (Kind.NULL, "null", "serves null for x"),
        (Kind.MISSING, "missing", "leaves x out"),
        (Kind.WRONG_TYPE, "wrong_type", "serves x as another type"),
    ],
)
def test_empty_cells_are_facts(kind: Kind, name: str, phrase: str) -> None:
    """What a cell does not hold needs no support: one row is enough."""
    left = as_column(AMOUNT)
    right = marked(left, kind)
    assert cause_of(left, right) == Cause(name, phrase, N)
    one = Evidence("x", "offline", left, right, np.array([3]))
    assert name_causes(one)[0] == Cause(name, phrase, 1)


def test_a_field_that_the_left_arm_leaves_out_is_said_to_be_added() -> None:
    """The other direction of missing has its own words."""
    right = as_column(AMOUNT)
    assert cause_of(marked(right, Kind.MISSING), right) == Cause(
        "added", "serves x, which offline leaves out", N
    )


def test_filled_gaps_are_told_from_a_constant() -> None:
    """Where only the empty cells were given a value, the words say so."""
    gaps = np.where(HOUR < 6, np.nan, AMOUNT)
    found = cause_of(as_column(gaps), as_column(np.where(HOUR < 6, -1.0, AMOUNT)))
    assert found == Cause("fill", "fills missing values of x with −1", int(np.count_nonzero(HOUR < 6)))


@pytest.mark.parametrize(
    ("served", "name", "phrase"),
    [
        (np.array([v.upper() for v in LEVELS], object), "case", "changes the letter case of x"),
        (np.array([f"{v} " for v in LEVELS], object), "spaces", "changes the space around x"),
        (np.full(N, "other", object), "constant", 'serves the constant "other" for x'),
    ],
)
def test_levels_are_explained_by_their_text(served: np.ndarray, name: str, phrase: str) -> None:
    """Case, space and a catch-all level are named."""
    assert cause_of(levels(LEVELS), levels(served)) == Cause(name, phrase, N)


def test_two_types_leave_only_facts() -> None:
    """A number against levels is compared by kind alone, without a crash."""
    assert cause_of(as_column(AMOUNT), levels(LEVELS)).name == UNEXPLAINED


@pytest.mark.parametrize(
    ("left", "right"),
    [
        pytest.param(SIGNED, SIGNED + RNG.normal(size=N), id="noise"),
        pytest.param(AMOUNT, RNG.permutation(AMOUNT), id="another-row"),
        pytest.param(HOUR, RNG.permutation(HOUR), id="another-hour"),
        pytest.param(
            np.where(HOUR < 20, 0.0, AMOUNT), RNG.permutation(np.where(HOUR < 20, 0.0, AMOUNT)), id="sparse"
        ),
        pytest.param(HOUR % 2, 1 - HOUR % 2, id="flipped-flag"),
        pytest.param(SIGNED, SIGNED * (1 + RNG.normal(0, 0.01, N)), id="approximate"),
    ],
)
def test_noise_is_unexplained(left: np.ndarray, right: np.ndarray) -> None:
    """A wrong name is worse than none."""
    found = cause_of(as_column(left), as_column(right))
    assert (found.name, found.explained) == (UNEXPLAINED, 0)


@pytest.mark.parametrize("seed", range(20))
def test_shuffled_levels_are_unexplained(seed: int) -> None:
    """Levels of other rows are no catch-all and no spelling."""
    shuffled = np.random.default_rng(seed).permutation(LEVELS)
    assert cause_of(levels(LEVELS), levels(shuffled)).name == UNEXPLAINED


@pytest.mark.parametrize(
    ("share", "name", "mostly"),
    [(1.0, "shift", ""), (0.96, "shift", ""), (0.9, "shift", "mostly "), (0.6, UNEXPLAINED, "")],
)
def test_a_name_needs_most_rows(share: float, name: str, mostly: str) -> None:
    """From 95 % of the rows a cause is named, from 80 % with mostly, below it is not."""
    served = SIGNED + 2.0
    others = round(N * (1 - share))
    served[:others] = RNG.normal(size=others) * 50
    found = cause_of(as_column(SIGNED), as_column(served))
    assert found.name == name
    assert found.phrase.startswith(f"{mostly}serves")
    assert found.explained == (0 if name == UNEXPLAINED else N - others)


@pytest.mark.parametrize(
    ("left", "right"),
    [
        pytest.param(SIGNED[: MIN_ROWS - 1], SIGNED[: MIN_ROWS - 1] + 1, id="four-rows"),
        pytest.param(np.tile([1.0, 2.0], 50), np.tile([3.0, 4.0], 50), id="two-inputs-shift"),
        pytest.param(np.full(50, 2.0), np.full(50, 4.0), id="one-input"),
    ],
)
def test_thin_evidence_names_nothing(left: np.ndarray, right: np.ndarray) -> None:
    """Few rows, or few distinct inputs, satisfy any hypothesis."""
    found = cause_of(as_column(left), as_column(right))
    assert found == Cause(TOO_FEW, "serves other values of x, too few rows to name a cause", 0)


def test_infinities_explain_nothing_and_break_nothing() -> None:
    """A column of infinities is unexplained rather than a scale by infinity."""
    served = np.where(HOUR % 2 == 0, np.inf, -np.inf)
    assert cause_of(as_column(SIGNED), as_column(served)).name == UNEXPLAINED
    assert cause_of(as_column(served), as_column(SIGNED)).name == UNEXPLAINED


def test_the_complement_is_a_cause_of_scores() -> None:
    """1 − p is tried on scores, and only there."""
    scores = RNG.random(N)
    left, right = as_column(scores), as_column(1 - scores)
    evidence = Evidence("the score", "offline", left, right, np.arange(N))
    assert name_causes(replace(evidence, score=True))[0] == Cause(
        "complement", "serves 1 − p as the score", N
    )
    assert name_causes(evidence)[0].name == UNEXPLAINED


@pytest.mark.parametrize(
    ("values", "count"),
    [([1.0, 1.0, 2.0], 2), ([np.nan, np.nan], 1), ([], 0)],
)
def test_distinct_counts_nan_once(values: list[float], count: int) -> None:
    """NaN is one value however often it comes."""
    assert distinct(np.array(values)) == count
