"""Verdicts and the one word: each word its code, each ruling and fault one of those that exist."""

from typing import get_args

import msgspec
import pytest

from harness.records import EXIT_CODES, Decision, Estimate, Verdict, Word


def test_every_word_has_an_exit_code_of_its_own() -> None:
    """GO is 0, and no word ends as a crash or a mistyped option would."""
    assert EXIT_CODES == {"GO": 0, "NO-GO": 10, "WAIT": 20, "INVALID": 30}
    assert set(EXIT_CODES) == set(get_args(Word))


@pytest.mark.parametrize(("field", "value"), [("ruling", "MAYBE"), ("fault", "target")])
def test_a_word_that_does_not_exist_is_refused(field: str, value: str) -> None:
    """A ruling is PASS, FAIL or UNDECIDED, and a build at fault is a FAIL; all else is damage."""
    written = {"gate": "g", "arm": "a", "reason": "r", "ruling": "UNDECIDED", field: value}
    with pytest.raises(msgspec.ValidationError, match=field):
        msgspec.convert(written, Verdict)


def test_a_verdict_counts_unless_it_is_advisory() -> None:
    """A gate is required by default, and nobody is to blame by default."""
    verdict = Verdict(gate="errors", arm="challenger", ruling="PASS", reason="0 of 9.")
    assert (verdict.required, verdict.fault, verdict.evidence) == (True, None, ())


def test_a_verdict_and_a_decision_survive_json() -> None:
    """Evidence and reasons are found again."""
    rate = Estimate(name="rate", value=1.0, n=9, count=9, lower=0.66, upper=1.0, level=0.95)
    verdict = Verdict(gate="errors", arm="challenger", ruling="FAIL", reason="9 of 9.", evidence=(rate,))
    decision = Decision(word="NO-GO", exit_code=10, headline="x", reasons=("9 of 9.",), next_steps=("y",))
    for noun in (verdict, decision):
        assert msgspec.json.decode(msgspec.json.encode(noun), type=type(noun)) == noun
