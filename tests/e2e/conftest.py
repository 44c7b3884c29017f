"""What the tests of the whole program share: a small scenario, and one run of it to look at."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.kit import command, small
from tests.kit.service import Service

#: when every label is known and matured
LATE = "2025-05-01T00:00:00Z"


@pytest.fixture(autouse=True)
def _own_modules(monkeypatch: pytest.MonkeyPatch) -> None:
    """No other scenario's pipeline can be imported, as in a process of its own."""
    monkeypatch.setattr(sys, "path", [p for p in sys.path if not (Path(p) / "features.py").exists()])
    monkeypatch.delitem(sys.modules, "features", raising=False)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A small scenario's files, fresh."""
    return small.make(tmp_path / "scenario")


@pytest.fixture
def results(tmp_path: Path) -> Path:
    """Where runs go."""
    return tmp_path / "results"


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished GO run of champion and challenger with labels and a latency phase; only to be read."""
    here = tmp_path_factory.mktemp("finished")
    folder, answers = small.make(here / "scenario"), small.answers()
    with (
        Service(answers, model=small.model_hash()) as one,
        Service(answers, model=small.model_hash()) as two,
    ):
        more = small.champion(one.url) + small.LATENCY + small.labels()
        path = small.scenario(folder, two.url, more=more)
        done = command.run("run", path, "--results", here / "results", "--as-of", LATE)
    assert done.code == 0, done.out + done.err
    return command.only_run(here / "results")
