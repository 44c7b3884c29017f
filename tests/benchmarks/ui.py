"""The web page on a run of 1,000,000 requests: a filter's answer, and the page opened in a real browser.

The run is made of columns alone, as a replay would have left them. The questions go to a server on the
loopback interface, so a time holds everything from the address to the last byte of the page.
"""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import numpy as np

from harness.report import html
from tests.benchmarks.figures import Goal, Rows, row, unmeasured
from tests.benchmarks.machine import loudly
from tests.kit import browser
from tests.kit.large_run import FIELDS, LANGUAGES, request_id, write
from tests.kit.sample_report import fifty
from tests.kit.website import Website

if TYPE_CHECKING:
    from collections.abc import Iterator

REQUESTS = 1_000_000
ROUNDS = 5
#: questions of each kind in a round
EACH = 8
#: pages opened in a round
OPENED = 5
PATIENCE_S = 300.0
FILTER = Goal(
    id="ui_filter_ms",
    figure=f"p95 of {10 * EACH} questions of ten kinds to {REQUESTS:,} requests, from address to whole page",
    unit="ms",
    better="lower",
    floor=300,
    aim=100,
)
OPEN = Goal(
    id="ui_open_ms",
    figure=f"the page of {REQUESTS:,} requests opened in Chromium, filtered, until it has loaded",
    unit="ms",
    better="lower",
    floor=1000,
    aim=300,
)
REPORT = Goal(
    id="report_open_ms",
    figure="report.html with fifty findings opened in Chromium from disk, until it has loaded; it holds "
    "counts and curves, so more requests make it no larger",
    unit="ms",
    better="lower",
    floor=1000,
    aim=500,
)
SIZE = Goal(
    id="report_mb",
    figure="the same report.html, all in one file",
    unit="MB",
    better="lower",
    floor=3,
    aim=1,
)


def questions(rng: np.random.Generator) -> Iterator[dict[str, str]]:
    """One round: every way to narrow, to order and to page, each with values of its own."""
    fields = tuple(FIELDS)
    for k in range(EACH):
        seq = int(rng.integers(REQUESTS))
        yield {"q": request_id(seq)}
        yield {"q": request_id(seq)[2:6]}
        yield {"unit": f"user-{int(rng.integers(100_000))}"}
        yield {"segment": f"language={LANGUAGES[k % len(LANGUAGES)]}", "page": str(1 + k * 20)}
        yield {"state": "timeout"}
        yield {"field": fields[k % len(fields)], "order": "difference"}
        yield {"flips": "1", "order": "difference"}
        yield {"difference": f"{rng.random() / 3:.3f}", "order": "ms"}
        yield {"ms": f"{rng.integers(1, 30)}", "order": "ms", "page": "3"}
        yield {"field": "amount", "flips": "1", "segment": "country=de", "ms": "2", "order": "difference"}


def rows() -> Rows:
    """Both figures, on one run."""
    with tempfile.TemporaryDirectory() as folder:
        here = Path(folder)
        name = write(here, REQUESTS)
        with Website(here / "results", here / "cache") as site:
            told = f"index made once in {_made(site, name):.0f} s"
            return [_filtered(site, name, told=told), _opened(site, name)]


def report_rows() -> Rows:
    """How long the report takes to open, and how large it is."""
    with tempfile.TemporaryDirectory() as folder:
        return _report(Path(folder))


def _made(site: Website, name: str) -> float:
    """Seconds until the first answer comes, and with it every artefact checked and put in order."""
    started = time.perf_counter()
    while "at least" not in httpx.get(f"{site.url}/requests", params={"run": name}, timeout=PATIENCE_S).text:
        if time.perf_counter() - started > PATIENCE_S:
            raise TimeoutError("the index was never made")
    return time.perf_counter() - started


def _filtered(site: Website, name: str, *, told: str) -> dict[str, object]:
    found = []
    with httpx.Client(timeout=PATIENCE_S) as client:
        for seed in range(ROUNDS):
            took = []
            for asked in questions(np.random.default_rng(seed)):
                started = time.perf_counter()
                answer = client.get(f"{site.url}/requests", params={"run": name, **asked})
                took.append((time.perf_counter() - started) * 1e3)
                answer.raise_for_status()
            found.append(float(np.quantile(took, 0.95)))
    return row(FILTER, found, told=told)


def _opened(site: Website, name: str) -> dict[str, object]:
    if browser.found() is None:
        loudly("no Chromium here: the page is not opened")
        return unmeasured(OPEN, "no Chromium here")
    found = []
    with browser.Browser() as page:
        page.look(1280)
        for k in range(ROUNDS * OPENED):
            page.open(f"{site.url}/requests?run={name}&flips=1&order=difference&page={k + 1}")
            found.append(float(page.run("performance.getEntriesByType('navigation')[0].loadEventEnd")))
    return row(OPEN, [float(np.median(found[k::ROUNDS])) for k in range(ROUNDS)])


def _report(here: Path) -> Rows:
    page = html(fifty())
    path = here / "report.html"
    path.write_text(page, encoding="utf-8")
    size = row(SIZE, [len(page.encode()) / 1e6])
    if browser.found() is None:
        return [unmeasured(REPORT, "no Chromium here"), size]
    found = []
    with browser.Browser() as tab:
        tab.look(1280)
        for _ in range(ROUNDS * OPENED):
            tab.open(path.as_uri())
            found.append(float(tab.run("performance.getEntriesByType('navigation')[0].loadEventEnd")))
    return [row(REPORT, [float(np.median(found[k::ROUNDS])) for k in range(ROUNDS)]), size]
