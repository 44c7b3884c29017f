"""What the drift benchmark times is the whole work: every column, and the numbers that the product gives."""

import pytest

from harness.diagnosis.drift import drifts
from tests.benchmarks import drift


def test_psi_of_all_is_that_of_the_table() -> None:
    """The quick loop and the full statistics agree on every column."""
    reference, current = (drift.table(seed, drift=0.2 * seed, rows=5_000) for seed in range(2))
    quick = drift.psi_of_all(reference, current)
    full = drifts(reference, current)
    assert len(quick) == drift.NUMBERS + drift.CATEGORIES
    assert quick == pytest.approx([one.psi for one in full])
    assert any(one.drifted for one in full)


def test_the_rows_are_measured() -> None:
    """Both ids, with a time and what coding texts takes, from a small table."""
    found = drift.rows(rounds=2, size=2_000)
    assert [one["id"] for one in found] == ["psi_s", "drift_s"]
    assert all(float(str(one["value"])) > 0.0 and one["runs"] == 2 for one in found)
    assert "to code a column of 2,000 texts" in str(found[0]["figure"])
