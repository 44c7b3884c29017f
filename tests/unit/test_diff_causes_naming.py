"""Which causes are named, in what order, and when none is."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.random import default_rng

from harness.columns import Column, Kind
from harness.diff.causes import MIN_ROWS, TOO_FEW, UNEXPLAINED, Cause, Evidence, Surroundings, name_causes
from harness.diff.scores import as_column
from tests.kit.struck import (
    AMOUNT,
    COUNT,
    COUNTRY,
    HIT,
    HOUR,
    LEVELS,
    SHARE,
    SIGNED,
    TIME_NS,
    UNIT,
    N,
    causes_of,
    column,
    each,
    evidence,
)

AROUND = Surroundings(
    unit=UNIT,
    time_ns=TIME_NS,
    columns={"x": column(AMOUNT), "share": column(SHARE), "count": column(COUNT), "level": column(LEVELS)},
    segments={"country": COUNTRY},
    service_ns=default_rng(1601).lognormal(3, 0.5, N),
    keys={"payee": default_rng(1602).integers(0, 100, N)},
    label=(default_rng(1603).random(N) < 0.3).astype(float),
)
FIRST = HIT & (np.arange(N) % 2 == 0)
SECOND = HIT & (np.arange(N) % 2 == 1)


@pytest.mark.parametrize(
    ("left", "first", "second", "names"),
    [
        (AMOUNT, AMOUNT * 100, np.full(N, -1.0), {"scale", "constant"}),
        (SIGNED, -SIGNED, SIGNED.astype(np.float16).astype(float), {"sign", "float16"}),
        (SIGNED, np.round(SIGNED, 1), SIGNED * 1.8 + 32, {"rounding", "affine"}),
        (AMOUNT, np.log1p(AMOUNT), SHARE, {"transform", "swapped"}),
        (
            AMOUNT,
            AMOUNT * np.select([COUNTRY == "DE", COUNTRY == "US"], [2.5, 0.7], 1.0),
            np.full(N, 999.0),
            {"scale_by", "constant"},
        ),
        (LEVELS, each(LEVELS, str.upper), each(LEVELS, lambda s: s[:2]), {"case", "text_cut"}),
    ],
)
def test_two_bugs_in_one_feature_are_both_named(
    left: np.ndarray, first: np.ndarray, second: np.ndarray, names: set[str]
) -> None:
    """The rows of the first are taken out, and the rest is looked at again."""
    causes = causes_of(left, np.where(FIRST, first, second), around=AROUND)
    assert {cause.name for cause in causes} == names


def test_every_row_belongs_to_one_cause() -> None:
    """Named, or left open at the end."""
    served = np.where(FIRST, AMOUNT * 3, AMOUNT + default_rng(1604).normal(0, 1, N))
    some = evidence(column(AMOUNT), column(np.where(HIT, served, AMOUNT)))
    causes = name_causes(some)
    assert [cause.name for cause in causes] == ["scale", "unexplained"]
    assert [cause.explained for cause in causes] == [np.count_nonzero(FIRST), 0]
    assert np.array_equal(np.sort(np.concatenate([cause.rows for cause in causes])), some.rows)


@pytest.mark.parametrize(
    ("left", "served"),
    [
        pytest.param(SIGNED, default_rng(1605).normal(size=N) * 3, id="other-numbers"),
        pytest.param(AMOUNT, AMOUNT * default_rng(1606).lognormal(0, 0.7, N), id="multiplied"),
        pytest.param(AMOUNT, np.round(AMOUNT + default_rng(1607).normal(0, 2, N), 2), id="lattice"),
        pytest.param(COUNT, COUNT + default_rng(1608).integers(-3, 4, N), id="small-steps"),
        pytest.param(COUNT, COUNT + np.round(default_rng(1609).normal(0, 0.9, N)), id="ones"),
        pytest.param(COUNT, default_rng(1610).poisson(12, N).astype(float), id="other-counts"),
        pytest.param(HOUR, default_rng(1611).integers(0, 24, N).astype(float), id="other-hours"),
        pytest.param(LEVELS, default_rng(1612).permutation(LEVELS), id="other-levels"),
    ],
)
def test_noise_is_unexplained(left: np.ndarray, served: np.ndarray) -> None:
    """A wrong name is worse than none."""
    assert [cause.name for cause in causes_of(left, served, around=AROUND)] == [UNEXPLAINED]


@pytest.mark.parametrize(
    ("left", "right"),
    [
        pytest.param(SIGNED[: MIN_ROWS - 1], SIGNED[: MIN_ROWS - 1] + 1, id="four-rows"),
        pytest.param(np.tile([1.0, 2.0], 50), np.tile([3.0, 4.0], 50), id="two-inputs"),
        pytest.param(np.full(50, 2.0), np.full(50, 4.0), id="one-input"),
        pytest.param(HOUR % 2, 1 - HOUR % 2, id="flipped-flag"),
    ],
)
def test_thin_evidence_names_nothing(left: np.ndarray, right: np.ndarray) -> None:
    """Few rows, or few distinct inputs, satisfy any hypothesis."""
    (found,) = name_causes(evidence(column(left), column(right)))
    assert (found.name, found.explained) == (TOO_FEW, 0)
    assert found.phrase == "serves other values of x, too few rows to name a cause"


@pytest.mark.parametrize(
    ("kind", "name", "phrase"),
    [
        (Kind.NAN, "nan", "serves NaN for x"),
        (Kind.NULL, "null", "serves null for x"),
        (Kind.MISSING, "missing", "leaves x out"),
        (Kind.WRONG_TYPE, "wrong_type", "serves x as another type"),
    ],
)
def test_what_a_cell_holds_needs_no_support(kind: Kind, name: str, phrase: str) -> None:
    """One row is enough for a fact, and so it is the other way round."""
    left = column(AMOUNT)
    right = Column("number", np.full(N, np.nan), np.full(N, kind, np.uint8))
    assert name_causes(evidence(left, right))[0] == Cause(name, phrase, N)
    one = Evidence("x", "offline", left, right, np.array([3]))
    assert name_causes(one) == (Cause(name, phrase, 1),)
    if kind is Kind.MISSING:
        assert name_causes(evidence(right, left))[0].phrase == "serves x, which offline leaves out"


def test_a_flag_that_is_lost_everywhere_is_a_constant() -> None:
    """Two inputs are enough where nothing else is ever served."""
    flag = (HOUR > 12).astype(float)
    (cause,) = name_causes(evidence(column(flag), column(np.zeros(N))))
    assert cause.name == "constant"


def test_the_complement_is_a_cause_of_scores() -> None:
    """1 − p is tried on scores, and only there; elsewhere it is a line like any other."""
    some = evidence(as_column(SHARE), as_column(1 - SHARE))
    assert name_causes(replace(some, score=True))[0].name == "complement"
    assert name_causes(some)[0].name == "affine"


@pytest.mark.parametrize("name", ["clip", "rounding", "constant"])
def test_scores_are_named_like_features(name: str) -> None:
    """The same engine, without what needs other features."""
    served = {"clip": np.minimum(SHARE, 0.4), "rounding": np.round(SHARE, 2), "constant": np.full(N, 0.31)}
    some = replace(evidence(as_column(SHARE), as_column(np.where(HIT, served[name], SHARE))), score=True)
    assert name_causes(some)[0].name == name


SERVED = {
    "scale": AMOUNT * 7,
    "shift": AMOUNT + 0.25,
    "constant": np.full(N, 8.5),
    "transform": np.sqrt(AMOUNT),
    "rounding": np.round(AMOUNT),
    "swapped": SHARE,
    "unexplained": AMOUNT + default_rng(1613).normal(0, 1, N),
}


@settings(max_examples=25, deadline=None)
@given(st.sampled_from(sorted(SERVED)), st.integers(0, 2**32 - 1))
def test_the_order_of_rows_does_not_matter(name: str, seed: int) -> None:
    """Each name is the right one, whichever way the rows come."""
    order = default_rng(seed).permutation(N)
    columns = {"share": column(SHARE[order])}
    causes = causes_of(
        AMOUNT[order], SERVED[name][order], hit=HIT[order], around=Surroundings(columns=columns)
    )
    assert causes[0].name == name


@settings(max_examples=15, deadline=None)
@given(st.sampled_from(sorted(set(SERVED) - {"swapped"})), st.integers(0, 3_000))
def test_rows_that_agree_do_not_matter(name: str, more: int) -> None:
    """However many more requests are served right."""
    extra = np.resize(AMOUNT, more)
    left, right = np.append(AMOUNT, extra), np.append(np.where(HIT, SERVED[name], AMOUNT), extra)
    assert name_causes(evidence(column(left), column(right)))[0].name == name


@pytest.mark.parametrize(
    ("left", "right"),
    [
        pytest.param(SIGNED, np.where(HOUR % 2 == 0, np.inf, -np.inf), id="infinities-served"),
        pytest.param(np.where(HOUR % 2 == 0, np.inf, -np.inf), SIGNED, id="infinities-offline"),
        pytest.param(np.full(N, np.nan), SIGNED, id="never-known"),
        pytest.param(np.full(N, 1e308), np.full(N, -1e308), id="overflow"),
        pytest.param(SIGNED * 5e-324, SIGNED, id="subnormal"),
        pytest.param(AMOUNT * 1e300, AMOUNT * 1e-300, id="extremes"),
        pytest.param(SIGNED, LEVELS, id="two-types"),
        pytest.param(LEVELS, SIGNED, id="two-types-turned"),
        pytest.param(LEVELS, each(LEVELS, lambda s: s * 600), id="long-texts"),
        pytest.param(LEVELS, each(LEVELS, lambda _: "\x00\ud7ff\U0010ffff"), id="odd-letters"),
        pytest.param(np.full(N, None, object), LEVELS, id="no-levels"),
    ],
)
def test_bad_input_breaks_nothing(left: np.ndarray, right: np.ndarray) -> None:
    """All rows are accounted for, whatever they hold."""
    some = evidence(column(left), column(right))
    for around in (Surroundings(), AROUND):
        causes = name_causes(replace(some, around=around))
        assert sum(len(cause.rows) for cause in causes) == len(some.rows)


def test_a_text_of_a_megabyte_is_cut_in_the_sentence() -> None:
    """And compared within bounds."""
    long = np.array(["a" * 1_000_000, "B" * 1_000_000, "c"], object)[default_rng(1614).integers(0, 3, 60)]
    (cause,) = name_causes(evidence(column(long), column(each(long, str.swapcase))))
    assert cause.name == "case"
    (bucket,) = name_causes(evidence(column(long), column(np.full(60, "x" * 1_000_000, object))))
    assert len(bucket.phrase) < 200


def test_ten_thousand_features_are_around() -> None:
    """Others are searched nearest first, so many and no more."""
    columns = dict.fromkeys((f"f{k}" for k in range(10_000)), column(SIGNED)) | {"x": column(AMOUNT)}
    columns["near"] = column(SHARE)
    assert causes_of(AMOUNT, SHARE, around=Surroundings(columns=columns))[0].parameters == {"from": "near"}
