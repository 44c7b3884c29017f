"""The AUC difference: a worked example, the jackknife and pair counting, ties, and the evidence of its z."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.stats import AsymptoticCS, auc_difference, z_log_e
from harness.stats.confseq import Side


def pairs_auc(labels: np.ndarray, scores: np.ndarray) -> float:
    """The share of (positive, negative) pairs ranked rightly, ties half, by counting them all."""
    gaps = scores[labels == 1][:, None] - scores[labels == 0]
    return float(((gaps > 0) + 0.5 * (gaps == 0)).mean())


@pytest.fixture
def rows() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """300 rows with labels, and two scores with ties."""
    rng = np.random.default_rng(11)
    labels = (rng.random(300) < 0.2).astype(int)
    champion = np.round(labels + rng.normal(size=300), 1)
    challenger = np.round(labels + 0.5 * champion + rng.normal(size=300), 1)
    return labels, champion, challenger


def test_the_worked_example() -> None:
    """Four rows: .75 and 1, difference .25, standard error .353553."""
    found = auc_difference([0, 0, 1, 1], champion=[0.1, 0.4, 0.35, 0.8], challenger=[0.1, 0.2, 0.3, 0.4])
    assert (found.champion, found.challenger, found.difference) == (0.75, 1.0, 0.25)
    assert found.se == pytest.approx(math.sqrt(0.125))
    assert found.influence == pytest.approx([-0.25, 0.75, 0.75, -0.25])


def test_areas_are_counted_pairs(rows: tuple[np.ndarray, np.ndarray, np.ndarray]) -> None:
    """Ranks give what counting every pair gives, ties counted half."""
    labels, champion, challenger = rows
    found = auc_difference(labels, champion=champion, challenger=challenger)
    assert found.champion == pytest.approx(pairs_auc(labels, champion), abs=1e-12)
    assert found.challenger == pytest.approx(pairs_auc(labels, challenger), abs=1e-12)


def test_variance_is_that_of_the_components(rows: tuple[np.ndarray, np.ndarray, np.ndarray]) -> None:
    """DeLong's variance from components that are counted pair by pair."""
    labels, champion, challenger = rows

    def kernel(scores: np.ndarray) -> np.ndarray:
        gaps = scores[labels == 1][:, None] - scores[labels == 0]
        counted: np.ndarray = (gaps > 0) + 0.5 * (gaps == 0)
        return counted

    parts = kernel(challenger) - kernel(champion)
    by_positive, by_negative = parts.mean(axis=1), parts.mean(axis=0)
    expected = by_positive.var(ddof=1) / by_positive.size + by_negative.var(ddof=1) / by_negative.size
    found = auc_difference(labels, champion=champion, challenger=challenger)
    assert found.se == pytest.approx(math.sqrt(expected), rel=1e-12)


def test_influence_has_the_difference_as_its_mean_and_its_spread_as_the_error(
    rows: tuple[np.ndarray, np.ndarray, np.ndarray],
) -> None:
    """So the difference goes through the confidence sequence like the mean of a loss."""
    labels, champion, challenger = rows
    found = auc_difference(labels, champion=champion, challenger=challenger)
    assert found.influence.mean() == pytest.approx(found.difference, abs=1e-12)
    assert found.influence.std(ddof=1) / math.sqrt(300) == pytest.approx(found.se, rel=0.02)
    sequence = AsymptoticCS(300, 0.05).update(found.influence)
    by_z = z_log_e(found.difference / found.se, 300, side="greater", n_opt=300, alpha=0.05)
    assert sequence.log_e(0.0, "greater") == pytest.approx(by_z, abs=0.1)


def test_equal_scores_differ_by_exactly_nothing(rows: tuple[np.ndarray, np.ndarray, np.ndarray]) -> None:
    """Identity: no difference, no error, every influence zero; a monotone change of scale is identity too."""
    labels, champion, _ = rows
    found = auc_difference(labels, champion=champion, challenger=3.0 * champion + 1.0)
    assert (found.difference, found.se) == (0.0, 0.0)
    assert not found.influence.any()
    assert AsymptoticCS(300, 0.05).update(found.influence).identical


def test_swapping_the_arms_flips_the_sign(rows: tuple[np.ndarray, np.ndarray, np.ndarray]) -> None:
    """Difference and influence are negated, the error stays."""
    labels, champion, challenger = rows
    one = auc_difference(labels, champion=champion, challenger=challenger)
    other = auc_difference(labels, champion=challenger, challenger=champion)
    assert other.difference == pytest.approx(-one.difference)
    assert other.se == pytest.approx(one.se)
    assert other.influence == pytest.approx(-one.influence)


@pytest.mark.parametrize(("side", "evidence"), [("greater", 6.605561), ("less", None), ("two-sided", None)])
def test_evidence_of_a_z_value(side: Side, evidence: float | None) -> None:
    """Z = 4 at 500 of 500 planned units; the same as a confidence sequence with that mean and spread."""
    found = z_log_e(4.0, 500, side=side, n_opt=500, alpha=0.05)
    sequence = AsymptoticCS(500, 0.05, n=500, mean=4.0 / math.sqrt(500), m2=499.0, nonzero=500)
    assert found == pytest.approx(sequence.log_e(0.0, side), abs=1e-9)
    assert evidence is None or found == pytest.approx(evidence, abs=1e-6)


@pytest.mark.parametrize("side", ["greater", "less", "two-sided"])
def test_no_units_and_no_effect_are_no_evidence(side: Side) -> None:
    """N = 0 gives 0, z = 0 a negative number."""
    assert z_log_e(3.0, 0, side=side, n_opt=500, alpha=0.05) == 0.0
    assert z_log_e(0.0, 100, side=side, n_opt=500, alpha=0.05) < 0.0


@pytest.mark.parametrize(
    ("labels", "champion", "text"),
    [
        ([0, 1, 2, 1], [1, 2, 3, 4], "labels: found"),
        ([0, 1, 1, 1], [1, 2, 3, 4], "found 1 rows of the rarer outcome"),
        ([0, 0, 1, 1], [1, 2, 3], "expected \\(4,\\) as the labels"),
        ([0, 0, 1, 1], [1, 2, 3, math.nan], "champion: found 1 NaN"),
    ],
)
def test_unusable_rows_are_refused(labels: list[int], champion: list[float], text: str) -> None:
    """Labels of 0 and 1, at least 2 of each, and a finite score a row."""
    with pytest.raises(ValueError, match=text):
        auc_difference(labels, champion=champion, challenger=[1, 2, 3, 4])


def test_a_z_that_is_no_number_is_refused() -> None:
    """A difference without spread has no z; the caller asks `identical` first."""
    with pytest.raises(ValueError, match="z: found NaN"):
        z_log_e(math.nan, 10, side="greater", n_opt=500, alpha=0.05)


@given(
    st.lists(st.tuples(st.booleans(), st.integers(0, 5), st.integers(0, 5), st.integers(1, 4)), min_size=6)
)
def test_a_row_of_weight_two_is_the_row_twice(rows: list[tuple[bool, int, int, int]]) -> None:
    """AUCs, their difference and its parts are those of the rows written out; whole weights, ties and all."""
    labels, champion, challenger, weight = (np.array(one) for one in zip(*rows, strict=True))
    if min(labels.sum(), (~labels).sum()) < 2:
        return
    found = auc_difference(labels, champion=champion, challenger=challenger, weight=weight)
    written = [np.repeat(one, weight) for one in (labels, champion, challenger)]
    plain = auc_difference(written[0], champion=written[1], challenger=written[2])
    assert (found.champion, found.challenger) == pytest.approx((plain.champion, plain.challenger), abs=1e-12)
    assert found.difference == pytest.approx(plain.difference, abs=1e-12)
    assert np.repeat(found.influence, weight) == pytest.approx(plain.influence, abs=1e-9)
    assert np.average(found.influence, weights=weight) == pytest.approx(found.difference, abs=1e-12)


def test_weights_of_one_are_no_weights() -> None:
    """The same numbers by the other way; the error differs by the factor n / (n - 1) of each class alone."""
    labels = [0, 0, 1, 1]
    scores = {"champion": [0.1, 0.4, 0.35, 0.8], "challenger": [0.1, 0.2, 0.3, 0.4]}
    plain, found = auc_difference(labels, **scores), auc_difference(labels, weight=[1, 1, 1, 1], **scores)
    assert found.influence == pytest.approx(plain.influence)
    assert found.se == pytest.approx(plain.se / 2**0.5)
    assert auc_difference(labels, weight=[1, 3, 1, 1], **scores).champion == pytest.approx(0.625)


@pytest.mark.parametrize("weight", [[1, 1, 1], [1, 1, 0, 1], [1, 1, -1, 1]])
def test_weights_that_are_none_are_refused(weight: list[float]) -> None:
    """One above 0 for each row."""
    with pytest.raises(ValueError, match="weight"):
        auc_difference([0, 0, 1, 1], champion=[1, 2, 3, 4], challenger=[1, 2, 3, 4], weight=weight)
