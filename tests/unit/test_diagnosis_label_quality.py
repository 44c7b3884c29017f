"""Two label definitions, and the worst that missing labels could do, against every way to fill them in."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.diagnosis.label_quality import label_agreement, worst_case
from harness.errors import HarnessError
from harness.metrics import brier, log_loss, precision, recall, roc_auc


def test_kappa_by_hand() -> None:
    """Cohen's example: 20 5 / 10 15 agree at .7, kappa .4; its error by Fleiss's formula."""
    one, other = [0] * 25 + [1] * 25, [0] * 20 + [1] * 5 + [0] * 10 + [1] * 15
    found = label_agreement(one, other, one_ids=range(50), other_ids=range(50))
    assert found.table == ((20, 5), (10, 15))
    assert found.agree == pytest.approx(0.7)
    assert found.kappa == pytest.approx(0.4)
    assert (found.low, found.high) == pytest.approx((0.1511, 0.6489), abs=1e-4)


def test_ids_are_matched_and_the_others_counted() -> None:
    """In any order; an id on one side only is no disagreement."""
    found = label_agreement([1, 0, 1], [0, 1], one_ids=["a", "b", "c"], other_ids=["b", "a"])
    assert (found.rows, found.agree, found.kappa) == (2, 1.0, 1.0)
    assert (found.only_one, found.only_other) == (1, 0)


def test_kappa_covers() -> None:
    """Two readers that each err in 10 % of the rows: the interval holds .64 in about 95 % of 300 samples."""
    rng = np.random.default_rng(1)
    held = 0
    for _ in range(300):
        truth = rng.random(400) < 0.5
        one, other = (np.where(rng.random(400) < 0.1, ~truth, truth) for _ in range(2))
        found = label_agreement(one, other, one_ids=range(400), other_ids=range(400))
        held += found.low <= 0.64 <= found.high
    assert held >= 0.91 * 300


@pytest.mark.parametrize("labels", [[], [1, 1]], ids=["no rows", "one class"])
def test_kappa_is_undefined_for_one_class(labels: list[int]) -> None:
    """Agreement may be there, chance cannot be told."""
    found = label_agreement(labels, labels, one_ids=range(len(labels)), other_ids=range(len(labels)))
    assert math.isnan(found.kappa)
    assert math.isnan(found.low)


def test_an_id_twice_is_refused() -> None:
    """One label for each id."""
    with pytest.raises(HarnessError, match="one_ids: an id is there twice"):
        label_agreement([1, 0], [1], one_ids=["a", "a"], other_ids=["a"])


@settings(max_examples=60, deadline=None)
@given(
    scores=st.lists(st.integers(0, 5).map(lambda k: k / 5), min_size=1, max_size=7),
    seed=st.integers(0, 2**16),
)
def test_bounds_are_those_of_every_way_to_fill_in(scores: list[float], seed: int) -> None:
    """All 2^missing fillings: least and greatest of each metric, ties and all."""
    rng = np.random.default_rng(seed)
    labels = rng.choice([0.0, 1.0, math.nan], len(scores))
    score, gone = np.array(scores), np.flatnonzero(np.isnan(labels))
    found = worst_case(labels, score, threshold=0.5)
    every = []
    for fill in itertools.product([0.0, 1.0], repeat=gone.size):
        full = labels.copy()
        full[gone] = fill
        every.append(
            {
                "precision": precision(full, score, threshold=0.5),
                "recall": recall(full, score, threshold=0.5),
                "base_rate": float(full.mean()),
                "log_loss": log_loss(full, score),
                "brier": brier(full, score),
                "roc_auc": roc_auc(full, score),
            }
        )
    for name, bounds in found.bounds.items():
        values = [one[name] for one in every if not math.isnan(one[name])]
        if name == "recall" and len(values) < len(every):
            continue  # some filling has no positives at all: the bound is of those that have
        if values:
            assert (bounds.low, bounds.high) == pytest.approx((min(values), max(values))), name
        else:
            assert math.isnan(bounds.low), name


def test_no_rows_have_no_bounds() -> None:
    """Nan throughout, nothing raises."""
    found = worst_case([], [], threshold=0.5)
    assert math.isnan(found.missing)
    assert all(math.isnan(one.low) and math.isnan(one.high) for one in found.bounds.values())
