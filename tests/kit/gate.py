"""A gate server as it is served: uvicorn on a free loopback port, in a thread of its own."""

from __future__ import annotations

import contextlib
import socket
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import uvicorn

from harness.gate_server import Board, Evaluations, Limits
from harness.gate_server.app import protected
from harness.gate_server.protection import Rules

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

#: stands in for `python -m harness`: waits until a file says how to end
PROGRAM = """\
import pathlib, sys, time
here = pathlib.Path(__file__).parent
arguments = sys.argv[1:]
with (here / "started").open("a") as log:
    print(*arguments, file=log)
while not (here / "code").exists():
    time.sleep(0.01)
print("first line\\nerror: it went wrong", file=sys.stderr)
sys.exit(int((here / "code").read_text()))
"""


def program(folder: Path) -> tuple[str, ...]:
    """The command of a stand-in that lives in a folder; it ends when `code` is written there."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "stand_in.py").write_text(PROGRAM, encoding="utf-8")
    return sys.executable, str(folder / "stand_in.py")


@contextlib.contextmanager
def serving(
    results: Path,
    scenarios: Mapping[str, Path] | None = None,
    *,
    limits: Limits | None = None,
    rules: Rules | None = None,
    stand_in: tuple[str, ...] = (),
    approvals: bool = False,
) -> Iterator[httpx.Client]:
    """A client of a server that runs until the block ends."""
    command = stand_in or (sys.executable, "-m", "harness")
    evaluations = Evaluations(scenarios or {}, results, limits=limits or Limits(), program=command)
    board = Board(results, evaluations, approvals=approvals)
    app = protected(board, rules or Rules(), report_url="https://reports.example/r/")
    config = uvicorn.Config(app, http="h11", lifespan="on", log_level="warning", ws="none")
    server = uvicorn.Server(config)
    listening = socket.create_server(("127.0.0.1", 0))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    url = f"http://127.0.0.1:{listening.getsockname()[1]}"
    try:
        with httpx.Client(base_url=url, timeout=30, trust_env=False) as client:
            yield client
    finally:
        server.should_exit = True
        thread.join(30)
        listening.close()
    assert not thread.is_alive()
