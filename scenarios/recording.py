"""Making a scenario's built files: the capture with real answers, and the check that they are current.

The recorded arm is real: the champion endpoint is started and all requests are sent to it, one after another
on one connection; its answers and the time each took become columns of the capture.
"""

import contextlib
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

UTC_NS = pa.timestamp("ns", tz="UTC")
TEXT_MAP = pa.map_(pa.string(), pa.string())
CAPTURE = pa.schema(
    [
        ("request_id", pa.string()),
        ("ts_ns", pa.int64()),
        ("ts_resolution_ns", pa.int64()),
        ("event_time", UTC_NS),
        ("unit", pa.string()),
        ("segments", TEXT_MAP),
        ("exposed", pa.bool_()),
        ("method", pa.string()),
        ("path", pa.string()),
        ("headers", TEXT_MAP),
        ("body", pa.binary()),
        ("recorded_status", pa.int32()),
        ("recorded_headers", TEXT_MAP),
        ("recorded_body", pa.binary()),
        ("recorded_latency_ns", pa.int64()),
        ("recorded_latency_kind", pa.string()),
        ("served_by_build", pa.string()),
        ("served_by_endpoint", pa.string()),
    ]
)
JSON_HEADERS = {"content-type": "application/json"}


def write(path: Path, table: pa.Table) -> None:
    """One Parquet file, the same bytes for the same table and library."""
    pq.write_table(table, path, compression="zstd", compression_level=9)


def capture(rows: pd.DataFrame, *, arrivals: pd.Series, build: str) -> pa.Table:
    """One row a request in event-time order, paced by the first arrivals of a real trace.

    `rows` has request_id, event_time, unit, segments (pairs), body and what `Champion.record` gives.
    """
    filled = rows.assign(
        ts_ns=arrivals.iloc[: len(rows)].astype("int64").to_numpy(),
        ts_resolution_ns=100,
        exposed=True,
        method="POST",
        path="/score",
        headers=[list(JSON_HEADERS.items())] * len(rows),
        recorded_latency_kind="service",
        served_by_build=build,
        served_by_endpoint="champion",
    )
    return pa.Table.from_pandas(filled[CAPTURE.names], schema=CAPTURE, preserve_index=False)


def label_table(rows: pd.DataFrame) -> pa.Table:
    """request_id, label and label_at of each row, in the order they became known."""
    schema = pa.schema([("request_id", pa.string()), ("label", pa.float64()), ("label_at", UTC_NS)])
    ordered = rows.sort_values("label_at", kind="stable").astype({"label": "float64"})
    return pa.Table.from_pandas(ordered[schema.names], schema=schema, preserve_index=False)


def typical(features: pd.DataFrame) -> dict[str, dict[str, float]]:
    """Mean, median and standard deviation (sd) of each number over its known values."""
    columns = features.select_dtypes("float64")
    return {
        str(name): {
            "mean": float(np.nanmean(columns[name])),
            "median": float(np.nanmedian(columns[name])),
            "sd": float(np.nanstd(columns[name])),
        }
        for name in columns
    }


@dataclass(frozen=True, kw_only=True)
class Champion:
    """The champion endpoint of a scenario: its service, the folder with its models and data, its identity.

    `options` are more arguments of the service, such as the bugs that it had when its traffic was captured.
    """

    service: Path
    root: Path
    name: str
    version: str
    options: tuple[str, ...] = ()

    def record(self, requests: list[bytes], *, features: bool = False) -> pd.DataFrame:
        """Its answer to each request: the recorded_* columns, of the headers X-Model-* only."""
        headers = {**JSON_HEADERS, **({"x-debug-features": "1"} if features else {})}
        with (
            self._running() as address,
            httpx.Client(base_url=address, timeout=10, headers=headers) as client,
        ):
            return pd.DataFrame([answer(client, body) for body in requests])

    @contextlib.contextmanager
    def _running(self) -> Iterator[str]:
        """The endpoint as a process of its own; yields its address and stops it."""
        options = ["--model", str(self.root / "models/champion.txt"), "--data", str(self.root / "data")]
        identity = ["--name", self.name, "--version", self.version]
        command = [sys.executable, str(self.service), "--port", "0", *options, *identity, *self.options]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            try:
                line = process.stdout.readline() if process.stdout else ""
                if not line.startswith("listening on "):
                    raise RuntimeError(f"the champion endpoint did not start: {' '.join(command)}")
                yield line.removeprefix("listening on ").strip()
            finally:
                process.terminate()


def answer(client: httpx.Client, body: bytes) -> dict[str, object]:
    """One exchange, timed from before it is written until it is read."""
    started = time.perf_counter_ns()
    response = client.post("/score", content=body)
    elapsed = time.perf_counter_ns() - started
    response.raise_for_status()
    return {
        "recorded_status": response.status_code,
        "recorded_headers": [(k, v) for k, v in response.headers.items() if k.startswith("x-model-")],
        "recorded_body": response.content,
        "recorded_latency_ns": elapsed,
    }


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """How a scenario's built files are made from its sources, and compared with those in its folder."""

    folder: Path
    sources: tuple[str, ...]
    built: tuple[str, ...]
    build_all: Callable[[Path], None]

    def main(self, arguments: list[str]) -> int:
        """Build in place, or with --check elsewhere and compare: 0 when all agrees."""
        if arguments == ["--check"]:
            return self._check()
        self.build_all(self.folder)
        sys.stdout.write(summary(self.folder))
        return 0

    def _check(self) -> int:
        with tempfile.TemporaryDirectory() as folder:
            root = Path(folder)
            (root / "data").mkdir()
            for name in self.sources:
                shutil.copy(self.folder / "data" / name, root / "data" / name)
            self.build_all(root)
            changed = [name for name in self.built if not self._same(name, root)]
        sys.stdout.writelines(f"{'DIFFERS' if name in changed else 'same'}  {name}\n" for name in self.built)
        return 10 if changed else 0

    def _same(self, name: str, root: Path) -> bool:
        here = self.folder / name
        return here.is_file() and COMPARE[here.suffix](root / name, here)


def same_table(one: Path, two: Path) -> bool:
    """Equal schema and values, recorded latencies excepted."""
    kept = [[n for n in pq.read_schema(p).names if n != "recorded_latency_ns"] for p in (one, two)]
    return bool(pq.read_table(one, columns=kept[0]).equals(pq.read_table(two, columns=kept[1])))


def same_bytes(one: Path, two: Path) -> bool:
    """Equal files."""
    return one.read_bytes() == two.read_bytes()


COMPARE: dict[str, Callable[[Path, Path], bool]] = {
    ".parquet": same_table,
    ".json": same_bytes,
    ".txt": same_bytes,
}


def summary(root: Path) -> str:
    """What was built, with the window the latency phase uses."""
    table = pq.read_table(root / "capture.parquet")
    start, most = busiest_window(table["ts_ns"].to_numpy())
    p95 = np.quantile(table["recorded_latency_ns"].to_numpy(), 0.95) / 1e6
    return (
        f"recorded arm: the champion was started and answered {table.num_rows} requests, p95 {p95:.2f} ms\n"
        f"busiest 60 s: {most} arrivals from {start:.1f} s\n"
    )


def busiest_window(ts_ns: npt.NDArray[np.int64], seconds: int = 60) -> tuple[float, int]:
    """The start (s from the first arrival) and size of the sliding window with the most arrivals."""
    ends = np.searchsorted(ts_ns, ts_ns + seconds * 10**9, side="left")
    sizes = ends - np.arange(len(ts_ns))
    first = int(sizes.argmax())
    return (ts_ns[first] - ts_ns[0]) / 1e9, int(sizes[first])
