"""How much a replay carries: the rate that it holds, its journal alone, and a million requests in memory."""

from __future__ import annotations

import shutil
import tempfile
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from harness.capture import requests as decoded
from harness.capture import to_table
from harness.records import Attempt, CapturedRequest, State
from harness.replay.clock import run_async
from harness.replay.engine import replay
from harness.replay.journal import Journal
from harness.replay.schedule import Phase, Saturate, plan
from harness.replay.source import Parted, RequestIds
from replayers.http import HttpArm, HttpTarget
from tests.benchmarks.figures import Goal, Rows, row, unmeasured
from tests.benchmarks.machine import (
    SIDE,
    NotHere,
    answer_on_stdout,
    cpu_s,
    given,
    loudly,
    priority,
    run_module,
)
from tests.benchmarks.open_loop import STAMPED, Asked, Found
from tests.benchmarks.servers import ANSWER, hold_server

CLIMBS, STEP_S = 3, 2.5
LADDER = (500, 1000, 1500, 2000, 2500, 3000, 3500, 4000, 5000)
#: at most so late at p95, and everything answered
HELD_MS = 1.0
TRIES = 2
MILLION = 1_000_000
PART_ROWS = 50_000
MEMORY_RUNS, MEMORY_S = 3, 420.0
OUTCOMES = 200_000
JOURNAL_RUNS = 5

RATE = Goal(
    id="full_replay_rate",
    figure="requests a second, each to two arms, journal and all stamps on one core, with a send lag p95 of "
    "at most 1 ms in one of two tries: the highest step held of a ladder up to 5,000",
    unit="requests/s",
    better="higher",
    floor=1000,
    aim=2000,
)
LAG = Goal(
    id="full_replay_lag_p99",
    figure="the p99 of the send lag at that rate",
    unit="ms",
    better="lower",
)
MEMORY = Goal(
    id="rss_1m",
    figure="peak memory of a replay of 1,000,000 requests of 1 kB streamed from Parquet, journal and all",
    unit="MiB",
    better="lower",
    floor=400,
    aim=250,
)
JOURNAL = Goal(
    id="journal_rate",
    figure="outcomes with a body of 300 B journalled, written and synced, a second of one core",
    unit="outcomes/s",
    better="higher",
    floor=100_000,
    aim=300_000,
)


def rate_rows() -> Rows:
    """The ladder, climbed three times."""
    try:
        with hold_server() as server:
            climbs = [climb(server.url, seed=seed) for seed in range(CLIMBS)]
    except NotHere as why:
        loudly(f"the full replay is not measured: {why}")
        return [unmeasured(RATE, str(why)), unmeasured(LAG, str(why))]
    told = priority()
    return [
        row(RATE, [rate for rate, _ in climbs], told=told),
        row(LAG, [lag for _, lag in climbs], told=told),
    ]


def climb(url: str, *, seed: int) -> tuple[float, float]:
    """The highest rate below the first that is not held, and the p99 of the lag there; 0 for none."""
    held = (0.0, float("nan"))
    for step in LADDER:
        for attempt in range(TRIES):
            asked = Asked(url=url, rate=step, seconds=STEP_S, seed=seed + attempt, arms=2)
            found = run_module("open_loop", asked, answer=Found, prompt=True)
            if found.lag_p95 <= HELD_MS and found.answered == found.requests:
                held = (float(step), found.lag_p99)
                break
        if held[0] < step:
            break
    return held


def memory_rows() -> Rows:
    """A million requests from Parquet, three times, or as often as fits into seven minutes."""
    peaks: list[float] = []
    started = time.monotonic()
    folder = SIDE / "capture"
    try:
        write_capture(folder)
        with hold_server(hold_ms=0, slow_permille=0, prompt=False) as server:
            while len(peaks) < MEMORY_RUNS and time.monotonic() - started < MEMORY_S:
                asked = {"url": server.url, "folder": str(folder)}
                peaks.append(run_module("capacity", asked, answer=float, timeout_s=MEMORY_S))
    except NotHere as why:
        loudly(f"the memory of a million requests is not measured: {why}")
        return [unmeasured(MEMORY, str(why))]
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return [row(MEMORY, peaks)]


def write_capture(folder: Path) -> None:
    """A capture of a million rows in parts, with 50,000 different bodies of about 1 kB."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    rng = np.random.default_rng(20250618)
    bodies = [b'{"amt_7d":12.5,"filler":"%b"}' % rng.bytes(430).hex().encode() for _ in range(PART_ROWS)]
    base = to_table(
        CapturedRequest(seq=k, request_id="", ts_ns=k, body=body) for k, body in enumerate(bodies)
    )
    for part in range(MILLION // PART_ROWS):
        seq = pa.array(np.arange(part * PART_ROWS, (part + 1) * PART_ROWS))
        table = base
        for name, column in (("seq", seq), ("request_id", [f"request-{k:032x}" for k in seq.to_pylist()])):
            place = base.schema.get_field_index(name)
            table = table.set_column(
                place, base.schema.field(place), pa.array(column, base.schema.field(place).type)
            )
        pq.write_table(table, folder / f"part-{part:05d}.parquet", compression="zstd", compression_level=1)


async def replay_all(url: str, capture: Path, journal: Path) -> None:
    """Every row once, closed loop, as `replaygate run` does it."""
    source = Parted(capture, decode=decoded)
    table = source.columns("seq", "request_id")
    ids = RequestIds(table["seq"].to_numpy(), table["request_id"])
    del table
    phase = Phase(name="bench", pace=Saturate(connections=64), features=False)
    schedule = plan(np.arange(len(source), dtype=np.int64), phase, resolution_ns=1, seed=0)
    arm = HttpArm(HttpTarget(url=url, response=STAMPED, timeout_s=30.0), name="arm", run_id="bench", ids=ids)
    with Journal(journal) as book:
        counts = await replay(schedule, source, arms=[arm], phase=phase, journals={"arm": book})
    if counts.states["arm"].get(State.OK) != len(source):
        raise SystemExit(f"not all were answered: {counts.states}")


def journal_rows() -> Rows:
    """Outcomes a second of CPU, of both the thread that appends and the one that writes."""
    try:
        return [row(JOURNAL, [run_module("capacity", {}, answer=float) for _ in range(JOURNAL_RUNS)])]
    except NotHere as why:
        loudly(f"the journal is not measured: {why}")
        return [unmeasured(JOURNAL, str(why))]


def journalled() -> float:
    """Outcomes a second of one core."""
    ready = [
        Attempt(
            seq=k,
            phase="latency",
            target="champion",
            attempt=1,
            state=State.OK,
            due_ns=10**12 + k,
            submit_ns=10**12 + k,
            written_ns=10**12 + k,
            first_ns=10**12 + k,
            done_ns=10**12 + k,
            status=200,
            headers={"x-model-hash": "0f3c9a", "x-request-id": f"request-{k}"},
            body=ANSWER.encode(),
        )
        for k in range(1000)
    ]
    with tempfile.TemporaryDirectory() as folder:
        before = cpu_s()
        with Journal(Path(folder) / "journal.jsonl") as journal:
            for k in range(OUTCOMES):
                journal.append(ready[k % 1000])
        return OUTCOMES / (cpu_s() - before)


def kill_rows() -> Rows:
    """Outcomes lost or doubled over 20 replays that are killed without warning and resumed."""
    from tests.kit.kill_resume import lost_or_doubled

    goal = Goal(
        id="lost_or_doubled",
        figure="outcomes lost or doubled over 20 kill -9 at random moments, each resumed",
        unit="outcomes",
        better="lower",
        floor=0,
        aim=0,
    )
    with tempfile.TemporaryDirectory() as folder:
        wrong = lost_or_doubled(Path(folder), points=20)
    return [{**row(goal, [float(wrong)]), "runs": 20}]


def main() -> None:
    """One run: the peak memory of a replay of a folder in MiB, or without one the journal's rate."""
    asked = given(dict)
    if "folder" not in asked:
        answer_on_stdout(journalled())
        return
    with tempfile.TemporaryDirectory() as folder:
        run_async(replay_all, asked["url"], Path(asked["folder"]), Path(folder) / "journal.jsonl")
    answer_on_stdout(peak_mib())


def peak_mib() -> float:
    """The most memory that this program held: not `ru_maxrss`, which begins with that of who started it."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


if __name__ == "__main__":
    main()
