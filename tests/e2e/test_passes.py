"""Several passes of a latency phase by the command line: declared, all counted, resumed after a kill."""

from __future__ import annotations

import json
import signal
import time
from pathlib import Path

from tests.e2e.conftest import LATE
from tests.kit import command, small
from tests.kit.command import report_of
from tests.kit.service import Service

SAFE = "\n[safety]\nidempotent = true\n"
PASSES = ["latency", "latency.2", "latency.3"]


def scenario(folder: Path, url: str, *, passes: int) -> Path:
    """Parity, then so many passes of 240 requests, each 1.2 s long."""
    path = small.scenario(folder, url, more=small.LATENCY + SAFE)
    text = path.read_text(encoding="utf-8").replace("speed = 20 }", f"speed = 20 }}\npasses = {passes}")
    path.write_text(text, encoding="utf-8")
    return path


def test_a_run_killed_in_its_second_pass_ends_with_all_three(folder: Path, results: Path) -> None:
    """The torn pass is sent whole; the report shows each pass and one ruling over all of them.

    Features are asked for in parity alone, of its first 100 requests: no pass of the others lacks them.
    """
    with Service(small.answers(), model=small.model_hash()) as one:
        path = scenario(folder, one.url, passes=3)
        text = path.read_text(encoding="utf-8").replace("connections = 4 }", "connections = 4 }\nfirst = 100")
        path.write_text(text, encoding="utf-8")
        process = command.spawn("run", path, "--results", results, cwd=results.parent)
        while process.poll() is None and len(one.seen) < 100 + small.REQUESTS + 60:
            time.sleep(0.005)
        process.send_signal(signal.SIGKILL)
        command.finish(process)
        root = command.only_run(results)
        assert not (root / "report.json").exists()
        done = command.run("resume", root, "--as-of", LATE)
    assert done.code == 0, done.out + done.err
    report = report_of(root)
    assert [p["phase"] for p in report["phases"]] == ["parity", *PASSES]
    assert [p["torn"] for p in report["phases"]] == [[], [], ["latency.2"], []]
    assert [(row["phase"], row["requests"]) for row in report["latency"] if row["judged"]] == [
        (name, small.REQUESTS) for name in PASSES
    ]
    (verdict,) = [g for g in report["gates"] if g["gate"] == "latency_p95"]
    assert (verdict["ruling"], verdict["arm"], verdict["n"]) == (
        "PASS",
        "challenger, latency",
        3 * small.REQUESTS,
    )
    (parity,) = [g for g in report["gates"] if g["gate"] == "feature_parity"]
    assert (parity["ruling"], parity["n"]) == ("PASS", 100)
    text = (root / "report.md").read_text(encoding="utf-8")
    assert "never about other requests" in text
    assert all(f"| {name} | challenger | response |" in text for name in PASSES)


def test_a_phase_is_chosen_with_all_of_its_passes(folder: Path, results: Path) -> None:
    """`--phase latency` runs both passes and leaves parity out, so the run waits; the service saw them."""
    with Service(small.answers(), model=small.model_hash()) as one:
        path = scenario(folder, one.url, passes=2)
        done = command.run("run", path, "--phase", "latency", "--results", results, "--as-of", LATE)
        assert len(one.seen) == 2 * small.REQUESTS
    assert done.code == 20, done.out + done.err
    ran = {p["phase"]: p["ran"] for p in report_of(command.only_run(results))["phases"]}
    assert ran == {"parity": False, "latency": True, "latency.2": True}


def test_what_may_be_found_out_is_said_beforehand(folder: Path) -> None:
    """`check` counts the passes in the duration and in the requests that decide, and sends nothing."""
    done = command.run("check", scenario(folder, "http://127.0.0.1:9/score", passes=5))
    assert done.code == 0, done.out + done.err
    assert "recorded, speed 20, 5 passes" in done.out
    assert "over 1900 ms of 1,200" in done.out
    assert "6 s on the clock" in done.out


def test_a_closed_loop_has_one_pass(folder: Path) -> None:
    """64, with the place and what to do."""
    path = small.scenario(folder, "http://127.0.0.1:9/score")
    text = path.read_text(encoding="utf-8").replace("connections = 4 }", "connections = 4 }\npasses = 2")
    path.write_text(text, encoding="utf-8")
    done = command.run("check", path)
    assert done.code == 64
    assert "$.phases.parity.passes" in done.complaint
    assert json.dumps(2) in done.complaint
