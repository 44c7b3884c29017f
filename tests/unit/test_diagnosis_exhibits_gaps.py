"""The ladder and the Shapley shares as records."""

from __future__ import annotations

from harness.diagnosis.exhibits import gaps
from harness.diagnosis.influence import NAMES
from harness.diagnosis.ladder import climb, clusters_of
from harness.diagnosis.shapley import shares
from tests.kit.gap import THRESHOLDS, gap


def test_every_metric_has_its_gap_in_parts_that_add_up() -> None:
    """The record holds the ladder's numbers, harm in the metric's direction, and shares where there are."""
    holdout, production = gap()
    ladder = climb(holdout, production, thresholds=THRESHOLDS)
    found = gaps.gaps(
        ladder, shares(production, thresholds=THRESHOLDS, unit=clusters_of(holdout, production).production)
    )
    assert tuple(one.metric for one in found) == NAMES
    for one in found:
        assert one.gap is not None
        parts = [part for part in one.parts if part.value is not None]
        assert abs(sum(part.value.value for part in parts if part.value) - one.gap.value) < 1e-9
        sign = {"higher": 1.0, "lower": -1.0}.get(one.better)
        for part in parts:
            assert part.value is not None
            assert part.harm == (abs(part.value.value) if sign is None else sign * part.value.value)
    assert {part.step for part in found[0].parts if part.share is not None} >= {"served_scores"}


def test_a_reason_is_put_where_a_step_was_not_computed_and_nowhere_else() -> None:
    """A step that was computed keeps having no reason."""
    holdout, production = gap()
    made = gaps.gaps(climb(None, production, thresholds=THRESHOLDS), ())[0]
    assert holdout is not None
    told = gaps.reasoned(made, {"reported": "nobody gave it", "served_scores": "not this"})
    by = {part.step: part.why_not for part in told.parts}
    assert by["reported"] == "nobody gave it"
    assert by["served_scores"] == ""
