"""A scenario from disk: found, merged with what it extends, decoded, relative to the real file's folder."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.errors import RunError, ScenarioError
from harness.scenario.document import EXAMPLE
from harness.scenario.load import load, merge, restore


def put(folder: Path, text: str = EXAMPLE, name: str = "scenario.toml") -> Path:
    """A scenario file."""
    (folder / name).write_text(text, encoding="utf-8")
    return folder / name


def complaint(path: Path) -> str:
    """What is wrong with the scenario at a path."""
    with pytest.raises(ScenarioError) as caught:
        load(path)
    return caught.value.sentence()


def test_a_folder_stands_for_the_scenario_in_it(tmp_path: Path) -> None:
    """`replaygate run scenarios/x` is enough."""
    put(tmp_path)
    loaded = load(tmp_path)
    assert (loaded.path, loaded.folder) == (tmp_path / "scenario.toml", tmp_path.resolve())
    assert loaded.file("capture.jsonl") == tmp_path.resolve() / "capture.jsonl"


def test_a_link_leads_to_the_files_beside_the_real_scenario(tmp_path: Path) -> None:
    """Paths and `extends` are relative to the file itself, not to where a link to it lies."""
    real, elsewhere = tmp_path / "real", tmp_path / "elsewhere"
    real.mkdir()
    elsewhere.mkdir()
    put(real)
    put(real, 'extends = "scenario.toml"\nname = "child"\n', name="child.toml")
    (elsewhere / "link.toml").symlink_to(real / "child.toml")
    loaded = load(elsewhere / "link.toml")
    assert loaded.folder == real.resolve()
    assert loaded.scenario.name == "child"


def test_a_relative_path_leads_to_an_absolute_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The run may be reopened from anywhere."""
    put(tmp_path)
    monkeypatch.chdir(tmp_path)
    assert load(Path("scenario.toml")).folder.is_absolute()


def test_a_child_completes_and_overrides_its_parent(tmp_path: Path) -> None:
    """Tables are merged, values and lists replaced; `extends` itself says nothing else."""
    put(tmp_path, EXAMPLE + "timeout_s = 3\n")
    child = put(
        tmp_path, 'extends = "scenario.toml"\nseed = 4\n[targets.challenger]\ntimeout_s = 1\n', name="c.toml"
    )
    scenario = load(child).scenario
    target = scenario.targets["challenger"]
    assert (scenario.name, scenario.seed) == ("checkout", 4)
    assert (target.model, getattr(target, "timeout_s", None)) == ("challenger", 1.0)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('extends = "child.toml"', "goes in a circle"),
        ('extends = "../child.toml"', "not a file in the same folder"),
        ("extends = 3", "$.extends: wrong type"),
        ('extends = "other.toml"', "no such scenario file"),
        ("name = ", "not valid TOML"),
        ("threshold = inf", "$.threshold: not a finite number; found inf"),
        ("[[phases]]\nname = 'p'\nbusiest_s = nan", "$.phases[0].busiest_s: not a finite number"),
    ],
)
def test_a_file_that_cannot_be_one_says_where(text: str, says: str, tmp_path: Path) -> None:
    """The place in the file comes with the complaint."""
    assert says in complaint(put(tmp_path, text, name="child.toml"))


def test_a_file_in_another_encoding_is_told(tmp_path: Path) -> None:
    """TOML is UTF-8."""
    (tmp_path / "scenario.toml").write_bytes('name = "café"'.encode("latin-1"))
    assert "not valid TOML" in complaint(tmp_path / "scenario.toml")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read_is_told(tmp_path: Path) -> None:
    """Permissions are a usage error, not a crash."""
    put(tmp_path).chmod(0)
    assert "cannot be read" in complaint(tmp_path / "scenario.toml")


def test_what_a_run_keeps_is_restored(tmp_path: Path) -> None:
    """Through run.json and back: the same scenario, the same digest."""
    loaded = load(put(tmp_path))
    back = restore(loaded.plain(), loaded.path, folder=loaded.folder)
    assert back.plain() == loaded.plain()
    assert back.digest == loaded.digest


def test_a_kept_scenario_of_another_version_is_a_damaged_run(tmp_path: Path) -> None:
    """A word this version does not know cannot be passed over: it may be tuning."""
    loaded = load(put(tmp_path))
    with pytest.raises(RunError, match="newfangled"):
        restore(loaded.plain() | {"newfangled": 1}, loaded.path, folder=loaded.folder)


tables = st.recursive(
    st.integers(), lambda inner: st.dictionaries(st.sampled_from("abc"), inner), max_leaves=12
)
files = st.dictionaries(st.sampled_from("abc"), tables)


@given(files, files)
def test_merging_keeps_every_key_and_lets_the_child_win(
    base: dict[str, object], over: dict[str, object]
) -> None:
    """Merged with nothing, or with itself, a file stays; where both are tables it goes on inside."""
    both = merge(base, over)
    assert merge(base, {}) == merge({}, base) == merge(base, base) == base
    assert both.keys() == base.keys() | over.keys()
    for key, value in over.items():
        inner = base.get(key)
        expected = merge(inner, value) if isinstance(inner, dict) and isinstance(value, dict) else value
        assert both[key] == expected
