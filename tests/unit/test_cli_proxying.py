"""`replaygate capture proxy`: started, asked, told to stop, and what it leaves behind."""

from __future__ import annotations

import asyncio
import json
import re
import signal
import subprocess
from pathlib import Path
from typing import Any

import click
import httpx
import pytest

from harness.cli.proxying import Bytes
from harness.replay.clock import run_async
from tests.kit import command
from tests.kit.proxied import Heard, Server

SCORED = b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 14\r\n\r\n{"score": 0.5}'


@pytest.mark.parametrize(
    ("text", "size"), [("7", 7), ("64KiB", 65_536), ("10 mib", 10 << 20), ("1GiB", 1 << 30)]
)
def test_sizes(text: str, size: int) -> None:
    """With or without a unit."""
    assert Bytes().convert(text, None, None) == size


@pytest.mark.parametrize("text", ["", "MiB", "1.5MiB", "-1", "5MB"])
def test_no_sizes(text: str) -> None:
    """MB and MiB are not one thing, so only one of them is taken."""
    with pytest.raises(click.BadParameter):
        Bytes().convert(text, None, None)


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (["--listen", "0.0.0.0:0"], "--allow-remote"),
        (["--mirror", "http://192.0.2.7:1"], "--allow-host"),
        (["--redact", "none.toml"], "none.toml"),
        (["--max-body", "many"], "no size"),
    ],
)
def test_what_may_not_be_is_one_line(arguments: list[str], why: str, tmp_path: Path) -> None:
    """Exit code 64, and nothing was started."""
    to = ["--to", "http://127.0.0.1:1", "--into", str(tmp_path / "c")]
    done = command.run("capture", "proxy", "--listen", "127.0.0.1:0", *to, *arguments)
    assert done.code == 64
    assert why in done.complaint


def test_a_port_that_is_taken_is_one_line(tmp_path: Path) -> None:
    """64: the command line asks for what cannot be."""

    async def main() -> None:
        async with Server(Heard([SCORED])) as server:
            there = f"127.0.0.1:{server.port}"
            to = ("--to", f"http://{there}", "--into", tmp_path / "c")
            done = await asyncio.to_thread(_run, "capture", "proxy", "--listen", there, *to, cwd=tmp_path)
            assert done.code == 64
            assert "cannot listen" in done.complaint

    run_async(main)


def test_both_sides_are_written_down_and_the_shadow_s(tmp_path: Path) -> None:
    """What users sent and got, redacted; the shadow's answers under the same ids; and a total at the end."""
    (tmp_path / "rules.toml").write_text('[redact.paths]\n"mail" = "mask"\n')

    async def main() -> None:
        shadow = SCORED.replace(b"0.5", b"0.6")
        async with Server(Heard([SCORED])) as service, Server(Heard([shadow])) as other:
            out = await asyncio.to_thread(_served, service.port, other.port, tmp_path)
        assert re.search(r"stopped: 3 answered, 3 recorded, 3 mirrored$", out.strip())

    run_async(main)
    ours, theirs = _lines(tmp_path / "c"), _lines(tmp_path / "c-mirror")
    assert {line["request_id"] for line in ours} == {line["request_id"] for line in theirs}
    assert [line["recorded_response"]["body"]["score"] for line in (*ours, *theirs)] == [0.5] * 3 + [0.6] * 3
    assert all("a@b.example" not in json.dumps(line) for line in (*ours, *theirs))
    assert all("authorization" not in line["headers"] for line in (*ours, *theirs))


def _served(service: int, shadow: int, folder: Path) -> str:
    """All that a proxy says that answers three requests."""
    to, mirror = f"http://127.0.0.1:{service}", f"http://127.0.0.1:{shadow}"
    where = ("--listen", "127.0.0.1:0", "--to", to, "--into", "c", "--mirror", mirror)
    process = command.spawn("capture", "proxy", *where, "--redact", "rules.toml", cwd=folder)
    assert process.stdout is not None
    first = process.stdout.readline()
    found = re.search(r"http://127\.0\.0\.1:\d+", first)
    assert found is not None, process.communicate()
    for _ in range(3):
        _ask(found[0])
    process.send_signal(signal.SIGTERM)
    done = command.finish(process)
    assert done.code == 0, done.err
    return first + done.out


def _ask(url: str) -> None:
    headers = {"Authorization": "Bearer secret", "Content-Type": "application/json"}
    answer = httpx.post(f"{url}/score", content=b'{"mail": "a@b.example"}', headers=headers, timeout=30)
    assert answer.json() == {"score": 0.5}


def _run(*arguments: object, cwd: Path) -> command.Done:
    process: subprocess.Popen[str] = command.spawn(*arguments, cwd=cwd)
    return command.finish(process)


def _lines(folder: Path) -> list[dict[str, Any]]:
    """The lines of a capture, by request id."""
    lines = [json.loads(line) for path in folder.glob("*.jsonl") for line in path.read_text().splitlines()]
    return sorted(lines, key=lambda line: str(line["request_id"]))
