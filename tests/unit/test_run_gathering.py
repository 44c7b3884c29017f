"""The columns of a diagnosis gathered from a run: each request's scores, features, fixes and other models."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import msgspec
import numpy as np
import pytest

from harness.diagnosis.leakage import Use
from harness.diagnosis.material import Material
from harness.errors import ScenarioError
from harness.run.gathering import gather
from harness.run.source import Source
from tests.kit import diagnosable, small


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Source:
    """A prepared run of recorded answers."""
    here = tmp_path_factory.mktemp("gathered")
    return diagnosable.prepared(diagnosable.make(here / "scenario"), here / "results")


@pytest.fixture(scope="module")
def whole(source: Source) -> Material:
    """Everything that there is."""
    return gathered(source)


def gathered(source: Source, **config: Any) -> Material:  # noqa: ANN401  -- any field
    """What is looked at, with another configuration; the holdout is used for the first time."""
    told = replace(source, config=msgspec.structs.replace(source.config, **config))
    return gather(told, uses=lambda digest: (Use(at="t", holdout=digest, decision="d"),), say=lambda _: None)


def test_what_was_served_wrong_is_known_by_feature(whole: Material) -> None:
    """Every other request had two features wrong; with both put right the score is the offline one."""
    here = whole.production
    assert len(here) == diagnosable.REQUESTS
    assert here.served_features is not None
    assert here.served_features_score is not None
    np.testing.assert_allclose(here.served_features_score, here.served_score)
    wrong = {name: part for name, part in here.differing.items() if part}
    assert set(wrong) == {"amount", "visits"} == set(here.fixed)
    assert all(0.4 < part <= 0.5 for part in wrong.values())
    alike = here.offline_features["visits"] == here.served_features["visits"]
    np.testing.assert_allclose(here.fixed["amount"][alike], here.offline_score[alike])


def test_the_other_models_of_the_scenario_are_scored(whole: Material) -> None:
    """Each through its own pipeline, on the same requests."""
    assert set(whole.production.others) == {"poor"}
    assert np.isfinite(whole.production.others["poor"]).all()


def test_holdout_training_and_uses_are_there(whole: Material) -> None:
    """The leak is put right, what training has is known, nothing is to be noted."""
    assert whole.holdout is not None
    assert [one.column for one in whole.holdout.rederived] == ["visits"]
    assert whole.holdout.duplicate is not None
    assert whole.holdout.duplicate.sum() >= 20
    assert [one.holdout for one in whole.uses] == [whole.holdout.digest]
    assert (whole.notes, whole.why_no_holdout, whole.why_no_labels) == ((), "", "")
    assert set(whole.used) <= set(whole.names) == set(small.FEATURES)
    assert whole.units_known


def test_a_tag_says_what_the_dashboard_joined(source: Source) -> None:
    """Four of five; an unknown tag is told with a near one."""
    joined = gathered(source, joined_tag="joined").production.joined
    assert joined is not None
    assert joined.mean() == pytest.approx(0.8)
    with pytest.raises(ScenarioError, match=r"no request has a tag 'jioned'.*Did you mean 'joined'"):
        gathered(source, joined_tag="jioned")


def test_without_a_holdout_there_is_none(source: Source) -> None:
    """And it is not counted as used."""
    found = gathered(source, holdout="", holdout_requested="", training="")
    assert (found.holdout, found.uses) == (None, ())
    assert "no holdout was given" in found.why_no_holdout


def test_a_feature_that_no_answer_holds_is_taken_as_built(tmp_path_factory: pytest.TempPathFactory) -> None:
    """And named; answers that hold none have no served features at all."""
    here = tmp_path_factory.mktemp("echo")
    for name, kept in (("some", {"amount"}), ("none", set())):
        path = diagnosable.make(here / name)
        lines = diagnosable.captured(path.parent)
        for line in lines:
            body = line["recorded_response"]["body"]
            body["features"] = {key: value for key, value in body["features"].items() if key in kept}
        small.write_lines(path.parent / "answered.jsonl", lines)
        found = gathered(diagnosable.prepared(path, here / f"{name}-results"))
        assert (found.production.served_features is None) is (not kept)
        assert found.notes == (("no answer holds age, visits: taken as built offline",) if kept else ())


def test_requests_count_as_late_by_the_budget(source: Source) -> None:
    """No latency was recorded, so nobody knows."""
    assert gathered(source).production.fallback is None
