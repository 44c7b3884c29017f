"""The eight usual causes: each found, not found and not checked, on its own evidence only."""

from typing import Any

import pytest

from harness.diagnosis.usual_causes import Evidence, Interval, usual_causes

BETTER = Interval(value=-0.05, low=-0.07, high=-0.03)
ZERO, AWAY = Interval(value=0.0, low=-0.01, high=0.01), Interval(value=0.05, low=0.03, high=0.07)
NAMES = (
    "metric mismatch",
    "threshold",
    "shift",
    "logging or pipeline bug",
    "latency",
    "feedback loop",
    "biased labels",
    "segment regression",
)


def test_without_evidence_nothing_is_acquitted() -> None:
    """All eight, in pipeline order, none checked, each with what it would take."""
    found = usual_causes(Evidence())
    assert tuple(one.name for one in found) == NAMES
    assert {one.ruling for one in found} == {"not checked"}
    assert all(one.check and one.would_change for one in found)


@pytest.mark.parametrize(
    ("name", "good", "bad"),
    [
        ("metric mismatch", {"recomputed": ZERO}, {"recomputed": AWAY}),
        ("threshold", {"thresholds": (0.6, 0.6)}, {"thresholds": (0.6, 0.7)}),
        ("threshold", {"threshold_part": ZERO}, {"threshold_part": AWAY}),
        (
            "shift",
            {"domain_auc": Interval(value=0.53, low=0.51, high=0.54)},
            {"domain_auc": Interval(value=0.66, low=0.64, high=0.68)},
        ),
        ("shift", {"concept_part": ZERO}, {"concept_part": AWAY}),
        ("logging or pipeline bug", {"differing": 0.0}, {"differing": 0.2}),
        ("logging or pipeline bug", {"feature_part": ZERO}, {"feature_part": AWAY}),
        ("logging or pipeline bug", {"score_part": ZERO}, {"score_part": AWAY}),
        ("latency", {"fallback": 0.001}, {"fallback": 0.03}),
        ("feedback loop", {"labelled": (0.9, 0.9)}, {"labelled": (0.9, 0.1)}),
        (
            "biased labels",
            {"kappa": Interval(value=0.9, low=0.85, high=0.95)},
            {"kappa": Interval(value=0.6, low=0.5, high=0.7)},
        ),
        ("biased labels", {"immature": 0.0}, {"immature": 0.3}),
        ("biased labels", {"label_part": ZERO}, {"label_part": AWAY}),
        ("segment regression", {"confirmed_slices": ()}, {"confirmed_slices": ("country de",)}),
        ("segment regression", {"within": ZERO}, {"within": AWAY}),
    ],
)
def test_each_cause_follows_its_evidence(name: str, good: dict[str, Any], bad: dict[str, Any]) -> None:
    """Found or not found with the numbers in words; the other seven stay unchecked."""
    for given, ruling in ((good, "not found"), (bad, "found")):
        by_name = {one.name: one for one in usual_causes(Evidence(**given))}
        assert by_name.pop(name).ruling == ruling
        assert {one.ruling for one in by_name.values()} == {"not checked"}


@pytest.mark.parametrize(
    "part", ["concept_part", "feature_part", "score_part", "label_part", "within", "threshold_part"]
)
def test_what_made_the_metric_better_is_no_cause(part: str) -> None:
    """A part of AUC that surely helped is not found; a threshold that flags less is, in either direction."""
    rulings = {one.ruling for one in usual_causes(Evidence(**{part: BETTER}))}  # type: ignore[arg-type]  # an interval
    assert rulings == {"not checked", "found" if part == "threshold_part" else "not found"}


def test_one_bad_result_is_enough() -> None:
    """Both results are told."""
    found = usual_causes(Evidence(thresholds=(0.6, 0.6), threshold_part=AWAY))[1]
    assert found.ruling == "found"
    assert found.result == "offline 0.6, served 0.6; part of the gap 0.050 [0.030, 0.070]"
