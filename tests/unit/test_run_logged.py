"""Features that come from a log of the service: rows that it lacks are missing evidence, and no finding."""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec import UNSET

from harness.records import LogJoin
from harness.run import deciding, noise
from harness.run.comparing import Compared, compare
from harness.run.logged import lines
from tests.kit import small
from tests.kit.prepared import NOWHERE, THEN, Prepared, ready

LOG = '\n[targets.{}.feature_log]\npath = "log.jsonl"\n'


def answered(run: Prepared, lacking: int, *, target: str = "challenger") -> None:
    """Right answers, the first of which have no features."""
    answers = small.answers()
    for i in range(lacking):
        del answers[small.request_id(i)]["features"]
    run.answer(target, answers)


def against_offline(run: Prepared) -> Compared:
    """The challenger against its model."""
    return compare(run.folder, run.loaded, models=run.models).pairs[0]


@pytest.mark.parametrize("lacking", [0, 24, small.REQUESTS])
def test_rows_that_a_log_lacks_are_not_compared(lacking: int, tmp_path: Path) -> None:
    """They are counted and told, and no feature is said to be left out."""
    run = ready(tmp_path, more=LOG.format("challenger"))
    answered(run, lacking)
    pair = against_offline(run)
    found = small.REQUESTS - lacking
    assert pair.summary.log == LogJoin(answers=small.REQUESTS, found=found)
    assert {one.compared for one in pair.summary.fields} == ({found} if found else set())
    assert not pair.findings
    said = f"{found} of 240 answers of challenger are in its feature log"
    told = f"{said}: the features of {lacking} are not compared" if lacking else said
    assert lines([pair.summary]) == [told]
    assert (told in pair.summary.unsure) == (lacking > 0)


def test_an_answer_that_leaves_its_features_out_is_a_finding(tmp_path: Path) -> None:
    """What the service itself shows, or does not, is of the build; no log is spoken of."""
    run = ready(tmp_path)
    answered(run, 24)
    pair = against_offline(run)
    assert (pair.summary.feature_mismatches, pair.summary.log, lines([pair.summary])) == (24, UNSET, [])
    assert " out: they differ on 24 of 240 requests" in pair.findings[0].sentence


def test_a_feature_that_logged_rows_lack_is_left_out(tmp_path: Path) -> None:
    """Rows that are there speak for the build."""
    run = ready(tmp_path, more=LOG.format("challenger"))
    answers = small.answers()
    del answers[small.request_id(0)]["features"]
    for i in range(1, small.REQUESTS):
        del answers[small.request_id(i)]["features"]["amount"]
    run.answer("challenger", answers)
    pair = against_offline(run)
    assert pair.summary.feature_mismatches == small.REQUESTS - 1
    assert pair.findings[0].sentence.startswith("The challenger leaves amount out")


def test_a_log_with_gaps_keeps_the_gate_open(tmp_path: Path) -> None:
    """UNDECIDED for want of evidence, with the count; the scores decide as ever."""
    run = ready(tmp_path, more=LOG.format("challenger"))
    answered(run, 24)
    run.note("challenger")
    compare(run.folder, run.loaded, models=run.models)
    made = deciding.judge(run.folder, run.loaded, as_of_ns=10**18, created_at=THEN)
    ruled = {one.gate: one for one in made.gates}
    parity = ruled["feature_parity"]
    assert (parity.ruling, parity.fault, ruled["score_parity"].ruling) == ("UNDECIDED", "evidence", "PASS")
    assert "24 of 240 answers are not in the feature log" in parity.reason


def test_a_row_that_one_of_two_answers_has_is_no_noise(tmp_path: Path) -> None:
    """Or a gap of the log would excuse what the build gets wrong."""
    run = ready(tmp_path, more=small.champion(NOWHERE) + LOG.format("champion"))
    answered(run, 24, target="champion")
    again = run.folder.read(run.folder.outcomes("champion"))
    whole = ready(tmp_path / "again", more=small.champion(NOWHERE))
    whole.answer("champion", small.answers(), phases=(noise.NAME,))
    run.folder.write(whole.folder.read(whole.folder.outcomes("champion")), noise.part(run.folder, 0))
    found = noise.summarise(run.folder, run.loaded, phase="parity", champion="champion", asked=len(again))
    assert found.compared == small.REQUESTS
    assert {row.field: row.differ for row in found.rows if row.differ} == {}
