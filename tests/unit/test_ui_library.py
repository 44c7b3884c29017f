"""A name opens the run that stands there under it, and nothing else on this machine."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.errors import RunError, UsageError
from harness.ui.library import Library
from tests.kit import sample_report
from tests.kit.website import shown


@pytest.fixture
def results(tmp_path: Path) -> Path:
    """A results folder with one run, beside a folder that nobody may see."""
    shown(tmp_path / "results", "duo/one", sample_report.go())
    shown(tmp_path, "secret/run", sample_report.no_go())
    return tmp_path / "results"


@pytest.mark.parametrize(
    "name",
    [
        "",
        "..",
        "../secret/run",
        "duo/../../secret/run",
        "duo/one/../one",
        "duo//one",
        "/duo/one",
        "duo/one/",
        "./duo/one",
        "duo\\one",
        "duo/one\0",
        "duo/" + "x" * 5_000,
        "duo/run.json",
        "duo/one/report.json",
        "link/run",
        "linked",
        "DUO/one",
    ],
)
def test_no_name_leads_out_of_the_folder(results: Path, name: str) -> None:
    """Not by dots, not by slashes, not by links: a name is one of those that stand there."""
    (results / "link").symlink_to(results.parent / "secret")
    (results / "linked").symlink_to(results.parent / "secret" / "run")
    with pytest.raises(UsageError, match="no run by this name"):
        Library(results).open(name)


def test_a_link_inside_a_run_is_not_followed(results: Path) -> None:
    """It could show any file of this machine as an artefact."""
    target = results / "duo" / "one" / "report.html"
    target.unlink()
    target.symlink_to("/etc/hostname")
    with pytest.raises(RunError, match="a link stands in the run"):
        Library(results).open("duo/one")


def test_a_run_is_opened_once_until_its_manifest_changes(results: Path) -> None:
    """The same object, then another one with another report."""
    library = Library(results)
    first = library.open("duo/one")
    assert library.open("duo/one") is first
    assert first.report.decision.word == "GO"
    assert b"GO" in first.page
    first.folder.save("chosen.json", {})
    assert library.open("duo/one") is not first
    assert library.name(results / "duo" / "one") == "duo/one"


def test_what_a_newer_replaygate_wrote_is_not_shown(results: Path) -> None:
    """Its GO may mean something else, in its report as on its page."""
    folder = Library(results).open("duo/one").folder
    folder.save("run.json", folder.load("run.json", dict[str, object]) | {"schema": 99})
    opened = Library(results).open("duo/one")
    with pytest.raises(RunError, match="newer replaygate"):
        _ = opened.report
    with pytest.raises(RunError, match="newer replaygate"):
        _ = opened.page


def test_the_page_of_a_report_that_is_cut_is_not_shown(results: Path) -> None:
    """It would be the only witness of what it says."""
    opened = Library(results).open("duo/one")
    opened.folder.report.write_bytes(opened.folder.report.read_bytes()[:-9])
    with pytest.raises(RunError, match="damaged"):
        _ = opened.page


def test_the_run_that_is_looked_at_stays_open(tmp_path: Path) -> None:
    """However many others are opened in between."""
    for name in map(str, range(40)):
        (tmp_path / "duo" / name).mkdir(parents=True)
        (tmp_path / "duo" / name / "MANIFEST.jsonl").touch()
    library = Library(tmp_path)
    first = library.open("duo/0")
    for i in range(1, 40):
        library.open(f"duo/{i}")
        assert library.open("duo/0") is first


def test_the_folder_may_be_the_run_itself(results: Path) -> None:
    """`replaygate ui results/duo/one` shows that one."""
    library = Library(results / "duo" / "one")
    (entry,) = library.listing().runs
    assert library.open(library.name(entry.path)).record.run_id == "one"


def test_a_changed_report_is_not_shown(results: Path) -> None:
    """What somebody else wrote into report.html is not taken, and a changed report.json not believed."""
    (results / "duo" / "one" / "report.html").write_text("<h1>GO GO GO</h1>", encoding="utf-8")
    opened = Library(results).open("duo/one")
    assert opened.folder.rendering("report.html") is None
    (results / "duo" / "one" / "report.json").write_text("{}", encoding="utf-8")
    with pytest.raises(RunError, match="damaged"):
        _ = Library(results).open("duo/one").report
