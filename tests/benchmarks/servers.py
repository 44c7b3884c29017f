"""The two servers: nginx, as fast as they come, and our own, which holds each request for a known time."""

from __future__ import annotations

import shutil
import socket
import subprocess
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from replayers.process import free_port
from tests.benchmarks.machine import SIDE, NotHere, serving, tool

if TYPE_CHECKING:
    from collections.abc import Iterator

SOURCE = Path(__file__).with_name("hold_server.c")
BODY_BYTES = 878
REQUEST_BODY = '{"amt_7d":12.5,"cnt_1h":3,"country":"DE","filler":"'.ljust(BODY_BYTES - 2, "x") + '"}'
ANSWER = (
    '{"request_id":"3f2a9c1e-77aa-4b1f-9a10-000000000001","model":"lgbm-2026-11-01","score":0.0731928374655,'
    '"features":{"amt_7d":12.5,"cnt_1h":3,"avg_basket":41.23,"days_since":17,"country":"DE","device":"ios",'
    '"hour":13,"p_ctr":0.0123,"embedding_norm":1.0032,"segment":"B"},"ts":1763780000.123}'
)
_NGINX = """
daemon off; worker_processes 1; pid {folder}/nginx.pid; error_log stderr crit;
events {{ worker_connections 2048; }}
http {{
  access_log off; keepalive_requests 1000000000; keepalive_timeout 300; default_type application/json;
  client_body_temp_path {folder}; proxy_temp_path {folder}; fastcgi_temp_path {folder};
  uwsgi_temp_path {folder}; scgi_temp_path {folder};
  server {{
    listen 127.0.0.1:{port} backlog=1024;
    location / {{ return 200 '{answer}'; }}
    location /unique {{ add_header X-Request-Id $request_id; return 200 '{answer}'; }}
  }}
}}
"""


@contextmanager
def nginx() -> Iterator[str]:
    """The address of nginx with one process, which answers every request with the same 300 bytes."""
    program, port = tool("nginx"), free_port()
    folder = SIDE / "nginx"
    folder.mkdir(parents=True, exist_ok=True)
    config = folder / "nginx.conf"
    config.write_text(_NGINX.format(folder=folder, port=port, answer=ANSWER), encoding="ascii")
    with serving(program, "-c", str(config), "-p", str(folder)) as process:
        await_port(process, port)
        yield f"http://127.0.0.1:{port}/"


def await_port(process: subprocess.Popen[str], port: int) -> None:
    """Somebody listens there; raises NotHere when the process ends first."""
    while process.poll() is None:
        with socket.socket() as probe:
            if not probe.connect_ex(("127.0.0.1", port)):
                return
        time.sleep(0.02)
    raise NotHere("the server ended before it listened")


@dataclass(frozen=True)
class HoldServer:
    """A known-hold server that runs; `frozen` is known once it has thawed."""

    url: str
    process: subprocess.Popen[str]

    def frozen(self) -> tuple[int, int]:
        """When it froze and thawed, CLOCK_MONOTONIC ns; waits for it."""
        assert self.process.stdout is not None
        _, start, stop = self.process.stdout.readline().split()
        return int(start), int(stop)


@contextmanager
def hold_server(
    *,
    hold_ms: float = 20,
    slow_ms: float = 200,
    slow_permille: int = 10,
    freeze_at_ms: int = 0,
    freeze_ms: int = 0,
    prompt: bool = True,
) -> Iterator[HoldServer]:
    """Our own server: 20 ms for each request, 200 ms for 1 %, and asleep once if wanted."""
    arguments = (hold_ms * 1000, slow_ms * 1000, slow_permille, freeze_at_ms, freeze_ms)
    with serving(compiled(), *(f"{value:.0f}" for value in arguments), prompt=prompt) as process:
        assert process.stdout is not None
        port = int(process.stdout.readline().split()[1])
        yield HoldServer(f"http://127.0.0.1:{port}/", process)


def compiled() -> str:
    """The program, compiled when its source is newer; raises NotHere without a C compiler."""
    program = SIDE / "hold_server"
    if not program.exists() or program.stat().st_mtime < SOURCE.stat().st_mtime:
        compiler = shutil.which("cc")
        if compiler is None:
            raise NotHere("no C compiler (cc) on this machine")
        SIDE.mkdir(parents=True, exist_ok=True)
        subprocess.run([compiler, "-O2", "-Wall", "-Wextra", "-o", str(program), str(SOURCE)], check=True)
    return str(program)
