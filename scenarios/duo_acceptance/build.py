"""Makes everything in this folder again from data/aidev_prs.parquet and data/arrivals_code.parquet.

    python scenarios/duo_acceptance/build.py            # rebuild in place
    python scenarios/duo_acceptance/build.py --check    # rebuild in a temporary folder and compare

The recorded arm is real: the champion endpoint is started and all requests are sent to it, one after another
on one connection; its answers and the time each took become columns of the capture.
"""

import contextlib
import json
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # a script finds its folder, not the project

from scenarios.duo_acceptance.dataset import bodies, outcomes, read_arrivals, read_prs
from scenarios.duo_acceptance.features import CATEGORIES
from scenarios.duo_acceptance.train import train_all, training_index

HERE = Path(__file__).resolve().parent
SOURCES = ("aidev_prs.parquet", "arrivals_code.parquet")
BUILT = (
    "data/history.parquet",
    "data/categories.json",
    "models/champion.txt",
    "models/rebuild.txt",
    "models/candidate.txt",
    "capture.parquet",
    "labels.parquet",
)
NAME, VERSION = "duo-acceptance", "1.0.0"
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


def build_all(root: Path) -> None:
    """Write every built file under `root`, which holds the sources in `root/data`."""
    data = root / "data"
    prs = read_prs(data)
    known = outcomes(prs)
    write(root / "data/history.parquet", history(prs, known))
    (data / "categories.json").write_text(json.dumps(categories(prs, known), indent=1) + "\n")
    write(root / "labels.parquet", labels(prs, known))
    train_all(data, root / "models")
    recorded = record(bodies(prs), root)
    write(root / "capture.parquet", capture(prs, read_arrivals(data), recorded=recorded))


def write(path: Path, table: pa.Table) -> None:
    """One Parquet file, the same bytes for the same table and library."""
    pq.write_table(table, path, compression="zstd", compression_level=9)


def history(prs: pd.DataFrame, known: pd.DataFrame) -> pa.Table:
    """What became known of the matured rows, in the order it did: repo, agent, label_at, label."""
    rows = prs.join(known)[known["matured"]].sort_values("label_at", kind="stable")
    schema = pa.schema(
        [("repo", pa.string()), ("agent", pa.string()), ("label_at", UTC_NS), ("label", pa.int8())]
    )
    return pa.Table.from_pandas(rows[schema.names], schema=schema, preserve_index=False)


def labels(prs: pd.DataFrame, known: pd.DataFrame) -> pa.Table:
    """The label of each matured request with the time it became known, in that order."""
    rows = prs.join(known)[known["matured"]].sort_values("label_at", kind="stable")
    schema = pa.schema([("request_id", pa.string()), ("label", pa.float64()), ("label_at", UTC_NS)])
    renamed = rows.rename(columns={"pr_id": "request_id"}).astype({"label": "float64"})
    return pa.Table.from_pandas(renamed[schema.names], schema=schema, preserve_index=False)


def categories(prs: pd.DataFrame, known: pd.DataFrame) -> dict[str, list[str]]:
    """The levels of each category seen in the training rows, sorted."""
    seen = prs.iloc[training_index(known["matured"])]
    return {name: sorted(seen[name].dropna().unique().tolist()) for name in CATEGORIES}


def capture(prs: pd.DataFrame, arrivals: pd.Series, *, recorded: pd.DataFrame) -> pa.Table:
    """One row a request in event-time order, paced by the first arrivals of the real trace."""
    pairs = zip(prs["agent"], prs["language"].fillna("unknown"), strict=True)
    rows = recorded.assign(
        request_id=prs["pr_id"],
        ts_ns=arrivals.iloc[: len(prs)].astype("int64").to_numpy(),
        ts_resolution_ns=100,
        event_time=prs["created_at"],
        unit=prs["repo"],
        segments=[[("agent", agent), ("language", language)] for agent, language in pairs],
        exposed=True,
        method="POST",
        path="/score",
        headers=[[("content-type", "application/json")]] * len(prs),
        body=bodies(prs),
        recorded_latency_kind="service",
        served_by_build=f"{NAME} {VERSION}",
        served_by_endpoint="champion",
    )
    return pa.Table.from_pandas(rows[CAPTURE.names], schema=CAPTURE, preserve_index=False)


def record(requests: list[bytes], root: Path) -> pd.DataFrame:
    """The champion's answer to each request: the recorded_* columns, of the headers X-Model-* only."""
    with champion(root) as address, httpx.Client(base_url=address, timeout=10) as client:
        return pd.DataFrame([answer(client, body) for body in requests])


def answer(client: httpx.Client, body: bytes) -> dict[str, object]:
    """One exchange, timed from before it is written until it is read."""
    started = time.perf_counter_ns()
    response = client.post("/score", content=body, headers={"content-type": "application/json"})
    elapsed = time.perf_counter_ns() - started
    response.raise_for_status()
    return {
        "recorded_status": response.status_code,
        "recorded_headers": [(k, v) for k, v in response.headers.items() if k.startswith("x-model-")],
        "recorded_body": response.content,
        "recorded_latency_ns": elapsed,
    }


@contextlib.contextmanager
def champion(root: Path) -> Iterator[str]:
    """The champion endpoint as a process of its own; yields its address and stops it."""
    options = ["--model", str(root / "models/champion.txt"), "--data", str(root / "data")]
    identity = ["--name", NAME, "--version", VERSION]
    command = [sys.executable, str(HERE / "service.py"), "--port", "0", *options, *identity]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            line = process.stdout.readline() if process.stdout else ""
            if not line.startswith("listening on "):
                raise RuntimeError(f"the champion endpoint did not start: {' '.join(command)}")
            yield line.removeprefix("listening on ").strip()
        finally:
            process.terminate()


def differences(root: Path) -> list[str]:
    """The built files under `root` that differ from those here; recorded latencies are not compared."""
    return [name for name in BUILT if not COMPARE[Path(name).suffix](root / name, HERE / name)]


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


def check() -> int:
    """Rebuild elsewhere and compare; 0 when all agrees."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        (root / "data").mkdir()
        for name in SOURCES:
            shutil.copy(HERE / "data" / name, root / "data" / name)
        build_all(root)
        changed = differences(root)
    sys.stdout.writelines(f"{'DIFFERS' if name in changed else 'same'}  {name}\n" for name in BUILT)
    return 10 if changed else 0


if __name__ == "__main__":
    if sys.argv[1:] == ["--check"]:
        sys.exit(check())
    build_all(HERE)
    sys.stdout.write(summary(HERE))
