"""A run's folder: made once, written whole, every finished file in the manifest, damage told as damage."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pyarrow as pa
import pytest

from harness.errors import RunError, UsageError
from harness.run.folder import RUN_SCHEMA, RunFolder, create, open_run

NOW = datetime(2025, 6, 18, 20, 40, 45, tzinfo=UTC)
DIGEST = "abcdef0123"
TABLE = pa.table({"a": [1, 2]})


@pytest.fixture
def folder(tmp_path: Path) -> RunFolder:
    """An empty run."""
    return create(tmp_path / "results", "shop", digest=DIGEST, now=NOW)


def manifest(folder: RunFolder, *, cut: bool = False) -> list[dict[str, object]]:
    """The lines of the manifest about files that are there; `cut` leaves out one that was cut."""
    raw = (folder.root / "MANIFEST.jsonl").read_text(encoding="utf-8").splitlines()
    lines = [json.loads(line) for line in raw if not cut or line.endswith("}")]
    return [line for line in lines if line["done"]]


def test_a_run_is_named_by_its_time_and_scenario(folder: RunFolder, tmp_path: Path) -> None:
    """Two runs in one second are two folders."""
    assert folder.root == tmp_path / "results" / "shop" / "20250618T204045Z-abcdef"
    again = create(tmp_path / "results", "shop", digest=DIGEST, now=NOW)
    assert again.root.name == "20250618T204045Z-abcdef-2"


@pytest.mark.parametrize("taken", ["results", "results/shop", "results/shop/20250618T204045Z-abcdef"])
def test_a_file_in_the_way_is_a_usage_error(taken: str, tmp_path: Path) -> None:
    """Wherever it stands, it is named, and nothing is overwritten."""
    (tmp_path / taken).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / taken).write_text("mine", encoding="utf-8")
    with pytest.raises(UsageError, match="--results"):
        create(tmp_path / "results", "shop", digest=DIGEST, now=NOW)
    assert (tmp_path / taken).read_text(encoding="utf-8") == "mine"


def test_a_link_to_nowhere_is_a_usage_error(tmp_path: Path) -> None:
    """It exists and is no folder; trying other names would never end."""
    (tmp_path / "results").symlink_to(tmp_path / "gone")
    with pytest.raises(UsageError, match="--results"):
        create(tmp_path / "results", "shop", digest=DIGEST, now=NOW)


def test_every_file_that_was_written_has_its_line(folder: RunFolder) -> None:
    """Name, size and digest, in the order of writing; no temporary file stays."""
    paths = [
        folder.save("a.json", {"x": 1}),
        folder.write(TABLE, folder.offline("m")),
        folder.write(b"z", folder.root / "z"),
    ]
    lines = manifest(folder)
    assert [line["file"] for line in lines] == ["a.json", "offline/m/part-00000.parquet", "z"]
    assert [line["sha256"] for line in lines] == [hashlib.sha256(p.read_bytes()).hexdigest() for p in paths]
    assert list(folder.root.rglob("*.tmp")) == []


def test_what_was_saved_comes_back(folder: RunFolder) -> None:
    """JSON as its type, Parquet as its table, a folder of parts in order."""
    folder.save("x.json", (1, 2))
    for n in range(2):
        folder.write(pa.table({"a": [n]}), folder.labels / f"part-{n:05d}.parquet")
    assert folder.load("x.json", tuple[int, ...]) == (1, 2)
    assert folder.read(folder.labels)["a"].to_pylist() == [0, 1]


@pytest.mark.parametrize("content", [b"", b"{", b'{"a": "b"}', b"\xff\xfe"])
def test_a_damaged_json_file_is_told(content: bytes, folder: RunFolder) -> None:
    """Empty, cut, of another shape, not text."""
    (folder.root / "x.json").write_bytes(content)
    with pytest.raises(RunError, match=r"x\.json.*damaged"):
        folder.load("x.json", tuple[int, ...])


@pytest.mark.parametrize("content", [b"", b"PAR1", b"x" * 100])
def test_a_damaged_table_is_told(content: bytes, folder: RunFolder) -> None:
    """Empty, cut, something else."""
    path = folder.write(TABLE, folder.offline("m"))
    path.write_bytes(content)
    with pytest.raises(RunError, match="damaged"):
        folder.read(path)


def test_what_is_not_there_is_told_as_lacking(folder: RunFolder) -> None:
    """A file, a folder, a folder without parts."""
    folder.labels.mkdir()
    for path in (folder.labels, folder.capture, folder.offline("m")):
        with pytest.raises(RunError, match="lacks a file"):
            folder.read(path)
    with pytest.raises(RunError, match="lacks a file"):
        folder.load("x.json", int)


def test_labels_are_added_after_the_last_part_even_when_one_is_gone(folder: RunFolder) -> None:
    """A part is never written over."""
    assert folder.next_labels().name == "part-00000.parquet"
    for n in (0, 3):
        folder.write(TABLE, folder.labels / f"part-{n:05d}.parquet")
    assert folder.next_labels().name == "part-00004.parquet"


def test_a_run_from_a_newer_version_is_refused_before_its_details_are_read(folder: RunFolder) -> None:
    """Its other fields may mean anything."""
    (folder.root / "run.json").write_bytes(msgspec.json.encode({"schema": RUN_SCHEMA + 1}))
    with pytest.raises(RunError, match="newer replaygate"):
        folder.record()


def test_a_run_is_opened_where_it_is_and_offered_where_it_is_not(folder: RunFolder) -> None:
    """A typo is answered with the nearest run, the folder above with the newest in it."""
    (folder.root / "run.json").write_text("{}", encoding="utf-8")
    assert open_run(folder.root).root == folder.root
    for wrong in (folder.root.with_name(folder.root.name + "x"), folder.root.parent):
        with pytest.raises(RunError) as caught:
            open_run(wrong)
        assert caught.value.fix == f"Did you mean {folder.root}?"
    with pytest.raises(RunError, match="not a run of replaygate"):
        open_run(folder.root.parent.parent / "elsewhere")


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (lambda root: (root / "a.json").write_text("[1]"), r"a\.json.*damaged"),
        (lambda root: (root / "a.json").unlink(), r"a\.json.*lacks a file"),
        (lambda root: (root / "labels" / "part-00000.parquet").unlink(), "lacks a file"),
        (
            lambda root: (root / "labels" / "part-00001.parquet").write_bytes(b"PAR1"),
            "did not write this file",
        ),
        (lambda root: (root / "MANIFEST.jsonl").unlink(), "lacks a file"),
    ],
    ids=["edited", "taken away", "a part taken away", "a part added", "no manifest"],
)
def test_a_run_that_was_changed_by_hand_is_refused(
    spoil: Callable[[Path], object], told: str, folder: RunFolder
) -> None:
    """Whatever the change would do to a verdict, none is given on it."""
    folder.save("a.json", [2])
    folder.write(TABLE, folder.labels / "part-00000.parquet")
    folder.verify()
    spoil(folder.root)
    with pytest.raises(RunError, match=told):
        folder.verify()


def test_a_file_that_was_written_again_or_removed_is_as_the_last_line_says(folder: RunFolder) -> None:
    """The last line of a file counts."""
    folder.save("a.json", [1])
    folder.save("a.json", [2])
    folder.remove(folder.save("b.json", [3]))
    folder.remove(folder.root / "never")
    folder.verify()
    assert not (folder.root / "b.json").exists()


def test_a_kill_at_any_line_of_the_manifest_loses_nothing(folder: RunFolder) -> None:
    """Before a file takes its name the manifest knows it: killed before or after, the run is whole."""
    folder.save("a.json", [1])
    manifest_file = folder.root / "MANIFEST.jsonl"
    whole = manifest_file.read_bytes()
    old = (folder.root / "a.json").read_bytes()
    folder.save("a.json", [2])
    new, after = (folder.root / "a.json").read_bytes(), manifest_file.read_bytes()
    about_to = after[len(whole) :].splitlines(keepends=True)[0]
    for content, lines in ((old, whole), (old, whole + about_to), (new, whole + about_to), (new, after)):
        (folder.root / "a.json").write_bytes(content)
        manifest_file.write_bytes(lines)
        folder.verify()
    (folder.root / "a.json").write_bytes(old)
    with pytest.raises(RunError, match="damaged"):
        folder.verify()


def test_a_file_that_was_about_to_be_written_need_not_be_there(folder: RunFolder) -> None:
    """Killed before its first rename, it never was."""
    folder.save("a.json", [1])
    manifest_file = folder.root / "MANIFEST.jsonl"
    manifest_file.write_bytes(manifest_file.read_bytes().splitlines(keepends=True)[0])
    (folder.root / "a.json").unlink()
    folder.verify()


def test_a_manifest_that_was_cut_goes_on_in_a_new_line(folder: RunFolder) -> None:
    """A kill in the middle of a line loses that line alone."""
    folder.save("a.json", [1])
    manifest_file = folder.root / "MANIFEST.jsonl"
    manifest_file.write_bytes(manifest_file.read_bytes()[:-9])
    folder.save("b.json", [1])
    folder.verify()
    assert manifest(folder, cut=True)[-1]["file"] == "b.json"


@pytest.mark.parametrize("name", ["phases.json", "looks.jsonl", "noise/part-00000.parquet"])
def test_what_the_run_did_not_write_is_refused_whatever_it_is(name: str, folder: RunFolder) -> None:
    """Evidence from elsewhere is none; tools, journals and reports are no evidence."""
    folder.save("a.json", [1])
    for harmless in (
        "reproduce/F1.json",
        "calibration/x.json",
        "outcomes/c/journal-0000.jsonl",
        "report.json",
    ):
        (folder.root / harmless).parent.mkdir(parents=True, exist_ok=True)
        (folder.root / harmless).write_text("1", encoding="utf-8")
    folder.verify()
    (folder.root / name).parent.mkdir(parents=True, exist_ok=True)
    (folder.root / name).write_bytes(b"x")
    with pytest.raises(RunError, match="did not write this file"):
        folder.verify()
