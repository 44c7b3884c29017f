"""The safety rails by command line: what stops a run, what it says, and what verdict that comes to."""

from __future__ import annotations

from pathlib import Path

from tests.kit import command, small
from tests.kit.command import report_of, rulings
from tests.kit.service import Service

PUBLIC = "93.184.216.34"


def test_a_build_that_goes_down_is_left_alone_and_is_no_go(folder: Path, results: Path) -> None:
    """The breaker trips after a few of 240 requests: NO-GO by the errors gate, and no second phase."""
    more = small.LATENCY + "\n[safety.breaker]\nconsecutive = 10\n"
    with Service(small.answers(), model=small.model_hash(), mode="down:150") as service:
        path = small.scenario(folder, service.url, more=more)
        done = command.run("run", path, "--all-phases", "--results", results)
        assert len(service.seen) < 200
    report = report_of(command.only_run(results))
    assert done.code == 10, done.out + done.err
    assert rulings(report)["errors"] == "FAIL"
    assert "phase parity: STOPPED: circuit breaker: 10 errors of challenger in a row" in done.err
    parity, latency = report["phases"]
    assert (parity["blamed"], parity["ran"]) == ("challenger", True)
    assert latency["reason"] == "phase parity was stopped for the sake of challenger"
    assert "STOPPED: circuit breaker" in done.out
    assert report["ledgers"][0]["steps"][0]["count"] == small.REQUESTS


def test_a_time_limit_stops_a_phase_and_leaves_no_verdict(folder: Path, results: Path) -> None:
    """Nobody's fault but the harness's: INVALID, never a pass."""
    more = small.ONLY_PARITY + "\n[safety]\nmax_seconds = 0.5\n"
    with Service(small.answers(), model=small.model_hash(), mode="slow:50") as service:
        path = small.scenario(folder, service.url, more=more)
        done = command.run("run", path, "--phase", "parity", "--results", results)
    report = report_of(command.only_run(results))
    assert done.code == 30, done.out + done.err
    assert rulings(report)["completeness"] == "UNDECIDED"
    assert report["phases"][0]["stopped"] == "the time limit of 0.5 s"


def test_a_public_host_is_listed_and_confirmed_or_refused(folder: Path) -> None:
    """`check` says both steps, and takes the host once both are done; nothing is sent."""
    path = small.scenario(folder, f"http://{PUBLIC}/score", more=small.ONLY_PARITY)
    for arguments in ([], ["--allow-public", PUBLIC]):
        done = command.run("check", path, *arguments)
        assert done.code == 64
        assert f'allow_hosts = ["{PUBLIC}"]' in done.complaint
        assert f"--allow-public {PUBLIC}" in done.complaint
    path.write_text(path.read_text(encoding="utf-8") + f'\n[safety]\nallow_hosts = ["{PUBLIC}"]\n')
    assert command.run("check", path).code == 64
    assert command.run("run", path).code == 64
    done = command.run("check", path, "--allow-public", "other", "--allow-public", PUBLIC)
    assert done.code == 0, done.err
    assert "Nothing was sent." in done.out


def test_paces_and_overload_reach_the_user(folder: Path) -> None:
    """`check` prints the pace of each phase and what becomes of too much load."""
    path = small.scenario(folder, "http://127.0.0.1:9/score", more=small.champion("http://127.0.0.1:9/score"))
    text = path.read_text(encoding="utf-8")
    pace = '{ kind = "poisson", rate = 50 }\noverload = "queue"\narms = "apart"'
    path.write_text(text.replace('{ kind = "recorded", speed = 20 }', pace), encoding="utf-8")
    done = command.run("check", path)
    assert done.code == 0, done.err
    line = next(line for line in done.out.splitlines() if line.startswith("phase latency"))
    assert "(poisson, 50/s)" in line
    assert "targets apart; overload lets requests queue" in line
