"""Which arm and which requests of a finding can be asked again, and how its request is written down."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
import pytest

from harness import capture, columns
from harness.errors import CaptureError, RunError, ScenarioError, TargetUnreachable, UsageError
from harness.run.probing import Limits
from harness.run.reducing import Candidate
from harness.run.reproducing import Case, Options, reproduce
from replayers.http import HttpArm, HttpTarget
from tests.kit import small
from tests.kit.reproduced import case


def test_a_finding_knows_what_it_was_held_against(tmp_path: Path) -> None:
    """Offline where it was; without any pair of its arm the run is damaged."""
    _, one = case(tmp_path)
    assert one.left() == "offline:model"
    assert set(one.known()) == set(small.FEATURES)
    strange = msgspec.structs.replace(one.finding, arm="nobody")
    with pytest.raises(RunError, match="no pair of nobody"):
        Case(one.folder, one.loaded, "F1", strange, one.say).left()


RECORDED = '\n[targets.recorded]\nkind = "recorded"\nmodel = "model"\n'


def test_the_recorded_log_cannot_be_asked(tmp_path: Path) -> None:
    """It can be looked at."""
    _, one = case(tmp_path, more=RECORDED)
    log = msgspec.structs.replace(one.finding, arm="recorded")
    with pytest.raises(UsageError, match="replaygate show"):
        Case(one.folder, one.loaded, "F1", log, one.say).target("recorded")


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"truncated": True}, "cut short"),
        ({"body": b" "}, "absent"),
        ({"body": b"\xff"}, "not JSON"),
        ({"body": b"[" * 100_000}, "not JSON"),
    ],
)
def test_requests_that_cannot_be_sent_again_are_left_out(
    change: dict[str, object], says: str, tmp_path: Path
) -> None:
    """The others are taken; without any, the error names each and why."""
    run, one = case(tmp_path)
    part = run.folder.capture / "part-00000.parquet"
    rows = list(capture.requests(capture.load(run.folder.capture)))
    first = one.finding.exemplars[0].seq
    rows[first] = msgspec.structs.replace(rows[first], **change)
    columns.write(capture.to_table(rows), part)
    assert [r.seq for r in one.exemplars()] == [e.seq for e in one.finding.exemplars[1:]]
    columns.write(capture.to_table([msgspec.structs.replace(r, **change) for r in rows]), part)
    with pytest.raises(CaptureError, match=says):
        one.exemplars()


def test_a_request_is_written_under_the_url_of_the_scenario(tmp_path: Path) -> None:
    """The port of a service that was started is a variable, and the command to start it is kept."""
    _, one = case(tmp_path)
    target = one.target("challenger")
    started = msgspec.structs.replace(
        target, url="http://127.0.0.1:{port}/score", start=("{python}", "{scenario}/s.py", "{port}")
    )
    named = dict(one.loaded.scenario.targets) | {"challenger": started}
    scenario = msgspec.structs.replace(one.loaded.scenario, targets=named)
    other = Case(
        one.folder, type(one.loaded)(scenario, one.loaded.path, one.loaded.folder), "F1", one.finding, one.say
    )
    running = HttpArm(HttpTarget(url="http://127.0.0.1:4711/score"), name="challenger", run_id="run")
    written = other.written(Candidate.whole(running, one.exemplars()[0]))
    start = other.blank().start
    assert (written.origin, written.path) == ("http://127.0.0.1:{port}", ("/score",))
    assert start is not None
    assert start.command == ("python", f"{one.loaded.folder}/s.py", "{port}")
    assert one.blank().start is None


def test_a_service_that_is_not_there_is_said_before_anything_is_sent(tmp_path: Path) -> None:
    """The scenario's own words: nothing listens there; and no file is written."""
    run, _ = case(tmp_path)
    with pytest.raises(TargetUnreachable):
        reproduce(run.folder.root, "F1", options=Options(Limits()), say=lambda _: None)
    assert not (run.folder.root / "reproduce").exists()


@pytest.mark.parametrize("confirmed", [(), ("198.51.100.7",)])
def test_a_public_host_is_asked_only_when_the_command_line_confirms_it(
    confirmed: tuple[str, ...], tmp_path: Path
) -> None:
    """That the run's scenario allows it is not enough, and nor is the word for another host."""
    run, _ = case(tmp_path)
    path = run.folder.root / "run.json"
    record = json.loads(path.read_text(encoding="utf-8"))
    record["resolved"]["targets"]["challenger"]["url"] = "http://203.0.113.5/score"
    record["resolved"]["safety"]["allow_hosts"] = ["203.0.113.5"]
    run.folder.write(json.dumps(record).encode(), path)
    options = Options(Limits(), allow_public=confirmed)
    with pytest.raises(ScenarioError, match="may not be sent to this host"):
        reproduce(run.folder.root, "F1", options=options, say=lambda _: None)
