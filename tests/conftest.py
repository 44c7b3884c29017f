"""What every test shares: how hypothesis searches, and which tests run with nothing beside them."""

import os
from pathlib import Path

import pytest
from hypothesis import settings

TESTS = Path(__file__).parent
#: what times requests or kills processes at moments of their work
ALONE = frozenset(
    {
        "e2e/test_demo.py",
        "e2e/test_early_stop.py",
        "e2e/test_passes.py",
        "e2e/test_resume.py",
        "e2e/test_verdicts.py",
        "integration/test_http_replay.py",
        "integration/test_replay_survival.py",
    }
)

# No deadline: a slow machine is not a failing property.
# On CI the same examples every time, so that a red run can be repeated.
settings.register_profile("local", deadline=None, print_blob=True)
settings.register_profile("ci", deadline=None, print_blob=True, derandomize=True)
settings.load_profile("ci" if os.environ.get("CI") else "local")


def pytest_make_parametrize_id(val: object) -> str | None:
    """Bytes that are no text are told by their length, as gzip holds the time and workers compare names."""
    return f"{len(val)}B" if isinstance(val, bytes) and not val.isascii() else None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests that measure time are told from those that may run beside others."""
    for item in items:
        if item.path.relative_to(TESTS).as_posix() in ALONE:
            item.add_marker(pytest.mark.alone)
