"""Spending functions: printed values, their ends, and refusals."""

import numpy as np
import pytest

from harness.stats import Spending
from harness.stats.spending import SpendingKind

KINDS: tuple[SpendingKind, ...] = ("obrien-fleming", "pocock", "power")


def test_obrien_fleming_spends_the_printed_shares() -> None:
    """Alpha .025 at five equal looks, as gsDesign prints it."""
    spent = Spending(kind="obrien-fleming").spent(np.arange(1, 6) / 5, 0.025)
    assert spent == pytest.approx([5.0e-7, 3.942e-4, 0.0038081, 0.0122118, 0.025], rel=0.03, abs=5e-8)


@pytest.mark.parametrize(
    ("spending", "half"),
    [
        (Spending(kind="pocock"), 0.05 * np.log(1.0 + (np.e - 1.0) / 2.0)),
        (Spending(), 0.0125),
        (Spending(kind="power", rho=3.0), 0.00625),
    ],
)
def test_half_way(spending: Spending, half: float) -> None:
    """What is spent of .05 at half of the information."""
    assert float(spending.spent(0.5, 0.05)) == pytest.approx(half)


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_at_the_start_all_at_the_end_and_no_more(kind: SpendingKind) -> None:
    """0 at t = 0, alpha at t = 1 and beyond, rising between."""
    spent = Spending(kind=kind).spent([0.0, 0.3, 0.6, 1.0, 1.7], 0.05)
    assert spent[0] == 0.0
    assert spent[3:] == pytest.approx([0.05, 0.05])
    assert (np.diff(spent[:4]) > 0.0).all()


def test_impossible_spending_is_refused() -> None:
    """Another kind, a rho of 0, negative information and alpha out of range."""
    with pytest.raises(ValueError, match="kind: found 'haybittle'"):
        Spending(kind="haybittle")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="rho: found 0"):
        Spending(rho=0.0)
    with pytest.raises(ValueError, match=r"t: found -0\.1"):
        Spending().spent([-0.1], 0.05)
    with pytest.raises(ValueError, match=r"alpha: found 1\.0"):
        Spending().spent([0.1], 1.0)
