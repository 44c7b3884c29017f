"""Differences of metrics with intervals by unit, and the harm by segment."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from harness.evidence.contrasts import FEWEST_UNITS, LEVELS, by_segment, differences
from harness.metrics import METRICS
from tests.kit.some_evidence import ARMS, cohort, plan

N = 600
ALL = np.ones(N, dtype=bool)


def test_each_difference_is_that_of_the_metrics() -> None:
    """Challenger minus champion, metric by metric, inside its own interval."""
    found = cohort(N, shift=0.05)
    apart = differences(found, ARMS, used=ALL, threshold=0.5)
    for name, metric in METRICS.items():
        champion, challenger = (
            metric.value(found.label, found.scores[arm], threshold=0.5) for arm in ("champion", "challenger")
        )
        estimate = apart[name]
        assert estimate.value == pytest.approx(challenger - champion, abs=1e-9)
        assert estimate.lower is not None
        assert estimate.upper is not None
        assert estimate.lower <= challenger - champion <= estimate.upper


def test_the_interval_of_a_mean_is_that_of_its_units() -> None:
    """Of the Brier score, with four rows a unit, it is the textbook one on the units' sums."""
    found = replace(cohort(N, shift=0.05), unit=np.arange(N) // 4)
    loss = [np.square(found.scores[arm] - found.label) for arm in ("challenger", "champion")]
    sums = np.bincount(found.unit, (loss[0] - loss[1]))
    expected = 1.96 * np.sqrt(np.square(sums - sums.mean()).sum() * 150 / 149) / N
    brier = differences(found, ARMS, used=ALL, threshold=0.5)["brier"]
    assert brier.upper is not None
    assert brier.value is not None
    assert brier.upper - brier.value == pytest.approx(expected, rel=1e-3)


def test_labels_that_are_no_outcome_have_no_metrics() -> None:
    """A label of 7 is none of 0 and 1; no rows are no metrics."""
    odd = replace(cohort(N), label=np.full(N, 7.0))
    assert differences(odd, ARMS, used=ALL, threshold=0.5) == {}
    assert differences(cohort(N), ARMS, used=~ALL, threshold=0.5) == {}


@pytest.mark.parametrize(("units", "told"), [(FEWEST_UNITS - 1, False), (FEWEST_UNITS, True)])
def test_few_units_have_no_interval(*, units: int, told: bool) -> None:
    """However many rows they have: one that is normal would be too narrow."""
    found = replace(cohort(N, shift=0.05), unit=np.arange(N) % units)
    assert bool(differences(found, ARMS, used=ALL, threshold=0.5)) == told


def test_segments_show_where_the_harm_is() -> None:
    """The challenger is worse in one country only; small levels and requests without one are left out."""
    level = np.where(np.arange(N) % 2 == 0, "de", "fr").astype(object)
    level[:20], level[20:30] = "it", None
    base = cohort(N)
    served = np.where(
        level == "fr", np.clip(base.scores["champion"] * 0.5, 0.01, 0.99), base.scores["champion"]
    )
    found = replace(base, scores=base.scores | {"challenger": served}, segments={"country": level})
    rows = {row.level: row for row in by_segment(found, ARMS, plan=plan(), used=ALL)}
    assert set(rows) == {"de", "fr"}
    assert rows["de"].harm.value == 0.0
    assert (rows["fr"].harm.lower or 0.0) > 0.0
    assert rows["fr"].requests == int(np.count_nonzero(level == "fr"))


def test_only_the_largest_levels_are_told() -> None:
    """A segment of twelve levels gives six rows, the largest first."""
    names = np.array([f"level {k}" for k in range(12)], dtype=object)
    found = replace(cohort(N), segments={"many": names[np.arange(N) % 12]})
    assert len(by_segment(found, ARMS, plan=plan(), used=ALL)) == LEVELS


def test_a_metric_without_a_value_has_no_row() -> None:
    """Scores that are no probabilities have no log loss, in no segment."""
    base = cohort(N)
    found = replace(
        base,
        scores=base.scores | {"challenger": base.scores["challenger"] + 5.0},
        segments={"all": np.full(N, "x", dtype=object)},
    )
    assert by_segment(found, ARMS, plan=plan(), used=ALL) == ()
