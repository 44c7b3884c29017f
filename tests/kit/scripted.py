"""A server that answers word for word what a test says, and certificates that live as long as the test."""

from __future__ import annotations

import asyncio
import shutil
import ssl
import subprocess
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import pytest

#: bytes are written as they are, None closes the connection without a byte, a function does as it likes
Answer = bytes | None | Callable[[asyncio.StreamWriter], Awaitable[None]]


def ok(body: bytes = b"0", *, headers: bytes = b"", status: bytes = b"200 OK") -> bytes:
    """An answer with a Content-Length."""
    return b"HTTP/1.1 %b\r\n%bContent-Length: %d\r\n\r\n%b" % (status, headers, len(body), body)


class Scripted:
    """Answers its n-th request with the n-th answer, and all further ones with the last."""

    def __init__(self, *answers: Answer, tls: ssl.SSLContext | None = None) -> None:
        self.answers = list(answers)
        self.tls = tls
        self.connections = 0
        self.requests: list[bytes] = []
        self.port = 0
        self._tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0, ssl=self.tls)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._server.wait_closed()

    @property
    def url(self) -> str:
        """Where requests go."""
        return f"{'https' if self.tls else 'http'}://127.0.0.1:{self.port}/"

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        task = asyncio.get_running_loop().create_task(self._serve(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                self.requests.append(await _request(reader))
                answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
                if answer is None:
                    return
                if isinstance(answer, bytes):
                    writer.write(answer)
                else:
                    await answer(writer)
                await writer.drain()
        except (OSError, asyncio.IncompleteReadError):
            pass  # the client went away
        finally:
            writer.close()


async def _request(reader: asyncio.StreamReader) -> bytes:
    """The next request, its body by its Content-Length."""
    head = await reader.readuntil(b"\r\n\r\n")
    fields = (line.partition(b":") for line in head.lower().split(b"\r\n"))
    length = next((int(value) for name, _, value in fields if name == b"content-length"), 0)
    return head + await reader.readexactly(length)


@dataclass(frozen=True)
class Certificates:
    """A throwaway authority, and a server that it vouches for under `localhost` and 127.0.0.1."""

    authority: Path
    server: ssl.SSLContext

    def trusting(self) -> ssl.SSLContext:
        """A client's context that trusts the authority and nobody else."""
        return ssl.create_default_context(cafile=str(self.authority))


def certificates(folder: Path, *, names: str = "DNS:localhost,IP:127.0.0.1") -> Certificates:
    """Made anew with the openssl command, in a folder that the test throws away; skips loudly without it."""
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("TLS IS NOT TESTED: there is no openssl command to make certificates with")
    new_key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    (folder / "names").write_text(f"subjectAltName={names}\n", encoding="ascii")
    for arguments in (
        ["req", "-x509", *new_key, "-keyout", "ca.key", "-out", "ca.pem", "-days", "2", "-subj", "/CN=test"],
        ["req", *new_key, "-keyout", "server.key", "-out", "server.csr", "-subj", "/CN=stub"],
        [
            *("x509", "-req", "-in", "server.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial"),
            *("-extfile", "names", "-days", "2", "-out", "server.pem"),
        ],
    ):
        subprocess.run([openssl, *arguments], cwd=folder, check=True, capture_output=True)
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(folder / "server.pem", folder / "server.key")
    return Certificates(folder / "ca.pem", server)
