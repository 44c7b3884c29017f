"""Closed loops: what a request costs each client, against nginx, in the same rounds."""

from __future__ import annotations

import sys
from collections import defaultdict
from typing import TYPE_CHECKING

from tests.benchmarks import peers
from tests.benchmarks.figures import Goal, Row, Rows, row, unmeasured
from tests.benchmarks.machine import NotHere, loudly, run_module, side_python
from tests.benchmarks.servers import REQUEST_BODY, nginx

if TYPE_CHECKING:
    from collections.abc import Callable

ROUNDS = 5
SECONDS = 1.5
#: slow ones need longer for as many requests
LONGER = {"httpx": 3.0, "httpx_64": 3.0, "locust": 3.0}
SIDE_KINDS = ("httpx_aiohttp", "httpx_pyreqwest")
PLAIN = ("httpx", "httpx_64")
KINDS = ("wire", "wrk", *PLAIN, "transport", "wire_unique", *SIDE_KINDS, "h2load", "hey", "locust")

GOALS = {
    "wire_vs_httpx": Goal(
        id="wire_vs_httpx",
        figure="closed loop, 64 connections, nginx: CPU a request of plain httpx (the cheaper of two "
        "settings) over that of our pool",
        unit="times",
        better="higher",
        floor=120,
        aim=250,
    ),
    "wire_vs_wrk": Goal(
        id="wire_vs_wrk",
        figure="closed loop: requests a second of one core of our pool over those of wrk (one thread)",
        unit="times",
        better="higher",
        floor=0.6,
        aim=1.1,
    ),
    "transport_vs_httpx": Goal(
        id="transport_vs_httpx",
        figure="closed loop, httpx.AsyncClient: CPU a request of plain httpx (the cheaper of two "
        "settings) over that with our transport",
        unit="times",
        better="higher",
        floor=12,
        aim=20,
    ),
}
_NAMES = {
    "wire": "our pool",
    "wire_unique": "our pool, each answer with a head of its own",
    "transport": "httpx with our transport",
    "httpx": "plain httpx as it comes (100 connections, 20 kept)",
    "httpx_64": "plain httpx that keeps 64 connections",
    "httpx_aiohttp": "httpx with the aiohttp transport",
    "httpx_pyreqwest": "httpx with the pyreqwest transport",
    "wrk": "wrk",
    "h2load": "h2load (HTTP/1.1)",
    "hey": "hey",
    "locust": "Locust (FastHttpUser)",
}


def cpu_us(kind: str, url: str) -> float:
    """Microseconds of CPU a request of this client, in one round; raises NotHere."""
    seconds = LONGER.get(kind, SECONDS)
    if kind in peers.PROGRAMS:
        ask: Callable[..., peers.Peer] = peers.PROGRAMS[kind]
        return ask(url, seconds=seconds).cpu_us
    asked = {
        "kind": kind,
        "url": f"{url}unique" if kind == "wire_unique" else url,
        "seconds": seconds,
        "body": REQUEST_BODY,
    }
    python = side_python() if kind in SIDE_KINDS else sys.executable
    found = run_module("clients", asked, python=python, answer=dict)
    return 1e6 * float(found["cpu_s"]) / int(found["requests"])


def rows() -> Rows:
    """Every client once a round, so that what disturbs the machine disturbs them all."""
    costs: dict[str, list[float]] = defaultdict(list)
    missing: dict[str, str] = {}
    try:
        with nginx() as url:
            for _ in range(ROUNDS):
                for kind in [one for one in KINDS if one not in missing]:
                    try:
                        costs[kind].append(cpu_us(kind, url))
                    except NotHere as why:
                        missing[kind] = str(why)
                        loudly(f"{kind} is not measured: {why}")
    except NotHere as why:
        missing = dict.fromkeys(KINDS, str(why))
    return [
        _ratio("wire_vs_httpx", costs, missing, over=(PLAIN, "wire")),
        _ratio("wire_vs_wrk", costs, missing, over=(("wrk",), "wire")),
        _ratio("transport_vs_httpx", costs, missing, over=(PLAIN, "transport")),
        *(_cost(kind, costs, missing) for kind in KINDS),
    ]


def _ratio(
    name: str, costs: dict[str, list[float]], missing: dict[str, str], *, over: tuple[tuple[str, ...], str]
) -> Row:
    """The row of the least of some costs over another, by rounds."""
    several, ours = over
    for kind in (*several, ours):
        if kind in missing:
            return unmeasured(GOALS[name], missing[kind])
    least = [min(round_) for round_ in zip(*(costs[kind] for kind in several), strict=True)]
    return row(GOALS[name], [theirs / own for theirs, own in zip(least, costs[ours], strict=True)])


def _cost(kind: str, costs: dict[str, list[float]], missing: dict[str, str]) -> Row:
    """The row of one client's cost, for the table of peers."""
    figure = f"closed loop, 64 connections, nginx: CPU a request of {_NAMES[kind]}"
    goal = Goal(id=f"cpu_{kind}", figure=figure, unit="us", better="lower")
    return unmeasured(goal, missing[kind]) if kind in missing else row(goal, costs[kind])
