"""Real servers: each in its own environment, and a loud word at the end for each that was not run."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.kit.environments import NotInstalledError, environment, passable, told

_RAN: set[str] = set()
_LEFT_OUT: dict[str, str] = {}
#: a server starts for each test, and that may wait for a busy machine
TIMEOUT_S = 240


@pytest.fixture(scope="session")
def python_of() -> Callable[[str], Path]:
    """The Python of a server's environment; its tests are skipped where that cannot be made."""

    def found(name: str) -> Path:
        if name not in _LEFT_OUT:
            try:
                python = environment(name)
            except NotInstalledError as error:
                _LEFT_OUT[name] = str(error)
            else:
                _RAN.add(name)
                return python
        pytest.skip(f"{name} is not installed here: {_LEFT_OUT[name]}")

    return found


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Starting and installing a real server takes longer than a test may elsewhere."""
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent):
            item.add_marker(pytest.mark.timeout(TIMEOUT_S + 300))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """How many servers were run, and of each that was not, why: never silently."""
    if _RAN or _LEFT_OUT:
        terminalreporter.section("REAL SERVERS", sep="=", red=bool(_LEFT_OUT), bold=True)
        for line in told(_RAN, _LEFT_OUT):
            terminalreporter.line(line)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Where not one server was run, nothing was shown, and that is no success."""
    if session.exitstatus == pytest.ExitCode.OK and not passable(_RAN, _LEFT_OUT, os.environ):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
