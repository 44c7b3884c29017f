"""Where the server listens and whom it lets in; what is wrong is said before it starts."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from harness.errors import UsageError
from harness.gate_server.protection import LOOPBACK
from harness.gate_server.serving import Settings, guarded, listed, serve
from tests.kit import small

TOKEN = {"GATE": "0123456789abcdef"}


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1", "127.1.2.3"])
def test_on_this_machine_alone_no_token_is_needed(host: str) -> None:
    """The name that it listens at is one of its own."""
    rules = guarded(Settings(results=Path(), host=host), {})
    assert (rules.token, rules.hosts) == ("", LOOPBACK | {host})


EVERYWHERE = "0.0.0.0"  # noqa: S104  -- what must be guarded


@pytest.mark.parametrize("host", [EVERYWHERE, "::", "192.168.1.5", "gate.shop.svc", ""])
def test_elsewhere_a_token_is_demanded(host: str) -> None:
    """An empty host would listen everywhere."""
    with pytest.raises(UsageError, match="--token-env"):
        guarded(Settings(results=Path(), host=host), TOKEN)
    rules = guarded(Settings(results=Path(), host=host, token_env="GATE"), TOKEN)  # noqa: S106  -- a name
    assert rules.token == TOKEN["GATE"]
    assert not rules.hosts & {"", EVERYWHERE, "::"}


@pytest.mark.parametrize("environ", [{}, {"GATE": ""}, {"GATE": "short"}])
def test_a_token_that_is_named_must_be_there_and_long(environ: dict[str, str]) -> None:
    """Also on this machine: whoever names one wants it."""
    with pytest.raises(UsageError, match="GATE"):
        guarded(Settings(results=Path(), token_env="GATE"), environ)  # noqa: S106  -- a name


def test_further_hosts_are_named() -> None:
    """In any spelling."""
    rules = guarded(Settings(results=Path(), allow_hosts=("Gate.Shop.svc", "[fd00::1]")), {})
    assert rules.hosts >= {"gate.shop.svc", "fd00::1"}


def test_scenarios_are_listed_by_name_from_files_or_folders(tmp_path: Path) -> None:
    """Two of one name could not be told apart; one that cannot be read is said at the start."""
    path = small.scenario(small.make(tmp_path / "a"), "http://127.0.0.1:9")
    assert listed(Settings(results=Path(), scenarios=(path.parent,))) == {"small": path}
    other = small.scenario(small.make(tmp_path / "b"), "http://127.0.0.1:9")
    with pytest.raises(UsageError, match="two scenarios have one name"):
        listed(Settings(results=Path(), scenarios=(path, other)))
    with pytest.raises(UsageError, match="nowhere"):
        listed(Settings(results=Path(), scenarios=(tmp_path / "nowhere.toml",)))


def test_a_port_that_is_taken_is_said(tmp_path: Path) -> None:
    """In one line."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        settings = Settings(results=tmp_path, port=taken.getsockname()[1])
        with pytest.raises(UsageError, match="cannot listen"):
            serve(settings, environ={}, say=print)
