"""A run at work in the browser's page: it moves, it is stopped by its button, and it can be resumed."""

from __future__ import annotations

import re
import subprocess
import sys
import time
from pathlib import Path

import msgspec
import pytest

from harness.errors import RunError
from harness.run import live
from harness.run.folder import LIVE
from tests.kit import command, small
from tests.kit.service import Service
from tests.kit.website import Website

SAFE = "\n[safety]\nidempotent = true\n"


def ticket(page: str) -> str:
    """The word in the form of a page."""
    found = re.search(r'name="ticket" value="(\w+)"', page)
    assert found
    return found[1]


def test_a_run_at_work_is_followed_stopped_by_its_button_and_resumed(folder: Path, results: Path) -> None:
    """Its page counts answers, a form of ours ends it with 130, and `resume` comes to the verdict."""
    answers = small.answers()
    results.mkdir()
    with (
        Service(answers, model=small.model_hash(), mode="slow:60") as service,
        Website(results, results.parent / "cache") as site,
    ):
        path = small.scenario(folder, service.url, more=small.ONLY_PARITY + SAFE)
        process = command.spawn("run", path, "--phase", "parity", "--results", results, cwd=results.parent)
        while process.poll() is None and len(service.seen) < 60:
            time.sleep(0.01)
        root = command.only_run(results)
        name = f"small/{root.name}"
        while (said := live.read(root)) is None or not said.done:
            assert process.poll() is None
            time.sleep(0.05)
        page = site.get("/live", run=name)
        assert "At work: parity" in page.text
        assert "challenger" in site.get("/live/part", run=name).text
        assert "At work" in site.get("/").text
        assert site.post("/stop", run=name, ticket="0" * 64).status_code == 403
        assert site.post("/stop", run="small/other", ticket=ticket(page.text)).status_code == 403
        assert process.poll() is None
        stopped = site.post("/stop", run=name, ticket=ticket(page.text))
        assert stopped.status_code == 303
        done = command.finish(process)
        assert (done.code, "replaygate resume" in done.complaint) == (130, True)
        assert not (root / "live.json").exists()
        assert "The run was cut" in site.get("/live", run=name).text
        again = site.post("/stop", run=name, ticket=ticket(page.text))
        assert (again.status_code, "no process of yours" in again.text) == (422, True)
        resumed = command.run("resume", root, "--quiet")
        assert resumed.code in {0, 20}, resumed.err
        assert site.get("/live/part", run=name).text.count("The run has ended") == 1
        assert site.get("/run", run=name).status_code == 200


@pytest.mark.parametrize("at", ["pid", "process"])
def test_a_process_that_is_another_is_never_stopped(tmp_path: Path, at: str) -> None:
    """A live.json that names a process that is not at work on this run: it is told, and nobody is hurt."""
    command_line = [sys.executable, "-c", "input()"]
    with subprocess.Popen(command_line, stdin=subprocess.PIPE, text=True) as other:
        identity = live.identity(other.pid) if at == "pid" else "another one"
        forged = live.Live(pid=other.pid, process=identity, begun_at="", at="")
        (tmp_path / LIVE).write_bytes(msgspec.json.encode(forged))
        assert not live.at_work(tmp_path, forged)
        with pytest.raises(RunError, match="no process of yours"):
            live.stop(tmp_path)
        assert other.poll() is None
        other.communicate("done\n", timeout=60)
    assert other.returncode == 0
