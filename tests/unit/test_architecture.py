"""The import contracts hold, cover every room that exists, and are broken by what they forbid."""

import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
CONTRACTS: list[dict[str, Any]] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))[
    "tool"
]["importlinter"]["contracts"]
ROOMS = {
    path.stem
    for path in (ROOT / "harness").iterdir()
    if not path.name.startswith("_") and (path.suffix == ".py" or (path / "__init__.py").exists())
}
LAYERS = "Imports go down only, and every room has a floor"
BESIDE = "Beside them stand the replayers"
PROTECTED = "Only run and scenario know the replayers"
NOUNS = "The nouns are imported from records itself"
ACYCLIC = "No cycles between siblings"
REPLAYERS = "Replayers use only replay, columns, records, inflating and errors"
STATS = "stats imports nothing of ours"
METRICS = "metrics imports nothing of ours"
TRANSPORT = "Only replayers touch sockets and models"
PLOTTING = "Only report draws"
TEMPLATES = "Only report and ui write pages"
FRAMES = "No data frames in records or stats"


def contract(name: str) -> dict[str, Any]:
    """The contract of that name in pyproject.toml."""
    return next(c for c in CONTRACTS if c["name"] == name)


def qualified(*rooms: str) -> set[str]:
    """Rooms as module names."""
    return {f"harness.{room}" for room in rooms}


def lint(tree: Path) -> subprocess.CompletedProcess[str]:
    """Runs import-linter on a copy of the project, as `make check` does on the project."""
    command = [str(Path(sys.executable).with_name("lint-imports")), "--no-cache", "--no-logo"]
    return subprocess.run(
        command, cwd=tree, check=False, capture_output=True, text=True, env={"NO_COLOR": "1"}
    )


def test_the_list_of_diff_names_each_of_its_modules() -> None:
    """A reader finds every module in the room's own list, and none that is gone."""
    room = ROOT / "harness" / "diff"
    listed = {
        line.split("`")[1] for line in (room / "__init__.py").read_text().splitlines() if line[:1] == "`"
    }
    assert listed == {path.stem for path in room.iterdir() if not path.name.startswith("_")}


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A copy of the two packages and their contracts, to spoil."""
    for package in ("harness", "replayers"):
        shutil.copytree(ROOT / package, tmp_path / package, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def source(tree: Path, module: str) -> Path:
    """The file of a module in a tree: x.py, or x/__init__.py, or x.py yet to be written."""
    folder = tree.joinpath(*module.split("."))
    return folder / "__init__.py" if folder.is_dir() else folder.with_suffix(".py")


def test_every_room_has_a_floor() -> None:
    """The layers name exactly the rooms that exist, and none is optional."""
    floors = {room.strip() for floor in contract(LAYERS)["layers"] for room in floor.split("|")}
    assert floors == ROOMS


@pytest.mark.parametrize(
    ("name", "key", "allowed"),
    [
        (REPLAYERS, "forbidden_modules", {"replay", "columns", "records", "inflating", "errors"}),
        (STATS, "forbidden_modules", {"stats"}),
        (METRICS, "forbidden_modules", {"metrics"}),
        (PLOTTING, "source_modules", {"report"}),
        (TEMPLATES, "source_modules", {"report", "ui"}),
    ],
)
def test_a_list_of_rooms_names_every_other_room(name: str, key: str, allowed: set[str]) -> None:
    """A list in a contract holds every room but those it allows, so a new room cannot slip past it."""
    beside = set() if name == REPLAYERS else {"replayers"}
    assert set(contract(name)[key]) == qualified(*(ROOMS - allowed)) | beside


def test_the_contracts_hold(tree: Path) -> None:
    """The code as it is breaks no contract, so what breaks one below is the import put in there."""
    result = lint(tree)
    assert result.returncode == 0, result.stdout + result.stderr


@pytest.mark.parametrize(
    ("module", "line", "broken"),
    [
        pytest.param("harness.stats", "import harness.errors", STATS, id="stats-errors"),
        pytest.param("harness.stats", "import harness.records", LAYERS, id="stats-records"),
        pytest.param("harness.stats", "import pandas", FRAMES, id="stats-pandas"),
        pytest.param("harness.records", "import pandas", FRAMES, id="records-pandas"),
        pytest.param("harness.metrics", "import harness.stats", METRICS, id="metrics-stats"),
        pytest.param("harness.metrics", "import harness.join", LAYERS, id="metrics-join"),
        pytest.param("harness.join", "import harness.diff", LAYERS, id="join-diff"),
        pytest.param("harness.gates", "import httpx", TRANSPORT, id="gates-httpx"),
        pytest.param("harness.run", "import lightgbm", TRANSPORT, id="run-lightgbm"),
        pytest.param("harness.diagnosis", "import lightgbm", TRANSPORT, id="diagnosis-lightgbm"),
        pytest.param("harness.diagnosis", "import harness.evidence", LAYERS, id="diagnosis-evidence"),
        pytest.param("harness.evidence", "import altair", PLOTTING, id="evidence-altair"),
        pytest.param("replayers", "import jinja2", TEMPLATES, id="replayers-jinja2"),
        pytest.param("harness.diff", "import replayers", PROTECTED, id="diff-replayers"),
        pytest.param("harness.gates", "import harness.records.verdicts", NOUNS, id="gates-records-verdicts"),
        pytest.param("harness.replay", "import replayers", BESIDE, id="replay-replayers"),
        pytest.param("replayers", "import harness.gates", REPLAYERS, id="replayers-gates"),
        pytest.param("replayers", "import harness.stats", REPLAYERS, id="replayers-stats"),
        pytest.param("replayers", "import harness.run", BESIDE, id="replayers-run"),
    ],
)
def test_a_forbidden_import_breaks_its_contract(tree: Path, module: str, line: str, broken: str) -> None:
    """One forbidden line, one broken contract: a rule that nothing can break is no rule."""
    path = source(tree, module)
    path.write_text(f"{path.read_text(encoding='utf-8')}\n{line}\n", encoding="utf-8")
    result = lint(tree)
    assert result.returncode == 1
    assert f"{broken} BROKEN" in result.stdout


def test_a_room_without_a_floor_breaks_the_layers(tree: Path) -> None:
    """A new module in harness fails the check until somebody decides where it stands."""
    source(tree, "harness.utils").write_text('"""Anything."""\n', encoding="utf-8")
    result = lint(tree)
    assert result.returncode == 1
    assert "harness.utils" in result.stdout


def test_a_cycle_inside_a_room_breaks_its_contract(tree: Path) -> None:
    """Two modules of one room that import each other are one module."""
    for left, right in (("ping", "pong"), ("pong", "ping")):
        source(tree, f"replayers.{left}").write_text(f"import replayers.{right}\n", encoding="utf-8")
    result = lint(tree)
    assert result.returncode == 1
    assert f"{ACYCLIC} BROKEN" in result.stdout
