"""How late, how complete, how alike the labels are."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from harness.diagnosis.exhibits import labels
from harness.diagnosis.material import DAY_NS, Material
from tests.kit import diagnosed
from tests.kit.diagnosed import ROWS

MADE = diagnosed.material()
NONE = np.full(ROWS, np.nan)


def production(**columns: Any) -> Material:  # noqa: ANN401  -- any column
    """The material with other columns in production."""
    return replace(MADE, production=replace(MADE.production, **columns))


def test_early_labels_that_flatter_are_a_trap() -> None:
    """Cases that the model has right are labelled first, so the first day looks best."""
    found = labels.delay(MADE)
    assert found.found == "found"
    assert "On labels that came within 1 d ROC-AUC is" in found.answer
    assert [row[0] for row in found.tables[0].rows] == ["come within 1 days", "mature (7 days)"]


def test_labels_that_come_at_any_time_alike_are_none() -> None:
    """Delays drawn for all rows alike flatter nobody."""
    delay = (6.0 * DAY_NS * np.random.default_rng(0).random(ROWS)).astype(np.int64)
    found = labels.delay(production(label_ns=MADE.production.event_ns + delay))
    assert found.found == "not found"
    assert "Early labels tell the same, up to chance." in found.answer


def test_few_early_labels_are_no_trap_by_chance() -> None:
    """Thirty labels drawn at random come early: whatever their ROC-AUC is, it is chance."""
    here = MADE.production
    rulings = []
    for seed in range(12):
        early = np.zeros(ROWS, bool)
        early[np.random.default_rng(seed).choice(np.flatnonzero(here.mature), 30, replace=False)] = True
        label_ns = here.event_ns + np.where(early, DAY_NS // 2, 6 * DAY_NS)
        rulings.append(labels.delay(production(label_ns=label_ns, latest=here.label)).found)
    assert "found" not in rulings


def test_requests_that_never_get_a_label_are_counted() -> None:
    """Every tenth has none, long after it could have come: labels do not "still come"."""
    here = MADE.production
    none = np.arange(ROWS) % 10 == 0
    found = labels.delay(production(latest=np.where(none, np.nan, here.label)))
    assert "of the requests have their label after" in found.answer
    assert "the others none so far" in found.answer
    assert "99 % of the requests have" in labels.delay(MADE).answer


@pytest.mark.parametrize(
    ("made", "why"),
    [
        (diagnosed.no_labels(MADE), "no labels were given"),
        (production(latest=NONE, label=NONE), "no label has come"),
        (production(served_score=NONE), "too few of a class"),
        (production(label=np.where(np.isnan(MADE.production.label), np.nan, 1.0)), "too few of a class"),
        (diagnosed.first(MADE, 1), "too few of a class"),
    ],
    ids=["no labels", "none has come", "nothing served", "one class", "one request"],
)
def test_a_trap_that_cannot_be_looked_for_is_not_denied(made: Material, why: str) -> None:
    """The delay curve is there all the same, where a label has come."""
    found = labels.delay(made)
    assert found.found == "not checked"
    assert why in found.why_not
    assert "nan" not in found.answer


@pytest.mark.parametrize(
    ("made", "ruling", "why"),
    [
        (MADE, "not found", ""),
        (diagnosed.no_labels(MADE), "not checked", "no labels were given"),
        (production(latest=np.zeros(ROWS), label=np.zeros(ROWS)), "not checked", "no positive label"),
        (production(latest=np.ones(ROWS), label=np.ones(ROWS)), "not checked", "one class"),
    ],
    ids=["complete", "no labels", "no positive", "only positives"],
)
def test_silence_read_as_negative(made: Material, ruling: str, why: str) -> None:
    """With nearly all labels there, silence says little."""
    found = labels.silence(made)
    assert found.found == ruling
    assert why in found.why_not


def test_silence_of_positives_misleads() -> None:
    """Positives with low scores take twenty days: read as negatives until then they flatter the model."""
    here = MADE.production
    label = np.where(np.isnan(here.latest), 0.0, here.latest)
    slow = (label == 1.0) & (here.served_score < 0.5)
    label_ns = here.event_ns + np.where(slow, 20 * DAY_NS, DAY_NS // 10)
    latest = np.where(label_ns <= MADE.as_of_ns, label, np.nan)
    found = labels.silence(production(latest=latest, label_ns=label_ns))
    assert found.found == "found"
    seen, mature, _ = (row[3] for row in found.tables[0].rows)
    assert float(str(seen)) > float(str(mature))


@pytest.mark.parametrize(
    ("theirs", "ruling", "why"),
    [
        (MADE.production.label, "not found", ""),
        (1.0 - MADE.production.label, "found", ""),
        (None, "not checked", "production_outcome"),
        (NONE, "not checked", "by both definitions"),
        (np.where(np.isnan(MADE.production.label), np.nan, 1.0), "found", ""),
    ],
    ids=["the same", "the opposite", "not given", "none", "constant"],
)
def test_two_definitions(theirs: np.ndarray | None, ruling: str, why: str) -> None:
    """Kappa well below 1 is found; what cannot be compared is not the same."""
    found = labels.agreement(production(production_label=theirs))
    assert found.found == ruling
    assert why in found.why_not
    assert "nan" not in found.answer


def test_missing_labels_are_bounded() -> None:
    """A third of the old rows lost their label: the bounds hold both ways."""
    label = np.where(np.arange(ROWS) % 3 == 0, np.nan, MADE.production.label)
    found = labels.missing(production(label=label))
    assert found.found == "found"
    for _, low, high in found.tables[0].rows:
        assert low is None or high is None or float(str(low)) <= float(str(high))


@pytest.mark.parametrize(
    ("made", "ruling", "why"),
    [
        (MADE, "not found", ""),
        (diagnosed.no_labels(MADE), "not checked", "no labels were given"),
        (production(served_score=np.linspace(-3, 3, ROWS)), "not checked", "no probabilities"),
        (diagnosed.first(MADE, 0), "not checked", "no label is mature"),
    ],
    ids=["complete", "no labels", "raw scores", "no request"],
)
def test_labels_that_never_came(made: Material, ruling: str, why: str) -> None:
    """Bounds need probabilities and some labels."""
    found = labels.missing(made)
    assert found.found == ruling
    assert why in found.why_not


def test_mature_rows_are_those_that_are_mature_everywhere() -> None:
    """Half of the labels never came: those that did count. Where none is mature, nothing is said of any."""
    half = np.where(np.arange(ROWS) % 2 == 0, np.nan, MADE.production.label)
    found = labels.silence(production(label=half, latest=half))
    known = np.count_nonzero(~np.isnan(half))
    assert f"the {known:,} mature rows say" in found.answer
    assert "no row is mature" not in found.why_not
    young = replace(production(label=NONE), why_no_labels="no label is mature yet", delay_days=5000.0)
    told = labels.silence(young)
    assert (told.found, told.why_not) == ("not checked", "no label is mature yet")
    assert [row[0] for row in told.tables[0].rows] == ["silence as negative", "weighted by the delay"]
