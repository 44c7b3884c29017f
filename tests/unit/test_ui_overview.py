"""The list of runs: by scenario, with its trend, what is at work apart from what was left."""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec.structs import replace

from harness.records import Report
from harness.run.folder import RunFolder
from harness.run.live import Beat
from harness.ui.library import Library
from harness.ui.overview import overview
from tests.kit import sample_report
from tests.kit.website import shown
from tests.unit.test_run_live import Heard

BAD, GOOD = sample_report.no_go(), sample_report.go()


def folder(results: Path, *reports: Report) -> Library:
    """Runs of one scenario, a day apart, oldest first."""
    for day, report in enumerate(reports, 1):
        shown(results, f"duo/{day}", replace(report, created_at=f"2026-11-{day:02d}T00:00:00Z"))
    return Library(results)


@pytest.mark.parametrize(
    ("reports", "sentence"),
    [
        ([GOOD], "the only run"),
        ([BAD, BAD], "NO-GO in all 2 runs"),
        ([BAD, GOOD], "GO since the last run, NO-GO before"),
        ([GOOD, BAD, BAD], "NO-GO in the last 2 runs, GO before"),
    ],
)
def test_a_trend_is_told_in_words(tmp_path: Path, reports: list[Report], sentence: str) -> None:
    """The newest run first, the trend oldest first."""
    (group,) = overview(folder(tmp_path, *reports)).groups
    assert group.sentence == sentence
    assert group.newest.name == f"duo/{len(reports)}"
    assert [one.entry.word for one in group.trend] == [report.decision.word for report in reports]


def test_the_run_before_is_the_one_before_of_its_scenario(tmp_path: Path) -> None:
    """The first has none, and neither has one that is not there."""
    library = folder(tmp_path, BAD, GOOD)
    shown(tmp_path, "other/1", GOOD)
    seen = overview(library)
    assert (seen.before("duo/2"), seen.before("duo/1"), seen.before("other/1"), seen.before("x")) == (
        "duo/1",
        "",
        "",
        "",
    )
    assert (seen.runs, len(seen.groups), len(overview(library, only="other").groups)) == (3, 2, 1)


def test_a_run_at_work_is_not_among_those_that_were_left(tmp_path: Path) -> None:
    """Until it ends without a verdict."""
    library = folder(tmp_path, GOOD)
    root = shown(tmp_path, "duo/9", GOOD)
    (root / "report.json").unlink()
    with Beat(RunFolder(root), Heard()):
        seen = overview(library)
        assert ([one.name for one in seen.working], seen.left) == (["duo/9"], ())
    seen = overview(library)
    assert (seen.working, [one.entry.kind for one in seen.left]) == ((), ["unfinished"])
