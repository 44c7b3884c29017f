"""Values of headers that may not be written down."""

from __future__ import annotations

from harness.records import State
from harness.replay.arm import Reply, Try
from replayers.credentials import MASK, fixed_headers, secrets, without


def test_values_from_the_environment_are_secrets_and_others_are_not() -> None:
    """Too short ones would be found everywhere."""
    declared = {"Authorization": "env:TOKEN", "X-Flag": "env:FLAG", "X-Plain": "in the scenario"}
    filled = fixed_headers(declared, {"TOKEN": "Bearer abc", "FLAG": "1"}, where="t")
    assert secrets(declared, filled) == ("Bearer abc",)


def test_values_of_private_headers_are_secrets_wherever_they_come_from() -> None:
    """A literal key in the scenario is masked as one from the environment is."""
    declared = {"X-Api-Key": "literal-key", "X-Team": "search-team"}
    assert secrets(declared, fixed_headers(declared, {}, where="x")) == ("literal-key",)


def test_an_answer_that_repeats_a_secret_is_masked() -> None:
    """In its body and its headers; one that repeats none is handed on as it is."""
    got: list[Reply] = []
    told = Try(state=State.OK, status=200, headers={"x-a": "hush!!"}, body=b"was: hush!!")
    without(got.append, Reply(tries=(told,)), hidden=("hush!!",))
    clean = Reply(tries=(Try(state=State.OK, status=200, body=b"fine"),))
    without(got.append, clean, hidden=("hush!!",))
    assert got[0].final.headers == {"x-a": MASK}
    assert got[0].final.body == b"was: " + MASK.encode()
    assert got[1] is clean
