"""What is kept of a race with a peer: ratios within rounds, agreement by its rule, no row without it."""

from typing import Any

import numpy as np
import pytest

from tests.benchmarks.drift import table
from tests.benchmarks.drift_client import OURS_A_ROUND, in_turns, known, psi_apart, psi_at_once, texts
from tests.benchmarks.drift_peers import ENVIRONMENTS, GOALS, Compared, rows_of
from tests.benchmarks.machine import NotHere
from tests.simulations.diagnosis_vectors import evidently_shares, filled


def test_the_row_is_the_median_of_the_ratios_within_rounds() -> None:
    """A round that was slow for both counts as any other; seconds and agreement are told."""
    found = Compared(theirs=[30.0, 90.0, 28.0], ours=[0.2, 0.9, 0.1], apart=1e-12, beside={"to wait": 0.5})
    (made,) = rows_of("evidently", lambda _: found)
    assert (made["id"], made["value"], made["runs"]) == ("vs_evidently", 150.0, 3)
    assert str(made["figure"]).endswith(
        "30 s against 0.2 s; their numbers by their rules are ours within 1e-12; to wait takes 0.5 s"
    )


def test_a_peer_that_is_not_here_leaves_its_row_alone(capsys: pytest.CaptureFixture[str]) -> None:
    """No row takes the place of the old one, and a line says why."""

    def nobody(_: str) -> Compared:
        raise NotHere("no registry")

    assert rows_of("nannyml", nobody) == []
    assert "vs_nannyml is not measured, and its row stays as it is: no registry" in capsys.readouterr().err


def test_every_peer_is_pinned() -> None:
    """The peer itself, pandas and numpy, to one version each."""
    assert set(ENVIRONMENTS) == set(GOALS)
    for name, environment in ENVIRONMENTS.items():
        pinned = {one.partition("==")[0] for one in environment.packages if "==" in one}
        assert {name, "pandas", "numpy"} <= pinned


def test_their_psi_is_compared_column_by_column() -> None:
    """By Evidently's rule numbers agree; one that is off is seen, one that is missing stops it."""
    reference, current = table(1, drift=0.0, rows=400), table(2, drift=0.3, rows=300)
    told: list[dict[str, Any]] = [
        {"config": {"column": name}, "value": by_their_rule(known(then), known(current[name]))}
        for name, then in reference.items()
    ]
    whole: dict[str, Any] = {"config": {"share": 0.5}, "value": {"count": 3}}
    assert psi_apart([whole, *told], reference, current) == 0.0
    told[0]["value"] *= 1.01
    assert psi_apart(told, reference, current) == pytest.approx(0.01)
    with pytest.raises(SystemExit, match="told of 49 columns"):
        psi_apart(told[1:], reference, current)


def by_their_rule(then: np.ndarray, now: np.ndarray) -> float:
    """PSI over Evidently's bins, spelled out."""
    p, q = map(filled, evidently_shares(then, now))
    return float(((q - p) * np.log(q / p)).sum())


def test_both_take_turns_and_ours_is_all_columns() -> None:
    """As many seconds of each as rounds; categories come as texts, None where missing."""
    reference, current = table(1, drift=0.0, rows=300), table(2, drift=0.3, rows=300)
    turns: list[str] = []
    theirs, ours = in_turns(lambda: turns.append("theirs"), lambda: turns.append("ours"), rounds=2)
    assert turns == [*["ours"] * OURS_A_ROUND, "theirs"] * 2
    assert len(theirs) == len(ours) == 2
    assert len(psi_at_once(reference, current)) == len(reference)
    assert {*texts(reference["category 0"])} == {None, *(f"level {k}" for k in range(12))}
