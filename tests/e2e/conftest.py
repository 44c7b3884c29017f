"""What the tests of the whole program share: a small scenario, and one run of it to look at."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.run import calibrating
from tests.kit import command, small
from tests.kit.reproducing import ran
from tests.kit.scoring import Scoring, amount_too_high
from tests.kit.service import Service

#: when every label is known and matured
LATE = "2025-05-01T00:00:00Z"


@pytest.fixture(autouse=True)
def _own_modules(monkeypatch: pytest.MonkeyPatch) -> None:
    """No other scenario's pipeline can be imported, as in a process of its own."""
    monkeypatch.setattr(sys, "path", [p for p in sys.path if not (Path(p) / "features.py").exists()])
    monkeypatch.delitem(sys.modules, "features", raising=False)


#: how long the product calibrates
WHOLE_S = calibrating.SECONDS


@pytest.fixture
def wholly_calibrated(monkeypatch: pytest.MonkeyPatch) -> None:
    """As a user's run: where a budget is tight, one stall of this machine must not decide."""
    monkeypatch.setattr(calibrating, "SECONDS", WHOLE_S)


@pytest.fixture(autouse=True, scope="session")
def _short_calibration() -> Iterator[None]:
    """Runs in this process measure themselves for half a second before a latency phase: tests are many."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(calibrating, "SECONDS", 0.5)
        yield


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


@pytest.fixture(scope="session")
def _live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, Scoring]]:
    here = tmp_path_factory.mktemp("buggy")
    with ran(small.make(here / "scenario"), here / "results", bug=amount_too_high) as made:
        yield made


@pytest.fixture
def buggy(_live: tuple[Path, Scoring], tmp_path: Path) -> tuple[Path, Scoring]:
    """A copy of a run that found amount too high, and its service, which has that bug again."""
    made, live = _live
    live.bug, live.refuses = amount_too_high, 0
    live.seen.clear()
    return shutil.copytree(made, tmp_path / "run"), live


@pytest.fixture(scope="session")
def wrong_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run with one finding, whose service is gone; only to be read."""
    here = tmp_path_factory.mktemp("wrong")
    with ran(small.make(here / "scenario"), here / "results", bug=amount_too_high) as (root, _):
        return root


@pytest.fixture
def wrong_copy(wrong_run: Path, tmp_path: Path) -> Path:
    """A copy of it to work on."""
    return shutil.copytree(wrong_run, tmp_path / "run")
