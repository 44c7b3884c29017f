"""A curl command survives its shell: what arrives is what was written, and nothing is run."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import msgspec
import pytest

from harness.replay.disclosure import Written
from harness.report import curl

HOSTILE = [
    'it\'s "quoted" `id` $(touch pwned) $HOME \\ % !! ; & | > pwned',
    "line one\nline two\r\n\ttab\u0000nul \u202e\u009b31m ünïcödé \U0001f600",
    "@/etc/passwd",
    "'; touch pwned; '",
    "[a-c]{x,y}*?~#",
]


class Echo(HTTPServer):
    """Keeps the requests that it answers."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.seen: list[tuple[str, str, dict[str, str], bytes]] = []


class _Handler(BaseHTTPRequestHandler):
    def answer(self) -> None:
        """Keeps the request."""
        assert isinstance(self.server, Echo)
        body = self.rfile.read(int(self.headers.get("content-length", "0")))
        self.server.seen.append((self.command, self.path, dict(self.headers.items()), body))
        self.send_response(200)
        self.send_header("content-length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    do_POST = do_GET = answer  # noqa: N815  -- as http.server calls them

    def log_message(self, *_: object) -> None:
        """Says nothing."""


@pytest.fixture
def echo() -> Iterator[Echo]:
    """A server that keeps what it is sent."""
    server = Echo()
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def request_to(port: int | str, *, body: str | None = "{}", **change: object) -> Written:
    """A request to a loopback port."""
    plain = Written(
        method="POST",
        origin=f"http://127.0.0.1:{port}",
        path=("/score",),
        headers={"content-type": "application/json"},
        body=body,
    )
    return msgspec.structs.replace(plain, **change)


def execute(text: str, here: Path, **environ: str) -> subprocess.CompletedProcess[str]:
    """A script run by sh in an empty folder; skips loudly where there is no curl."""
    if shutil.which("curl") is None:
        pytest.skip("NOT TESTED: there is no curl to run the command with")
    path = here / "F1.sh"
    path.write_text(text, encoding="utf-8")
    clean = {"PATH": os.environ["PATH"], "LC_ALL": "C", **environ}
    return subprocess.run(
        [shutil.which("sh") or "/bin/sh", str(path)],
        cwd=here,
        env=clean,
        check=False,
        capture_output=True,
        text=True,
    )


@pytest.mark.parametrize("hostile", HOSTILE)
def test_hostile_content_arrives_as_it_is(hostile: str, echo: Echo, tmp_path: Path) -> None:
    """Quotes, newlines, substitutions and letters of every kind in the body, the query and the story."""
    body = json.dumps({"text": hostile, hostile: [hostile]})
    raw = json.dumps({"text": "it's ünïcödé $(touch pwned)"}, ensure_ascii=False)
    for text in (body, raw, "@F1.sh"):
        done = execute(curl.script(request_to(echo.server_port, body=text), about=[hostile]), tmp_path)
        assert (done.returncode, done.stdout, done.stderr) == (0, "{}", "")
        assert echo.seen[-1][3] == text.encode()
    assert sorted(p.name for p in tmp_path.iterdir()) == ["F1.sh"]


def test_secrets_come_from_the_environment_and_must_be_there(echo: Echo, tmp_path: Path) -> None:
    """In headers, under names of any letters, and in the query; without one the script says which."""
    request = request_to(
        echo.server_port,
        path=("/score?a=[1]&sid=", "SID", "&b=$(id)"),
        secrets={"authorization": "AUTH", "x-`id`$y-sid": "SID"},
    )
    text = curl.script(request, about=[])
    refused = execute(text, tmp_path, AUTH="a")
    assert refused.returncode != 0
    assert "SID" in refused.stderr
    assert echo.seen == []
    assert execute(text, tmp_path, AUTH="Bearer $(id) it's", SID="t-1").stdout == "{}"
    _, path, headers, _ = echo.seen[0]
    assert path == "/score?a=[1]&sid=t-1&b=$(id)"
    assert headers["authorization"] == "Bearer $(id) it's"
    assert headers["x-`id`$y-sid"] == "t-1"


def test_the_port_of_a_service_that_is_started_first_is_a_variable(echo: Echo, tmp_path: Path) -> None:
    """8000 unless PORT says otherwise."""
    text = curl.script(request_to("{port}"), about=[])
    assert execute(text, tmp_path, PORT=str(echo.server_port)).stdout == "{}"
    assert "${PORT:-8000}" in text


def test_curl_adds_nothing_that_the_request_had_not(echo: Echo, tmp_path: Path) -> None:
    """No form's content type, no question before a long body; an empty header stays, and GET has no body."""
    long = json.dumps(["x" * 5000])
    execute(curl.script(request_to(echo.server_port, body=long, headers={"x-empty": ""}), about=[]), tmp_path)
    execute(curl.script(request_to(echo.server_port, body=None, method="GET"), about=[]), tmp_path)
    (_, _, posted, body), (method, _, _, nothing) = echo.seen
    names = {name.lower() for name in posted}
    assert names & {"content-type", "expect"} == set()
    assert posted["x-empty"] == ""
    assert (body, method, nothing) == (long.encode(), "GET", b"")
