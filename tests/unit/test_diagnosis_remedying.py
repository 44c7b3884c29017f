"""What could be done, replayed: what is known is given back, and what it costs is said."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from harness.diagnosis.influence import NAMES, grid, table
from harness.diagnosis.material import Material
from harness.diagnosis.remedying import remedied
from harness.records import Remedy
from tests.kit import diagnosed
from tests.kit.diagnosed import ROWS, Troubles

WIDE = diagnosed.material(capacity_per_day=40.0)


def by_key(made: Material) -> dict[str, Remedy]:
    """The remedies by name."""
    return {one.key: one for one in remedied(made)}


def metrics(score: np.ndarray, label: np.ndarray, *, threshold: float) -> dict[str, float]:
    """The metrics of a column by hand."""
    known = ~np.isnan(label) & np.isfinite(score)
    made = table(grid(score[known]), label[known], weight=np.ones(int(known.sum())), threshold=threshold)
    return dict(zip(NAMES, made.values.tolist(), strict=True))


def test_a_feature_put_right_gives_back_what_it_cost() -> None:
    """Only visits are wrong and the model is the right one: then is offline, now is as served."""
    made = diagnosed.material(Troubles(other_model=0.0), capacity_per_day=40.0)
    here, at = made.production, made.serving_threshold
    now, then = (metrics(one, here.label, threshold=at) for one in (here.served_score, here.offline_score))
    found = by_key(made)["fix_feature: visits"]
    assert found.now == pytest.approx(now)
    assert found.then == pytest.approx(then)
    for name in ("roc_auc", "log_loss", "precision", "recall"):
        assert found.gains[name].value == pytest.approx(then[name] - now[name])
    assert found.gains["roc_auc"].excludes_zero()
    assert found.guardrail == "kept"
    assert found.volume is not None
    assert found.volume.limit == 40.0


def test_every_remedy_is_there_and_measurements_come_last() -> None:
    """What is ranked surely gives most first."""
    found = remedied(WIDE)
    keys = [one.key for one in found]
    assert {
        "recalibrate",
        "recalibrate_and_decide",
        "fix_feature: visits",
        "fix_features",
        "serve: simpler",
        "retrain",
        "threshold_for_capacity",
    } <= set(keys)
    assert [one.kind for one in found[-3:]] == ["measurement"] * 3
    assert "measurement" not in {one.kind for one in found[:-3]}
    assert {one.kind for one in found if one.key.startswith("threshold_")} == {"policy"}
    losses = [
        one.gains["log_loss"].value
        for one in found[:-3]
        if "log_loss" in one.gains and one.gains["log_loss"].value
    ]
    assert losses[0] == min(losses)


def test_a_flood_breaks_the_guardrail() -> None:
    """Right features flag more than reviewers can take."""
    found = by_key(diagnosed.material(capacity_per_day=2.0))["fix_features"]
    assert found.guardrail == "broken"
    assert found.guardrail_why
    share = by_key(diagnosed.material(capacity_per_day=None, max_flagged_share=0.01))["fix_features"]
    assert share.guardrail == "broken"
    none = by_key(diagnosed.material(capacity_per_day=None))["fix_features"]
    assert none.guardrail == "unknown"


@pytest.mark.parametrize(
    ("columns", "gone"),
    [
        (("fixed",), {"fix_feature: visits", "fix_features"}),
        (("others",), {"serve: simpler"}),
        (("production_label", "seen_label", "joined"), {"mend_join", "wait_for_labels"}),
    ],
)
def test_a_remedy_without_its_columns_is_not_made_up(columns: tuple[str, ...], gone: set[str]) -> None:
    """The others are there all the same."""
    found = by_key(diagnosed.without(WIDE, production=columns))
    computed = {key for key, one in found.items() if not one.why_not}
    assert computed & gone == set()
    assert "recalibrate" in computed


@pytest.mark.parametrize(
    ("made", "key", "why"),
    [
        (diagnosed.first(WIDE, 30), "retrain", "fewer than"),
        (
            replace(WIDE, production=replace(WIDE.production, unit=np.zeros(ROWS, np.int64))),
            "retrain",
            "units of the earlier part are too few",
        ),
        (
            replace(WIDE, production=replace(WIDE.production, served_score=np.linspace(-4, 4, ROWS))),
            "recalibrate",
            "no probabilities",
        ),
        (
            replace(WIDE, thresholds=replace(WIDE.thresholds, serving=2.0)),
            "recalibrate",
            "threshold is no prob",
        ),
    ],
    ids=["thirty", "one unit", "raw scores", "odd threshold"],
)
def test_a_remedy_that_cannot_be_replayed_says_why(made: Material, key: str, why: str) -> None:
    """It has a reason and no gain."""
    found = by_key(made)[key]
    assert why in found.why_not
    assert found.gains == {}


@pytest.mark.parametrize(
    "made",
    [
        diagnosed.no_labels(WIDE),
        diagnosed.first(WIDE, 0),
        replace(WIDE, production=replace(WIDE.production, served_score=np.full(ROWS, np.nan))),
    ],
    ids=["no labels", "no request", "nothing served"],
)
def test_without_labelled_answers_nothing_can_be_replayed(made: Material) -> None:
    """No remedy at all, rather than some without numbers."""
    assert remedied(made) == ()


@pytest.mark.parametrize("change", [{"parameters": {}}, {"names": ()}])
def test_a_model_whose_kind_is_not_known_is_not_trained_again(change: dict[str, object]) -> None:
    """Nor one that the scenario does not want."""
    assert "retrain" not in by_key(replace(WIDE, **change))  # type: ignore[arg-type]  # each of its type
    assert "retrain" not in by_key(diagnosed.material(retrain=False))


def test_a_feature_is_not_credited_with_another_model() -> None:
    """Where scores are served otherwise too, that is a remedy of its own, and visits give what they cost."""
    made = diagnosed.material(capacity_per_day=40.0)
    here, at = made.production, made.serving_threshold
    on_served = here.served_features_score
    assert on_served is not None
    served, right, offline = (
        metrics(one, here.label, threshold=at) for one in (here.served_score, on_served, here.offline_score)
    )
    found = by_key(made)
    score, visits = found["score_offline"], found["fix_feature: visits"]
    pairs = ((score.now, served), (score.then, right), (visits.now, right), (visits.then, offline))
    for told, wanted in pairs:
        assert told == pytest.approx(wanted)
    assert "beside" in visits.note
    assert "score_offline" not in by_key(diagnosed.material(Troubles(other_model=0.0)))
    assert by_key(diagnosed.material(Troubles(other_model=0.0)))["fix_feature: visits"].note == ""


def test_a_sum_of_some_features_is_not_held_against_all() -> None:
    """Two features beside those that were put right alone differ too: no word on how they act together."""
    here = WIDE.production
    assert here.served_features_score is not None
    made = replace(WIDE, production=replace(here, fixed={**here.fixed, "amount": here.served_features_score}))
    assert "the sum of each alone" in by_key(made)["fix_features"].note
    more = dict.fromkeys(("amount", "visits", "region"), 0.1)
    some = replace(made, production=replace(made.production, differing=more))
    assert "the sum of each alone" not in by_key(some)["fix_features"].note


def test_a_remedy_of_other_rows_says_so() -> None:
    """A retrained model is judged on the later days only, the others on all."""
    found = by_key(WIDE)
    assert not found["retrain"].why_not
    assert "rows only, now and then: not to be ranked beside the others" in found["retrain"].note
    assert "rows only" not in found["recalibrate"].note
