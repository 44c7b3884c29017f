"""The published contract of the gate server, tried out by schemathesis: what it promises is what it does."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings

from harness.gate_server import Board, Evaluations, Limits
from harness.gate_server.app import protected, routes
from harness.gate_server.protection import Rules
from tests.kit.written_runs import write_run

schemathesis = pytest.importorskip("schemathesis")

HOST = "localhost"


@pytest.fixture(scope="module")
def contract(tmp_path_factory: pytest.TempPathFactory) -> Any:  # noqa: ANN401  -- schemathesis has no types
    """The contract of a server that knows two builds and may start nothing."""
    results = tmp_path_factory.mktemp("gate")
    write_run(results, "GO", build="b1")
    write_run(results, "NO-GO", build="b2")
    board = Board(results, Evaluations({}, results, limits=Limits()))
    loaded = schemathesis.openapi.from_dict(routes(board).openapi())
    loaded.app = protected(board, Rules())
    return loaded


lazy = schemathesis.pytest.from_fixture("contract")


@lazy.parametrize()
@settings(
    max_examples=15,
    deadline=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
def test_every_answer_is_one_that_the_contract_promises(case: Any) -> None:  # noqa: ANN401  -- as above
    """Status, media type and shape, for what fits the contract and for what does not; never a 5xx."""
    case.call_and_validate(headers={"Host": HOST})
