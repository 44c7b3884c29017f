"""The steps add up to the gap, say why they are not there, and stand in the order of their harm."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from harness.diagnosis.influence import NAMES
from harness.diagnosis.intervals import Interval
from harness.diagnosis.ladder import Ladder, MetricLadder, Part, climb, clusters_of, direction, harm
from harness.diagnosis.rows import Holdout, Production
from harness.diagnosis.rungs import NO_HOLDOUT
from tests.kit.gap import STEPS, THRESHOLDS, alike, gap

ALL = gap()


def ladder(holdout: Any = ALL[0], production: Any = ALL[1], **changes: Any) -> Ladder:  # noqa: ANN401  -- rows
    """The ladder of the small gap, with columns of production changed."""
    return climb(holdout, replace(production, **changes), thresholds=THRESHOLDS)


def test_all_steps_are_there_in_order_for_all_metrics() -> None:
    """Thirteen steps from the reported holdout to the dashboard, nothing missing."""
    found = ladder()
    assert tuple(found.metrics) == NAMES
    for metric in found.metrics.values():
        assert tuple(part.step for part in metric.parts) == STEPS
        assert all(part.value is not None and not part.includes for part in metric.parts)
        assert (metric.rungs[0][0], metric.rungs[-1][0]) == ("reported", "exposure")


def test_the_parts_add_up_to_the_gap() -> None:
    """Which is the first rung minus the last."""
    found = ladder()
    assert found.adds_up() <= 1e-12
    for metric in found.metrics.values():
        assert metric.gap is not None
        assert metric.gap.value == pytest.approx(metric.rungs[0][1] - metric.rungs[-1][1])


@pytest.mark.parametrize(
    ("missing", "steps", "absorbed_by"),
    [
        ({"served_features_score": None}, {"served_features"}, "served_scores"),
        ({"production_label": None}, {"label_definition"}, "label_maturity"),
        ({"overlap": None}, {"covariate_seen", "concept"}, "covariate_unseen"),
    ],
)
def test_a_step_that_is_missing_is_in_the_next(
    missing: dict[str, None], steps: set[str], absorbed_by: str
) -> None:
    """It says why not, the next says what it includes, and the sum is the same gap."""
    found, whole = ladder(**missing).metrics["roc_auc"], ladder().metrics["roc_auc"]
    assert {part.step for part in found.parts if part.why_not} == steps
    assert {step for part in found.parts for step in part.includes} == steps
    assert next(part.step for part in found.parts if part.includes) == absorbed_by
    assert found.deviation() <= 1e-12
    assert found.gap is not None
    assert whole.gap is not None
    assert found.gap.value == whole.gap.value


@pytest.mark.parametrize(
    "missing",
    [
        ("served_score",),
        ("served_features_score", "served_score"),
        ("seen_label",),
        ("joined",),
        ("exposed",),
    ],
)
def test_what_no_later_rung_can_hold_is_outside(missing: tuple[str, ...]) -> None:
    """The gap is short of production by these steps, no part claims them, and the sum is exact."""
    steps = {
        "served_features_score": "served_features",
        "served_score": "served_scores",
        "seen_label": "label_maturity",
        "joined": "join_loss",
        "exposed": "exposure",
    }
    found = ladder(**dict.fromkeys(missing)).metrics["roc_auc"]
    assert found.outside == tuple(steps[name] for name in missing)
    assert not any(part.includes for part in found.parts)
    assert found.deviation() <= 1e-12


def test_leakage_that_was_not_measured_is_in_the_concept_part() -> None:
    """There the rows become production's; without weights it is in the one part of the data."""
    bare = replace(ALL[0], repeated=None, rederived=())
    for holdout, step in ((bare, "concept"), (replace(bare, overlap=None), "covariate_unseen")):
        found = ladder(holdout).metrics["brier"]
        includes = {part.step: part.includes for part in found.parts if part.includes}
        assert list(includes) == [step]
        assert set(includes[step]) >= {"repeated_rows", "leaky_columns"}
        assert found.outside == ()


def test_a_metric_that_is_undefined_on_a_rung_skips_it_alone() -> None:
    """Scores that are no probabilities take log loss and Brier from two rungs; AUC climbs on."""
    found = ladder(served_score=10.0 * ALL[1].offline_score)
    lost = [part for part in found.metrics["log_loss"].parts if part.why_not]
    assert [part.step for part in lost] == list(STEPS[7:])
    assert lost[0].why_not == "the scores are no probabilities between 0 and 1"
    assert found.metrics["log_loss"].outside == STEPS[7:]
    assert all(part.value for part in found.metrics["roc_auc"].parts)
    assert found.adds_up() <= 1e-12


def test_without_a_holdout_the_rest_is_computed() -> None:
    """The reported rung says why not, and no part pretends to include it."""
    found = ladder(holdout=None).metrics["precision"]
    assert (found.parts[0].step, found.parts[0].why_not) == ("reported", NO_HOLDOUT)
    assert found.outside == ("reported",)
    assert [part.step for part in found.parts[1:]] == list(STEPS[6:])
    assert not any(part.includes for part in found.parts)


def test_without_labels_there_is_no_gap_but_in_the_predicted_positive_rate() -> None:
    """And the metric says why."""
    none = np.full(240, np.nan)
    found = ladder(holdout=None, label=none, production_label=None, seen_label=None)
    assert found.metrics["roc_auc"].gap is None
    assert "there are no rows" in found.metrics["roc_auc"].why_not
    unknown = ladder(holdout=None, label=None, production_label=None, seen_label=None)
    assert unknown.metrics["predicted_positive_rate"].gap is not None
    assert unknown.metrics["recall"].why_not
    assert unknown.metrics["recall"].deviation() == 0.0


def test_alike_populations_have_no_gap_and_no_parts() -> None:
    """Not one part differs from 0 by more than rounding, and none is surer than that."""
    for metric in climb(
        *alike(), thresholds=replace(THRESHOLDS, serving=THRESHOLDS.offline)
    ).metrics.values():
        for part in (*metric.parts, Part(step="gap", value=metric.gap)):
            assert part.value is not None
            assert part.value.value == pytest.approx(0.0, abs=1e-12)
            assert part.value.covers(0.0) or abs(part.value.value) < 1e-12


NONE, ZERO = np.zeros(0), np.zeros(240)


@pytest.mark.parametrize(
    ("change", "metric", "reason"),
    [
        ({"label": ZERO, "production_label": ZERO, "seen_label": ZERO}, "roc_auc", "no label is positive"),
        ({"weight": ZERO}, "brier", "there are no rows"),
        ({"served_score": ZERO * np.nan}, "recall", "there are no rows"),
        ({"served_score": ZERO + np.inf}, "log_loss", "there are no rows"),
        ({"served_score": ZERO}, "precision", "no row is predicted positive"),
        ({"joined": ZERO > 0.0}, "f1", "there are no rows"),
    ],
    ids=["one class", "no weight", "no score", "infinite", "nothing flagged", "nothing joined"],
)
def test_bad_columns_cost_their_own_steps(change: dict[str, np.ndarray], metric: str, reason: str) -> None:
    """The rungs before them are computed, those after say why not and are outside; nothing warns."""
    found = ladder(**change)
    one = found.metrics[metric]
    lost = [part for part in one.parts if part.why_not]
    assert lost
    assert {part.why_not for part in lost} <= {reason, "no labelled row is left on one side"}
    assert set(one.outside) == {part.step for part in lost}
    assert one.gap is not None
    assert found.adds_up() <= 1e-12


def test_empty_populations_have_reasons_only() -> None:
    """No rows anywhere: no part, no number, no warning."""
    found = climb(
        Holdout(label=NONE, score=NONE), Production(offline_score=NONE, label=NONE), thresholds=THRESHOLDS
    )
    for metric in found.metrics.values():
        assert metric.gap is None
        assert all(part.why_not for part in metric.parts)


def test_a_leak_is_found_and_has_an_interval_that_says_so() -> None:
    """The leaking column costs AUC; that alone excludes 0 with certainty among the holdout's parts."""
    parts = {part.step: part.value for part in ladder().metrics["roc_auc"].parts}
    leak = parts["leak: outcome"]
    assert leak is not None
    assert leak.value > 0.05
    assert leak.lower_all > 0.0
    assert leak.lower_all < leak.lower < leak.value < leak.upper < leak.upper_all


def test_a_single_unit_has_no_interval() -> None:
    """One user in production: its parts have values and nothing to say how sure; the holdout's have both."""
    parts = {p.step: p.value for p in ladder(unit=np.full(240, 7000)).metrics["brier"].parts}
    for step in ("served_scores", "covariate_unseen", "exposure"):
        part = parts[step]
        assert part is not None
        assert np.isfinite(part.value)
        assert np.isnan([part.se, part.lower, part.upper_all]).all()
        assert not part.covers(part.value)
    leak = parts["repeated_rows"]
    assert leak is not None
    assert leak.lower < leak.value < leak.upper


def test_shared_units_are_seen() -> None:
    """The same users in both populations: the same rows under common codes give another spread."""
    holdout, production = gap()
    apart = climb(holdout, production, thresholds=THRESHOLDS).metrics["brier"].gap
    shared = (
        climb(holdout, replace(production, unit=holdout.unit), thresholds=THRESHOLDS).metrics["brier"].gap
    )
    assert apart is not None
    assert shared is not None
    assert apart.value == shared.value
    assert apart.se != shared.se


def test_rows_and_days_are_nobody_elses_units() -> None:
    """Where a side has no units, its own codes are not mistaken for the other's."""
    holdout, production = gap()
    for unit in (None, production.unit):
        found = clusters_of(replace(holdout, unit=None, time_ns=None), replace(production, unit=unit))
        assert found.sizes[0] == 240
        assert not found.shared.size
    assert clusters_of(None, production).sizes == (0, 80)


@pytest.mark.parametrize(
    ("metric", "value", "expected"),
    [
        ("roc_auc", 0.1, 0.1),
        ("log_loss", 0.1, -0.1),
        ("f1", 0.1, 0.1),
        ("predicted_positive_rate", -0.1, 0.1),
    ],
)
def test_harm_is_in_the_direction_that_is_worse(metric: str, value: float, expected: float) -> None:
    """A fall of AUC and a rise of log loss are harm; a rate has no direction, so its size counts."""
    one = Interval(value=value, se=0.0, lower=0.0, upper=0.0, lower_all=0.0, upper_all=0.0)
    assert harm(metric, Part(step="x", value=one)) == expected
    assert harm(metric, Part(step="x", why_not="no reason")) == 0.0


def test_the_worst_part_is_named_first() -> None:
    """By harm, and without those that are not computed."""
    steps = {"a": 0.1, "b": -0.2, "c": 0.3}
    intervals = {
        name: Interval(value=value, se=0.0, lower=0.0, upper=0.0, lower_all=0.0, upper_all=0.0)
        for name, value in steps.items()
    }
    parts = (*(Part(step=name, value=one) for name, one in intervals.items()), Part(step="d", why_not="no"))
    for metric, order in (("roc_auc", "cab"), ("brier", "bac")):
        found = MetricLadder(metric=metric, rungs=(), parts=parts, gap=None).ranked()
        assert "".join(part.step for part in found) == order


@pytest.mark.parametrize(
    ("metric", "better"),
    [("roc_auc", "higher"), ("f1", "higher"), ("log_loss", "lower"), ("predicted_positive_rate", "neither")],
)
def test_each_metric_has_a_direction(metric: str, better: str) -> None:
    """F1, too, which the registry does not have."""
    assert direction(metric) == better
