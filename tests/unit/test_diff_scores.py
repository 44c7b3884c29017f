"""How each served score relates to the reference."""

import math

import numpy as np
import pytest
from numpy.random import default_rng

from harness.diff.bands import Band
from harness.diff.cells import Difference
from harness.diff.scores import compare_scores, decimals_of, flipped

NAN, INF = math.nan, math.inf
BAND = Band(1e-6, 0.0)
SCORES = default_rng(5).random(200)


def none_of(scores: np.ndarray) -> np.ndarray:
    """No request is unstable."""
    return np.zeros(len(scores), bool)


@pytest.mark.parametrize(
    ("served", "classes", "mismatches"),
    [
        pytest.param(SCORES, {"exact64": 200}, 0, id="exact"),
        pytest.param(SCORES.astype(np.float32).astype(float), {"float32": 200}, 0, id="float32"),
        pytest.param(np.round(SCORES, 6), {"rounded(6)": 200}, 0, id="rounded-within"),
        pytest.param(np.round(SCORES, 4), {"rounded(4)": 200}, 197, id="rounded-beyond"),
        pytest.param(SCORES + 5e-7, {"tolerance": 200}, 0, id="within"),
        pytest.param(SCORES + 2e-6, {"mismatch": 200}, 200, id="beyond"),
    ],
)
def test_each_row_has_the_first_class_that_holds(
    served: np.ndarray, classes: dict[str, int], mismatches: int
) -> None:
    """Classes name the relation; the tolerance alone says what is a mismatch."""
    found = compare_scores(SCORES, served, band=BAND, unstable=none_of(SCORES))
    assert found.classes == classes
    assert np.count_nonzero(found.codes) == mismatches


def test_mixed_rows_are_counted_by_class() -> None:
    """One float32 row, one within tolerance and one bug among exact rows."""
    served = SCORES.copy()
    served[0] = np.float32(served[0])
    served[1] += 5e-7
    served[2] += 0.1
    found = compare_scores(SCORES, served, band=BAND, unstable=none_of(SCORES))
    assert found.classes == {"exact64": 197, "float32": 1, "tolerance": 1, "mismatch": 1}


@pytest.mark.parametrize(
    ("left", "right", "code", "name"),
    [
        (NAN, NAN, Difference.EQUAL, "exact64"),
        (NAN, 0.5, Difference.NAN, "mismatch"),
        (0.5, NAN, Difference.NAN, "mismatch"),
        (INF, INF, Difference.EQUAL, "exact64"),
        (INF, 0.5, Difference.VALUE, "mismatch"),
        (1e300, 2e300, Difference.VALUE, "mismatch"),
    ],
)
def test_nan_and_infinity_agree_with_themselves_alone(
    left: float, right: float, code: Difference, name: str
) -> None:
    """NaN against a number is a mismatch of its own kind."""
    found = compare_scores(np.array([left]), np.array([right]), band=BAND, unstable=np.array([False]))
    assert found.codes.tolist() == [code]
    assert found.classes == {name: 1}


def test_an_unstable_answer_never_agrees() -> None:
    """Even where the last answer equals the reference."""
    found = compare_scores(SCORES[:2], SCORES[:2], band=BAND, unstable=np.array([True, False]))
    assert found.codes.tolist() == [Difference.NONDETERMINISTIC, Difference.EQUAL]
    assert found.classes == {"exact64": 1, "mismatch": 1}


@pytest.mark.parametrize("decimals", range(2, 9))
def test_rounding_is_detected_when_every_score_is_rounded(decimals: int) -> None:
    """The d of round(x, d) is found, one bug among them or not; a tenth that is not rounded refutes it."""
    served = np.round(SCORES, decimals)
    assert decimals_of(SCORES, served) == decimals
    served[7] = 1 - SCORES[7]
    assert decimals_of(SCORES, served) == decimals
    served[::10] = SCORES[::10]
    assert decimals_of(SCORES, served) is None


def test_no_difference_is_no_rounding() -> None:
    """Exact scores are not called rounded, and neither are none."""
    assert decimals_of(np.array([0.25]), np.array([0.25])) is None
    assert decimals_of(np.array([]), np.array([])) is None


@pytest.mark.parametrize(
    ("left", "right", "threshold", "flip"),
    [
        (0.6, 0.59, 0.6, True),
        (0.59, 0.6, 0.6, True),
        (0.6, 0.7, 0.6, False),
        (0.7, NAN, 0.6, True),
        (0.5, NAN, 0.6, False),
        (0.6, 0.1, None, False),
    ],
)
def test_a_decision_is_at_or_above_the_threshold(
    left: float,
    right: float,
    threshold: float | None,
    flip: bool,  # noqa: FBT001  -- a table
) -> None:
    """The threshold itself decides yes, NaN decides no, and without a threshold nothing is decided."""
    assert flipped(np.array([left]), np.array([right]), threshold=threshold).tolist() == [flip]


def test_no_scores_have_no_classes() -> None:
    """Zero rows are compared without a word."""
    found = compare_scores(np.array([]), np.array([]), band=BAND, unstable=np.array([], bool))
    assert found.classes == {}
    assert found.codes.shape == (0,)
