"""The ledger adds up, or says that it does not."""

import pytest

from harness.errors import HarnessError
from harness.records import Ledger, State
from harness.replay.ledger import Intake, Match, ledger

STATES = {
    State.OK: 80,
    State.HTTP_ERROR: 4,
    State.BAD_BODY: 3,
    State.CONNECTION_ERROR: 2,
    State.TIMEOUT: 1,
    State.SHED: 5,
    State.NOT_SENT: 4,
    State.ABANDONED: 1,
}
MATCHED = {State.OK: 78, State.HTTP_ERROR: 4, State.BAD_BODY: 2}


def made(*, captured: int = 130, compared: int = 77, matched: dict[State, int] | None = None) -> Ledger:
    """A ledger with every kind of loss in it."""
    return ledger(
        "parity",
        "champion",
        intake=Intake(captured=captured, bad={"not JSON": 2, "no id": 1}, not_sampled=7, outside=20),
        states=STATES,
        match=Match(states=matched or MATCHED, compared=compared, lost={"offline score missing": 1}),
    )


def test_each_step_is_the_one_before_less_its_losses() -> None:
    """The eight steps with their counts, in order."""
    steps = [(step.step, step.count) for step in made().steps]
    assert steps == [
        ("captured", 130),
        ("parsed", 127),
        ("sampled", 120),
        ("scheduled", 100),
        ("sent", 91),
        ("answered", 87),
        ("joined", 84),
        ("compared", 77),
    ]


def test_every_loss_has_its_reason_and_what_lost_nothing_is_silent() -> None:
    """Losses are named by their reasons; zero counts are left out."""
    losses = {step.step: {loss.reason: loss.count for loss in step.lost} for step in made().steps}
    assert losses == {
        "captured": {},
        "parsed": {"not JSON": 2, "no id": 1},
        "sampled": {"not sampled": 7},
        "scheduled": {"outside the phase": 20},
        "sent": {"shed": 5, "not sent": 4},
        "answered": {"connection error": 2, "timeout": 1, "abandoned": 1},
        "joined": {"no offline row": 3},
        "compared": {"http error": 4, "bad body": 2, "offline score missing": 1},
    }


def test_answers_with_nothing_to_compare_say_why() -> None:
    """The step at which they are lost names what was not there."""
    alone = ledger(
        "p",
        "t",
        intake=Intake(captured=5),
        states={State.OK: 5},
        match=Match(states={}, compared=0, unmatched="no offline model"),
    )
    assert [(step.step, step.count) for step in alone.steps[-2:]] == [("joined", 0), ("compared", 0)]
    assert [(loss.reason, loss.count) for loss in alone.steps[-2].lost] == [("no offline model", 5)]


def test_a_clean_run_loses_nothing() -> None:
    """All captured requests are compared."""
    clean = ledger(
        "p",
        "t",
        intake=Intake(captured=5),
        states={State.OK: 5},
        match=Match(states={State.OK: 5}, compared=5),
    )
    assert {(step.count, step.lost) for step in clean.steps} == {(5, ())}


@pytest.mark.parametrize(
    ("change", "step"),
    [
        ({"captured": 131}, "scheduled"),
        ({"captured": 129}, "scheduled"),
        ({"captured": 2}, "parsed"),
        ({"compared": 78}, "compared"),
        ({"compared": 0}, "compared"),
        ({"matched": {State.OK: 95}}, "joined"),
    ],
)
def test_what_does_not_add_up_is_an_internal_error(change: dict[str, int], step: str) -> None:
    """Requests that came from nowhere or went nowhere end the run, with the step that shows it."""
    with pytest.raises(HarnessError, match=rf"step {step}: .*does not add up"):
        made(**change)  # type: ignore[arg-type]  # the table mixes counts and mappings
