"""A service of a scenario: its command line, its port, its log, how it may die, and how it is stopped."""

from __future__ import annotations

import os
import signal
import socket
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from harness.errors import ScenarioError, TargetUnreachable
from harness.replay.clock import run_async
from replayers import process
from replayers.http import HttpTarget
from replayers.process import INHERITED, free_port, managed

URL = "http://127.0.0.1:{port}/score"
#: answers its health check with each of these codes in turn, and then with the last one
ANSWERING = """
import http.server, os, signal, sys
codes = [int(code) for code in sys.argv[2].split(",")]
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        code = codes.pop(0) if len(codes) > 1 else codes[0]
        print("asked", self.path, code, flush=True)
        self.send_response(code)
        self.end_headers()
    def log_message(self, *words):
        pass
print("pid", os.getpid(), flush=True)
print("to the other stream", file=sys.stderr, flush=True)
AT_START
http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
"""
#: takes connections and says nothing
SILENT = """
import socket, sys, time
listener = socket.create_server(("127.0.0.1", int(sys.argv[1])))
time.sleep(60)
"""


def python(code: str, *arguments: str) -> tuple[str, ...]:
    """A start command of Python code with the port and more as its arguments."""
    return ("{python}", "-S", "-c", code, "{port}", *arguments)


def answering(codes: str = "200", *, at_start: str = "") -> tuple[str, ...]:
    """A start command of a service whose health check has these codes."""
    return python(ANSWERING.replace("AT_START", at_start), codes)


def up(
    folder: Path, start: tuple[str, ...], *, use: Callable[[HttpTarget], None] | None = None, **target: object
) -> str:
    """Start a service in a folder, use it, stop it; its log."""
    declared = HttpTarget(**({"url": URL, "start": start, "start_timeout_s": 20.0} | target))  # type: ignore[arg-type]  # a table of fields

    async def main() -> None:
        async with managed(declared, name="champion", scenario=folder, folder=folder / "run") as running:
            (use or (lambda _: None))(running)

    run_async(main)
    return (folder / "run" / "champion.log").read_text(encoding="utf-8")


def pid_in(log: str) -> int:
    """The process that a log speaks of."""
    return int(log.split("pid ")[1].split(maxsplit=1)[0])


def gone(pid: int) -> bool:
    """Whether no process of that id is left, not even a zombie."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


def test_a_free_port_can_be_listened_on() -> None:
    """On the loopback interface, and another one while that is taken."""
    with socket.create_server(("127.0.0.1", free_port())) as first:
        other = free_port()
        assert other != first.getsockname()[1]
        with socket.create_server(("127.0.0.1", other)) as second:
            assert second.getsockname() == ("127.0.0.1", other)


def test_what_is_passed_on_unasked_holds_no_secret() -> None:
    """Only what a program needs to run; a proxy's address may hold a password, so it is not among it."""
    assert {"HOME", "PATH", "TMPDIR"} <= INHERITED
    words = ("AUTH", "KEY", "PASS", "PROXY", "SECRET", "TOKEN")
    assert [name for name in INHERITED if any(word in name for word in words)] == []


def test_the_running_target_is_the_declared_one_at_its_port(tmp_path: Path) -> None:
    """The url with the port filled in, the same one that the command was given; all else as declared."""
    seen: list[HttpTarget] = []
    at_start = "print('port', sys.argv[1], flush=True)"
    log = up(tmp_path, answering(at_start=at_start), use=seen.append, timeout_s=3.5)
    (running,) = seen
    port = httpx.URL(running.url).port
    assert running.url == URL.replace("{port}", str(port))
    assert f"port {port}\n" in log
    assert running.timeout_s == 3.5


def test_placeholders_are_filled_in_and_other_braces_stay(tmp_path: Path) -> None:
    """Anywhere in an argument; the folder of the scenario is absolute, and the command runs there."""
    options = ("--at={scenario}/m.txt", '{"port": {port}, "x": {}}', "{unknown}")
    at_start = "print(sys.argv[3:], os.getcwd(), flush=True)"
    seen: list[HttpTarget] = []
    log = up(tmp_path, (*answering(at_start=at_start), *options), use=seen.append)
    place, port = tmp_path.resolve(), httpx.URL(seen[0].url).port
    filled = [f"--at={place}/m.txt", f'{{"port": {port}, "x": {{}}}}', "{unknown}"]
    assert f"{filled} {place}\n" in log


def test_both_streams_are_logged_and_an_earlier_log_is_kept(tmp_path: Path) -> None:
    """A resumed run starts its services again, and the words of the first start still matter."""
    first = up(tmp_path, answering())
    both = up(tmp_path, answering())
    assert both.startswith(first)
    assert both.count("to the other stream") == both.count("pid ") == 2
    assert pid_in(first) != pid_in(both.removeprefix(first))


@pytest.mark.parametrize(
    ("codes", "asked"), [("200", 1), ("404", 1), ("401,200", 1), ("503,500,204", 3)], ids=str
)
def test_a_service_that_still_loads_is_waited_for(tmp_path: Path, codes: str, asked: int) -> None:
    """5xx says not yet; any other answer says that somebody is there."""
    log = up(tmp_path, answering(codes), ready="/up")
    assert log.count("asked /up") == asked


def test_a_connection_is_enough_where_no_path_is_given(tmp_path: Path) -> None:
    """A service without a health check is up once it listens; with one it must answer."""
    seen: list[HttpTarget] = []
    up(tmp_path, python(SILENT), use=seen.append, ready="")
    assert len(seen) == 1
    with pytest.raises(TargetUnreachable, match=r"no answer.*an answer at 127\.0\.0\.1:\d+/health in 0\.5 s"):
        up(tmp_path, python(SILENT), ready="/health", start_timeout_s=0.5)


@pytest.mark.parametrize(
    ("code", "found"),
    [
        ("import sys; sys.exit(3)", "3"),
        ("import os; os.kill(os.getpid(), 9)", "-9"),
        ("print('one'); print('two'); print('  '); raise SystemExit(4)", "4, its last words: two"),
        ("print('x' * 900); raise SystemExit(5)", f"5, its last words: {'x' * 120} …"),
        ("print('y' * 120); raise SystemExit(7)", f"7, its last words: {'y' * 120}"),
        ("import sys; sys.stdout.buffer.write(b'\\xff!'); sys.exit(6)", "6, its last words: \ufffd!"),
    ],
    ids=["silent", "killed", "last line", "long line", "line that fits", "not text"],
)
def test_a_service_that_dies_while_starting_is_told(tmp_path: Path, code: str, found: str) -> None:
    """How it ended, its last line if it said anything, and where the rest is."""
    with pytest.raises(TargetUnreachable) as caught:
        up(tmp_path, python(code))
    assert caught.value.where == "target champion"
    assert caught.value.found == f"it ended with code {found}"
    assert "champion.log" in caught.value.fix


def test_a_service_that_dies_in_use_does_not_hinder_leaving(tmp_path: Path) -> None:
    """What came of it is for the replay to say; nothing is left of it."""

    def kill(_: HttpTarget) -> None:
        os.kill(pid_in((tmp_path / "run" / "champion.log").read_text(encoding="utf-8")), signal.SIGKILL)

    assert gone(pid_in(up(tmp_path, answering(), use=kill)))


def test_a_service_may_finish_when_it_is_asked_to_stop(tmp_path: Path) -> None:
    """SIGTERM comes first, so that its last words reach the log."""
    at_start = "signal.signal(signal.SIGTERM, lambda *_: sys.exit('finished in order'))"
    log = up(tmp_path, answering(at_start=at_start))
    assert log.endswith("finished in order\n")
    assert gone(pid_in(log))


def test_a_service_that_will_not_stop_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """After the time that it is given."""
    monkeypatch.setattr(process, "STOP_S", 0.2)
    at_start = "signal.signal(signal.SIGTERM, lambda *_: print('no', flush=True))"
    log = up(tmp_path, answering(at_start=at_start))
    assert log.endswith("no\n")
    assert gone(pid_in(log))


def test_a_variable_that_is_not_set_is_found_before_anything_starts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Exit 64, naming the variable and the target; there is not even a log."""
    monkeypatch.delenv("OUR_TOKEN", raising=False)
    with pytest.raises(ScenarioError, match=r"target champion: .*OUR_TOKEN.*export OUR_TOKEN"):
        up(tmp_path, answering(), start_env={"TOKEN": "env:OUR_TOKEN"})
    assert not (tmp_path / "run").exists()


def test_a_service_is_only_started_where_it_may_be_reached(tmp_path: Path) -> None:
    """The guard refuses a public host before the command runs."""
    with pytest.raises(ScenarioError, match="allow_hosts"):
        up(tmp_path, answering(), url="http://93.184.216.34:{port}/score")
    assert not (tmp_path / "run").exists()


def test_two_services_have_their_own_ports_and_logs(tmp_path: Path) -> None:
    """Champion and challenger run beside each other."""
    declared = HttpTarget(url=URL, start=answering(), start_timeout_s=20.0)

    async def main() -> None:
        async with (
            managed(declared, name="champion", scenario=tmp_path, folder=tmp_path) as one,
            managed(declared, name="challenger", scenario=tmp_path, folder=tmp_path) as other,
        ):
            assert one.url != other.url

    run_async(main)
    pids = {
        pid_in((tmp_path / f"{name}.log").read_text(encoding="utf-8")) for name in ("champion", "challenger")
    }
    assert len(pids) == 2
    assert all(gone(pid) for pid in pids)


def test_no_signal_reaches_anybody_else(tmp_path: Path) -> None:
    """The service leads a group and a session of its own, so Ctrl-C in our terminal is ours to handle."""
    groups: list[tuple[int, int, int]] = []

    def look(_: HttpTarget) -> None:
        pid = pid_in((tmp_path / "run" / "champion.log").read_text(encoding="utf-8"))
        groups.append((pid, os.getpgid(pid), os.getsid(pid)))

    up(tmp_path, answering(), use=look)
    ((pid, group, session),) = groups
    assert pid == group == session
    assert group != os.getpgid(0)
