"""Each rung is the plain metric on its own rows, scores, labels and threshold."""

from dataclasses import replace

import numpy as np
import pytest

from harness.diagnosis.influence import NAMES
from harness.diagnosis.ladder import clusters_of
from harness.diagnosis.rows import Overlap, Thresholds
from harness.diagnosis.rungs import NO_HOLDOUT, NO_LABELS, NO_OVERLAP, Rung, all_rungs
from harness.metrics import METRICS
from tests.kit.gap import STEPS, THRESHOLDS, gap

HOLDOUT, PRODUCTION = gap()


def rungs(holdout: object = HOLDOUT, production: object = PRODUCTION) -> dict[str, Rung]:
    """The rungs by key."""
    both = (holdout, production)
    found = all_rungs(*both, thresholds=THRESHOLDS, units=clusters_of(*both))  # type: ignore[arg-type]  # rows
    return {rung.key: rung for rung in found}


def plain(key: str) -> list[np.ndarray | float | None]:
    """Labels, scores, threshold and weight of each rung that needs no overlap, written out by hand."""
    h, p, low, high = HOLDOUT, PRODUCTION, 0.4, 0.55
    assert h.repeated is not None
    assert h.time_ns is not None
    assert p.joined is not None
    assert p.exposed is not None
    distinct = 1.0 * ~h.repeated
    fair = distinct * (h.time_ns > 20)
    table: dict[str, list[np.ndarray | float | None]] = {
        "reported": [h.label, h.score, low, None],
        "repeated_rows": [h.label, h.score, low, distinct],
        "time_order": [h.label, h.score, low, fair],
        "leak: outcome": [h.label, h.rederived[0].score, low, fair],
        "covariate_unseen": [p.label, p.offline_score, low, None],
        "served_features": [p.label, p.served_features_score, low, None],
        "served_scores": [p.label, p.served_score, low, None],
        "serving_threshold": [p.label, p.served_score, high, None],
        "label_definition": [p.production_label, p.served_score, high, None],
        "label_maturity": [p.seen_label, p.served_score, high, None],
        "join_loss": [p.seen_label, p.served_score, high, 1.0 * p.joined],
        "exposure": [p.seen_label, p.served_score, high, 1.0 * (p.joined & p.exposed)],
    }
    return table[key]


@pytest.mark.parametrize("key", ["reported", *STEPS[:3], *STEPS[5:]])
def test_a_rung_is_the_plain_metric(key: str) -> None:
    """Every metric of the metrics room, to the last digits."""
    label, score, threshold, weight = plain(key)
    found = rungs()[key]
    for name, metric in METRICS.items():
        expected = metric.value(label, score, threshold=threshold, weight=weight)  # type: ignore[arg-type]  # table
        assert found.values[NAMES.index(name)] == pytest.approx(expected, abs=1e-13)


def test_a_rung_of_one_population_is_moved_by_its_units_only() -> None:
    """Overlap rungs by both, since each tells the other how far its weights are off."""
    found = rungs()
    assert found["time_order"].production is None
    assert found["served_scores"].holdout is None
    for key in ("covariate_seen", "concept"):
        assert found[key].holdout is not None
        assert found[key].production is not None


def test_no_concept_shift_moves_the_predicted_positive_rate() -> None:
    """It knows no labels, so on the overlap it is one number."""
    found = rungs()
    assert found["concept"].values[-1] == found["covariate_seen"].values[-1]
    assert np.array_equal(found["concept"].production[-1], found["covariate_seen"].production[-1])  # type: ignore[index]


def test_without_a_holdout_the_ladder_begins_at_production() -> None:
    """And the first rung says what is missing."""
    found = rungs(None)
    assert found["reported"].why_not == NO_HOLDOUT
    assert list(found)[1] == "production_offline"
    assert found["production_offline"].values == pytest.approx(rungs()["covariate_unseen"].values)


def test_without_weights_the_data_part_is_one() -> None:
    """Both rungs of the overlap say why not."""
    found = rungs(replace(HOLDOUT, overlap=None))
    assert {key for key, rung in found.items() if rung.why_not == NO_OVERLAP} == {"covariate_seen", "concept"}


def test_without_labels_only_the_predicted_positive_rate_is_left() -> None:
    """On every rung of production that asks for mature labels; each other metric says why."""
    found = rungs(production=replace(PRODUCTION, label=None, production_label=None, seen_label=None))
    for key in ("covariate_unseen", "served_scores", "serving_threshold"):
        assert np.isfinite(found[key].values).tolist() == [False] * 7 + [True]
        assert set(found[key].empty.values()) == {NO_LABELS}
    assert found["concept"].why_not == NO_LABELS


def test_rows_of_the_overlap_need_labels() -> None:
    """With no labelled row on one side there is no overlap to speak of."""
    found = rungs(production=replace(PRODUCTION, label=np.full(240, np.nan)))
    assert found["covariate_seen"].why_not == "no labelled row is left on one side"


def test_the_same_overlap_everywhere_leaves_the_rungs_beside_it() -> None:
    """With r a half for every row and no correction, the overlap is the population itself."""
    even = Overlap(produced=np.full(240, 0.5))
    found = rungs(replace(HOLDOUT, overlap=even), replace(PRODUCTION, overlap=even))
    assert found["covariate_seen"].values[:-1] == pytest.approx(found["leak: outcome"].values[:-1])
    assert found["concept"].values[:-1] == pytest.approx(found["covariate_unseen"].values[:-1])


def test_the_overlap_weighs_the_holdout_by_production_and_production_by_the_holdout() -> None:
    """The plain metrics with these weights, where no label model corrects them."""
    chances = np.random.default_rng(3).uniform(0.1, 0.9, (2, 240))
    found = rungs(
        replace(HOLDOUT, overlap=Overlap(produced=chances[0])),
        replace(PRODUCTION, overlap=Overlap(produced=chances[1])),
    )
    label, score, threshold, fair = plain("leak: outcome")
    weighed = {
        "covariate_seen": (label, score, fair * chances[0]),
        "concept": (PRODUCTION.label, PRODUCTION.offline_score, 1.0 - chances[1]),
    }
    for key, (truth, scores, weight) in weighed.items():
        for name in ("roc_auc", "pr_auc", "brier", "recall"):
            value = METRICS[name].value(truth, scores, threshold=threshold, weight=weight)  # type: ignore[arg-type]  # table
            assert found[key].values[NAMES.index(name)] == pytest.approx(value, abs=1e-13)


def test_a_threshold_alone_moves_only_decisions() -> None:
    """AUC, average precision, log loss and Brier are the same on both sides of that step."""
    found = rungs()
    same = found["serving_threshold"].values == found["served_scores"].values
    assert same.tolist() == [True] * 4 + [False] * 4
    assert Thresholds(offline=0.4).serving is None
