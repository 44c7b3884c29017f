"""The stages in order: errors come before effects, and a run can be taken up again from its folder alone."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from harness.cli.output import screen
from harness.cli.progress import Watch
from harness.errors import CaptureError, RunError, TargetUnreachable, UsageError
from harness.run import Options, add_labels, compare, decide, render, run
from harness.run.catalogue import list_runs
from harness.run.comparing import Models
from harness.run.folder import RunFolder
from harness.run.stages import reopen, reported
from tests.kit import small
from tests.kit.prepared import NOWHERE, Prepared, ready

QUIET = Watch(quiet=True)


@pytest.fixture
def made(tmp_path: Path) -> Prepared:
    """A prepared run with right answers that was never compared."""
    prepared = ready(tmp_path, more=small.ONLY_PARITY)
    prepared.answer("challenger", small.answers())
    prepared.note("challenger")
    return prepared


def test_a_run_that_fails_before_anything_was_sent_leaves_nothing(tmp_path: Path) -> None:
    """A capture that cannot be read: no half a run."""
    folder = small.make(tmp_path / "scenario")
    (folder / "capture.jsonl").write_text("{\n", encoding="utf-8")
    with pytest.raises(CaptureError):
        run(small.scenario(folder, NOWHERE), Options(results=tmp_path / "results"), watch=QUIET)
    assert list((tmp_path / "results").glob("*/*")) == []


class Looking(Watch):
    """Sees what the results folder says at each line that a run tells."""

    def __init__(self, results: Path) -> None:
        super().__init__(quiet=True)
        self.results = results
        self.seen: dict[str, list[str | None]] = {}

    def say(self, text: str) -> None:
        """One more look."""
        self.seen[text.partition(" ")[0]] = [one.build for one in list_runs(self.results).skipped]


def test_a_run_that_is_being_prepared_says_its_build(tmp_path: Path) -> None:
    """From the first line of its intake on, minutes before anything is sent."""
    folder = small.make(tmp_path / "scenario")
    watch = Looking(tmp_path / "results")
    with pytest.raises(TargetUnreachable):
        run(small.scenario(folder, NOWHERE), Options(results=watch.results, build="b7"), watch=watch)
    assert watch.seen["capture:"] == watch.seen["offline"] == ["b7"]


def test_a_run_whose_target_is_down_keeps_what_it_had(tmp_path: Path) -> None:
    """A service's log may lie there, and the line points to it."""
    folder = small.make(tmp_path / "scenario")
    with pytest.raises(TargetUnreachable):
        run(small.scenario(folder, NOWHERE), Options(results=tmp_path / "results"), watch=QUIET)
    (kept,) = (tmp_path / "results").glob("*/*/run.json")
    assert not (kept.parent / "report.json").exists()
    with pytest.raises(RunError, match="lacks a file"):
        decide(kept.parent, None)


def test_a_run_is_reopened_with_the_scenario_it_was_made_with(made: Prepared) -> None:
    """Whatever has become of the file since."""
    (made.loaded.folder / "scenario.toml").write_text("threshold = 'other'", encoding="utf-8")
    folder, loaded = reopen(made.folder.root)
    assert folder == made.folder
    assert (loaded.digest, loaded.folder) == (made.loaded.digest, made.loaded.folder)


def test_a_comparison_makes_the_report_and_a_decision_needs_the_comparison(made: Prepared) -> None:
    """`decide` alone says what is missing; `compare` then `decide` agree."""
    with pytest.raises(RunError, match=r"summary\.json"):
        decide(made.folder.root, None)
    assert not made.folder.report.exists()
    first = compare(made.folder.root, "2025-05-01T00:00:00Z", say=lambda _: None)
    assert decide(made.folder.root, "2025-05-01T00:00:00Z") == first
    assert first.decision.word == "GO"


def test_models_that_are_gone_are_left_out_with_a_line(made: Prepared) -> None:
    """And those that are there are used without one."""
    said: list[str] = []
    compare(made.folder.root, None, say=said.append)
    assert said == []
    (made.loaded.folder / "features.py").unlink()
    (made.loaded.folder / "model.txt").unlink()
    compare(made.folder.root, None, say=said.append)
    assert len(said) == 1
    assert "causes and damage are left out" in said[0]
    assert "model.txt" in said[0]


def test_labels_need_a_place_in_the_scenario(made: Prepared) -> None:
    """Without [labels] nothing would read them."""
    with pytest.raises(UsageError, match="labels"):
        add_labels(made.folder.root, made.loaded.folder / "labels.jsonl", say=lambda _: None)


@pytest.mark.parametrize("text", ["", "now", "2025-01-01", "2025-01-01T00:00:00"])
def test_a_time_without_day_clock_or_zone_is_refused(text: str, made: Prepared) -> None:
    """Before anything is read or written."""
    with pytest.raises(UsageError, match="--as-of"):
        compare(made.folder.root, text, say=lambda _: None)
    assert not made.folder.differences.exists()


def test_renderings_are_made_from_the_report_alone(made: Prepared) -> None:
    """Without the capture, the outcomes, the models: report.json is enough."""
    compare(made.folder.root, None, say=lambda _: None)
    for folder in (made.folder.capture, made.folder.differences):
        for file in folder.iterdir():
            file.unlink()
    assert render(made.folder.root, "markdown", console=screen()).startswith("#")


def test_printing_a_report_writes_nothing(made: Prepared) -> None:
    """A run on a read-only disk can be read; its files and its manifest stay as they were."""
    compare(made.folder.root, None, say=lambda _: None)
    before = {p: (p.stat().st_mtime_ns, p.stat().st_size) for p in made.folder.root.rglob("*")}
    for form in ("terminal", "json", "markdown", "html"):
        render(made.folder.root, form, console=screen(io.StringIO()))
    assert {p: (p.stat().st_mtime_ns, p.stat().st_size) for p in made.folder.root.rglob("*")} == before


def test_models_are_handed_on_as_they_were_loaded(made: Prepared) -> None:
    """The frame has a row a request, the replayer the model's own features."""
    assert isinstance(made.models, Models)
    assert len(made.models.frame) == small.REQUESTS
    assert made.models.replayers["model"].names == small.FEATURES


@pytest.mark.parametrize(("sent", "fix"), [(False, "a diagnosis alone"), (True, "replaygate compare")])
def test_a_folder_without_a_report_says_what_helps(*, sent: bool, fix: str, tmp_path: Path) -> None:
    """Nothing was sent for a diagnosis of recorded answers: there is nothing to compare."""
    (tmp_path / "diagnosis.json").touch()
    if sent:
        (tmp_path / "outcomes").mkdir()
    with pytest.raises(RunError, match=f"no report.*{fix}"):
        reported(RunFolder(tmp_path))
