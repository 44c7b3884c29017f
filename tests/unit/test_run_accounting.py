"""What became of a target's answers: compared, or not and why, counted apart from the comparison."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.capture.intake import Intake
from harness.errors import HarnessError
from harness.records import Ledger
from harness.run import accounting, comparing
from harness.run.deciding import INTAKE
from tests.kit import small
from tests.kit.prepared import NOWHERE, Prepared, ready

MORE = small.champion(NOWHERE) + small.ONLY_PARITY


def accounts(run: Prepared, *, compared: bool = True) -> tuple[Ledger, ...]:
    """The ledgers of a run, after its comparison or before it."""
    found = comparing.compare(run.folder, run.loaded, models=None) if compared else None
    tables = comparing.sent(run.folder, run.loaded)
    return accounting.ledgers(run.folder.load(INTAKE, Intake), tables, comparison=found)


def losses(ledger: Ledger) -> dict[str, int]:
    """Every loss of a ledger, by its reason."""
    return {loss.reason: loss.count for step in ledger.steps for loss in step.lost}


def test_an_answer_that_nothing_was_compared_with_is_not_counted_as_compared(tmp_path: Path) -> None:
    """A champion without an offline model is compared where the challenger answered."""
    run = ready(tmp_path, more=MORE.replace('model = "model"\n', ""))
    answers = small.answers()
    run.answer("champion", answers)
    for i in range(30):
        del answers[small.request_id(i)]
    run.answer("challenger", answers)
    made = {ledger.target: ledger for ledger in accounts(run)}
    assert {name: ledger.steps[-1].count for name, ledger in made.items()} == {
        "challenger": 210,
        "champion": 210,
    }
    assert losses(made["champion"]) == {"no answer from challenger": 30}
    assert losses(made["challenger"]) == {"timeout": 30}


def test_a_target_in_no_pair_is_compared_with_nothing(tmp_path: Path) -> None:
    """Answered, and no offline model to hold the answers against: the ledger ends with none compared."""
    other = small.champion(NOWHERE).replace("targets.champion", "targets.other")
    run = ready(tmp_path, more=small.ONLY_PARITY + other.replace('model = "model"\n', ""))
    for target in ("challenger", "other"):
        run.answer(target, small.answers())
    made = {ledger.target: ledger for ledger in accounts(run)}
    assert [step.count for step in made["other"].steps[-3:]] == [240, 0, 0]
    assert losses(made["other"]) == {"no offline model": 240}
    assert made["challenger"].steps[-1].count == 240


def test_before_a_comparison_nothing_is_called_compared(tmp_path: Path) -> None:
    """The ledger of an interrupted run says so."""
    run = ready(tmp_path)
    run.answer("challenger", small.answers())
    for ledger in accounts(run, compared=False):
        assert ledger.steps[-1].count == 0
        assert losses(ledger) == {"not compared yet": 240}


def test_a_comparison_of_other_outcomes_does_not_add_up(tmp_path: Path) -> None:
    """What was compared is counted by the comparison, what was not by the outcomes: they must agree."""
    run = ready(tmp_path)
    answers = small.answers()
    run.answer("challenger", answers)
    found = comparing.compare(run.folder, run.loaded, models=None)
    del answers[small.request_id(0)]
    run.answer("challenger", answers)
    tables = comparing.sent(run.folder, run.loaded)
    with pytest.raises(HarnessError, match=r"step compared: .*does not add up"):
        accounting.ledgers(run.folder.load(INTAKE, Intake), tables, comparison=found)
