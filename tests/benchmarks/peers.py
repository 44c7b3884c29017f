"""Other people's load generators, asked for the same: each gives its requests, CPU seconds and latencies."""

from __future__ import annotations

import re
from dataclasses import dataclass

from tests.benchmarks.clients import CONNECTIONS
from tests.benchmarks.machine import SIDE, NotHere, run, run_module, side_python, tool
from tests.benchmarks.servers import REQUEST_BODY

_WRK = """
wrk.method = "POST"
wrk.body = [[{body}]]
wrk.headers["Content-Type"] = "application/json"
done = function(summary, latency)
  io.write(string.format("BENCH %d %f\\n", summary.requests, latency:percentile(95) / 1000))
end
"""


@dataclass(frozen=True)
class Peer:
    """What a peer did: its requests, what they cost it, and the p95 that it reports."""

    requests: int
    cpu_s: float
    p95_ms: float = float("nan")

    @property
    def cpu_us(self) -> float:
        """Microseconds of CPU a request."""
        return 1e6 * self.cpu_s / self.requests


def wrk(url: str, *, seconds: float, connections: int = CONNECTIONS) -> Peer:
    """One thread, the body from Lua, but no Lua on the way of a request."""
    script = SIDE / "post.lua"
    script.write_text(_WRK.format(body=REQUEST_BODY), encoding="ascii")
    options = ("-t1", f"-c{connections}", f"-d{max(1, round(seconds))}s", "--timeout", "10s")
    used = run(tool("wrk"), *options, "-s", str(script), url)
    _, requests, p95 = _found(r"BENCH (\d+) ([\d.]+)", used.printed)
    return Peer(int(requests), used.cpu_s, float(p95))


def hey(url: str, *, seconds: float, connections: int = CONNECTIONS, rate: float | None = None) -> Peer:
    """All connections, or as many as are given at `rate` requests a second together."""
    options = [
        "-z",
        f"{seconds:g}s",
        "-c",
        str(connections),
        "-m",
        "POST",
        "-d",
        REQUEST_BODY,
        "-T",
        "application/json",
    ]
    options += ["-t", "10", *(["-q", f"{rate / connections:g}"] if rate else [])]
    used = run(tool("hey"), *options, url)
    _, requests = _found(r"\[200\]\s+(\d+) responses", used.printed)
    _, p95_s = _found(r"95% in ([\d.]+) secs", used.printed)
    return Peer(int(requests), used.cpu_s, 1000 * float(p95_s))


def h2load(url: str, *, seconds: float) -> Peer:
    """HTTP/1.1, one thread."""
    body = SIDE / "body.json"
    body.write_text(REQUEST_BODY, encoding="ascii")
    options = ("--h1", "-t1", f"-c{CONNECTIONS}", f"-D{max(1, round(seconds))}", "-d", str(body))
    used = run(tool("h2load"), *options, "-H", "content-type: application/json", url)
    _, requests = _found(r"(\d+) done", used.printed)
    return Peer(int(requests), used.cpu_s)


def locust(url: str, *, seconds: float, rate: float | None = None) -> Peer:
    """64 FastHttpUsers, as fast as they can, or at `rate` requests a second together."""
    asked = {"url": url, "seconds": seconds, "rate": rate, "users": CONNECTIONS, "body": REQUEST_BODY}
    found = run_module("locust_client", asked, python=side_python(), answer=dict)
    return Peer(found["requests"], found["cpu_s"], found["p95_ms"])


def _found(pattern: str, printed: str) -> tuple[str, ...]:
    """What a peer printed; raises NotHere when it printed something else."""
    match = re.search(pattern, printed)
    if match is None:
        raise NotHere(f"a peer printed no {pattern!r}: {printed.strip()[-200:]}")
    return (match[0], *match.groups())


PROGRAMS = {"wrk": wrk, "h2load": h2load, "hey": hey, "locust": locust}
