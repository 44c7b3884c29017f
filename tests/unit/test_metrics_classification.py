"""Classification metrics against scikit-learn's numbers, against brute force, and at their edges."""

import csv
import math
from itertools import product
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness import metrics

VECTORS = Path(__file__).parents[1] / "vectors"
ROWS = st.lists(
    st.tuples(st.sampled_from([0, 1]), st.sampled_from([0.0, 0.1, 0.25, 0.5, 0.75, 1.0]), st.integers(0, 3)),
    max_size=40,
)


def scored(name: str) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Labels and scores of one of the two fixed data sets."""
    with (VECTORS / f"scored_{name}.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    return np.array([float(row["y"]) for row in rows]), np.array([float(row["score"]) for row in rows])


@pytest.mark.parametrize(
    ("data", "metric", "value"),
    [
        ("reference", "roc_auc", 0.7816139695314746),
        ("reference", "pr_auc", 0.7465880357222892),
        ("reference", "log_loss", 0.5570310230171389),
        ("reference", "brier", 0.18513453672680252),
        ("reference", "precision", 0.7660256410256411),
        ("reference", "recall", 0.48775510204081635),
        ("reference", "predicted_positive_rate", 0.26),
        ("current", "roc_auc", 0.8015072060288241),
        ("current", "pr_auc", 0.8195492756186301),
        ("current", "log_loss", 0.5653321613034384),
        ("current", "brier", 0.186055505339625),
        ("current", "precision", 0.7681498829039812),
        ("current", "recall", 0.657314629258517),
        ("current", "predicted_positive_rate", 0.427),
    ],
)
def test_values_are_scikit_learns(data: str, metric: str, value: float) -> None:
    """On two fixed data sets every metric equals scikit-learn 1.9.1 to 1e-13, threshold 0.6."""
    labels, scores = scored(data)
    assert metrics.METRICS[metric].value(labels, scores, threshold=0.6) == pytest.approx(value, rel=1e-13)


def test_rows_of_a_loss_average_to_the_loss() -> None:
    """Whoever compares losses by row compares what the report shows."""
    labels, scores = scored("current")
    for metric in metrics.METRICS.values():
        if metric.loss_rows is not None:
            mean = metric.loss_rows(labels, scores).mean()
            assert mean == pytest.approx(metric.value(labels, scores, threshold=0.6), rel=1e-13)


def test_log_loss_is_clipped_where_it_would_be_infinite() -> None:
    """A sure and wrong row costs -log(1e-15) on either side, or less with a wider clip."""
    worst = -math.log(1e-15)
    found = metrics.log_loss_rows([1, 0, 1, 0], [0.0, 1.0, 1.0, 0.0])
    assert found == pytest.approx([worst, worst, 0.0, 0.0], rel=1e-4, abs=2e-15)
    assert metrics.log_loss([1], [0.0], clip=1e-6) == pytest.approx(-math.log(1e-6))


@given(rows=ROWS)
def test_auc_is_the_share_of_ordered_pairs(rows: list[tuple[int, float, int]]) -> None:
    """ROC-AUC with weights equals the weighted count over all pairs, ties one half."""
    positives = [(s, w) for y, s, w in rows if y == 1]
    negatives = [(s, w) for y, s, w in rows if y == 0]
    total = sum(w for _, w in positives) * sum(w for _, w in negatives)
    wins = sum(
        wp * wn * (1.0 if sp > sn else 0.5 if sp == sn else 0.0)
        for (sp, wp), (sn, wn) in product(positives, negatives)
    )
    found = metrics.roc_auc([r[0] for r in rows], [r[1] for r in rows], weight=[r[2] for r in rows])
    assert found == pytest.approx(wins / total if total else math.nan, abs=1e-12, nan_ok=True)


@given(rows=ROWS)
def test_whole_number_weights_are_repeated_rows(rows: list[tuple[int, float, int]]) -> None:
    """Every metric gives a row of weight w what it gives w equal rows."""
    labels, scores, weight = ([row[i] for row in rows] for i in range(3))
    repeated = [(y, s) for y, s, w in rows for _ in range(int(w))]
    for metric in metrics.METRICS.values():
        by_weight = metric.value(labels, scores, threshold=0.5, weight=weight)
        by_rows = metric.value([y for y, _ in repeated], [s for _, s in repeated], threshold=0.5)
        assert by_weight == pytest.approx(by_rows, abs=1e-12, nan_ok=True)


@given(rows=ROWS)
def test_auc_of_negated_scores_is_the_complement(rows: list[tuple[int, float, int]]) -> None:
    """Turning the ranking round turns the AUC round; so does exchanging the classes."""
    labels, scores = np.array([r[0] for r in rows]), np.array([r[1] for r in rows])
    found = metrics.roc_auc(labels, scores)
    assert metrics.roc_auc(labels, -scores) == pytest.approx(1.0 - found, abs=1e-12, nan_ok=True)
    assert metrics.roc_auc(1 - labels, scores) == pytest.approx(1.0 - found, abs=1e-12, nan_ok=True)


@given(rows=ROWS)
def test_ranking_metrics_see_only_the_ranking(rows: list[tuple[int, float, int]]) -> None:
    """An increasing map of the scores changes neither AUC, also outside [0, 1]."""
    labels, scores = [r[0] for r in rows], np.array([r[1] for r in rows])
    mapped = np.exp(5.0 * scores) - 100.0
    assert metrics.roc_auc(labels, mapped) == pytest.approx(metrics.roc_auc(labels, scores), nan_ok=True)
    assert metrics.pr_auc(labels, mapped) == pytest.approx(metrics.pr_auc(labels, scores), nan_ok=True)


def test_ties_share_one_step_of_average_precision() -> None:
    """All scores equal give the base rate, in whichever order the rows come."""
    assert metrics.pr_auc([1, 0, 0, 1, 0], [0.3] * 5) == pytest.approx(0.4)
    assert metrics.pr_auc([0, 0, 0, 1, 1], [0.3] * 5) == pytest.approx(0.4)


@pytest.mark.parametrize(
    ("metric", "labels", "scores"),
    [
        ("roc_auc", [1, 1], [0.2, 0.9]),
        ("roc_auc", [0, 0], [0.2, 0.9]),
        ("pr_auc", [0, 0], [0.2, 0.9]),
        ("recall", [0, 0], [0.2, 0.9]),
        ("precision", [0, 1], [0.2, 0.3]),
        *((name, [], []) for name in metrics.METRICS),
    ],
)
def test_undefined_is_nan(metric: str, labels: list[int], scores: list[float]) -> None:
    """One class only, nothing predicted positive, or no rows: nan, without warning or error."""
    assert math.isnan(metrics.METRICS[metric].value(labels, scores, threshold=0.5))


def test_a_score_at_the_threshold_is_positive() -> None:
    """The decision is score >= threshold."""
    assert metrics.predicted_positive_rate([0.6, 0.59999], threshold=0.6) == 0.5


@pytest.mark.parametrize("metric", list(metrics.METRICS))
@pytest.mark.parametrize(
    ("scores", "weight", "text"),
    [
        ([0.1, math.nan], None, r"scores: found nan in row 1 \(1 of 2 rows\), expected"),
        ([0.1, math.inf], None, "scores: found inf in row 1"),
        ([[0.1, 0.2]], None, "scores: found an array of shape"),
        (["a", "b"], None, "scores: found dtype"),
        ([0.1, 0.2], [1.0, -1.0], "weight: found -1 in row 1"),
        ([0.1, 0.2], [1.0], "weight: found 1 rows, expected 2 as the scores"),
    ],
)
def test_invalid_input_is_refused_by_every_metric(
    metric: str, scores: list[float], weight: list[float] | None, text: str
) -> None:
    """Each metric names the column, the first bad row, and what it expected."""
    with pytest.raises(ValueError, match=text):
        metrics.METRICS[metric].value([0, 1], scores, threshold=0.5, weight=weight)


@pytest.mark.parametrize("metric", [name for name in metrics.METRICS if name != "predicted_positive_rate"])
@pytest.mark.parametrize(
    ("labels", "text"),
    [
        ([0, 2], r"labels: found 2 in row 1 \(1 of 2 rows\), expected 0 or 1"),
        ([math.nan, 1], "labels: found nan in row 0"),
        ([0, None], "labels: found dtype object"),
        ([0, 1, 1], "labels: found 3 rows, expected 2 as the scores"),
    ],
)
def test_invalid_labels_are_refused(metric: str, labels: list[float], text: str) -> None:
    """Labels other than 0 and 1, missing ones, and other lengths raise ValueError."""
    with pytest.raises(ValueError, match=text):
        metrics.METRICS[metric].value(labels, [0.1, 0.2], threshold=0.5)


@pytest.mark.parametrize("metric", ["log_loss", "brier"])
def test_losses_of_probabilities_refuse_other_scores(metric: str) -> None:
    """A margin or a percentage is not a probability."""
    with pytest.raises(ValueError, match=r"scores: found 1\.5 in row 1"):
        metrics.METRICS[metric].value([0, 1], [0.1, 1.5], threshold=0.5)


@pytest.mark.parametrize("clip", [0.0, 0.5, math.nan])
def test_an_impossible_clip_is_refused(clip: float) -> None:
    """The clip leaves an interval between it and its complement."""
    with pytest.raises(ValueError, match="clip: found"):
        metrics.log_loss([1], [0.5], clip=clip)
