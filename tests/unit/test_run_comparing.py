"""Answers compared from artefacts: which pairs there are, what a silent arm counts as, who is told first."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import msgspec
import pyarrow as pa
import pytest

from harness.records import Finding
from harness.run.comparing import SUMMARY, Compared, Comparison, batches, compare, sent
from harness.run.preparing import load_others
from tests.kit import small
from tests.kit.prepared import NOWHERE, ready
from tests.unit.test_run_replaying import REPLACE
from tests.unit.test_run_replaying import SUMMARY as SOME

CHAMPION = small.champion(NOWHERE)


def test_right_answers_differ_nowhere(tmp_path: Path) -> None:
    """Both arms against the offline model, then against each other; the summary is on disk as returned."""
    run = ready(tmp_path, more=CHAMPION)
    for target in ("champion", "challenger"):
        run.answer(target, small.answers())
    found = compare(run.folder, run.loaded, models=run.models)
    assert [(p.summary.left, p.summary.right, p.under_test) for p in found.pairs] == [
        ("offline:model", "challenger", True),
        ("offline:model", "champion", False),
        ("champion", "challenger", True),
    ]
    assert {
        (p.summary.compared, p.summary.feature_mismatches, p.summary.score_mismatches) for p in found.pairs
    } == {(small.REQUESTS, 0, 0)}
    assert run.folder.load(SUMMARY, Comparison) == found
    assert run.folder.read(run.folder.differences).num_rows == 0


def test_a_champion_that_was_never_asked_is_a_pair_without_requests(tmp_path: Path) -> None:
    """A missing pair would be a missing gate, and a missing gate a pass."""
    run = ready(tmp_path, more=CHAMPION)
    run.answer("challenger", small.answers())
    pairs = {
        (p.summary.left, p.summary.right): p.summary
        for p in compare(run.folder, run.loaded, models=None).pairs
    }
    assert pairs["champion", "challenger"].compared == 0
    assert pairs["offline:model", "challenger"].compared == small.REQUESTS
    assert ("offline:model", "champion") not in pairs


def test_a_challenger_that_was_never_asked_has_no_outcomes_and_not_no_table(tmp_path: Path) -> None:
    """What is under test is always there, if only with nothing in it."""
    run = ready(tmp_path, more=CHAMPION)
    run.answer("champion", small.answers())
    tables = sent(run.folder, run.loaded)
    assert {name: table.num_rows for name, table in tables.items()} == {"champion": 240, "challenger": 0}
    assert compare(run.folder, run.loaded, models=None).pairs[0].summary.compared == 0


def test_only_requests_that_both_arms_answered_are_compared(tmp_path: Path) -> None:
    """A timeout is a row elsewhere, not a mismatch here."""
    run = ready(tmp_path)
    answers = small.answers()
    for i in range(40):
        del answers[small.request_id(i)]
    answers[small.request_id(99)]["score"] += 0.01
    run.answer("challenger", answers)
    (pair,) = compare(run.folder, run.loaded, models=None).pairs
    assert (pair.summary.compared, pair.summary.score_mismatches) == (200, 1)
    (cell,) = run.folder.read(run.folder.differences).to_pylist()
    assert (cell["seq"], cell["field"]) == (99, "score")


def test_models_tell_the_damage_and_counts_do_not_need_them(tmp_path: Path) -> None:
    """The same counts with and without; damage and cause only with the models in memory."""
    run = ready(tmp_path)
    answers = small.answers()
    for i in range(200, small.REQUESTS):
        answers[small.request_id(i)]["features"]["amount"] += 1
    run.answer("challenger", answers)
    bare, full = (compare(run.folder, run.loaded, models=models).pairs[0] for models in (None, run.models))
    assert bare.summary.feature_mismatches == full.summary.feature_mismatches == 40
    amount = {
        name: next(f for f in p.summary.fields if f.field == "amount")
        for name, p in (("bare", bare), ("full", full))
    }
    assert amount["bare"].damage is None
    assert amount["full"].damage is not None
    assert amount["full"].damage.rows == 40


RULE = """
[tolerance.features.amount]
ignore = true
reason = "unit changed"
expires = "{}"
"""


@pytest.mark.parametrize(
    ("expires", "mismatches", "rule"),
    [("2025-04-01", 0, "ignored"), ("2025-03-31", 40, "expired on 2025-03-31")],
)
def test_a_rule_holds_until_the_day_it_expires(
    expires: str, mismatches: int, rule: str, tmp_path: Path
) -> None:
    """The day is that of the run, on whatever day it is compared; a rule that has expired is told."""
    run = ready(tmp_path, more=RULE.format(expires))
    answers = small.answers()
    for i in range(40):
        answers[small.request_id(i)]["features"]["amount"] += 1
    run.answer("challenger", answers)
    (pair,) = compare(run.folder, run.loaded, models=None).pairs
    assert pair.summary.feature_mismatches == mismatches
    (told,) = pair.ignored
    assert (told.field, told.reason, told.silenced) == ("amount", "unit changed", 40 - mismatches)
    assert rule in told.rule


def test_echoes_that_are_no_features_are_told(tmp_path: Path) -> None:
    """They count as missing, and a sentence says that they were there."""
    run = ready(tmp_path)
    answers = small.answers()
    for i in range(7):
        answers[small.request_id(i)]["features"] = ["not", "an", "object"]
    run.answer("challenger", answers)
    (pair,) = compare(run.folder, run.loaded, models=None).pairs
    assert "challenger shows features that cannot be read on 7 requests: counted as missing" in (
        pair.summary.unsure
    )


def test_features_that_redaction_changed_are_not_compared(tmp_path: Path) -> None:
    """Neither held against the arm nor for it, and told; of the others nothing is lost."""
    run = ready(tmp_path, more=CHAMPION)
    answers = small.answers()
    for i in range(7):
        answers[small.request_id(i)]["features"]["amount"] = {"redacted": True}
    answers[small.request_id(9)]["features"]["age"] += 1
    run.answer("champion", answers)
    run.answer("challenger", small.answers())
    pairs = {
        (p.summary.left, p.summary.right): p.summary
        for p in compare(run.folder, run.loaded, models=None).pairs
    }
    for pair in ("offline:model", "champion"), ("champion", "challenger"):
        assert pairs[pair].feature_mismatches == 1
        told = "redaction changed 7 cells of the features that champion used (amount): not compared"
        assert told in pairs[pair].unsure
        assert pairs[pair].redacted == 7
    assert not pairs["offline:model", "challenger"].unsure
    assert pairs["offline:model", "challenger"].redacted is msgspec.UNSET


def test_features_that_redaction_hid_altogether_were_not_compared(tmp_path: Path) -> None:
    """No cell is counted as compared, in whatever way they were marked."""
    run = ready(tmp_path, more=CHAMPION)
    answers = small.answers()
    for i in range(small.REQUESTS):
        one = answers[small.request_id(i)]
        one["features"] = {"redacted": True} if i % 2 else {key: {"redacted": True} for key in small.FEATURES}
    run.answer("champion", answers)
    run.answer("challenger", small.answers())
    pairs = {p.summary.right: p.summary for p in compare(run.folder, run.loaded, models=None).pairs[:2]}
    hidden = pairs["champion"]
    assert (hidden.redacted, [field.compared for field in hidden.fields]) == (small.REQUESTS, [0, 0, 0])
    assert [one for one in hidden.unsure if "neither" in one or "counted as missing" in one] == []
    assert "amount: redacted wherever an arm shows it" in hidden.unsure


def finding(arm: str, cause: str) -> Finding:
    """A bug of an arm."""
    return Finding(arm=arm, fields=("f",), cause=cause, sentence="", requests=1, explained=1)


@pytest.mark.parametrize(
    ("offline", "told"),
    [
        ((finding("challenger", "offset"),), ["offset", "champion's"]),
        ((), ["seen against champion", "champion's"]),
    ],
)
def test_the_build_under_test_is_told_first_and_one_cause_once(
    offline: tuple[Finding, ...], told: list[str]
) -> None:
    """What the offline model shows is not told again against the champion."""
    mine = Compared(summary=SOME, against="offline", under_test=True, findings=offline)
    other = REPLACE(mine, under_test=False, findings=(finding("champion", "champion's"),))
    versus = REPLACE(mine, against="champion", findings=(finding("challenger", "seen against champion"),))
    comparison = Comparison(pairs=(other, versus, mine))
    assert sorted(f.cause for f in comparison.findings()) == sorted(told)
    assert comparison.findings()[0].arm == "challenger"


def test_another_model_of_the_scenario_is_named(tmp_path: Path) -> None:
    """One that no target must match, whose scores are served; without it they have no name."""
    more = '[models.poor]\nfile = "poor.txt"\nfeatures = "features:build"\n'
    run = ready(tmp_path, more=more)
    run.answer("challenger", small.answers("poor"))
    everything = replace(run.models, others=load_others(run.loaded))
    named, bare = (
        compare(run.folder, run.loaded, models=models).pairs[0].findings[0]
        for models in (everything, run.models)
    )
    assert (named.cause, bare.cause) == ("another_model", "fewer_trees")
    assert named.sentence.startswith("The challenger scores with poor instead of model: features agree")


def test_another_model_that_cannot_score_these_requests_has_not_served_them(tmp_path: Path) -> None:
    """Its pipeline raises, and the comparison goes on."""
    run = ready(tmp_path, more='[models.poor]\nfile = "poor.txt"\nfeatures = "broken:build"\n')
    code = 'def build(requests, data):\n    raise KeyError("gone")\n'
    (run.loaded.folder / "broken.py").write_text(code, encoding="utf-8")
    run.answer("challenger", small.answers("poor"))
    models = replace(run.models, others=load_others(run.loaded))
    (found,) = compare(run.folder, run.loaded, models=models).pairs[0].findings
    assert found.cause != "another_model"


def test_rows_of_one_batch_are_known_to_probes(tmp_path: Path) -> None:
    """As the capture has them."""
    run = ready(tmp_path)
    table = run.folder.read(run.folder.capture)
    assert batches(table) is None
    parents = pa.array(["a" if i < 2 else None for i in range(len(table))])
    rows = pa.array([1 - i if i < 2 else None for i in range(len(table))], pa.int32())
    table = table.set_column(table.column_names.index("parent_id"), "parent_id", parents)
    known = batches(table.set_column(table.column_names.index("row_index"), "row_index", rows))
    assert known is not None
    assert (known.batch[:3].tolist(), known.row[:3].tolist()) == ([0, 0, -1], [1, 0, 0])


def test_scores_of_a_phase_that_asks_for_no_features_are_explained(tmp_path: Path) -> None:
    """The probes know the offline features, shown or not; the poor model is the first tree of the other."""
    run = ready(tmp_path)
    silent = {name: {"score": answer["score"]} for name, answer in small.answers("poor").items()}
    run.answer("challenger", silent, phases=("latency",))
    (found,) = compare(run.folder, run.loaded, models=run.models).pairs[0].findings
    assert (found.cause, found.explained) == ("fewer_trees", found.requests)


def test_the_model_that_answered_and_tags_are_places(tmp_path: Path) -> None:
    """A second build behind the endpoint serves another `visits`: it is named by its own word."""
    run = ready(tmp_path)
    answers = small.answers()
    wrong = range(1, small.REQUESTS, 3)
    for i in wrong:
        answers[small.request_id(i)]["features"]["visits"] += 5
    run.answer("challenger", answers)
    path = run.folder.outcomes("challenger") / "part-00000.parquet"
    table = run.folder.read(run.folder.outcomes("challenger"))
    builds = pa.array(["b2" if i % 3 == 1 else "b1" for i in table["seq"].to_pylist()])
    run.folder.write(table.set_column(table.schema.get_field_index("model"), "model", builds), path)
    (finding,) = compare(run.folder, run.loaded, models=None).findings()
    assert [place.conditions for place in finding.places] == [("answered by model = b2",)]
