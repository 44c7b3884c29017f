"""Replays that are killed without warning and resumed: how many outcomes are lost, how many doubled.

Run as a program it is the replaying process: `python kill_resume.py URL FOLDER REQUESTS`, which journals into
the folder, sends what the journal there lacks, and can be killed at any time.
"""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
import time
from collections import Counter
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from harness.errors import HarnessError
from harness.records import CapturedRequest
from harness.replay.clock import run_async
from harness.replay.engine import Options, replay
from harness.replay.journal import Journal, read_journal
from harness.replay.resume import is_final, remaining
from harness.replay.schedule import Phase, Saturate, plan
from replayers.hold import Hold, command
from replayers.http import HttpArm, HttpTarget

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
TARGETS = ("champion", "challenger")
PHASE = Phase(name="parity", pace=Saturate(connections=8), features=False)
LIMIT = "REPLAY_FILE_LIMIT"


def journal_of(folder: Path, target: str) -> Path:
    """Where a target's journal is."""
    return folder / target / "journal-0000.jsonl"


def replay_the_rest(url: str, folder: Path, requests: int) -> None:
    """Everything that has no final outcome in the folder's journals is sent to both targets."""
    captured = [
        CapturedRequest(seq=k, request_id=f"r{k}", ts_ns=k, body=b'{"a": %d}' % k) for k in range(requests)
    ]
    seqs = np.arange(requests, dtype=np.int64)
    journals = {name: Journal(journal_of(folder, name)) for name in TARGETS}
    earlier = (one for journal in journals.values() for one in read_journal(journal.path))
    left = remaining(earlier, PHASE, seqs=seqs, targets=TARGETS)
    try:
        if left is not None:
            arms = [HttpArm(HttpTarget(url=url), name=name, run_id="run-1") for name in TARGETS]
            schedule = plan(seqs, left.phase, resolution_ns=1, seed=0)
            options = Options(only=left.only)
            run_async(
                lambda: replay(
                    schedule, captured, arms=arms, phase=left.phase, journals=journals, options=options
                )
            )
    finally:
        for journal in journals.values():
            journal.close()


def lost_or_doubled(folder: Path, *, points: int = 20, requests: int = 3000, seed: int = 0) -> int:
    """Outcomes lost or doubled over so many replays, each killed at a random moment and then resumed.

    A request is lost without a final outcome in the journal, and doubled with a second one; both targets
    count. Known value: 0.
    """
    moments = np.random.default_rng(seed).uniform(0, 1, points)
    with stub() as url:
        return sum(
            _wrong_after_kill(url, folder / str(k), moment=moment, requests=requests)
            for k, moment in enumerate(moments.tolist())
        )


def _wrong_after_kill(url: str, folder: Path, *, moment: float, requests: int) -> int:
    """Kill when about this share of the outcomes has been journalled; resume; count what is wrong."""
    child = start(url, folder, requests)
    while child.poll() is None and lines(journal_of(folder, TARGETS[0])) < moment * 0.9 * requests:
        time.sleep(0.002)
    os.kill(child.pid, signal.SIGKILL)
    child.wait()
    if start(url, folder, requests).wait() != 0:
        raise AssertionError("the resumed replay failed")
    return wrong(folder, requests)


def wrong(folder: Path, requests: int) -> int:
    """How many outcomes the journals lack or have too many."""
    found = 0
    for target in TARGETS:
        finals = Counter(one.seq for one in read_journal(journal_of(folder, target)) if is_final(one))
        found += sum(abs(finals[seq] - 1) for seq in range(requests)) + sum(seq >= requests for seq in finals)
    return found


def start(url: str, folder: Path, requests: int, *, file_limit: int = 0) -> subprocess.Popen[bytes]:
    """The replaying process; with a limit, no file of it can grow beyond so many bytes."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), LIMIT: str(file_limit)}
    arguments = [sys.executable, str(Path(__file__)), url, str(folder), str(requests)]
    return subprocess.Popen(arguments, env=environment, stderr=subprocess.PIPE if file_limit else None)


def lines(path: Path) -> int:
    """How many lines have been written so far."""
    return path.read_bytes().count(b"\n") if path.exists() else 0


@contextmanager
def stub(hold_ms: float = 1.0) -> Iterator[str]:
    """The known-hold stub in a process of its own, by its address."""
    with subprocess.Popen(
        command(Hold(hold_ms), python=sys.executable, port="0"), stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline().strip()
        finally:
            process.kill()


def main() -> None:
    """The replaying process; it ends with the error's own exit code."""
    if limit := int(os.environ.get(LIMIT, "0")):
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
    url, folder, requests = sys.argv[1:]
    try:
        replay_the_rest(url, Path(folder), int(requests))
    except HarnessError as error:
        sys.stderr.write(f"{error.sentence()}\n")
        sys.exit(error.exit_code)


if __name__ == "__main__":
    main()
