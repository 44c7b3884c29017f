"""A request as a curl command that any shell runs as it stands, whatever its body holds."""

from __future__ import annotations

import re
import shlex
from typing import TYPE_CHECKING

from harness.replay.disclosure import PORT, Written
from harness.report import words

if TYPE_CHECKING:
    from collections.abc import Iterable

#: the port that a script takes where the scenario leaves it open
USUAL_PORT = 8000
_GLOB = frozenset("[]{}")
#: means nothing to a shell between double quotes
_PLAIN = re.compile(r"[\w@%+=:,./? &-]*", re.ASCII)
#: curl asks before it sends a longer body, which costs a second where the service does not answer that
_EXPECTS = 1024


def command(request: Written) -> str:
    """The command over several lines; secrets are shell variables, never their values."""
    return " \\\n  ".join(_words(request))


def script(request: Written, *, about: Iterable[str]) -> str:
    """A script of the command: what it is about in comments, then a check that every variable is set."""
    told = [f"# {words.printable(line)}" for line in about]
    needed = [f': "${{{name}:?is not set}}"' for name in request.variables]
    return "\n".join(("#!/bin/sh", *told, "set -eu", *needed, command(request), ""))


def _words(request: Written) -> Iterable[str]:
    yield "curl --silent --show-error" + (" --globoff" if _globs(request) else "")
    yield f"--request {shlex.quote(request.method)} {_url(request)}"
    yield from (f"--header {shlex.quote(_header(name, value))}" for name, value in _headers(request))
    yield from (f"--header {_word(f'{name}: ', of)}" for name, of in request.secrets.items())
    if request.body is not None:
        yield f"--data-raw {shlex.quote(request.body)}"


def _headers(request: Written) -> Iterable[tuple[str, str]]:
    """Those of the request, and those that curl would add on its own, taken out."""
    yield from request.headers.items()
    if request.body is not None and "content-type" not in {**request.headers, **request.secrets}:
        yield "content-type", "\0"
    if request.body is not None and len(request.body) > _EXPECTS:
        yield "expect", "\0"


def _header(name: str, value: str) -> str:
    """As curl reads them: `name:` takes a header out, `name;` sends it empty."""
    if value == "\0":
        return f"{name}:"
    return f"{name}: {value}" if value else f"{name};"


def _url(request: Written) -> str:
    """One word of the shell; the port is a variable where the service has to be started first."""
    before, port, after = request.origin.partition(PORT)
    head, *rest = request.path
    if port:
        return _word(before, f"PORT:-{USUAL_PORT}", after + head, *rest)
    return _word(before + head, *rest)


def _word(*pieces: str) -> str:
    """Text, then by turns a variable and text, as one word of the shell."""
    if len(pieces) > 1 and all(_PLAIN.fullmatch(text) for text in pieces[::2]):
        inner = "".join(f"${{{piece}}}" if place % 2 else piece for place, piece in enumerate(pieces))
        return f'"{inner}"'
    return "".join(
        f'"${{{piece}}}"' if place % 2 else shlex.quote(piece) if piece else ""
        for place, piece in enumerate(pieces)
    )


def _globs(request: Written) -> bool:
    return not _GLOB.isdisjoint("".join(request.path[::2]))
