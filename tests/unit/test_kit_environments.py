"""What is said of a run of the real servers, and when it is no success."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from tests.kit.environments import passable, told


@pytest.mark.parametrize(
    ("ran", "left_out", "environ", "passes"),
    [
        ({"fastapi"}, {"mlserver": "no network"}, {}, True),
        (set(), {"mlserver": "no network"}, {}, False),
        (set(), {"mlserver": "no network"}, {"REPLAYGATE_SERVERS": "optional"}, True),
        (set(), {"mlserver": "no network"}, {"REPLAYGATE_SERVERS": "1"}, False),
        (set(), {}, {}, True),
    ],
)
def test_a_run_of_no_server_at_all_is_no_success(
    ran: set[str], left_out: Mapping[str, str], environ: Mapping[str, str], *, passes: bool
) -> None:
    """Unless somebody said that it may be, or none was asked for."""
    assert passable(ran, left_out, environ) is passes


def test_how_many_were_run_and_why_not_the_others() -> None:
    """In numbers first."""
    assert told({"grpc", "fastapi"}, {"mlserver": "no network"}) == [
        "ran 2 of 3 server stacks: fastapi, grpc",
        "not mlserver: no network",
    ]
    assert told((), {"mlserver": "no network"}) == [
        "ran 0 of 1 server stacks: none",
        "not mlserver: no network",
        "That fails, unless REPLAYGATE_SERVERS=optional says that it may be.",
    ]
