"""Flagger's contract: up to 202 is success and 204 never, rollback is the other way round."""

from __future__ import annotations

import pytest

from harness.gate_server import Standing
from harness.gate_server.flagger import Hook, Phase, answer
from harness.gate_server.standing import State

TABLE: dict[State, tuple[int, int, int, int]] = {
    "pass": (200, 200, 200, 403),
    "fail": (403, 409, 409, 200),
    "inconclusive": (403, 409, 409, 403),
    "pending": (403, 409, 409, 403),
    "unknown": (403, 409, 409, 403),
}


@pytest.mark.parametrize("state", TABLE)
def test_each_hook_has_one_status_for_each_standing(state: State) -> None:
    """Only a pass goes on, only a failure rolls back; the text gives the reason."""
    phases: tuple[Phase, ...] = ("confirm-rollout", "pre-rollout", "rollout", "rollback")
    standing = Standing(state=state, reason="because", scenario="shop", run_id="r1")
    answers = [answer(phase, standing) for phase in phases]
    assert tuple(status for status, _ in answers) == TABLE[state]
    assert {line for _, line in answers} == {f"{state}: because (shop, run r1)"}


@pytest.mark.parametrize(
    ("hook", "build"),
    [
        ({"checksum": "5d9c"}, "5d9c"),
        ({"checksum": "5d9c", "metadata": {"build": "sha256:ab"}}, "sha256:ab"),
        ({"checksum": "5d9c", "metadata": {"build": ""}}, "5d9c"),
        ({"checksum": "5d9c", "metadata": {"build": "--flag"}}, ""),
        ({"checksum": "5d9c", "metadata": {"build": "a b"}}, ""),
        ({"checksum": "a\n"}, ""),
        ({"metadata": None}, ""),
        ({}, ""),
    ],
)
def test_the_build_is_named_by_the_metadata_or_else_by_the_checksum(
    hook: dict[str, object], build: str
) -> None:
    """What names none is no build, and not another one."""
    assert Hook.model_validate(hook).build() == build
