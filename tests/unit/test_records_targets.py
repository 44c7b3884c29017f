"""Each target: its ledger, its counts and its model, the same after a journey through JSON."""

import msgspec
import pytest

from harness.records import Identity, Ledger, LedgerStep, Loss, TargetCounts


def test_a_ledger_survives_json() -> None:
    """Every step is found again with its losses, in their order."""
    steps = (
        LedgerStep(step="planned", count=9),
        LedgerStep(
            step="sent", count=6, lost=(Loss(reason="shed", count=2), Loss(reason="stopped", count=1))
        ),
    )
    ledger = Ledger(phase="parity", target="challenger", steps=steps)
    assert msgspec.json.decode(msgspec.json.encode(ledger), type=Ledger) == ledger


def test_a_loss_has_a_reason() -> None:
    """Nothing is lost without saying why."""
    with pytest.raises(msgspec.ValidationError, match="reason"):
        msgspec.convert({"step": "sent", "count": 6, "lost": [{"count": 1}]}, LedgerStep)


def test_counts_keep_states_and_reasons_apart() -> None:
    """States count all requests; reasons and units are there only where something told them."""
    counts = TargetCounts(target="champion", states={"ok": 8, "timeout": 1})
    assert (counts.details, counts.units, counts.units_failed) == ({}, 0, 0)
    assert msgspec.json.decode(msgspec.json.encode(counts), type=TargetCounts) == counts


def test_a_target_that_names_no_model_is_not_taken_for_the_expected_one() -> None:
    """Nothing served, nothing answered and nothing declared, unless somebody says so."""
    identity = Identity(arm="challenger", expected="abc")
    assert (identity.served, identity.answered, identity.declared) == ({}, 0, False)
