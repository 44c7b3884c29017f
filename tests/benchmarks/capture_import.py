"""How fast, and in how much memory, captures come in."""

from __future__ import annotations

import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from harness.capture.formats.goreplay import GOREPLAY, SEPARATOR
from tests.benchmarks.figures import Goal, Rows, row, unmeasured
from tests.benchmarks.machine import (
    ROOT,
    NotHere,
    answer_on_stdout,
    cores,
    given,
    loudly,
    pinned,
    run_module,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

LINE_BYTES = 991
RATE_LINES, RATE_RUNS = 1_000_000, 3
PAIRS, GOR_RUNS = 100_000, 5
MEMORY_BYTES, MEMORY_RUNS = 5_000_000_000, 1

RATE = Goal(
    id="jsonl_rate",
    figure="JSON Lines of 991 B to Parquet by `capture import`, all of the command on one core: "
    f"{RATE_LINES:,} lines with 26 features, headers, answer; ids checked for doubles, keys searched for",
    unit="lines/s",
    better="higher",
    floor=100_000,
    aim=200_000,
)
MEMORY = Goal(
    id="jsonl_rss",
    figure="peak memory of `capture import` of 5 GB of the same lines to Parquet, all ids different",
    unit="MiB",
    better="lower",
    floor=300,
    aim=200,
)

GOR = Goal(
    id="gor_rate",
    figure=f"a .gor of {2 * PAIRS:,} records of 1 kB, by turns requests, each with a traceparent of its own, "
    "and answers: cut at the separators, meta and heads parsed, made requests and answers that wait to be "
    "joined; one core, from the page cache",
    unit="MB/s",
    better="higher",
    floor=200,
    aim=500,
)
GOR_IMPORT = Goal(
    id="gor_import",
    figure="the same file, all of `capture import` to Parquet: joined, checked, written",
    unit="MB/s",
    better="higher",
)


class Ran(NamedTuple):
    """Wall clock and processor of a program in seconds, and its peak memory in MiB."""

    seconds: float
    cpu_s: float
    peak_mib: float


def rate_rows() -> Rows:
    """The same file, imported again and again."""
    try:
        with folder(2 * RATE_LINES * LINE_BYTES) as place:
            write_lines(place / "c.jsonl", RATE_LINES)
            ran = [imported(place / "c.jsonl", place / "c.parquet") for _ in range(RATE_RUNS)]
    except NotHere as why:
        loudly(f"the rate of an import is not measured: {why}")
        return [unmeasured(RATE, str(why))]
    told = f"{1e6 * min(one.cpu_s for one in ran) / RATE_LINES:.1f} us of processor a line at best"
    return [row(RATE, [RATE_LINES / one.seconds for one in ran], told=told)]


def memory_rows() -> Rows:
    """A file of 5 GB, written, imported, removed."""
    lines = MEMORY_BYTES // LINE_BYTES
    try:
        with folder(2 * MEMORY_BYTES) as place:
            write_lines(place / "c.jsonl", lines)
            ran = [imported(place / "c.jsonl", place / "c.parquet") for _ in range(MEMORY_RUNS)]
    except NotHere as why:
        loudly(f"the memory of an import is not measured: {why}")
        return [unmeasured(MEMORY, str(why))]
    told = f"{lines:,} lines in {ran[0].seconds:.0f} s on one core"
    return [row(MEMORY, [one.peak_mib for one in ran], told=told)]


def gor_rows() -> Rows:
    """The reader alone, again and again in one process; then the command."""
    try:
        with folder(PAIRS * 4_000) as place:
            path = place / "c_0.gor"
            write_gor(path, PAIRS)
            size = path.stat().st_size / 1e6
            seconds = run_module("capture_import", {"path": str(path)}, answer=list[float])
            ran = [imported(path, place / "c.parquet") for _ in range(3)]
    except NotHere as why:
        loudly(f"GoReplay files are not measured: {why}")
        return [unmeasured(GOR, str(why)), unmeasured(GOR_IMPORT, str(why))]
    told = f"{1e6 * min(seconds) / (2 * PAIRS):.1f} us a record at best"
    return [
        row(GOR, [size / one for one in seconds], told=told),
        row(GOR_IMPORT, [size / one.seconds for one in ran]),
    ]


def read_again_and_again(path: Path) -> list[float]:
    """The seconds that all pieces of a file take, each time."""
    taken = []
    for _ in range(GOR_RUNS):
        started = time.perf_counter()
        count = sum(1 for _ in GOREPLAY.read(path))
        taken.append(time.perf_counter() - started)
        if count != 2 * PAIRS:
            raise NotHere(f"{count:,} records, not {2 * PAIRS:,}")
    return taken


@contextmanager
def folder(needed: int) -> Iterator[Path]:
    """A folder with so many bytes to spare, gone in the end; raises NotHere where the disk is too full."""
    place = Path(tempfile.mkdtemp(prefix="replaygate-bench-"))
    try:
        if shutil.disk_usage(place).free < needed:
            raise NotHere(f"less than {needed >> 20:,} MiB are free where temporary files go")
        yield place
    finally:
        shutil.rmtree(place)


def imported(source: Path, target: Path) -> Ran:
    """`replaygate capture import` of the file, on one core; raises NotHere when it fails."""
    command = [sys.executable, "-m", "harness", "capture", "import", str(source), "--to", str(target)]
    started = time.perf_counter()
    process = subprocess.Popen(
        pinned(cores()[1], command), cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    )
    _, status, used = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - started
    process.returncode = os.waitstatus_to_exitcode(status)
    said = process.stderr.read().decode() if process.stderr else ""
    if process.returncode:
        raise NotHere(f"the import ended with {process.returncode}: {said.strip()[-400:]}")
    return Ran(seconds, used.ru_utime + used.ru_stime, peak_mib(used))


def peak_mib(used: resource.struct_rusage) -> float:
    """Peak memory of a program that ended; Linux counts in KiB, macOS in bytes."""
    return used.ru_maxrss / (1 << 20 if sys.platform == "darwin" else 1 << 10)


def write_lines(path: Path, count: int, *, seed: int = 20250618) -> None:
    """So many lines of 991 B: about a million different bodies, put together of two halves."""
    rng = np.random.default_rng(seed)
    left, right = (_halves(rng, first, size=size) for first, size in ((0, 997), (13, 1009)))
    with path.open("wb", buffering=1 << 20) as file:
        for number in range(count):
            body = b"{%b,%b}" % (left[number % len(left)], right[number % len(right)])
            line = _LINE % (number, 1_750_000_000_000_000_000 + 1_000_003 * number, number % 10_007, body)
            file.write(line[:-1].ljust(LINE_BYTES - 2) + b"}\n")


_LINE = (
    b'{"request_id":"req-%012d","ts_ns":%d,"unit":"u%d","path":"/v1/predict","headers":{"content-type":'
    b'"application/json","user-agent":"client/2.1","x-forwarded-proto":"https"},"body":%b,'
    b'"recorded_response":{"status":200,"headers":{"content-type":"application/json"},'
    b'"body":{"score":0.7312,"model":"2025-06-01"},"latency_ns":5000000,"latency_kind":"service"}}'
)


def _halves(rng: np.random.Generator, first: int, *, size: int) -> list[bytes]:
    """So many times 13 features by name: numbers, and words in between."""
    made = []
    for numbers in rng.lognormal(3.0, 2.0, (size, 13)):
        cells = [
            f'"feature_{first + place:02d}":'
            + (f'"level {value % 12:.0f}"' if place % 5 == 4 else f"{value:.5f}")
            for place, value in enumerate(numbers)
        ]
        made.append(",".join(cells).encode())
    return made


def write_gor(path: Path, pairs: int, *, seed: int = 20250618) -> None:
    """So many requests, each with its answer, of about 1 kB each: browsers, paths, lengths and ids differ."""
    rng = np.random.default_rng(seed)
    bodies = [
        b"{%b,%b}" % both for both in zip(_halves(rng, 0, size=997), _halves(rng, 13, size=997), strict=True)
    ]
    with path.open("wb", buffering=1 << 20) as file:
        for number in range(pairs):
            ns, body = 1_750_000_000_000_000_000 + 1_000_003 * number, bodies[number % len(bodies)]
            name = b"%024x" % number
            asked = _ASKED % (number % 7, number % 50, number, number, len(body) + 140)
            said = b'{"score":0.7312,"why":"%b"}' % bodies[-number % len(bodies)].replace(b'"', b"'")
            answered = _ANSWERED % (number // 1_000 % 60, len(said) + 140)
            pad = b" " * 140
            file.write(b"1 %b %d 0\n%b%b%b%b" % (name, ns, asked, body, pad, SEPARATOR))
            file.write(b"2 %b %d 0\n%b%b%b%b" % (name, ns + 20_000_000, answered, said, pad, SEPARATOR))


_ASKED = (
    b"POST /v1/predict?m=%d HTTP/1.1\r\nHost: service:8080\r\nUser-Agent: client/%d.1\r\nAccept: */*\r\n"
    b"Content-Type: application/json\r\nTraceparent: 00-%032x-%016x-01\r\nContent-Length: %d\r\n\r\n"
)
_ANSWERED = (
    b"HTTP/1.1 200 OK\r\nServer: uvicorn\r\nDate: Sun, 15 Jun 2025 15:06:%02d GMT\r\n"
    b"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n"
)


if __name__ == "__main__":
    answer_on_stdout(read_again_and_again(Path(given(dict[str, str])["path"])))
