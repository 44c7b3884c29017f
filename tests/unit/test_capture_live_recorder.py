"""A recorder in a service: it writes what it is offered, and is never in the way."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import msgspec
import pytest

from harness.capture import CaptureConfig
from harness.capture.live import Counts, Limits, Record, Recorder
from harness.capture.live.files import Disk
from harness.capture.live.recorder import Names
from harness.capture.live.waiting import RULED_OUT
from harness.capture.read import read
from harness.capture.recorded import UNWRITTEN, not_recorded
from harness.records import CapturedRequest
from tests.kit.disks import Small, Stuck

ROOT = Path(__file__).parents[2]


def record(name: str = "r", **given: object) -> Record:
    """A record of this name."""
    return msgspec.convert({"request_id": name, "ts_ns": 1, **given}, Record)


def found(folder: Path) -> list[CapturedRequest]:
    """What our own reader finds in the folder; a bad line is an error."""

    def bad(line: object) -> None:
        raise AssertionError(line)

    return list(read(folder, CaptureConfig(path="-"), on_bad=bad))


def test_what_is_offered_is_a_capture(tmp_path: Path) -> None:
    """The folder is read as any capture, and the counts add up."""
    recorder = Recorder(tmp_path)
    assert all(recorder.offer(record(f"r{k}")) for k in range(100))
    assert recorder.close()
    assert [one.request_id for one in found(tmp_path)] == [f"r{k}" for k in range(100)]
    assert recorder.counts == Counts(offered=100, written=100)


def test_a_recorder_goes_on_after_its_end(tmp_path: Path) -> None:
    """A call after `close` begins new files, so no order of shutting down loses any."""
    recorder = Recorder(tmp_path)
    for name in ("a", "b"):
        recorder.offer(record(name))
        recorder.close()
    assert recorder.close()
    assert sorted(one.request_id for one in found(tmp_path)) == ["a", "b"]


def test_only_harmless_headers_are_kept_without_a_redactor(tmp_path: Path) -> None:
    """A credential is never written, whichever side sent it."""
    recorder = Recorder(tmp_path)
    headers = {"authorization": "Bearer x", "set-cookie": "a=b", "content-type": "a/b"}
    recorder.offer(record(headers=headers, answer_headers=headers, status=200))
    recorder.close()
    (one,) = found(tmp_path)
    assert one.recorded_response is not None
    assert one.headers == one.recorded_response.headers == {"content-type": "a/b"}


class Blacked:
    """A redactor of bodies that keeps every header."""

    def record(self, record: Record) -> Record | None:
        """The record without its body; nothing of the fifth."""
        return None if record.request_id == "5" else msgspec.structs.replace(record, body=b'"gone"')


class Halved:
    """A sampler that keeps the odd names, each for two."""

    def sampled(self, request: Record) -> Record | None:
        """Of weight 2, or nothing."""
        odd = int(request.request_id) % 2
        return msgspec.structs.replace(request, sampling_weight=2.0) if odd else None


def test_sampler_and_redactor_have_their_say(tmp_path: Path) -> None:
    """What is not sampled or left out is counted, a weight is kept; the redactor decides about headers."""
    recorder = Recorder(tmp_path, sampler=Halved(), redactor=Blacked())
    for k in range(6):
        recorder.offer(record(str(k), headers={"x-own": "kept"}, body=b"secret"))
    recorder.close()
    kept = found(tmp_path)
    assert [(one.request_id, one.sampling_weight) for one in kept] == [("1", 2.0), ("3", 2.0)]
    assert {(one.body, one.headers["x-own"]) for one in kept} == {(b'"gone"', "kept")}
    assert recorder.counts == Counts(offered=6, written=2, not_sampled=3, dropped={RULED_OUT: 1})


def test_what_cannot_be_attached_is_logged_once_and_counted(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """By what it is and its type; no call is lost for it."""
    recorder = Recorder(tmp_path)
    for value in ([1], [2], "text"):
        recorder.refuse("features", value)
    recorder.offer(record("a"))
    assert recorder.close()
    assert [one.args for one in caplog.records] == [("features: list",), ("features: str",)]
    assert recorder.counts == Counts(
        offered=1, written=1, not_attached={"features: list": 2, "features: str": 1}
    )


def test_a_record_that_has_no_line_is_dropped(tmp_path: Path) -> None:
    """Text that UTF-8 cannot hold costs that record, and no other."""
    recorder = Recorder(tmp_path)
    recorder.offer(record("a", unit="\ud800"))
    recorder.offer(record("b"))
    assert recorder.close()
    assert [one.request_id for one in found(tmp_path)] == ["b"]
    assert recorder.counts == Counts(offered=2, written=1, dropped={"no line: UnicodeEncodeError": 1})


def test_an_id_that_comes_again_gets_a_name_of_its_own() -> None:
    """A client that tries again sends the same id: both calls are kept, the first id as a tag."""
    names = Names()
    ids = [names.once(record(name)) for name in ("a", "b", "a", "a")]
    assert [one.request_id for one in ids] == ["a", "b", "a~2", "a~3"]
    assert [one.tags for one in ids] == [{}, {}, {"request_id": "a"}, {"request_id": "a"}]


def test_a_full_disk_costs_only_what_does_not_fit_in_memory(tmp_path: Path) -> None:
    """The service goes on; the queue's worth is kept, the rest is dropped and counted, with the reason."""
    disk = Small(0)
    limits = Limits(queue_bytes=50_000, sync_s=0.0)
    recorder = Recorder(tmp_path, limits=limits, opened=disk.open)
    kept = [recorder.offer(record(f"r{k}", body=b"x" * 1_000)) for k in range(1_000)]
    assert 0 < sum(kept) < 50
    assert not recorder.close(timeout=10)
    counts = recorder.counts
    assert (counts.offered, counts.written, counts.waiting) == (1_000, 0, 0)
    assert set(counts.dropped) <= {"disk full", "queue full"}
    assert told(tmp_path) == [counts.dropped]


def told(folder: Path) -> list[dict[str, int]]:
    """What the files of counts say was dropped."""
    return [json.loads(path.read_bytes())["dropped"] for path in sorted(folder.glob("_counts-*"))]


def test_calls_that_were_lost_are_counted_once(tmp_path: Path) -> None:
    """A recorder that goes on after its end writes over its counts: two files would be added up."""
    disk = Small(0)
    recorder = Recorder(tmp_path, opened=disk.open)
    for name in "ab":
        recorder.offer(record(name))
        assert not recorder.close(timeout=10)
    assert told(tmp_path) == [{"disk full": 2}]


def test_a_stuck_disk_does_not_stop_the_service(tmp_path: Path) -> None:
    """While the disk takes nothing, calls are taken until the queue is full, then dropped; none waits."""
    disk = Stuck.anew()
    recorder = Recorder(tmp_path, limits=Limits(queue_bytes=20_000), opened=disk)
    recorder.offer(record("first", body=b"x" * 15_000))
    assert disk.reached.wait(10)
    assert [recorder.offer(record(name, body=b"x" * 15_000)) for name in "ab"] == [False, False]
    assert not recorder.close(timeout=0.01)
    assert recorder.counts.dropped == {"queue full": 2, "not written before the end": 1}
    disk.released.set()


def test_what_a_slow_disk_did_not_take_in_time_is_counted(tmp_path: Path) -> None:
    """The time is over while a write is under way: the loss stands in the file before the process ends."""

    class Slow(Disk):
        def write(self, data: memoryview) -> int:
            while not recorder.counts.dropped:
                time.sleep(0.001)
            return super().write(data)

    recorder = Recorder(tmp_path, opened=Slow)
    recorder.offer(record("a"))
    assert not recorder.close(timeout=0.01)
    assert told(tmp_path) == [{"not written before the end": 1}]


SERVICE = """
import os, sys, time
from harness.capture.live import Limits, Record, Recorder

recorder = Recorder(sys.argv[1], limits=Limits(sync_s=0.05))
def offer(begin, count):
    for k in range(count):
        recorder.offer(Record(request_id=f"{begin}{k}", ts_ns=1, body=b"x" * 1000))
"""


def run(script: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """A process of its own with a recorder."""
    command = [sys.executable, "-W", "error", "-c", SERVICE + script, str(folder)]
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.run(command, env=env, capture_output=True, text=True, check=False, timeout=60)


def test_the_end_of_a_process_writes_the_rest(tmp_path: Path) -> None:
    """Nobody has to close a recorder."""
    done = run("offer('r', 500)", tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert len(found(tmp_path)) == 500


def test_a_killed_process_loses_its_last_moment_only(tmp_path: Path) -> None:
    """After kill -9 all from before the last second is there, and at most the last line is torn."""
    script = """
offer('early', 2000)
deadline = time.monotonic() + 30
while recorder.counts.waiting and time.monotonic() < deadline:
    time.sleep(0.001)
offer('late', 2000)
os.kill(os.getpid(), 9)
"""
    assert run(script, tmp_path).returncode == -9
    bad: list[object] = []
    ids = {one.request_id for one in read(tmp_path, CaptureConfig(path="-"), on_bad=bad.append)}
    assert {f"early{k}" for k in range(2_000)} <= ids
    assert len(bad) <= 1


def test_a_forked_process_writes_files_of_its_own(tmp_path: Path) -> None:
    """A server that forks after the first call: each process writes what it was offered, once."""
    script = """
import warnings
warnings.simplefilter("ignore", DeprecationWarning)
offer('parent', 300)
pid = os.fork()
offer('child' if not pid else 'after', 300)
if pid:
    os.waitpid(pid, 0)
"""
    done = run(script, tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    names = [one.request_id.rstrip("0123456789") for one in found(tmp_path)]
    assert {name: names.count(name) for name in names} == {"parent": 300, "child": 300, "after": 300}
    assert len({path.name.split("-")[2] for path in tmp_path.glob("capture-*")}) == 2


@pytest.mark.skipif(sys.platform == "win32", reason="the limit is one of POSIX")
def test_a_limit_of_the_system_on_files_ends_nothing(tmp_path: Path) -> None:
    """Where the system refuses to let a file grow, the next one begins, and the process lives."""
    script = """
import resource
resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
offer('r', 64)
recorder.close(20)
print(recorder.counts.written)
"""
    done = run(script, tmp_path)
    assert done.returncode == 0, done.stderr
    assert len(found(tmp_path)) == int(done.stdout)


@pytest.mark.skipif(sys.platform == "win32", reason="the limit is one of POSIX")
@pytest.mark.parametrize("again", [True, False])
def test_a_disk_without_any_room_is_no_silent_loss(tmp_path: Path, *, again: bool) -> None:
    """Not a byte can be written: the counts come once there is room, else an empty file and the log tell."""
    script = f"""
import resource
hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
resource.setrlimit(resource.RLIMIT_FSIZE, (0, hard))
offer('r', 5)
recorder.close(20)
resource.setrlimit(resource.RLIMIT_FSIZE, (hard if {again} else 0, hard))
offer('late', 1)
recorder.close(20)
"""
    done = run(script, tmp_path)
    assert done.returncode == 0, done.stderr
    assert len(list(tmp_path.glob("capture-*"))) == again
    assert not_recorded([tmp_path]) == ({"recorder: disk full": 5} if again else {UNWRITTEN: 1})
    assert "the counts of captured requests cannot be written" in done.stderr
    assert "5 offered, 0 written, 5 dropped (disk full 5)" in done.stderr
