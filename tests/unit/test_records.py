"""The nouns: frozen, by keyword, and the same after a journey through JSON."""

import inspect
from typing import get_args

import msgspec
import pytest

from harness import records
from harness.records import (
    ANSWERED_FOR,
    EXIT_CODES,
    TARGET_FAULTS,
    Decision,
    FieldSummary,
    LabelEvent,
    Report,
    State,
    Verdict,
    Word,
)

STRUCTS = [c for _, c in inspect.getmembers(records, inspect.isclass) if issubclass(c, msgspec.Struct)]


@pytest.mark.parametrize("noun", STRUCTS)
def test_a_noun_is_frozen_and_written_by_keyword(noun: type[msgspec.Struct]) -> None:
    """Nothing that crossed a stage border changes, and no field depends on its place."""
    assert noun.__struct_config__.frozen
    assert all(p.kind is p.KEYWORD_ONLY for p in inspect.signature(noun).parameters.values())


def test_every_word_has_an_exit_code_of_its_own() -> None:
    """GO is 0, and no word ends as a crash or a mistyped option would."""
    assert EXIT_CODES == {"GO": 0, "NO-GO": 10, "WAIT": 20, "INVALID": 30}
    assert set(EXIT_CODES) == set(get_args(Word))


def test_every_state_is_the_targets_or_the_harnesss() -> None:
    """Answered, failed by the target, or lost by the harness: nothing else, and nothing twice."""
    lost = set(State) - ANSWERED_FOR
    assert {State.OK} | TARGET_FAULTS == ANSWERED_FOR
    assert lost == {State.SHED, State.NOT_SENT, State.ABANDONED, State.NOT_NEEDED}
    assert State.OK not in TARGET_FAULTS


def test_a_report_survives_json() -> None:
    """Every nested noun is found again, those named before they are defined too."""
    field = FieldSummary(
        field="hour",
        dtype="number",
        compared=9,
        mismatches=1,
        rate=1 / 9,
        exemplars=(records.Exemplar(seq=1, request_id="r", left="1", right="NaN"),),
        damage=records.Damage(rows=1, mean_abs=0.1, max_abs=0.1, flips=0),
    )
    pair = records.PairSummary(
        left="offline:new",
        right="challenger",
        compared=9,
        feature_mismatches=1,
        score_mismatches=0,
        flips=0,
        nondeterministic=0,
        units=4,
        units_mismatching=1,
        fields=(field,),
    )
    report = Report(
        scenario="duo",
        run_id="r",
        created_at="2026-01-01T00:00:00Z",
        as_of="2026-01-01T00:00:00Z",
        version="0",
        decision=Decision(word="NO-GO", exit_code=10, headline="x"),
        gates=(Verdict(gate="errors", arm="challenger", ruling="FAIL", reason="9 of 9."),),
        pairs=(pair,),
    )
    assert msgspec.json.decode(msgspec.json.encode(report), type=Report) == report


def test_a_word_that_is_no_ruling_is_refused() -> None:
    """A verdict is PASS, FAIL or UNDECIDED; anything else is damage, not a default."""
    with pytest.raises(msgspec.ValidationError, match="ruling"):
        msgspec.convert({"gate": "g", "arm": "a", "reason": "r", "ruling": "MAYBE"}, Verdict)


def test_a_changed_noun_is_another_one() -> None:
    """Assignment is refused; `replace` makes a new one."""
    event = LabelEvent(request_id="r", label=1.0, label_at_ns=3)
    with pytest.raises(AttributeError):
        event.label = 0.0  # type: ignore[misc]  # what the test is about
    assert msgspec.structs.replace(event, label=0.0) != event
