"""Whether captured requests can be made into what a target is to be sent: of none of them, and of a few."""

from __future__ import annotations

import copy
from pathlib import Path

import pytest

from harness.cli.progress import Watch
from harness.errors import CaptureError, ScenarioError
from harness.run import stages
from harness.run.asking import ask
from harness.run.checking import check
from harness.run.folder import RunFolder
from harness.run.preparing import load_models, prepare
from harness.scenario import load
from tests.kit import small
from tests.kit.service import Service

QUIET = Watch(quiet=True)
FIRST, SECOND, *REST = small.FEATURES
IN_ORDER = f"{list(small.FEATURES)}"
AGEE = f"{[FIRST, SECOND + 'e', *REST]}"
SWAPPED = f"{[SECOND, FIRST, *REST]}"


def speaking(folder: Path, protocol: str, *, url: str = "http://127.0.0.1:9/score") -> Path:
    """The small scenario with a protocol."""
    path = small.scenario(folder, url)
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("connections = 2\n", f"connections = 2\nprotocol = {protocol}\n", 1))
    return path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A small scenario's files."""
    return small.make(tmp_path / "scenario")


MISTAKES = [
    (f'{{ kind = "csv", columns = {AGEE} }}', f"found no {SECOND}e among"),
    (f'{{ kind = "csv", columns = {AGEE} }}', f"Did you mean {SECOND!r}?"),
    (f'{{ kind = "csv", columns = ["{FIRST}"] }}', f"leaves out {SECOND}"),
    (f'{{ kind = "oip-v2", datatype = "INT64", ignore = ["*"], columns = {IN_ORDER} }}', "declared INT64"),
]


@pytest.mark.parametrize(("protocol", "says"), MISTAKES)
def test_a_scenario_that_asks_for_what_is_not_captured_is_refused(
    protocol: str, says: str, folder: Path
) -> None:
    """With the target, the column, and what the model and the capture have."""
    rows = copy.deepcopy(small.captured())
    for row in rows:
        row["body"][FIRST] += 0.5
    small.write_lines(folder / "capture.jsonl", rows)
    with pytest.raises(ScenarioError) as caught:
        check(speaking(folder, protocol), say=lambda _: None)
    assert "target challenger: none of 19 captured requests can be sent to it: " in str(caught.value)
    assert says in str(caught.value)


def test_nothing_is_sent_before(folder: Path) -> None:
    """Neither ten requests nor all of them, and no folder of a run is left."""
    with Service(small.answers()) as one:
        path = speaking(folder, MISTAKES[0][0], url=one.url)
        with pytest.raises(ScenarioError, match="target challenger: none of 19"):
            ask(path, say=lambda _: None)
        with pytest.raises(ScenarioError, match="target challenger: none of 19"):
            stages.run(path, stages.Options(results=folder / "results"), watch=QUIET)
        assert one.seen == []
    assert not list((folder / "results").glob("*/*"))


def test_a_few_requests_that_cannot_be_sent_are_a_matter_of_the_capture(folder: Path) -> None:
    """The dry run names the first with its place; a run says so, loses and counts them."""
    rows = copy.deepcopy(small.captured())
    del rows[0]["body"][FIRST]
    small.write_lines(folder / "capture.jsonl", rows)
    path = speaking(folder, '{ kind = "csv", ignore = ["*"] }')
    with pytest.raises(CaptureError) as caught:
        check(path, say=lambda _: None)
    told = str(caught.value)
    assert told.startswith("capture.jsonl:1: 1 of 19 requests tried cannot be sent to target challenger: ")
    assert f"found no {FIRST} among" in told
    loaded, run, said = load(path), RunFolder(folder / "run"), list[str]()
    run.root.mkdir()
    prepare(loaded, run, replayers=load_models(loaded), created_at="2025-04-01T12:00:00Z", say=said.append)
    assert f"WARNING: {told}" in said


@pytest.mark.parametrize(("columns", "warned"), [(SWAPPED, True), (IN_ORDER, False), ("[]", False)])
def test_a_list_in_another_order_than_the_model_is_told(columns: str, *, warned: bool, folder: Path) -> None:
    """In the dry run already."""
    protocol = f'{{ kind = "csv", ignore = ["*"], columns = {columns} }}'
    lines = check(speaking(folder, protocol), say=lambda _: None)
    told = [line for line in lines if "WARNING" in line]
    expected = (
        "columns of [targets.challenger.protocol] differs from the order of the model model: place 1 is "
        f"{SECOND} there and {FIRST} in the model."
    )
    assert [expected in line for line in told] == [True] * warned
