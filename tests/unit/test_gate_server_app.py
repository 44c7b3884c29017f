"""The routes put together, and the contract that they publish."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.gate_server import Board, Evaluations, Limits
from harness.gate_server.app import routes

PATHS = {
    "/flagger/{phase}": {"post"},
    "/argo/verdict": {"get", "post"},
    "/verdict/{build}": {"get"},
    "/canaryConfig": {"get"},
    "/canary/{config}": {"post"},
    "/canary/{execution}": {"get"},
    "/metrics": {"get"},
    "/healthz": {"get"},
}


@pytest.fixture
def contract(tmp_path: Path) -> dict[str, dict[str, dict[str, dict[str, dict[str, object]]]]]:
    """The OpenAPI document."""
    board = Board(tmp_path, Evaluations({}, tmp_path, limits=Limits()))
    return routes(board).openapi()


def test_every_route_is_in_the_contract(
    contract: dict[str, dict[str, dict[str, dict[str, dict[str, object]]]]],
) -> None:
    """And none more."""
    assert {path: set(methods) for path, methods in contract["paths"].items()} == PATHS


def test_no_hook_documents_a_204_or_a_server_error(
    contract: dict[str, dict[str, dict[str, dict[str, dict[str, object]]]]],
) -> None:
    """Flagger takes 204 for a failure, and shows no text of a 5xx."""
    statuses = {
        status
        for methods in contract["paths"].values()
        for operation in methods.values()
        for status in operation["responses"]
    }
    assert statuses <= {"200", "400", "401", "403", "404", "408", "409", "413", "421", "422"}
