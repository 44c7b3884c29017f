"""Labels of the answered requests: mature, latest, by production, as the dashboard saw them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import msgspec
import numpy as np
import pytest

from harness.capture.times import parse
from harness.errors import ScenarioError
from harness.run.label_columns import LabelColumns
from harness.run.source import Source, answered
from tests.kit import diagnosable

DAY_NS = 86_400_000_000_000


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Source:
    """A prepared run with every label known."""
    here = tmp_path_factory.mktemp("labels")
    return diagnosable.prepared(diagnosable.make(here / "scenario"), here / "results")


def columns(source: Source, as_of: str | None = None, **config: Any) -> LabelColumns:  # noqa: ANN401  -- any field
    """The labels at this time, with another configuration."""
    at = source.as_of_ns if as_of is None else parse(as_of)[0]
    told = replace(source, as_of_ns=at, config=msgspec.structs.replace(source.config, **config))
    return LabelColumns.of(told, answered(told))


def test_all_labels_are_known_and_mature(source: Source) -> None:
    """Each came a day after its request; without a dashboard nothing was seen early."""
    found, requests = columns(source), answered(source)
    assert not np.isnan(found.label).any()
    np.testing.assert_array_equal(found.label, found.latest)
    np.testing.assert_array_equal(found.label_ns - requests.event_ns, DAY_NS)
    assert (found.production, found.seen, found.early, found.why_not, found.delay_days) == (
        None,
        None,
        None,
        "",
        1.0,
    )


@pytest.mark.parametrize(
    ("as_of", "known", "why"),
    [
        ("2020-01-01T00:00:00Z", 0, "no label is known at this time"),
        ("2025-03-02T12:00:00Z", 6, ""),
        ("2025-03-01T23:00:00Z", 0, "no label is known"),
    ],
)
def test_a_label_is_known_from_its_time_on(source: Source, as_of: str, known: int, why: str) -> None:
    """Ten requests a day, each label a day late."""
    found = columns(source, as_of)
    assert int((~np.isnan(found.label)).sum()) == known
    assert why in found.why_not


def test_labels_that_came_but_may_change_are_not_mature(source: Source) -> None:
    """They are known, and the reason says after how long they are final."""
    scenario = source.loaded.scenario
    assert scenario.labels is not None
    labels = msgspec.structs.replace(scenario.labels, delay_days=4_000.0)
    loaded = replace(source.loaded, scenario=msgspec.structs.replace(scenario, labels=labels))
    late = replace(source, loaded=loaded)
    found = LabelColumns.of(late, answered(late))
    assert np.isnan(found.label).all()
    assert not np.isnan(found.latest).any()
    assert found.why_not == "no label is mature yet: they are after 4000 days"
    none = replace(
        source, loaded=replace(source.loaded, scenario=msgspec.structs.replace(scenario, labels=None))
    )
    assert LabelColumns.of(none, answered(none)).why_not == "no labels were given ([labels])"


@pytest.mark.parametrize(
    ("config", "seen", "early"),
    [
        ({"dashboard_days": 0.5}, "none", True),
        ({"dashboard_days": 2.0}, "all", False),
        ({"dashboard_days": 0.5, "silence": "negative"}, "negative", True),
        ({"dashboard_at": "2020-01-01T00:00:00Z"}, "none", True),
        ({"dashboard_at": "2020-01-01T00:00:00Z", "silence": "negative"}, "none", True),
        ({"dashboard_at": "2030-01-01T00:00:00Z"}, "all", False),
    ],
)
def test_the_dashboard_saw_what_had_come_by_then(
    source: Source, config: dict[str, Any], seen: str, *, early: bool
) -> None:
    """Silence is left out, or negative where the request was made by then."""
    found = columns(source, **config)
    assert found.seen is not None
    assert found.early is not None
    expected = {
        "all": found.label,
        "none": np.full(found.label.size, np.nan),
        "negative": np.zeros(found.label.size),
    }
    np.testing.assert_array_equal(found.seen, expected[seen])
    assert bool(found.early.all()) is bool(found.early.any()) is early


@pytest.mark.parametrize("field", ["outcome", "production_outcome"])
def test_an_unknown_outcome_is_told_with_those_there_are(source: Source, field: str) -> None:
    """With a near one."""
    with pytest.raises(ScenarioError, match=r"no outcome 'lable'.*Did you mean 'label'"):
        columns(source, **{field: "lable"})
