"""The index of a run: made once, found again, made anew when the run is another, and never half."""

from __future__ import annotations

import os
import shutil
from functools import cached_property
from pathlib import Path

import numpy as np
import pytest

from harness import columns
from harness.errors import RunError
from harness.records import Report, State
from harness.run.stages import reported
from harness.ui import index
from harness.ui.index import STATES
from harness.ui.library import Library, Opened
from tests.kit.large_run import FIELDS, write

N = 300


@pytest.fixture
def opened(tmp_path: Path) -> Opened:
    """A run of three hundred requests."""
    return Library(tmp_path / "results").open(write(tmp_path, N))


def test_the_columns_say_what_the_artefacts_say(opened: Opened, tmp_path: Path) -> None:
    """Ids, units, segments, scores, states as bits, the slowest answer, and each field's requests."""
    made = index.made(tmp_path / "cache", opened)
    folder = opened.folder
    capture = folder.read(folder.capture)
    assert made.ids.to_pylist() == capture["request_id"].to_pylist()
    assert made.texts("unit").to_pylist() == capture["unit"].to_pylist()
    assert [dict(one) for one in capture["segments"].to_pylist()] == [
        {name: made.texts(f"segment:{name}")[i].as_py() for name in ("country", "language")} for i in range(N)
    ]
    outcomes = folder.read(folder.outcomes("challenger")).to_pylist()
    ms = [None if one["done_ns"] is None else (one["done_ns"] - one["due_ns"]) / 1e6 for one in outcomes]
    np.testing.assert_allclose(made.numbers("ms:challenger"), np.array(ms, np.float32))
    bits = [1 << STATES.index(State(one["state"])) for one in outcomes]
    assert made.numbers("states:challenger").tolist() == bits
    assert made.meta.targets == ("challenger", "champion")
    counts = {name: len(made.differing("challenger vs offline:model", name)) for name in FIELDS}
    assert counts == {name: int(N * share) for name, share in FIELDS.items()}
    assert made.differing("no pair", "amount").size == 0


def test_what_a_form_offers_comes_from_the_run(opened: Opened, tmp_path: Path) -> None:
    """Pairs, fields by how often they differ, states, and segments of few values."""
    made = index.made(tmp_path / "cache", opened)
    assert [name for name, _ in made.field_names("challenger vs champion")] == ["amount", "score", "age"]
    assert made.field_names("challenger vs champion")[0][1] == "amount (90)"
    assert ("bad_body", "bad body") in made.state_names
    assert ("country", "de") in made.segment_values
    assert made.pair_names[1] == ("challenger vs offline:model", "challenger vs offline:model")


def test_an_index_is_made_once_and_again_when_the_run_changes(opened: Opened, tmp_path: Path) -> None:
    """A second look reads it; another manifest is another place; nothing half is left."""
    cache = tmp_path / "cache"
    index.made(cache, opened)
    (first,) = cache.iterdir()
    before = (first / "meta.json").stat().st_mtime_ns
    index.made(cache, opened)
    assert (first / "meta.json").stat().st_mtime_ns == before
    opened.folder.save("phases.json", [])
    index.made(cache, Library(tmp_path / "results").open(opened.name))
    assert len(list(cache.iterdir())) == 2
    assert oct(cache.stat().st_mode & 0o777) == "0o700"


class Overtaken(Opened):
    """A run whose index another process finishes while it is being made here."""

    @cached_property
    def report(self) -> Report:
        """Read late in the making."""
        there = index.place(self.folder.root.parents[2] / "other", self)
        shutil.copytree(there, index.place(self.folder.root.parents[2] / "cache", self))
        return reported(self.folder)


def test_of_two_that_make_the_same_index_both_have_it(opened: Opened, tmp_path: Path) -> None:
    """The first one stands, and nothing of the second stays."""
    index.made(tmp_path / "other", opened)
    made = index.made(tmp_path / "cache", Overtaken(opened.name, opened.folder))
    assert made.meta.n == N
    assert list((tmp_path / "cache").iterdir()) == [index.place(tmp_path / "cache", opened)]


def test_what_another_process_is_making_is_not_cleared_away(opened: Opened, tmp_path: Path) -> None:
    """However many indexes there are; what nobody finishes any more goes after a day."""
    cache = tmp_path / "cache"
    for name in ("aa.1.tmp", "bb.2.tmp", *(f"{i:032x}" for i in range(25))):
        (cache / name).mkdir(parents=True)
        os.utime(cache / name, ns=(10**18, 10**18))
    os.utime(cache / "aa.1.tmp")
    index.made(cache, opened)
    left = {path.name for path in cache.iterdir()}
    assert "aa.1.tmp" in left
    assert "bb.2.tmp" not in left
    assert index.place(cache, opened).name in left
    assert len(left) == 21


def test_a_damaged_run_has_no_index(opened: Opened, tmp_path: Path) -> None:
    """It is said, and no half of one stays."""
    part = opened.folder.capture / "part-00000.parquet"
    part.write_bytes(part.read_bytes()[:-9])
    with pytest.raises(RunError, match="damaged"):
        index.made(tmp_path / "cache", opened)
    assert list((tmp_path / "cache").iterdir()) == []


def test_a_run_without_differences_has_none_to_filter_by(opened: Opened, tmp_path: Path) -> None:
    """No arm was compared: no pair has a field."""
    opened.folder.remove(opened.folder.differences / "part-00000.parquet")
    shutil.rmtree(opened.folder.differences)
    made = index.made(tmp_path / "cache", opened)
    assert (made.cells.size, made.meta.cells) == (0, {})
    assert columns.read(opened.folder.capture).num_rows == made.meta.n
