"""Eight metrics at once are those of the metrics room, and influence is what a little more weight does."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.diagnosis.influence import (
    NAMES,
    RANKED,
    Table,
    at_threshold,
    decision_influence,
    expected_influence,
    grid,
    merged,
    table,
    unit_influence,
)
from harness.metrics import METRICS

THRESHOLD = 0.38
FOUR = (np.array([0.1, 0.4, 0.35, 0.8]), np.array([0.0, 0.0, 1.0, 1.0]))


def made(score: np.ndarray, label: np.ndarray, weight: np.ndarray | None = None) -> Table:
    """The table of a sample at the threshold."""
    weights = np.ones(score.size) if weight is None else weight
    return table(grid(score), label, weight=weights, threshold=THRESHOLD)


def test_known_numbers() -> None:
    """Those that the metrics room prints for its four rows, in the order of the names."""
    known = [0.75, 0.83333, 0.47229, 0.158125, 0.5, 0.5, 0.5, 0.5]
    assert made(*FOUR).values == pytest.approx(known, abs=5e-6)


@given(st.lists(st.tuples(st.integers(0, 8), st.booleans(), st.integers(0, 3)), min_size=1, max_size=40))
def test_the_values_are_those_of_the_metrics_room(rows: list[tuple[int, bool, int]]) -> None:
    """With ties, weights and one class too; undefined there is undefined here, with a reason."""
    score, label, weight = (np.array(column, dtype=float) for column in zip(*rows, strict=True))
    found = made(score / 8.0, label, weight)
    for name, metric in METRICS.items():
        expected = metric.value(label, score / 8.0, threshold=THRESHOLD, weight=weight)
        assert found.values[NAMES.index(name)] == pytest.approx(expected, nan_ok=True, abs=1e-12)
    for name, value in zip(NAMES, found.values, strict=True):
        assert np.isnan(value) == (name in found.empty)


def test_f1_is_the_harmonic_mean() -> None:
    """2 P R / (P + R), on rows where precision and recall differ."""
    score, label = np.array([0.1, 0.4, 0.5, 0.8, 0.9]), np.array([1.0, 0.0, 0.0, 1.0, 1.0])
    values = dict(zip(NAMES, made(score, label).values, strict=True))
    precision, recall = values["precision"], values["recall"]
    assert values["f1"] == pytest.approx(2 * precision * recall / (precision + recall))
    assert (precision, recall) == (0.5, pytest.approx(2 / 3))


@pytest.mark.parametrize("name", NAMES)
def test_influence_is_the_change_by_a_little_more_weight(name: str) -> None:
    """Against a central difference of the metric in each row's weight, on weighted rows with ties."""
    rng = np.random.default_rng(7)
    score, label = rng.integers(1, 9, 30) / 10.0, (rng.random(30) < 0.4).astype(float)
    weight, row, step = rng.uniform(0.5, 2.0, 30), NAMES.index(name), 1e-5
    scores = grid(score)
    found = unit_influence(
        made(score, label, weight), scores, label=label, weight=weight, unit=np.arange(30), size=30
    )
    for k in range(30):
        more, less = weight.copy(), weight.copy()
        more[k], less[k] = weight[k] * (1 + step), weight[k] * (1 - step)
        change = made(score, label, more).values[row] - made(score, label, less).values[row]
        assert found[row, k] == pytest.approx(change / (2 * step), abs=1e-9)


def test_the_influences_of_all_rows_cancel() -> None:
    """Weighing all rows more changes nothing, so the units' sums are 0 in sum, and regroup freely."""
    score, label = FOUR
    one_by_one, by_two = (
        unit_influence(
            made(score, label), grid(score), label=label, weight=np.ones(4), unit=np.array(unit), size=size
        )
        for unit, size in (([0, 1, 2, 3], 4), ([0, 0, 1, 1], 2))
    )
    assert one_by_one.sum(axis=1) == pytest.approx(np.zeros(8), abs=1e-15)
    assert by_two == pytest.approx(one_by_one.reshape(8, 2, 2).sum(axis=2), abs=1e-15)


def test_expected_influence_lies_between_those_of_both_labels() -> None:
    """With probability 1 it is that of a positive row, with 0 that of a negative one."""
    score, label = FOUR
    scores, found = grid(score), made(score, label)
    sure, never, even = (
        np.stack([*expected_influence(found, place=scores.place, positive=np.full(4, p))])
        for p in (1.0, 0.0, 0.5)
    )
    assert even == pytest.approx((sure + never) / 2.0)
    by_row = unit_influence(found, scores, label=label, weight=np.ones(4), unit=np.arange(4), size=4)
    assert by_row * 4.0 == pytest.approx(np.where(label == 1.0, sure, never))


@pytest.mark.parametrize(
    ("score", "label", "name", "why"),
    [
        ([0.1, 0.9], [0, 0], "roc_auc", "no label is positive"),
        ([0.1, 0.9], [1, 1], "roc_auc", "no label is negative"),
        ([0.1, 0.2], [0, 1], "precision", "no row is predicted positive"),
        ([0.1, 0.2], [0, 0], "f1", "no row is positive or predicted so"),
        ([0.1, 1.2], [0, 1], "log_loss", "the scores are no probabilities between 0 and 1"),
        ([np.nan, np.nan], [0, 1], "roc_auc", "there are no rows"),
    ],
)
def test_an_undefined_metric_says_why(score: list[float], label: list[int], name: str, why: str) -> None:
    """And the value is nan, never a number."""
    scores = grid(np.array(score))
    found = table(
        scores, np.array(label, dtype=float), weight=scores.known.astype(float), threshold=THRESHOLD
    )
    assert found.empty[name] == why
    assert np.isnan(found.values[NAMES.index(name)])


def test_another_threshold_is_a_table_of_its_own() -> None:
    """Made from a table at .38 or from scratch, all that is at .8 is the same."""
    score, label = FOUR
    scores, weight, units = grid(score), np.ones(4), {"unit": np.arange(4), "size": 4}
    moved = at_threshold(made(score, label), scores, threshold=0.8)
    fresh = table(scores, label, weight=weight, threshold=0.8)
    assert moved.values == pytest.approx(fresh.values)
    assert moved.values[RANKED:] == pytest.approx([1.0, 0.5, 2 / 3, 0.25])
    for one in (moved, fresh):
        whole = unit_influence(one, scores, label=label, weight=weight, **units)  # type: ignore[arg-type]
        part = decision_influence(one, scores, label=label, weight=weight, **units)  # type: ignore[arg-type]
        assert whole[RANKED:] == pytest.approx(part)


def test_two_columns_on_one_grid_keep_their_places() -> None:
    """Each row finds its own score on the grid of both, and NaN stays unknown."""
    left, right = merged(grid(np.array([0.4, 0.1, np.nan])), grid(np.array([0.4, 0.9])))
    assert left.distinct.tolist() == [0.1, 0.4, 0.9]
    assert left.place[left.known].tolist() == [1, 0]
    assert right.distinct[right.place].tolist() == [0.4, 0.9]
    assert left.loss == pytest.approx(grid(np.array([0.1, 0.4, 0.9])).loss)


def test_rows_without_a_score_do_not_count() -> None:
    """NaN has no place of its own; with weight 0 the others are measured as if alone."""
    score = np.array([0.1, np.nan, 0.4, 0.35, 0.8])
    label, scores = np.array([0.0, 1.0, 0.0, 1.0, 1.0]), grid(score)
    found = table(scores, label, weight=scores.known.astype(float), threshold=THRESHOLD)
    assert found.values == pytest.approx(made(*FOUR).values)
