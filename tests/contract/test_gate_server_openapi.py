"""The published contract of the gate server, tried out by schemathesis: what it promises is what it does."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings

from harness.gate_server import Board, Evaluations, Limits
from harness.gate_server.app import protected, routes
from harness.gate_server.protection import Rules
from tests.kit.written_runs import write_run

schemathesis = pytest.importorskip("schemathesis")

OPERATIONS = (
    ("POST", "/flagger/{phase}"),
    ("GET", "/argo/verdict"),
    ("POST", "/argo/verdict"),
    ("GET", "/verdict/{build}"),
    ("GET", "/canaryConfig"),
    ("POST", "/canary/{config}"),
    ("GET", "/canary/{execution}"),
    ("GET", "/metrics"),
    ("GET", "/healthz"),
)


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


#: what takes nothing cannot be given anything wrong
TRIED = [
    (mode, *operation)
    for operation in OPERATIONS
    for mode in ("POSITIVE", "NEGATIVE")
    if mode == "POSITIVE" or operation[1] not in {"/canaryConfig", "/metrics", "/healthz"}
]


@pytest.mark.parametrize(("mode", "method", "path"), TRIED, ids=map(" ".join, TRIED))
def test_every_answer_is_one_that_the_contract_promises(
    mode: str,
    method: str,
    path: str,
    contract: Any,  # noqa: ANN401  -- as above
) -> None:
    """Status, media type and shape, for what fits the contract and for what does not; never a 5xx."""
    asked = contract[path][method].as_strategy(generation_mode=schemathesis.GenerationMode[mode])

    @settings(
        max_examples=10,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=asked)
    def tried(case: Any) -> None:  # noqa: ANN401  -- as above
        case.call_and_validate(headers={"Host": "localhost"})

    tried()


def test_every_operation_of_the_contract_is_tried(contract: Any) -> None:  # noqa: ANN401  -- as above
    """A new route is not forgotten here."""
    found = {(r.ok().method.upper(), r.ok().path) for r in contract.get_all_operations()}
    assert found == set(OPERATIONS)
