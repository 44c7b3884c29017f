"""`replaygate gate-server` as a process: it says where it is, answers, and stops when told to."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from tests.kit import command
from tests.kit.written_runs import write_run


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--host", "192.168.1.5"), "--token-env"),
        (("--token-env", "REPLAYGATE_NO_SUCH_VARIABLE"), "REPLAYGATE_NO_SUCH_VARIABLE"),
        (("--scenario", "nowhere.toml"), "nowhere.toml"),
        (("--port", "70000"), "--port"),
    ],
)
def test_what_is_wrong_is_said_before_it_listens(
    arguments: tuple[str, ...], told: str, tmp_path: Path
) -> None:
    """A usage error, in one line."""
    done = command.run("gate-server", tmp_path, *arguments)
    assert done.code == 64
    assert told in done.complaint


def test_without_the_extra_it_says_what_to_install(tmp_path: Path) -> None:
    """A harness that was installed to run alone."""
    program = (
        "import sys; sys.modules['fastapi'] = None\n"
        "from harness.cli import run_command\n"
        f"sys.exit(run_command(['gate-server', {str(tmp_path)!r}]))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 64, done.stderr
    assert "pip install 'replaygate[serve]'" in done.stderr


def test_it_answers_until_it_is_told_to_stop(tmp_path: Path) -> None:
    """SIGTERM is how a server ends: code 0, and nothing on standard error."""
    write_run(tmp_path, "GO", build="b1")
    process = command.spawn("gate-server", tmp_path, "--port", 0, cwd=tmp_path)
    assert process.stdout is not None
    try:
        first = process.stdout.readline()
        assert first.startswith("gate server at http://127.0.0.1:"), first
        url = first.split()[3].rstrip(",")
        assert httpx.get(f"{url}/verdict/b1", timeout=30, trust_env=False).status_code == 200
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate(timeout=30)
    finally:
        process.kill()
        process.wait()
    assert (process.returncode, out, err) == (0, "stopped\n", "")


@pytest.mark.parametrize("build", ["-x", "a b", "x" * 201])
def test_a_run_is_of_a_build_that_can_be_asked_for(build: str, tmp_path: Path) -> None:
    """Else nobody would ever find its verdict."""
    done = command.run("run", tmp_path / "scenario.toml", f"--build={build}")
    assert done.code == 64
    assert "names no build" in done.complaint
