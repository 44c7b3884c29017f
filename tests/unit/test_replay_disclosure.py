"""What is written down of a request: everything but its secrets, which become variables."""

from __future__ import annotations

import pytest

from harness.replay.disclosure import Written, write
from harness.replay.message import Message


def written(path: str = "/score", declared: dict[str, str] | None = None, **headers: str) -> Written:
    """A request with these headers (underscores for dashes), written down."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    message = Message("POST", path, {"host": "h", "content-length": "2", **named}, b"{}")
    return write(message, origin="http://127.0.0.1:9", declared=declared or {})


def test_what_is_no_secret_is_written_as_it_is() -> None:
    """But for what the connection sets itself."""
    found = written("/score?x=1", content_type="application/json")
    assert found == Written(
        method="POST",
        origin="http://127.0.0.1:9",
        path=("/score?x=1",),
        headers={"content-type": "application/json"},
        body="{}",
    )
    assert found.variables == ()


def test_headers_that_may_be_credentials_are_variables() -> None:
    """By what the scenario says (env:NAME) and by their names; their values are nowhere."""
    declared = {"X-Team": "env:TEAM_NAME", "Authorization": "env:TOKEN"}
    found = written(declared=declared, x_team="hush", authorization="hush", x_api_key="hush", plain="shown")
    assert found.secrets == {"x-team": "TEAM_NAME", "authorization": "TOKEN", "x-api-key": "X_API_KEY"}
    assert found.headers == {"plain": "shown"}
    assert "hush" not in repr(found)


@pytest.mark.parametrize(
    ("path", "pieces"),
    [
        ("/a?b=1&api_key=hush&c=2", ("/a?b=1&api_key=", "API_KEY", "&c=2")),
        ("/a?token=hush", ("/a?token=", "TOKEN", "")),
        ("/a?token=hush&token=hush", ("/a?token=", "TOKEN", "&token=", "TOKEN", "")),
        ("/a?t%6fken=hush", ("/a?t%6fken=", "T_6FKEN", "")),
        ("/a?token&x", ("/a?token&x",)),
        ("/token=1", ("/token=1",)),
    ],
)
def test_parameters_that_may_be_credentials_are_variables(path: str, pieces: tuple[str, ...]) -> None:
    """Also where the name is escaped; a path without a query has none."""
    assert written(path).path == pieces


@pytest.mark.parametrize(
    ("declared", "headers", "names"),
    [
        pytest.param({"a": "env:X"}, {"a": "1", "b_token": "2"}, ["X", "B_TOKEN"], id="apart"),
        pytest.param({"a": "env:B_TOKEN"}, {"a": "1", "b_token": "2"}, ["B_TOKEN", "B_TOKEN_2"], id="alike"),
        pytest.param({"a": "env:X", "b": "env:X"}, {"a": "1", "b": "1"}, ["X", "X"], id="one variable"),
        pytest.param({"a": "env:x}$(rm -r)"}, {"a": "1"}, ["X_RM_R"], id="hostile name"),
        pytest.param({"a": "env:PORT"}, {"a": "1"}, ["PORT_2"], id="taken by the script"),
        pytest.param({}, {"~-token": "1", "2fa-token": "2"}, ["TOKEN", "SECRET_2FA_TOKEN"], id="odd names"),
    ],
)
def test_every_secret_has_a_variable_of_its_own(
    declared: dict[str, str], headers: dict[str, str], names: list[str]
) -> None:
    """A name that every shell takes, and no two secrets share one."""
    found = written(declared=declared, **headers)
    assert list(found.secrets.values()) == names


def test_a_secret_in_the_query_and_one_in_a_header_are_two() -> None:
    """Though their names are alike."""
    assert written("/?sid=1", x_sid="2", sid="3").variables == ("X_SID", "SID", "SID_2")
    assert written().body == "{}"
    assert write(Message("GET", "/"), origin="", declared={}).body is None
