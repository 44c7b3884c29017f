"""`replaygate ui` from the command line: it prints its address, Ctrl-C ends it well, errors are one line."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import httpx

from tests.kit import command, sample_report
from tests.kit.website import shown


def test_it_prints_its_address_serves_and_ends_well(tmp_path: Path) -> None:
    """On a free port, with 0 as the exit code."""
    shown(tmp_path / "results", "duo/1", sample_report.go())
    process = command.spawn("ui", "results", "--port", "0", cwd=tmp_path)
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        url = next(word for word in line.split() if word.startswith("http://127.0.0.1:"))
        assert "duo" in httpx.get(url).text
        os.kill(process.pid, signal.SIGINT)
        out, err = process.communicate(timeout=60)
    finally:
        process.kill()
    assert (process.returncode, out.strip(), err) == (0, "replaygate ui: ended", "")


def test_a_wrong_wish_is_one_line(tmp_path: Path) -> None:
    """No folder; an address that others reach, without a token."""
    assert "no such folder" in command.run("ui", tmp_path / "none").complaint
    done = command.run("ui", tmp_path, "--host", "0.0.0.0", "--port", "0")  # noqa: S104  -- refused before it is opened
    assert (done.code, "--token-env" in done.complaint) == (64, True)
