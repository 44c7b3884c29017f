"""Which gates are in force: every kind, once, as configured or by default."""

from typing import get_args

import pytest

from harness.errors import ScenarioError
from harness.gates import DEFAULT_GATES, Gate, LatencyP95, effective


def test_every_kind_of_gate_is_judged_by_default() -> None:
    """A gate that is in the union and not among the defaults would only count where it is configured."""
    assert {type(gate) for gate in DEFAULT_GATES} == set(get_args(Gate))


def test_a_configured_gate_replaces_its_default_and_forgets_none() -> None:
    """Ten gates before, ten after, in the same order."""
    changed = effective([LatencyP95(budget_ms=50)])
    assert [type(g) for g in changed] == [type(g) for g in DEFAULT_GATES]
    assert LatencyP95(budget_ms=50) in changed
    assert LatencyP95() not in changed


def test_two_gates_of_a_kind_are_refused() -> None:
    """The stricter of two would silently not count."""
    with pytest.raises(ScenarioError, match="two gates of kind 'latency_p95'"):
        effective([LatencyP95(budget_ms=50), LatencyP95(budget_ms=500)])
