"""Shares over all orders: they add up, agree with the ladder where nothing interacts, and flag what does."""

from dataclasses import replace
from itertools import permutations
from typing import Any

import numpy as np
import pytest

from harness.diagnosis.rows import Production, Thresholds
from harness.diagnosis.shapley import TOGGLES, Share, shares
from harness.metrics import METRICS
from tests.kit.gap import THRESHOLDS, gap

_, PRODUCTION = gap(rows=600)


def by_metric(metric: str, production: Production = PRODUCTION, **changes: Any) -> dict[str, Share]:  # noqa: ANN401  -- columns
    """The shares of one metric by toggle."""
    changed = replace(production, **changes)
    assert changed.unit is not None
    found = shares(changed, thresholds=THRESHOLDS, unit=changed.unit)
    return {share.toggle: share for share in found if share.metric == metric}


def value(metric: str, on: frozenset[str]) -> float:
    """The metric with these toggles on, written out by hand."""
    p = PRODUCTION
    score = {
        (False, False): p.offline_score,
        (True, False): p.served_features_score,
        (False, True): p.served_model_score,
        (True, True): p.served_score,
    }["served_features" in on, "served_scores" in on]
    label = {
        (False, False): p.label,
        (True, False): p.production_label,
        (False, True): p.early_label,
        (True, True): p.seen_label,
    }["label_definition" in on, "label_maturity" in on]
    threshold = THRESHOLDS.serving if "serving_threshold" in on else THRESHOLDS.offline
    assert score is not None
    assert label is not None
    assert threshold is not None
    return METRICS[metric].value(label, score, threshold=threshold)


@pytest.mark.parametrize("metric", ["roc_auc", "log_loss", "recall"])
def test_a_share_is_the_mean_over_all_orders(metric: str) -> None:
    """All 120 orders played out by hand, with the plain metrics."""
    found = by_metric(metric)
    assert tuple(found) == TOGGLES
    for toggle, share in found.items():
        steps = []
        for order in permutations(TOGGLES):
            before = frozenset(order[: order.index(toggle)])
            steps.append(value(metric, before) - value(metric, before | {toggle}))
        assert share.share.value == pytest.approx(np.mean(steps), abs=1e-12)
        assert share.orders == 120


@pytest.mark.parametrize("metric", METRICS)
def test_shares_and_ladder_add_up_to_the_same(metric: str) -> None:
    """All toggles off minus all on."""
    found = by_metric(metric).values()
    total = value(metric, frozenset()) - value(metric, frozenset(TOGGLES))
    assert sum(share.share.value for share in found) == pytest.approx(total, abs=1e-12)
    assert sum(share.ladder.value for share in found) == pytest.approx(total, abs=1e-12)
    for share in found:
        assert share.difference.value == pytest.approx(share.ladder.value - share.share.value, abs=1e-12)


def test_orders_that_cannot_be_computed_are_left_out() -> None:
    """Without the served model on clean features, features come before the scorer: half the orders."""
    assert {share.orders for share in by_metric("roc_auc", served_model_score=None).values()} == {60}
    both = by_metric("roc_auc", served_model_score=None, early_label=None)
    assert {share.orders for share in both.values()} == {30}


def test_toggles_whose_columns_are_not_there_are_left_out() -> None:
    """The served scores then hold what the features did."""
    found = by_metric("roc_auc", served_features_score=None, production_label=None)
    assert tuple(found) == ("served_scores", "serving_threshold", "label_maturity")
    bare = Production(offline_score=PRODUCTION.offline_score, label=PRODUCTION.label)
    assert shares(bare, thresholds=Thresholds(offline=0.4), unit=np.arange(600)) == ()


def test_two_toggles_that_undo_each_other_are_an_interaction() -> None:
    """Scores and labels both turned over: the ladder blames one and thanks the other, the shares neither."""
    p = PRODUCTION
    assert p.label is not None
    turned = replace(
        p,
        served_features_score=p.offline_score,
        served_model_score=1.0 - p.offline_score,
        served_score=1.0 - p.offline_score,
        production_label=p.label,
        early_label=1.0 - p.label,
        seen_label=1.0 - p.label,
    )
    found = by_metric("roc_auc", turned)
    assert found["served_scores"].interaction
    assert found["label_maturity"].interaction
    assert found["served_scores"].ladder.value == pytest.approx(-found["label_maturity"].ladder.value)
    assert found["served_scores"].share.value == pytest.approx(0.0, abs=1e-12)
    assert not found["serving_threshold"].interaction


def test_a_single_unit_flags_nothing() -> None:
    """It cannot tell chance from interaction."""
    found = by_metric("recall", unit=np.zeros(600, dtype=np.int64))
    assert all(np.isnan(share.share.se) and not share.interaction for share in found.values())


def test_nothing_is_flagged_where_only_one_thing_changes() -> None:
    """A negative control: one toggle has nothing to interact with."""
    p = PRODUCTION
    lone = replace(
        p,
        served_features_score=p.offline_score,
        served_score=p.served_model_score,
        production_label=p.label,
        early_label=p.label,
        seen_label=p.label,
    )
    found = by_metric("roc_auc", lone)
    assert not any(share.interaction for share in found.values())
    assert found["served_scores"].share.value == pytest.approx(found["served_scores"].ladder.value, abs=1e-12)
