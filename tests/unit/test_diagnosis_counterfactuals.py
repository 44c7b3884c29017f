"""Counterfactuals: what ranks, what decides, which rows count; metrics are those of the metrics room."""

import numpy as np
import pytest

from harness import metrics
from harness.diagnosis.counterfactuals import Counterfactual, measured
from harness.diagnosis.influence import NAMES
from harness.errors import HarnessError

RNG_SEED = 3


def rows(many: int = 400) -> Counterfactual:
    """Scores with labels that follow them."""
    rng = np.random.default_rng(RNG_SEED)
    score = rng.random(many)
    return Counterfactual(
        key="now", action="", score=score, threshold=0.6, label=(rng.random(many) < score).astype(float)
    )


def values(one: Counterfactual) -> dict[str, float]:
    """Its metrics by name."""
    every = np.ones(one.score.size, dtype=bool)
    made = measured(one, unit=np.arange(one.score.size), only=every)
    return dict(zip(NAMES, made.values.tolist(), strict=True))


def test_the_metrics_are_the_metrics() -> None:
    """Each the number that the metrics room gives for these rows."""
    one = rows()
    found = values(one)
    assert one.label is not None
    for name in metrics.METRICS:
        if name in found:
            of = getattr(metrics, name)
            by_threshold = name in NAMES[4:]
            given = {"threshold": 0.6} if by_threshold else {}
            columns = (one.score,) if name == "predicted_positive_rate" else (one.label, one.score)
            assert found[name] == pytest.approx(of(*columns, **given))


def test_what_ranks_decides_and_the_score_is_the_probability() -> None:
    """With another rank the probability's metrics stay, the others are those of the rank."""
    one = rows()
    other = Counterfactual(
        key="k", action="", score=one.score, rank=1.0 - one.score, threshold=0.6, label=one.label
    )
    plain = Counterfactual(key="k", action="", score=1.0 - one.score, threshold=0.6, label=one.label)
    found, kept, ranks = values(other), values(one), values(plain)
    assert [found[name] for name in ("log_loss", "brier")] == [kept[name] for name in ("log_loss", "brier")]
    assert [found[name] for name in ("roc_auc", *NAMES[4:])] == [
        ranks[name] for name in ("roc_auc", *NAMES[4:])
    ]


def test_a_threshold_by_row_decides_by_row() -> None:
    """Precision and the others are of these decisions; the queue is at the threshold that would be served."""
    one = rows()
    cuts = np.where(np.arange(400) % 2 == 0, 0.2, 0.9)
    mixed = Counterfactual(key="k", action="", score=one.score, threshold=cuts, deployed=0.5, label=one.label)
    assert np.array_equal(mixed.flagged(), one.score >= cuts)
    assert np.array_equal(mixed.served(), one.score >= 0.5)
    assert np.array_equal(one.served(), one.flagged())
    assert values(mixed)["predicted_positive_rate"] == pytest.approx(mixed.flagged().mean())


def test_only_known_rows_count() -> None:
    """Without a score, a label, or out of `rows`: as if they were not there."""
    one = rows()
    assert one.label is not None
    score, label, used = one.score.copy(), one.label.copy(), np.arange(400) >= 40
    score[300:320], label[320:340] = np.nan, np.nan
    some = Counterfactual(key="k", action="", score=score, threshold=0.6, label=label, rows=used)
    kept = some.known()
    assert kept.sum() == 320
    bare = Counterfactual(key="k", action="", score=score[kept], threshold=0.6, label=label[kept])
    assert values(some) == values(bare)
    unlabelled = Counterfactual(key="k", action="", score=score, threshold=0.6)
    assert not unlabelled.known().any()
    assert np.isnan(unlabelled.labels()).all()


def test_influence_is_summed_by_unit_and_units_that_count_are_told() -> None:
    """Sums over units of all rows are 0; a unit without a row that counts is not seen."""
    one = rows()
    unit = np.arange(400) // 4
    made = measured(one, unit=unit, only=np.arange(400) >= 40)
    assert made.sums.shape == (8, 100)
    assert made.sums.sum(axis=1) == pytest.approx(np.zeros(8), abs=1e-12)
    assert made.seen.tolist() == [False] * 10 + [True] * 90
    assert made.labelled == 360


def test_columns_of_other_lengths_are_refused() -> None:
    """With the lengths."""
    with pytest.raises(HarnessError, match="columns have different lengths"):
        Counterfactual(key="k", action="", score=np.zeros(3), threshold=0.5, label=np.zeros(2))
