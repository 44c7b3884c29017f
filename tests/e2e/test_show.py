"""A finding looked at, and what cannot be shown or asked for again said in one line."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from harness import capture
from harness.run.folder import RunFolder
from tests.kit import command, small


def test_one_request_is_shown_side_by_side(wrong_run: Path) -> None:
    """By its id and by its seq, in a terminal and as JSON: cells, marks, classes, causes and answers."""
    root = wrong_run
    by_id, by_seq = (command.run("show", root, "--request", one) for one in ("r000", "0"))
    data = json.loads(command.run("show", root, "--request", "r000", "--format", "json").out)
    calm = command.run("show", root, "--request", "r001")
    assert by_id.code == 0
    assert by_id.out == by_seq.out
    fields = {one["field"]: one for one in data["fields"]}
    amount = fields["amount"]
    assert amount["values"]["challenger"] == amount["values"]["offline:model"] + 1
    assert amount["differs"]["challenger"] == {
        "against": "offline:model",
        "kind": "value",
        "magnitude": 1.0,
        "findings": ["F1"],
        "causes": ["off_by_one"],
    }
    assert fields["age"]["differs"] == {}
    assert data["body"] == small.captured()[0]["body"]
    assert [one["arm"] for one in data["answers"]] == ["offline:model", "challenger"]
    assert data["answers"][1]["state"] == "ok"
    assert "≠" in by_id.out
    assert "F1 off by one" in by_id.out
    assert "Nothing differs on this request." in calm.out


def test_the_findings_are_listed_with_their_requests(wrong_run: Path) -> None:
    """Numbers, sentences and commands; JSON by number; a run without findings says so."""
    root = wrong_run
    listed = command.run("show", root)
    data = json.loads(command.run("show", root, "--format", "json").out)
    assert listed.out.startswith("F1  challenger vs offline:model: amount")
    assert "r000" in listed.out
    assert f"replaygate reproduce {root} F1" in listed.out
    assert list(data) == ["F1"]
    assert f"replaygate reproduce {root} F1" in (root / "report.md").read_text(encoding="utf-8").replace(
        "\\_", "_"
    )
    assert f"replaygate reproduce {root} F1" in (root / "report.html").read_text(encoding="utf-8")


def test_a_run_without_findings_has_nothing_to_reproduce(finished: Path) -> None:
    """Said in one line; show lists none."""
    assert "No findings" in command.run("show", finished).out
    for name in ("reproduce", "export-test"):
        done = command.run(name, finished, "F1")
        assert done.code == 64
        assert "no findings" in done.complaint


@pytest.mark.parametrize(
    ("arguments", "code", "needle"),
    [
        (("show", "RUN", "--request", "r00"), 64, "Did you mean r"),
        (("show", "RUN", "--request", "zzzzzz"), 64, "See some with"),
        (("show", "RUN", "--request", "240"), 64, "0 to 239"),
        (("show", "RUN", "--request", "-1"), 64, "no request '-1'"),
        (("show", "RUN", "--request", "²"), 64, "no request"),
        (("show", "RUN", "--request", ""), 64, "no request ''"),
        (("show", "RUN", "--format", "yaml"), 64, "yaml"),
        (("show", "NOWHERE"), 65, "not a run"),
        (("reproduce", "RUN", "F9"), 64, "expected F1"),
        (("reproduce", "RUN", "F0"), 64, "no finding 'F0'"),
        (("reproduce", "RUN", "x\x1b[31m"), 64, "no finding"),
        (("reproduce", "RUN", "--max-sends", "0"), 64, "max-sends"),
        (("reproduce", "RUN", "--max-seconds", "0"), 64, "max-seconds"),
        (("reproduce", "RUN", "--rate", "nan"), 64, "--rate"),
        (("reproduce", "RUN", "--max-seconds", "inf"), 64, "--max-seconds"),
        (("reproduce", "NOWHERE"), 65, "not a run"),
        (("export-test", "RUN"), 64, "FINDING"),
        (("export-test", "RUN", "F2"), 64, "no finding 'F2'"),
        (("export-test", "NOWHERE", "F1"), 65, "not a run"),
    ],
)
def test_every_bad_input_is_one_line(
    arguments: tuple[str, ...], code: int, needle: str, wrong_run: Path
) -> None:
    """With its exit code, and nothing is written."""
    places = {"RUN": wrong_run, "NOWHERE": wrong_run / "nowhere"}
    before = sorted(wrong_run.rglob("*"))
    done = command.run(*(places.get(one, one) for one in arguments))
    assert done.code == code, done.err
    assert needle in done.complaint
    assert "\x1b" not in done.err
    assert sorted(wrong_run.rglob("*")) == before


def _bodies(change: Callable[[str], str]) -> Callable[[Path], None]:
    """Every captured body replaced in the run's capture."""

    def spoil(root: Path) -> None:
        part = root / "capture" / "part-00000.parquet"
        rows = [
            msgspec.structs.replace(one, body=change(one.body.decode()).encode())
            for one in capture.requests(capture.load(root / "capture"))
        ]
        RunFolder(root).write(capture.to_table(rows), part)

    return spoil


@pytest.mark.parametrize(
    ("spoil", "code", "needle"),
    [
        pytest.param(_bodies(lambda _: ""), 65, "its body is absent", id="absent body"),
        pytest.param(_bodies(lambda _: "[redacted]"), 65, "its body is not JSON", id="redacted body"),
        pytest.param(lambda r: (r / "report.json").unlink(), 65, "the run has no report", id="no report"),
        pytest.param(lambda r: shutil.rmtree(r / "capture"), 65, "capture", id="no capture"),
        pytest.param(lambda r: shutil.rmtree(r / "differences"), 65, "differences", id="no comparison"),
    ],
)
def test_a_run_that_cannot_be_asked_for_again_says_why(
    spoil: Callable[[Path], object], code: int, needle: str, wrong_copy: Path
) -> None:
    """One line about what is missing, and nothing is sent or written."""
    root = wrong_copy
    spoil(root)
    for name in ("reproduce", "export-test"):
        done = command.run(name, root, "F1")
        assert done.code == code, done.err + done.out
        assert needle in done.complaint
    assert not (root / "reproduce").exists()
