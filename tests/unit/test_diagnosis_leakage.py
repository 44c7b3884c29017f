"""The leakage audit: duplicates, shared units, time, telling and changed columns, transforms, overuse."""

import math

import numpy as np
import pytest
from numpy.typing import ArrayLike

from harness.diagnosis.leakage import (
    Use,
    changed_columns,
    duplicates,
    fitted_on_all,
    ledger,
    reevaluations,
    single_columns,
)
from harness.errors import HarnessError


def test_duplicates_by_hand() -> None:
    """The first row is in training, the third repeats the second; missing equals missing."""
    training: dict[str, ArrayLike] = {"a": [1.0, np.nan], "b": np.array(["a", None], object), "only": [1, 2]}
    holdout: dict[str, ArrayLike] = {
        "a": [1.0, 2.0, 2.0, np.nan],
        "b": np.array(["a", "b", "b", None], object),
    }
    found = duplicates(training, holdout)
    assert found.in_training.tolist() == [True, False, False, True]
    assert found.repeated.tolist() == [False, False, True, False]


def test_near_duplicates_are_equal_after_rounding() -> None:
    """1.004 and 1.0 at two decimals; not at three, and not exactly."""
    pair: tuple[dict[str, ArrayLike], ...] = {"x": [1.0]}, {"x": [1.004]}
    assert [duplicates(*pair, decimals=d).in_training.tolist() for d in (2, 3, None)] == [
        [True],
        [False],
        [False],
    ]


def test_duplicates_agree_with_comparing_rows() -> None:
    """Random small tables against Python sets of rows."""
    rng = np.random.default_rng(1)
    training, holdout = ({f"c{k}": rng.integers(0, 4, 80) for k in range(3)} for _ in range(2))
    found = duplicates(training, holdout)
    rows = [list(zip(*table.values(), strict=True)) for table in (training, holdout)]
    assert found.in_training.tolist() == [row in set(rows[0]) for row in rows[1]]
    assert found.repeated.tolist() == [row in rows[1][:k] for k, row in enumerate(rows[1])]


def test_tables_without_a_common_column_are_refused() -> None:
    """Nothing could be compared."""
    with pytest.raises(HarnessError, match="share no column"):
        duplicates({"a": [1]}, {"b": [1]})


def test_rows_to_evaluate_again() -> None:
    """Each check drops its rows, all together drop their union; a check without columns is left out."""
    found = reevaluations(
        found=duplicates({"x": [1.0]}, {"x": [1.0, 2.0, 3.0, 4.0]}),
        units=(["u"], ["a", "u", "b", "c"]),
        times=([5.0, 7.0], [8.0, 9.0, 7.0, 10.0]),
    )
    assert {one.name: one.keep.tolist() for one in found} == {
        "no duplicates": [False, True, True, True],
        "new units": [True, False, True, True],
        "after training": [True, True, False, True],
        "all of these": [False, False, False, True],
    }
    assert [one.dropped for one in found] == [1, 1, 1, 3]
    assert reevaluations() == ()
    assert len(reevaluations(units=(["u"], ["a"]))) == 1


def labelled(n: int = 2_000) -> tuple[np.ndarray, np.random.Generator]:
    """Labels and the generator that made them."""
    rng = np.random.default_rng(5)
    return (rng.random(n) < 0.3).astype(float), rng


def test_a_column_that_is_the_label_is_suspicious() -> None:
    """Directly, upside down, by being missing, or near the whole model; noise and many levels are not."""
    labels, rng = labelled()
    found = {
        one.name: one
        for one in single_columns(
            {
                "label": labels + 0.1 * rng.random(2_000),
                "upside down": -labels + 0.1 * rng.random(2_000),
                "missing": np.where(labels == 1, np.nan, rng.random(2_000)),
                "near model": labels + rng.normal(0.0, 0.8, 2_000),
                "noise": rng.random(2_000),
                "ids": np.array([f"id{k}" for k in range(2_000)], object),
                "told": np.where(labels == 1, "yes", "no").astype(object),
                "empty": np.full(2_000, np.nan),
            },
            labels,
            model_auc=0.81,
        )
    }
    assert {name for name, one in found.items() if one.leaks} == {
        "label",
        "upside down",
        "missing",
        "near model",
        "told",
    }
    assert found["empty"].auc.value == 0.5
    assert found["ids"].auc.value == pytest.approx(0.5, abs=0.02)
    assert "the whole model at 0.810" in found["near model"].why


@pytest.mark.parametrize(("labels", "auc"), [([1, 1, 1, 0, 0, 0], 1.0), ([0, 1, 1, 0, 0, 0], 1.0)])
def test_missing_cells_rank_by_what_they_are(labels: list[int], auc: float) -> None:
    """Above all values where missing rows are positive, below where they are not."""
    gone = [np.nan, 5.0, 6.0, 1.0, 2.0, 3.0]
    (one,) = single_columns({"x": gone}, labels)
    assert one.auc.value == auc


def test_infinite_values_have_a_rank() -> None:
    """They are large, and nothing raises."""
    (one,) = single_columns({"x": [0.0, 1.0, np.inf, np.inf]}, [0, 0, 1, 1])
    assert one.auc.value == 1.0


def test_one_class_tells_nothing() -> None:
    """nan, and no suspicion."""
    (one,) = single_columns({"x": [1.0, 2.0]}, [1, 1])
    assert math.isnan(one.auc.value)
    assert not one.leaks


def test_a_column_that_changes_for_positives_leaks() -> None:
    """Filled in by the outcome; a column that changes at random does not, nor one that never does."""
    labels, rng = labelled()
    then = {"filled": np.zeros(2_000), "random": np.zeros(2_000), "same": np.zeros(2_000), "gone": labels}
    later = {
        "filled": labels * (rng.random(2_000) < 0.5),
        "random": (rng.random(2_000) < 0.2).astype(float),
        "same": np.zeros(2_000),
    }
    found = {one.name: one for one in changed_columns(then, later, labels=labels)}
    assert {name: one.leaks for name, one in found.items()} == {
        "filled": True,
        "random": False,
        "same": False,
    }
    assert found["filled"].auc.value > 0.7
    assert found["same"].changed == 0.0


def test_transforms_fitted_on_everything() -> None:
    """A better score through the holdout leaks; the same scores do not."""
    labels, rng = labelled()
    honest = labels + rng.normal(0.0, 1.0, 2_000)
    found = fitted_on_all(labels, everything=honest + 0.5 * labels, training_only=honest)
    assert found.leaks
    assert found.gain == pytest.approx(found.everything - found.training_only)
    assert not fitted_on_all(labels, everything=honest, training_only=honest).leaks


def test_the_ledger_bounds_the_optimism() -> None:
    """Ten uses at error .01: .02146; uses of another holdout do not count; none or one: 0."""
    uses = [Use(at=f"2026-01-{day:02d}T00:00:00Z", holdout="h", decision="model") for day in range(10, 0, -1)]
    other = Use(at="2026-02-01T00:00:00Z", holdout="other", decision="model")
    found = ledger([*uses, other], holdout="h", se=0.01)
    assert (found.uses, found.first[:10], found.last[:10]) == (10, "2026-01-01", "2026-01-10")
    assert found.optimism == pytest.approx(0.02146, abs=1e-5)
    assert ledger([other], holdout="other", se=0.01).optimism == 0.0
    assert ledger([], holdout="h", se=0.01).uses == 0


def test_the_optimism_bound_holds() -> None:
    """The best of 20 equally good models is on average less than the bound too good, and not by far."""
    best = np.random.default_rng(1).normal(0.0, 0.01, (4_000, 20)).max(axis=1).mean()
    uses = [Use(at=str(k), holdout="h", decision="") for k in range(20)]
    assert 0.7 * (bound := ledger(uses, holdout="h", se=0.01).optimism) < best < bound
