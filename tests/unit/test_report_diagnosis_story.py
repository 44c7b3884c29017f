"""The order of a diagnosis: stairs add up, every exhibit stands once, nothing computed is lost."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest
from msgspec.structs import replace

from harness.records import GapPart, MetricGap, Number, RungValue
from harness.report import diagnosis_story as story
from tests.kit.sample_diagnosis import bare, fifty, rich


@pytest.mark.parametrize("most", [1, 2, 7, 24, 100])
def test_stairs_end_at_production(most: int) -> None:
    """However few are drawn, they lead from the first level to the last without a gap."""
    for gap in (*rich().metrics, *fifty().metrics):
        stairs = story.stairs(gap, most=most)
        assert len(stairs) <= most
        assert math.isclose(stairs[-1].after, gap.rungs[-1].value, abs_tol=1e-9)
        assert stairs[0].before == gap.rungs[0].value
        assert all(one.after == two.before for one, two in pairwise(stairs))
        assert sum(stair.count for stair in stairs) == sum(part.value is not None for part in gap.parts)


def test_the_largest_parts_are_kept() -> None:
    """What is put together is smaller than what stands alone."""
    stairs = story.stairs(fifty().metrics[0], most=8)
    assert min(abs(s.change) for s in stairs[:-1]) == pytest.approx(0.004)
    assert stairs[-1].part is None
    assert stairs[-1].count == 43


def test_the_main_metric_is_the_first_with_a_gap() -> None:
    """Metrics without a gap are passed over, and there may be none."""
    unknown = MetricGap(metric="other", better="higher", why_not="no labels")
    found = replace(rich(), metrics=(unknown, *rich().metrics))
    main = story.main_gap(found)
    assert main is not None
    assert main.metric == "roc_auc"
    assert story.main_gap(bare()) is None


@pytest.mark.parametrize(
    ("place", "said"),
    [
        (0, "ROC-AUC went from 0.934 to 0.776, worse; largest loss: served features (−0.082)"),
        (2, "Log loss went from 0.276 to 0.511, worse; largest loss: served features (+0.118)"),
        (7, "Flagged share went from 0.217 to 0.305; largest part: served features (+0.124)"),
    ],
)
def test_the_gap_is_one_sentence(place: int, said: str) -> None:
    """Harm follows the metric's direction, so log loss that rises is worse."""
    assert story.gap_sentence(rich().metrics[place]) == said


def test_no_gap_is_a_sentence_too() -> None:
    """A metric without two levels says so."""
    assert story.gap_sentence(bare().metrics[0]) == "ROC-AUC: no gap can be computed"


def test_every_exhibit_stands_once() -> None:
    """Under the first of its steps, in pipeline order, those on no step last."""
    groups = story.evidence(rich())
    names = [name for group in groups for name, _ in group.exhibits]
    assert sorted(names) == sorted(story.numbered(rich().exhibits))
    assert [group.step for group in groups][:2] == ["repeated_rows", "leak: country"]
    assert groups[-1].step == ""


def test_an_exhibit_on_an_unknown_step_is_not_lost() -> None:
    """It stands under the step that it names."""
    odd = replace(rich().exhibits[0], steps=("elsewhere",))
    groups = story.evidence(replace(rich(), exhibits=(odd,)))
    assert [(group.step, len(group.exhibits)) for group in groups] == [("elsewhere", 1)]


def test_evidence_on_all_leaky_columns_is_evidence_for_each() -> None:
    """It stands where the first of them does; what is on the report itself stands first."""
    leaky = replace(rich().exhibits[0], steps=("leaky_columns",))
    whole = replace(rich().exhibits[0], steps=("reported",))
    found = replace(rich(), exhibits=(*rich().exhibits, leaky, whole))
    assert story.proofs(found, "leak: booking_changes") == ["E1", "E11"]
    assert [group.step for group in story.evidence(found)][:4] == [
        "reported",
        "repeated_rows",
        "leak: country",
        "leaky_columns",
    ]


def test_the_index_names_every_step() -> None:
    """Each has its exhibits, or says what there is in their place."""
    rows = {row.step: row for row in story.index(rich())}
    assert rows["served_features"].names == ("E5",)
    assert rows["served_scores"].without == "the part itself"
    assert rows["exposure"].without == "none: not computed"
    assert rows["label_definition"].change == "–"


def test_promises_are_told_of_a_hundred() -> None:
    """Precision, recall and the flagged share, then and now; nothing where they are not known."""
    assert story.promises(rich())[0] == ("Of 100 flagged, right", "84", "54")
    assert story.promises(bare()) == []


def test_uses_of_the_holdout_are_counted() -> None:
    """How often it decided something, and by how much it may flatter."""
    assert "was used for 14 decisions from 2026-08-02 09:00 UTC" in story.uses_line(rich())
    assert story.uses_line(bare()) == ""


def test_a_headline_names_what_its_largest_part_holds() -> None:
    """No sum that was not taken apart is called one cause; a report without its rows is as given."""
    part = GapPart(step="production_offline", value=Number(value=0.2), harm=0.2, includes=("concept",))
    rungs = (RungValue(step="reported", value=0.9), RungValue(step="production_offline", value=0.7))
    said = story.gap_sentence(MetricGap(metric="roc_auc", better="higher", rungs=rungs, parts=(part,)))
    assert said == (
        "ROC-AUC went from 0.900 (as given) to 0.700, worse; largest loss: production rows "
        "with what was not computed apart: concept shift (−0.200)"
    )
