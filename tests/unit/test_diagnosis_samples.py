"""Each sample changes one thing, keeps all before it, and drops rows that cannot be measured."""

from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from harness.diagnosis.samples import (
    CHANGES,
    Sample,
    holdout_samples,
    leak_free,
    offline_sample,
    optional_grid,
    production_samples,
)
from tests.kit.gap import STEPS, THRESHOLDS, gap

HOLDOUT, PRODUCTION = gap()


def of_production(**changes: Any) -> dict[str, Sample | str]:  # noqa: ANN401  -- columns of any kind
    """The samples of production with these columns changed."""
    production = replace(PRODUCTION, **changes)
    offline = offline_sample(production, THRESHOLDS)
    return dict(production_samples(production, offline, thresholds=THRESHOLDS))


def test_every_step_has_a_sample_in_order() -> None:
    """The holdout's first, then production's."""
    there = dict(holdout_samples(HOLDOUT, 0.4))
    assert (*there, *of_production()) == ("reported", *STEPS[:3], *STEPS[6:])
    assert all(isinstance(sample, Sample) for sample in (*there.values(), *of_production().values()))


def test_each_step_changes_one_field() -> None:
    """And the last has everything as production has it."""
    fields = ("scores", "label", "threshold", "rows")
    offline = offline_sample(PRODUCTION, THRESHOLDS)
    found = [offline, *(s for s in of_production().values() if isinstance(s, Sample))]
    changed = [
        [name for name in fields if getattr(a, name) is not getattr(b, name)] for a, b in pairwise(found)
    ]
    assert changed[:2] == [["scores"], ["scores"]]
    assert found[3].threshold == THRESHOLDS.serving
    last, production = found[-1], PRODUCTION
    assert last.rows is not None
    assert production.joined is not None
    assert production.exposed is not None
    assert last.rows.tolist() == (production.joined & production.exposed).tolist()


@pytest.mark.parametrize(
    ("column", "step"),
    [
        ("served_features_score", "served_features"),
        ("served_score", "served_scores"),
        ("production_label", "label_definition"),
        ("seen_label", "label_maturity"),
        ("joined", "join_loss"),
        ("exposed", "exposure"),
    ],
)
def test_a_column_that_is_not_there_is_a_reason_and_the_others_remain(column: str, step: str) -> None:
    """One step says why not; the others have their samples."""
    found = of_production(**{column: None})
    assert {key for key, sample in found.items() if isinstance(sample, str)} == {step}
    assert found[step] == CHANGES[step]


def test_rows_without_score_or_label_or_out_of_scope_weigh_nothing() -> None:
    """NaN, NaN and False: three of five rows are left out."""
    scores = optional_grid(np.array([0.1, np.nan, 0.3, 0.4, 0.5]))
    assert scores is not None
    sample = Sample(
        scores=scores,
        label=np.array([0.0, 1.0, np.nan, 1.0, 0.0]),
        weight=np.full(5, 2.0),
        threshold=0.5,
        rows=np.array([True, True, True, False, True]),
    )
    assert sample.used().tolist() == [2.0, 0.0, 0.0, 0.0, 2.0]
    assert optional_grid(None) is None


def test_the_leak_free_holdout_is_the_last_of_its_samples() -> None:
    """Its scores have every leak put right; its rows are neither repeated nor early."""
    holdout = HOLDOUT
    score, rows = leak_free(holdout)
    last = list(dict(holdout_samples(holdout, 0.4)).values())[-1]
    assert score is holdout.rederived[-1].score
    assert isinstance(last, Sample)
    assert last.rows is not None
    assert rows.tolist() == last.rows.tolist()
    assert leak_free(replace(holdout, repeated=None, time_ns=None, rederived=()))[1].all()


def test_without_times_repeats_or_leaks_the_holdout_says_so() -> None:
    """Each of the three steps for itself."""
    changes = ({"repeated": None}, {"trained_until_ns": None}, {"rederived": ()})
    for change, step in zip(changes, (*STEPS[:2], "leaky_columns"), strict=True):
        found = dict(holdout_samples(replace(HOLDOUT, **change), 0.4))  # type: ignore[arg-type]  # a table
        assert {key for key, sample in found.items() if isinstance(sample, str)} == {step}
