"""On the overlap: plain weighted metrics, corrected for what the weights get wrong."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.special import expit

from harness.diagnosis.influence import NAMES, grid
from harness.diagnosis.overlap import Half, overlap_metrics
from harness.metrics import METRICS

ROWS, SHIFT, THRESHOLD = 40_000, 1.0, 0.4


def half(*, production: bool, label_model: bool = True, bend: float = 1.0) -> Half:
    """Normal scores, shifted in production, where the label's slope is half; weights true, or bent."""
    rng = np.random.default_rng(20 + production)
    x = rng.standard_normal(ROWS) + SHIFT * production
    before, now = expit(1.5 * x), expit(0.7 * x)
    label = (rng.random(ROWS) < (now if production else before)).astype(float)
    produced = expit(bend * SHIFT * (x - SHIFT / 2.0))
    return Half(
        scores=grid(expit(x)),
        label=label,
        weight=np.ones(ROWS),
        toward=1.0 - produced if production else produced,
        label_own=(now if production else before) if label_model else None,
        label_other=(before if production else now) if label_model else None,
        unit=np.arange(ROWS),
        units=ROWS,
    )


def both(*, label_model: bool = True, bend: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
    """The metrics on the overlap, of the holdout and of production."""
    found = overlap_metrics(
        half(production=False, label_model=label_model, bend=bend),
        half(production=True, label_model=label_model, bend=bend),
        threshold=THRESHOLD,
    )
    return found[0].values, found[1].values


def test_without_a_label_model_they_are_the_weighted_metrics() -> None:
    """Of the metrics room, with the overlap weights, and no influence of the other population."""
    before, now = half(production=False, label_model=False), half(production=True, label_model=False)
    for own, found in zip((before, now), overlap_metrics(before, now, threshold=THRESHOLD), strict=True):
        score = own.scores.distinct[own.scores.place]
        for name, metric in METRICS.items():
            expected = metric.value(own.label, score, threshold=THRESHOLD, weight=own.toward)
            assert found.values[NAMES.index(name)] == pytest.approx(expected, abs=1e-12)
        assert not found.other.any()


@pytest.mark.parametrize("bend", [0.8, 1.2])
def test_wrong_weights_are_corrected_to_first_order(bend: float) -> None:
    """Of what weights bent by 20 % get wrong in the metrics, at most a fifth is left."""
    for side in (0, 1):
        plain = np.abs(both(label_model=False, bend=bend)[side] - both(label_model=False)[side])
        corrected = np.abs(both(bend=bend)[side] - both()[side])
        assert plain.sum() > 0.03
        assert corrected.sum() < 0.2 * plain.sum()


def test_the_correction_of_true_weights_is_chance() -> None:
    """With the true weights both estimate the same, to a few standard errors of 40,000 rows."""
    for side in (0, 1):
        assert both()[side] == pytest.approx(both(label_model=False)[side], abs=0.01)


def test_influence_sums_to_nothing_in_each_population() -> None:
    """Own rows and the other's: means are taken out."""
    for found in overlap_metrics(half(production=False), half(production=True), threshold=THRESHOLD):
        assert found.own.sum(axis=1) == pytest.approx(np.zeros(8), abs=1e-10)
        assert found.other.sum(axis=1) == pytest.approx(np.zeros(8), abs=1e-10)


def test_both_sides_know_the_same_of_what_needs_no_label() -> None:
    """The predicted positive rate on the overlap is one number, so each unit does to both the same."""
    seen, concept = overlap_metrics(half(production=False), half(production=True), threshold=THRESHOLD)
    assert seen.values[-1] == pytest.approx(concept.values[-1], abs=1e-3)
    for one, other in ((seen.own, concept.other), (seen.other, concept.own)):
        assert np.abs(one[-1] - other[-1]).max() < 0.05 * np.abs(one[-1]).max()


def test_a_side_of_no_weight_is_undefined() -> None:
    """No rows, and the reason."""
    before = replace(half(production=False), toward=np.zeros(ROWS))
    found = overlap_metrics(before, half(production=True), threshold=THRESHOLD)[0]
    assert np.isnan(found.values).all()
    assert set(found.empty.values()) == {"there are no rows"}
