"""Where the pages listen, who may reach them there, and what is wrong with a wish, in one line."""

from __future__ import annotations

import socket
import sys
from pathlib import Path

import pytest

from harness.errors import UsageError
from harness.ui.serving import Options, cache_folder, guard_of, is_loopback, serve

NAME = "SESAME"
ENVIRON = {NAME: "x" * 16}


@pytest.mark.parametrize(
    ("host", "only_here"),
    [("127.0.0.1", True), ("::1", True), ("localhost", True), ("0.0.0.0", False), ("build.example", False)],  # noqa: S104  -- never listened on
)
def test_only_loopback_is_this_machine(*, host: str, only_here: bool) -> None:
    """A name other than localhost may be anything, so it is not."""
    assert is_loopback(host) is only_here


def test_another_host_needs_a_token_that_is_long_enough() -> None:
    """Without one nothing is opened; with one every page asks for it, and the host may be an address."""
    with pytest.raises(UsageError, match="a token is needed"):
        guard_of(Options(host="10.0.0.5"))
    with pytest.raises(UsageError, match=r"missing or too short.*openssl"):
        guard_of(Options(host="10.0.0.5", token_env=NAME, environ={NAME: "short"}))
    with pytest.raises(UsageError, match="missing or too short"):
        guard_of(Options(token_env=NAME, environ={}))
    guard = guard_of(Options(host="10.0.0.5", token_env=NAME, environ=ENVIRON, names=("Gate.Example",)))
    assert (guard.anywhere, guard.token) == (True, "x" * 16)
    assert guard.names == {"gate.example", "10.0.0.5"}
    here = guard_of(Options())
    assert (here.anywhere, here.token) == (False, "")


def test_a_folder_that_is_none_and_a_port_that_is_taken_are_said(tmp_path: Path) -> None:
    """Before anything is served, with what to do about it."""
    with pytest.raises(UsageError, match="no such folder"):
        serve(Options(results=tmp_path / "none"), say=lambda _: None)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        options = Options(results=tmp_path, port=taken.getsockname()[1], environ={"HOME": str(tmp_path)})
        with pytest.raises(UsageError, match=r"cannot listen there.*--port"):
            serve(options, say=lambda _: None)


@pytest.mark.parametrize("lacking", ["uvicorn", "fastapi"])
def test_without_the_extra_one_line_says_how_to_get_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lacking: str
) -> None:
    """The pages need what the rest of the program does not."""
    monkeypatch.setitem(sys.modules, lacking, None)
    monkeypatch.delitem(sys.modules, "harness.ui.app", raising=False)
    with pytest.raises(UsageError, match=r"needs fastapi and uvicorn.*replaygate\[serve\]"):
        serve(Options(results=tmp_path, port=0), say=lambda _: None)


def test_indexes_are_kept_with_a_users_other_caches() -> None:
    """Where the system says, else below the home, else with temporary files."""
    assert cache_folder({"XDG_CACHE_HOME": "/c", "HOME": "/h"}) == Path("/c/replaygate/ui")
    assert cache_folder({"HOME": "/h"}) == Path("/h/.cache/replaygate/ui")
    assert cache_folder({}).parts[-2:] == ("replaygate", "ui")
