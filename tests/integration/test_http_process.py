"""Services that a scenario starts: up when entered, gone when left, and clear when they cannot start."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import anyio
import httpx
import pytest

from harness.errors import ScenarioError, TargetUnreachable
from harness.replay.clock import run_async
from replayers.faulty import Faulty
from replayers.http import HttpTarget
from replayers.process import managed

URL = "http://127.0.0.1:{port}/score"
STUB = ("{python}", "-m", "replayers.faulty", "--port", "{port}")
ROOT = str(Path(__file__).parents[2])


def target(*start: str, **changes: object) -> HttpTarget:
    """A target that is started by a command, with this project on its path."""
    values: dict[str, object] = {"url": URL, "start_env": {"PYTHONPATH": ROOT}, "start_timeout_s": 20.0}
    return HttpTarget(start=start or STUB, **(values | changes))  # type: ignore[arg-type]  # a table of changes


def script(code: str) -> tuple[str, ...]:
    """A command that runs Python code with the port as its argument."""
    return ("{python}", "-c", code, "{port}")


def gone(pid: int) -> bool:
    """Whether no process of that id is left, not even a zombie."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


def run(use: Callable[[HttpTarget], object], *, declared: HttpTarget, folder: Path) -> None:
    """Start the target, use it, stop it."""

    async def main() -> None:
        async with managed(declared, name="champion", scenario=folder, folder=folder / "run") as running:
            use(running)

    run_async(main)


def test_a_service_is_up_inside_and_gone_outside(tmp_path: Path) -> None:
    """It answers on the port that was filled in; afterwards nobody does; its words are in the log."""
    seen: list[str] = []

    def use(running: HttpTarget) -> None:
        seen.append(running.url)
        assert "{port}" not in running.url
        assert httpx.get(running.url.replace("/score", "/health"), trust_env=False).status_code == 200

    run(use, declared=target(), folder=tmp_path)
    with pytest.raises(httpx.ConnectError):
        httpx.get(seen[0], trust_env=False)
    assert seen[0] in (tmp_path / "run" / "champion.log").read_text(encoding="utf-8")


def test_it_runs_in_the_scenarios_folder_with_a_small_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Secrets of ours are passed on only by name."""
    monkeypatch.setenv("OUR_SECRET", "s3cret")
    monkeypatch.setenv("OUR_TOKEN", "passed")
    (tmp_path / "app.py").write_text(
        "import os, runpy, sys\n"
        "print(sorted(os.environ.items()), os.getcwd(), flush=True)\n"
        "sys.argv[1:] = ['--port', sys.argv[1]]\n"
        "runpy.run_module('replayers.faulty', run_name='__main__')\n",
        encoding="utf-8",
    )
    declared = target(
        "{python}",
        "{scenario}/app.py",
        "{port}",
        start_env={"PYTHONPATH": ROOT, "TOKEN": "env:OUR_TOKEN", "MODE": "plain"},
    )
    run(lambda _: None, declared=declared, folder=tmp_path)
    log = (tmp_path / "run" / "champion.log").read_text(encoding="utf-8")
    assert "s3cret" not in log
    assert "('TOKEN', 'passed')" in log
    assert "('MODE', 'plain')" in log
    assert str(tmp_path) in log


def test_a_service_that_dies_says_its_last_words(tmp_path: Path) -> None:
    """Exit 69, with the code it ended with and the last line of its log."""
    declared = target(*script("import sys; print('starting'); sys.exit('model file not found')"))
    with pytest.raises(TargetUnreachable, match=r"code 1, its last words: model file not found") as caught:
        run(lambda _: None, declared=declared, folder=tmp_path)
    assert caught.value.exit_code == 69


def test_a_service_that_stays_silent_is_stopped(tmp_path: Path) -> None:
    """After the time it was given, and it is not left running."""
    code = "import os, time; print(os.getpid(), flush=True); time.sleep(60)"
    with pytest.raises(TargetUnreachable, match="no answer"):
        run(lambda _: None, declared=target(*script(code), start_timeout_s=1.0), folder=tmp_path)
    assert gone(int((tmp_path / "run" / "champion.log").read_text(encoding="utf-8")))


def test_children_of_the_service_are_stopped_with_it(tmp_path: Path) -> None:
    """The whole process group goes, as with uvicorn's workers."""
    code = (
        "import subprocess, sys;"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)']);"
        "print('child', child.pid, flush=True); sys.argv[1:] = ['--port', sys.argv[1]];"
        "import replayers.faulty as f; f.main()"
    )
    run(lambda _: None, declared=target(*script(code)), folder=tmp_path)
    log = (tmp_path / "run" / "champion.log").read_text(encoding="utf-8")
    child = int(log.split("child ")[1].split()[0])
    while not _is_dead(child):  # killed, but not by us to wait for: the test's timeout is the limit
        time.sleep(0.01)


def _is_dead(pid: int) -> bool:
    """Whether an orphan is gone, or only waits for its new parent to notice."""
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return gone(pid)


@pytest.mark.parametrize("failure", [KeyError, TargetUnreachable])
def test_an_error_inside_still_stops_the_service(tmp_path: Path, failure: type[Exception]) -> None:
    """And comes out as it was."""
    seen: list[str] = []

    def use(running: HttpTarget) -> None:
        seen.append(running.url)
        raise failure("inside")

    with pytest.raises(failure, match="inside"):
        run(use, declared=target(), folder=tmp_path)
    with pytest.raises(httpx.ConnectError):
        httpx.get(seen[0], trust_env=False)


def test_a_cancelled_start_leaves_nothing_behind(tmp_path: Path) -> None:
    """Stopped while it was still starting."""
    code = "import os, time; print(os.getpid(), flush=True); time.sleep(60)"
    log = tmp_path / "run" / "champion.log"

    async def start() -> None:
        async with managed(target(*script(code)), name="champion", scenario=tmp_path, folder=log.parent):
            raise AssertionError("it never answers")

    async def main() -> None:
        async with anyio.create_task_group() as group:
            group.start_soon(start)
            while not (log.exists() and log.read_bytes().endswith(b"\n")):  # noqa: ASYNC110  -- a file has no event
                await anyio.sleep(0.01)
            group.cancel_scope.cancel()

    run_async(main)
    assert gone(int(log.read_text(encoding="utf-8")))


def test_a_port_taken_meanwhile_is_tried_again(tmp_path: Path) -> None:
    """Once, on another port, when the service says that its port is in use."""
    code = (
        "import pathlib, sys; first = not pathlib.Path('tried').exists(); pathlib.Path('tried').touch();"
        "sys.exit('[Errno 98] address already in use') if first else None;"
        "sys.argv[1:] = ['--port', sys.argv[1]]; import replayers.faulty as f; f.main()"
    )
    reached: list[str] = []
    run(lambda running: reached.append(running.url), declared=target(*script(code)), folder=tmp_path)
    assert len(reached) == 1


def test_another_service_on_the_port_is_not_mistaken_for_ours(tmp_path: Path) -> None:
    """With a fixed port, a forgotten old build would be tested in place of the new one."""

    async def main() -> None:
        async with Faulty() as old:
            declared = target(url=old.url)
            with pytest.raises(TargetUnreachable, match="another service already answers"):
                async with managed(declared, name="champion", scenario=tmp_path, folder=tmp_path):
                    raise AssertionError("it must not start")

    run_async(main)


def test_a_command_that_is_none_is_a_scenario_error(tmp_path: Path) -> None:
    """Exit 64, naming the command."""
    with pytest.raises(ScenarioError, match=r"no-such-program.*Correct start"):
        run(lambda _: None, declared=target("no-such-program"), folder=tmp_path)


def test_a_target_without_a_command_is_used_as_it_is(tmp_path: Path) -> None:
    """Nothing is started and no log is written."""
    declared = HttpTarget(url="http://127.0.0.1:9/score")
    seen: list[HttpTarget] = []
    run(seen.append, declared=declared, folder=tmp_path)
    assert seen == [declared]
    assert not (tmp_path / "run").exists()


def test_the_stub_serves_from_the_command_line() -> None:
    """It prints its address, answers as told, and ends quietly at SIGINT."""
    command = [sys.executable, "-m", "replayers.faulty", "--behaviour", "html"]
    with subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as stub:
        assert stub.stdout is not None
        assert httpx.post(stub.stdout.readline().strip(), trust_env=False).text.startswith("<!doctype html>")
        stub.send_signal(signal.SIGINT)
        _, errors = stub.communicate(timeout=20)
    assert (stub.returncode, errors) == (0, "")
