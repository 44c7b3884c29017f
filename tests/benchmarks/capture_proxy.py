"""What the recording, mirroring proxy adds to a user's answer: the same open loop, directly and through it.

Client, service, shadow and proxy are programs of their own; service and shadow hold each request for 20 ms. A
round is a run directly and one through the proxy with the same arrivals; the figure is the difference.
"""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from tests.benchmarks.figures import Goal, Rows, row, unmeasured
from tests.benchmarks.machine import ROOT, NotHere, loudly, priority, run_module
from tests.benchmarks.open_loop import Asked, Found
from tests.benchmarks.servers import hold_server

if TYPE_CHECKING:
    from collections.abc import Iterator

RATE = 500.0
ROUNDS = 5
SECONDS = 10.0
HOLD_MS = 20.0

ADDED = Goal(
    id="mirror_ms",
    figure=f"recording, mirroring proxy at Poisson {RATE:g}/s, {HOLD_MS:g} ms upstream: p95 of the user's "
    f"answer through it less p95 directly; {ROUNDS} rounds of {SECONDS:g} s each way",
    unit="ms",
    better="lower",
    floor=1.0,
    aim=0.3,
)


def rows() -> Rows:
    """What it adds, with every answer recorded and mirrored; a round that lost one fails."""
    try:
        with (
            tempfile.TemporaryDirectory() as folder,
            hold_server(hold_ms=HOLD_MS, slow_permille=0) as service,
            hold_server(hold_ms=HOLD_MS, slow_permille=0) as shadow,
            proxy(service.url, shadow.url, into=Path(folder) / "capture") as running,
        ):
            rounds = [added(service.url, running, seed=seed) for seed in range(ROUNDS)]
    except NotHere as why:
        loudly(f"the proxy is not measured: {why}")
        return [unmeasured(ADDED, str(why))]
    return [row(ADDED, rounds, told=f"client and servers at {priority()}, the proxy at normal priority")]


def added(direct: str, through: str, *, seed: int) -> float:
    """One round: the difference of the p95s, ms; NaN where an answer is missing."""
    found = [_run(url, seed) for url in (direct, through)]
    if any(one.answered < one.requests for one in found):
        return float("nan")
    return found[1].reported_p95 - found[0].reported_p95


def _run(url: str, seed: int) -> Found:
    asked = Asked(url=url, rate=RATE, seconds=SECONDS, seed=seed)
    return run_module("open_loop", asked, answer=Found, prompt=True)


@contextmanager
def proxy(service: str, shadow: str, *, into: Path) -> Iterator[str]:
    """The address of a proxy as a user would run it; in the end it says what it did."""
    command = [
        *(sys.executable, "-m", "harness", "capture", "proxy", "--listen", "127.0.0.1:0"),
        *("--to", service, "--mirror", shadow, "--into", str(into), "--every", "3600"),
    ]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        said = re.search(r"http://127\.0\.0\.1:\d+", process.stdout.readline())
        if said is None:
            raise NotHere("the proxy does not start")
        yield f"{said[0]}/"
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            loudly(process.communicate(timeout=30)[0].strip().splitlines()[-1])
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
