"""Which cause is named first when a service scores wrongly although its features are right.

Every fault is served over HTTP on the loopback interface, replayed and compared as a run does; the services
know nothing of the probes. `python -m tests.benchmarks.probes [WORDS]` tells every fault's finding.
"""

from __future__ import annotations

import json
import sys
import tempfile
import threading
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from harness.run import comparing
from harness.run.folder import create
from harness.run.preparing import load_models, load_others, prepare
from harness.run.replaying import Plan, replay_all
from harness.scenario import load
from tests.benchmarks.figures import Goal, Rows, row
from tests.benchmarks.probe_faults import FAULTS, Fault, Scorer, Serving
from tests.benchmarks.probe_world import NAMES, World, make

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from harness.records import Finding
    from harness.replay.engine import Progress

BATCH_WAIT_S = 5.0
GOAL = Goal(
    id="probes",
    figure=f"score probes right first over {len(FAULTS)} services with one fault or none, served over HTTP",
    unit="%",
    better="higher",
    floor=95,
    aim=100,
)


class Quiet:
    """A watcher that says nothing."""

    def say(self, text: str) -> None:
        """Nothing."""

    def progress(self, done: Progress) -> None:
        """Nothing."""


class _Together:
    """Rows of one batch that wait for each other and are scored at once."""

    def __init__(self, scorer: Scorer, size: int) -> None:
        self._scorer, self._size = scorer, size
        self._lock = threading.Condition()
        self._rows: dict[int, dict[int, dict[str, Any]]] = {}
        self._scores: dict[int, dict[int, float]] = {}

    def score(self, body: dict[str, Any]) -> float:
        """The score of one row, once its batch is whole."""
        batch, place = body["batch"], body["row"] if self._size > 1 else 0
        with self._lock:
            if self._size == 1:
                return float(self._scorer([body])[0])
            rows = self._rows.setdefault(batch, {})
            rows[place] = body
            if len(rows) == self._size:
                scores = self._scorer([rows[k] for k in sorted(rows)])
                self._scores[batch] = dict(zip(sorted(rows), scores.tolist(), strict=True))
                self._lock.notify_all()
            self._lock.wait_for(lambda: batch in self._scores, BATCH_WAIT_S)
            return self._scores[batch][place]


class _Server(ThreadingHTTPServer):
    """Takes it calmly that clients go away."""

    def handle_error(self, *_: object) -> None:
        """Nothing."""


@contextmanager
def serving(scorer: Scorer, *, batch: int) -> Iterator[str]:
    """The address of a service that shows the right features and scores them in its own way."""
    together = _Together(scorer, batch)

    class Handler(BaseHTTPRequestHandler):
        """POST /score; everything else is there for the probe of the target."""

        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            """Health."""
            self._answer({"status": "ok"})

        def do_POST(self) -> None:
            """A score with the features that it was asked with."""
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            self._answer({"score": together.score(body), "features": {name: body[name] for name in NAMES}})

        def log_message(self, *_: object) -> None:
            """Nothing."""

        def _answer(self, value: object) -> None:
            raw = json.dumps(value).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(raw)))
            self.end_headers()
            self.wfile.write(raw)

    with _Server(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/score"
        finally:
            server.shutdown()
            thread.join()


def found(fault: Fault, world: World, results: Path) -> tuple[Finding, ...]:
    """What a run finds in a service with this fault."""
    with serving(fault.make(Serving(world)), batch=fault.batch) as url:
        loaded = load(world.scenario(url))
        now = datetime.now(UTC)
        folder = create(results, fault.name.replace(" ", "_"), digest=loaded.digest, now=now)
        replayers, others = load_models(loaded), load_others(loaded)
        prepared = prepare(
            loaded, folder, replayers=replayers, created_at=f"{now:%Y-%m-%dT%H:%M:%SZ}", say=Quiet().say
        )
        replay_all(Plan(loaded), folder=folder, watch=Quiet())
    models = comparing.Models(prepared.frame, prepared.replayers, others)
    return comparing.compare(folder, loaded, models=models).findings()


def right(fault: Fault, findings: Sequence[Finding]) -> bool:
    """The first finding names the fault; in a control nothing is named."""
    named = [f.cause for f in findings if f.cause not in {"unexplained", "too_few_rows"}]
    return named[0] in fault.causes if named else not fault.causes


def measured(faults: Sequence[Fault]) -> Iterator[tuple[Fault, tuple[Finding, ...]]]:
    """Every fault with what was found in it."""
    with tempfile.TemporaryDirectory() as here:
        world = make(Path(here))
        for fault in faults:
            yield fault, found(fault, world, Path(here) / "results")


def rows() -> Rows:
    """The share of faults whose cause comes first."""
    hits = [right(fault, findings) for fault, findings in measured(FAULTS)]
    return [row(GOAL, [100.0 * float(np.mean(hits))])]


def main(words: str) -> None:
    """Each fault with its verdict and its first findings."""
    chosen = [fault for fault in FAULTS if words in fault.name]
    for fault, findings in measured(chosen):
        told = " | ".join(f"{f.cause}: {f.sentence}" for f in findings) or "nothing"
        sys.stdout.write(f"{'right' if right(fault, findings) else 'WRONG'}  {fault.name}: {told}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main(" ".join(sys.argv[1:]))
