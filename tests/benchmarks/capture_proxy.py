"""What the recording, mirroring proxy adds to a user's answer: the same open loop, directly and through it.

Client, service, shadow and proxy are programs of their own; service and shadow hold each request for 20 ms. A
round is a run directly and one through the proxy with the same arrivals; its figure is the difference. At
real-time priority, where this user may have it, it is about the proxy; beside neighbours also about them.
"""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from tests.benchmarks.figures import Goal, Rows, row, unmeasured
from tests.benchmarks.machine import REALTIME, ROOT, NotHere, loudly, may_be_prompt, priority, run_module
from tests.benchmarks.open_loop import Asked, Found
from tests.benchmarks.servers import hold_server

if TYPE_CHECKING:
    from collections.abc import Iterator

BESIDE = "all at normal priority, beside whatever else this machine does"
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
SHARED = replace(ADDED, id="mirror_ms_shared", floor=None, aim=None)


def rows() -> Rows:
    """What it adds, with every answer recorded and mirrored, before its neighbours and beside them."""
    try:
        ahead, beside = (_rounds(prompt=prompt) for prompt in (True, False))
    except NotHere as why:
        loudly(f"the proxy is not measured: {why}")
        return [unmeasured(goal, str(why)) for goal in (ADDED, SHARED)]
    return [row(ADDED, ahead, told=priority()), row(SHARED, beside, told=BESIDE)]


def _rounds(*, prompt: bool) -> list[float]:
    """So many rounds with one proxy."""
    held = partial(hold_server, hold_ms=HOLD_MS, slow_permille=0, prompt=prompt)
    with (
        tempfile.TemporaryDirectory() as folder,
        held() as service,
        held() as shadow,
        proxy(service.url, shadow.url, into=Path(folder) / "capture", prompt=prompt) as running,
    ):
        return [_added(service.url, running, seed=seed, prompt=prompt) for seed in range(ROUNDS)]


def _added(direct: str, through: str, *, seed: int, prompt: bool) -> float:
    """One round: the difference of the p95s, ms; NaN where an answer is missing."""
    asked = [Asked(url=url, rate=RATE, seconds=SECONDS, seed=seed) for url in (direct, through)]
    found = [run_module("open_loop", one, answer=Found, prompt=prompt) for one in asked]
    if any(one.answered < one.requests for one in found):
        return float("nan")
    return found[1].reported_p95 - found[0].reported_p95


@contextmanager
def proxy(service: str, shadow: str, *, into: Path, prompt: bool) -> Iterator[str]:
    """The address of a proxy on whichever core is free; in the end it says what it did."""
    command = [
        *(REALTIME if prompt and may_be_prompt() else ()),
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
