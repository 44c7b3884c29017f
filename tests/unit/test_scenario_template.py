"""What `init` writes: a scenario whose every commented line may be uncommented."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from harness.errors import UsageError
from harness.scenario import load
from harness.scenario.template import scenario_name, write_template


@pytest.mark.parametrize(
    ("folder", "name"),
    [
        ("shop", "shop"),
        ("My Shop (new)", "my_shop_new"),
        ("ÜBER", "ber"),
        ("--", "scenario"),
        ("x" * 99, "x" * 64),
        ("2nd-try_x", "2nd-try_x"),
        ("日本", "scenario"),
    ],
)
def test_any_folder_gives_a_name_that_a_scenario_may_have(folder: str, name: str, tmp_path: Path) -> None:
    """And the scenario in it loads."""
    assert scenario_name(tmp_path / folder) == name
    write_template(tmp_path / folder)
    assert load(tmp_path / folder).scenario.name == name


def test_the_folder_one_is_in_may_be_written_to(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`init .` takes the real folder's name."""
    here = tmp_path / "shop"
    here.mkdir()
    monkeypatch.chdir(here)
    write_template(Path())
    assert load(here).scenario.name == "shop"


def test_every_commented_line_is_right(tmp_path: Path) -> None:
    """With all of them uncommented the scenario still loads, and says what its comments say."""
    path, _ = write_template(tmp_path / "shop")
    text = path.read_text(encoding="utf-8")
    words = re.compile(r"^# (?=\[|\w+ = )", flags=re.MULTILINE)
    path.write_text(words.sub("", text), encoding="utf-8")
    assert len(words.findall(text)) >= 10
    scenario = load(path).scenario
    assert scenario.labels is not None
    assert set(scenario.targets) == {"champion", "challenger"}
    assert [type(gate).__name__ for gate in scenario.gates] == ["LatencyP95"]


def test_nothing_is_ever_overwritten(tmp_path: Path) -> None:
    """One file in the way, and none is written."""
    (tmp_path / "features.py").write_text("mine", encoding="utf-8")
    with pytest.raises(UsageError, match=r"features\.py.*exists already"):
        write_template(tmp_path)
    assert [p.name for p in tmp_path.iterdir()] == ["features.py"]
    assert (tmp_path / "features.py").read_text(encoding="utf-8") == "mine"


def test_a_file_where_the_folder_should_be_is_told(tmp_path: Path) -> None:
    """A usage error, not a crash."""
    (tmp_path / "taken").write_text("", encoding="utf-8")
    with pytest.raises(UsageError, match="cannot be written"):
        write_template(tmp_path / "taken" / "shop")
