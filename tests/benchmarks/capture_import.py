"""How fast, and in how much memory, captures come in; and whether what goes out comes in again unchanged."""

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

from tests.benchmarks.figures import Goal, Rows, row, unmeasured
from tests.benchmarks.machine import ROOT, NotHere, cores, loudly, pinned

if TYPE_CHECKING:
    from collections.abc import Iterator

LINE_BYTES = 991
RATE_LINES, RATE_RUNS = 500_000, 5
MEMORY_BYTES, MEMORY_RUNS = 5_000_000_000, 1
COMMAND_S = 300.0

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


class Ran(NamedTuple):
    """Wall clock of a program in seconds and its peak memory in MiB."""

    seconds: float
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
    return [row(RATE, [RATE_LINES / one.seconds for one in ran])]


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
    return Ran(seconds, peak_mib(used))


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
