"""Real servers: each in its own environment, and a loud word at the end for each that was not run."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.kit.environments import NotInstalledError, environment

_LEFT_OUT: dict[str, str] = {}
#: a server starts for each test, and that may wait for a busy machine
TIMEOUT_S = 240


@pytest.fixture(scope="session")
def python_of() -> Callable[[str], Path]:
    """The Python of a server's environment; its tests are skipped where that cannot be made."""

    def found(name: str) -> Path:
        if name not in _LEFT_OUT:
            try:
                return environment(name)
            except NotInstalledError as error:
                _LEFT_OUT[name] = str(error)
        pytest.skip(f"{name} is not installed here: {_LEFT_OUT[name]}")

    return found


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Starting and installing a real server takes longer than a test may elsewhere."""
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent):
            item.add_marker(pytest.mark.timeout(TIMEOUT_S + 300))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Which servers were not run, and why: never silently."""
    if not _LEFT_OUT:
        return
    terminalreporter.section("SERVERS THAT WERE NOT RUN", sep="=", red=True, bold=True)
    for name, why in sorted(_LEFT_OUT.items()):
        terminalreporter.line(f"{name}: {why}")
