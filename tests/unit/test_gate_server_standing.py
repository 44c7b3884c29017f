"""Where a build stands by its newest run: a GO that can be read passes, and nothing else does."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from harness.gate_server import Standing
from harness.gate_server.standing import State, latest, of, worst
from harness.records import Word
from harness.run.catalogue import list_runs
from harness.run.folder import RunFolder
from tests.kit.written_runs import approve, write_run

SOON = datetime(2026, 11, 22, 6, 20, tzinfo=UTC)


def standing(results: Path, *, approvals: bool = False, now: datetime = SOON) -> Standing:
    """Where b1 stands in the shop."""
    entry = latest(list_runs(results))["shop", "b1"]
    return of(entry, now=now, limit_s=3600, approvals=approvals)


@pytest.mark.parametrize(
    ("word", "state"),
    [("GO", "pass"), ("NO-GO", "fail"), ("WAIT", "inconclusive"), ("INVALID", "inconclusive")],
)
def test_each_verdict_has_one_standing(word: Word, state: State, tmp_path: Path) -> None:
    """Only GO is a pass, and only NO-GO a failure; the reason is the headline."""
    run = write_run(tmp_path, word, build="b1")
    found = standing(tmp_path)
    assert (found.state, found.word, found.run_id, found.again) == (state, word, run.root.name, False)
    assert found.reason
    assert found.final


def _spoil(name: str, content: bytes | None) -> Callable[[RunFolder], object]:
    def spoil(run: RunFolder) -> None:
        (run.root / name).unlink() if content is None else (run.root / name).write_bytes(content)

    return spoil


@pytest.mark.parametrize(
    ("spoil", "state"),
    [
        pytest.param(_spoil("report.json", None), "pending", id="not finished"),
        pytest.param(_spoil("report.json", b"{}"), "inconclusive", id="damaged"),
        pytest.param(_spoil("MANIFEST.jsonl", b""), "inconclusive", id="no manifest"),
        pytest.param(lambda run: run.save("report.json", {"schema_version": 99}), "inconclusive", id="newer"),
    ],
)
def test_a_newer_run_that_gives_no_verdict_hides_an_older_go(
    spoil: Callable[[RunFolder], object], state: State, tmp_path: Path
) -> None:
    """Whoever ran it again wanted to know: the old answer is not given for the new one."""
    write_run(tmp_path, "GO", build="b1")
    spoil(write_run(tmp_path, "GO", build="b1", minute=5))
    assert standing(tmp_path).state == state


def test_the_newest_run_counts_and_other_builds_and_scenarios_do_not(tmp_path: Path) -> None:
    """A GO after a NO-GO passes; a run that was said to be of no build is nobody's."""
    write_run(tmp_path, "NO-GO", build="b1")
    write_run(tmp_path, "GO", build="b1", minute=1)
    write_run(tmp_path, "NO-GO", build="b2", minute=2)
    write_run(tmp_path, "NO-GO", build="b1", scenario="hotel", minute=3)
    write_run(tmp_path, "NO-GO", minute=4)
    assert standing(tmp_path).state == "pass"
    assert set(latest(list_runs(tmp_path))) == {("shop", "b1"), ("shop", "b2"), ("hotel", "b1")}


def test_a_run_unfinished_for_longer_than_one_may_take_was_cut(tmp_path: Path) -> None:
    """It may be evaluated again; before that one waits."""
    write_run(tmp_path, None, build="b1")
    soon = standing(tmp_path)
    late = standing(tmp_path, now=datetime(2026, 11, 22, 7, 11, tzinfo=UTC))
    assert (soon.state, soon.again) == ("pending", False)
    assert (late.state, late.again) == ("inconclusive", True)


def test_a_newer_run_of_a_build_that_cannot_be_read_hides_every_older_go_of_its_scenario(
    tmp_path: Path,
) -> None:
    """It may be of any of them; a later run of a build stands again, and so does another scenario."""
    for build in ("b1", "b2"):
        write_run(tmp_path, "GO", build=build)
    write_run(tmp_path, "GO", build="b1", scenario="hotel")
    lost = write_run(tmp_path, "NO-GO", build="b1", minute=5)
    for path in lost.root.iterdir():
        path.unlink()
    write_run(tmp_path, "GO", build="b2", minute=9)
    known = latest(list_runs(tmp_path))
    late = datetime(2026, 11, 23, tzinfo=UTC)
    states = {key: of(entry, now=late, limit_s=3600.0, approvals=False).state for key, entry in known.items()}
    assert states == {("shop", "b1"): "inconclusive", ("shop", "b2"): "pass", ("hotel", "b1"): "pass"}
    assert {build for _, build in known} == {"b1", "b2"}


@pytest.mark.parametrize("word", ["NO-GO", "WAIT", "INVALID"])
def test_an_approval_passes_only_where_it_is_to_count_and_stands(word: Word, tmp_path: Path) -> None:
    """The word stays; who approved is said."""
    run = write_run(tmp_path, word, build="b1")
    approve(run)
    assert standing(tmp_path).state != "pass"
    found = standing(tmp_path, approvals=True)
    assert (found.state, found.word, found.approved) == ("pass", word, True)
    assert found.reason.startswith(f"{word} approved by Ada; ")
    again = write_run(tmp_path, word, build="b1", minute=1)
    assert standing(tmp_path, approvals=True).state != "pass"
    again.write((run.root / "approvals.jsonl").read_bytes(), again.root / "approvals.jsonl")
    assert standing(tmp_path, approvals=True).state != "pass"


def test_the_worst_of_several_counts_and_none_is_unknown() -> None:
    """fail, inconclusive, pending, unknown, pass."""
    states: tuple[State, ...] = ("pass", "unknown", "pending", "inconclusive", "fail")
    all_of = [Standing(state=state, reason="") for state in states]
    for k in range(1, 6):
        assert worst(all_of[:k], build="b").state == states[k - 1]
    assert worst([], build="b").state == "unknown"


@pytest.mark.parametrize("letter", ["x", "漢", "\U0001f600", "\n", "\x1b"])
def test_a_line_is_one_line_of_less_than_a_kilobyte_and_a_half(letter: str) -> None:
    """Whatever a capture put into the headline."""
    line = Standing(state="fail", reason=letter * 5000, scenario=letter * 500, build="b").line()
    assert len(line) <= 480
    assert line.isprintable()
