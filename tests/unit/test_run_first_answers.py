"""The first answers of a run: what is said of them, and when no more are needed."""

from __future__ import annotations

from pathlib import Path

import msgspec
import numpy as np
import pyarrow as pa
import pytest

from harness.records import Outcome, State
from harness.replay.early import Limit
from harness.replay.journal import Journal, outcome_table, read_journal
from harness.replay.options import ReplayCounts
from harness.replay.schedule import Phase, Poisson, Saturate, Schedule
from harness.replay.sending import NOT_YET_SENT
from harness.run.first_answers import (
    FIRST,
    Opened,
    Told,
    answered_well,
    beginning,
    leave,
    look,
    opening,
    part,
)
from tests.kit import small
from tests.kit.prepared import Prepared, ready
from tests.kit.service import Answers

PARITY = Phase(name="parity", pace=Saturate(connections=2))


def schedule(n: int) -> Schedule:
    """So many requests."""
    return Schedule(pace=Saturate(), rows=np.arange(n), due_ns=np.zeros(n, np.int64))


@pytest.mark.parametrize(
    ("phase", "n", "first"),
    [(PARITY, 11, 10), (PARITY, 10, 0), (Phase(name="open", pace=Poisson(rate=5)), 100, 0)],
)
def test_a_closed_loop_begins_with_ten(phase: Phase, n: int, first: int) -> None:
    """One that is no longer is sent whole, and so is an open loop, whose clock never stops."""
    masks = opening(phase, schedule(n), targets=["a", "b"], well=np.ones(n, bool))
    assert {name: int(mask.sum()) for name, mask in masks.items()} == (
        dict.fromkeys("ab", 10) if first else {}
    )


def test_the_ten_are_spread_over_what_production_answered() -> None:
    """Every tenth of those, the first among them; where there are fewer than ten, nothing is parted."""
    well = answered_well(pa.chunked_array([[404, 200, None, 301, 503, *[204] * 95]]))
    assert list(np.flatnonzero(~well)) == [0, 3, 4]
    first = opening(PARITY, schedule(100), targets=["a"], well=well)["a"]
    assert list(np.flatnonzero(first)) == [1, 12, 22, 32, 41, 51, 61, 70, 80, 90]
    begun = part(schedule(100), first)
    assert begun.rows.tolist() == np.flatnonzero(first).tolist()
    assert opening(PARITY, schedule(100), targets=["a"], well=np.arange(100) < 9) == {}


def answered(run: Prepared, answers: Answers, *, name: str = "challenger") -> None:
    """Ten answers of a target."""
    run.answer(name, answers)
    path = run.folder.outcomes(name) / "part-00000.parquet"
    run.folder.write(run.folder.read(run.folder.outcomes(name)).slice(0, FIRST), path)


def told(run: Prepared) -> Told:
    """What is said of the challenger."""
    (one,) = look(run.folder, run.loaded, models=run.models, phase="parity", targets=["challenger"])
    return one


def test_right_answers_are_said_to_be_right(tmp_path: Path) -> None:
    """And all the others are sent."""
    run = ready(tmp_path)
    answered(run, small.answers())
    assert told(run) == Told("challenger", "10 of 10 scored as offline:model scores them.")


def test_the_other_class_is_told_with_what_to_do(tmp_path: Path) -> None:
    """One mistake gives all ten scores to the last bit: the gate is named, and nothing more needed."""
    run, answers = ready(tmp_path), small.answers()
    for answer in answers.values():
        answer["score"] = 1 - answer["score"]
    answered(run, answers)
    one = told(run)
    assert one.gate == "score_parity"
    assert "serves 1 − p as the score" in one.words
    assert one.words.endswith("read the other column of the answer.")


def test_a_gate_that_is_not_required_needs_all_answers(tmp_path: Path) -> None:
    """It is said, and the run goes on."""
    loose = f'\n[[gates]]\n{small.KIND} = "score_parity"\nrequired = false\n'
    run, answers = ready(tmp_path, more=loose), small.answers()
    for answer in answers.values():
        answer["score"] = 1 - answer["score"]
    answered(run, answers)
    assert told(run).gate == ""
    assert "1 − p" in told(run).words


def test_a_bug_on_some_requests_is_only_said(tmp_path: Path) -> None:
    """What ten requests show of it is no reason to leave the others out."""
    run, answers = ready(tmp_path), small.answers()
    for i in range(3):
        answers[small.request_id(i)]["score"] += 0.01
    answered(run, answers)
    assert told(run).gate == ""
    assert "scores differ on 3 of 10 requests" in told(run).words


@pytest.mark.parametrize(
    ("detail", "said"), [("no. Point.", "no. Point"), ("", "http_error"), ("x " * 300, "x …")]
)
def test_a_reason_is_told_whole_and_ends_once(detail: str, said: str, tmp_path: Path) -> None:
    """Its own full stop is not doubled, without a reason it is the state, and no word of it is cut."""
    run = ready(tmp_path)
    rows = [
        Outcome(seq=i, phase="parity", target="challenger", state=State.HTTP_ERROR, status=422, detail=detail)
        for i in range(FIRST)
    ]
    run.folder.write(outcome_table(rows), run.folder.outcomes("challenger") / "part-00000.parquet")
    assert f"{said}. The service wants another request" in told(run).words


@pytest.mark.parametrize(
    ("state", "status", "gate"),
    [
        (State.BAD_BODY, 200, "errors"),
        (State.HTTP_ERROR, 422, "errors"),
        (State.HTTP_ERROR, 503, ""),
        (State.HTTP_ERROR, 429, ""),
        (State.TIMEOUT, None, ""),
    ],
)
def test_only_what_waiting_cannot_mend_ends_a_run(
    state: State, status: int | None, gate: str, tmp_path: Path
) -> None:
    """A service that is down may come back; one that refuses ten requests refuses all."""
    run = ready(tmp_path)
    rows = [
        Outcome(
            seq=i, phase="parity", target="challenger", state=state, status=status, detail="x" * 400 + " cut."
        )
        for i in range(FIRST)
    ]
    run.folder.write(outcome_table(rows), run.folder.outcomes("challenger") / "part-00000.parquet")
    one = told(run)
    assert one.gate == gate
    assert ("all 10 failed: xxx" in one.words) is bool(gate)
    assert one.refused is bool(gate)
    assert len(one.words) < 700


def test_failures_without_a_reason_are_told_by_their_state(tmp_path: Path) -> None:
    """Ten timeouts are not of an unknown reason."""
    run = ready(tmp_path)
    rows = [Outcome(seq=i, phase="parity", target="challenger", state=State.TIMEOUT) for i in range(FIRST)]
    run.folder.write(outcome_table(rows), run.folder.outcomes("challenger") / "part-00000.parquet")
    assert told(run).words == "none of 10 answered: timeout."


def counts(**more: object) -> ReplayCounts:
    """Ten requests of which three timed out."""
    states = {"challenger": {State.OK: 7, State.TIMEOUT: 3}}
    plain = ReplayCounts(
        phase="parity", requests=100, states=states, retried={}, peak_in_flight={}, seconds=1
    )
    return msgspec.structs.replace(plain, **more)


def test_how_a_phase_began_decides_how_it_goes_on() -> None:
    """Stopped by the breaker, by a gate that needs no more, or not at all, with what has failed by then."""
    rest = {"challenger": np.ones(100, bool)}
    on = beginning(counts(), [Told("challenger", "well")], rest=rest, requests=100)
    assert (on.stopped, on.failed) == ("", {"challenger": 3})
    limits = {"challenger": (Limit(gate="errors", count=5), Limit(gate="errors", count=2))}
    assert [one.count for one in on.fewer(limits)["challenger"]] == [2, 1]
    over = beginning(counts(), [Told("challenger", "spoilt", "score_parity")], rest=rest, requests=100)
    assert over.stopped == "after 10 of 100 requests, spread over it (--no-preflight sends all)"
    assert over.end == (
        State.NOT_NEEDED,
        "the first 10 answers failed score_parity; the rest was not sent",
    )
    broken = beginning(
        counts(stopped="circuit breaker: 3 errors of challenger in a row"), [], rest=rest, requests=100
    )
    assert (broken.blamed, broken.gate) == ("challenger", "")
    assert broken.end[0] is State.NOT_SENT
    assert broken.end[1].startswith(NOT_YET_SENT)
    assert Opened().end == (State.NOT_SENT, NOT_YET_SENT)


def test_what_is_left_out_is_in_the_journal(tmp_path: Path) -> None:
    """One line each, so that every request ends in one state."""
    path = tmp_path / "journal.jsonl"
    with Journal(path) as journal:
        leave(journal, np.array([4, 9]), target="t", phase="parity", end=(State.NOT_NEEDED, "why"))
    found = [(one.seq, one.target, one.state, one.attempt, one.detail) for one in read_journal(path)]
    assert found == [(4, "t", "not_needed", 0, "why"), (9, "t", "not_needed", 0, "why")]
