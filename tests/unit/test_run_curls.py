"""The first request of a finding as a command: whole, without secrets, or not at all."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import msgspec
import pytest

from harness import capture
from harness.run.curls import LONGEST, curls
from tests.kit.reproduced import case

if TYPE_CHECKING:
    from pathlib import Path

    from harness.run.reproducing import Case


def _curls(one: Case, *, findings: int = 1) -> dict[str, str]:
    table = one.folder.read(one.folder.capture)
    return curls(one.loaded, table, findings=[one.finding] * findings, run_id="run-1")


def test_a_finding_has_its_first_request_as_a_command(tmp_path: Path) -> None:
    """With the address, the identifier and the body that were sent; at most fifty findings have one."""
    _, one = case(tmp_path)
    found = _curls(one, findings=60)
    assert set(found) == {f"F{k}" for k in range(1, 51)}
    assert found["F1"].startswith("curl --silent --show-error \\\n  --request POST http://127.0.0.1:")
    assert f"x-request-id: {one.finding.exemplars[0].request_id}" in found["F1"]
    assert "--data-raw '{" in found["F1"]


def test_a_secret_is_named_and_needs_no_value(tmp_path: Path) -> None:
    """Judging again on another machine knows no secret, and writes none."""
    _, one = case(tmp_path)
    targets = one.loaded.scenario.targets
    target = msgspec.structs.replace(
        targets[one.finding.arm], headers={"authorization": "env:REPLAYGATE_NOWHERE"}
    )
    scenario = msgspec.structs.replace(one.loaded.scenario, targets={**targets, one.finding.arm: target})
    found = _curls(replace(one, loaded=replace(one.loaded, scenario=scenario)))
    assert '"authorization: ${REPLAYGATE_NOWHERE}"' in found["F1"]


@pytest.mark.parametrize(
    "change",
    [{"truncated": True}, {"body": b"\xff"}, {"body": b'"' + b"x" * LONGEST + b'"'}],
    ids=["cut short", "not text", "too long"],
)
def test_a_request_that_cannot_be_shown_is_passed_over(change: dict[str, object], tmp_path: Path) -> None:
    """The next exemplar stands in; without any there is no command."""
    _, one = case(tmp_path)
    rows = list(capture.requests(one.folder.read(one.folder.capture)))
    seqs = [each.seq for each in one.finding.exemplars]
    rows[seqs[0]] = msgspec.structs.replace(rows[seqs[0]], **change)
    some = curls(one.loaded, capture.to_table(rows), findings=[one.finding], run_id="run-1")
    assert f"x-request-id: {one.finding.exemplars[1].request_id}" in some["F1"]
    for seq in seqs:
        rows[seq] = msgspec.structs.replace(rows[seq], **change)
    assert curls(one.loaded, capture.to_table(rows), findings=[one.finding], run_id="run-1") == {}


def test_the_log_and_unknown_arms_have_no_command(tmp_path: Path) -> None:
    """What cannot be asked has nothing to send."""
    _, one = case(tmp_path)
    table = one.folder.read(one.folder.capture)
    for arm in ("recorded", "nobody"):
        strange = msgspec.structs.replace(one.finding, arm=arm)
        assert curls(one.loaded, table, findings=[strange], run_id="run-1") == {}
