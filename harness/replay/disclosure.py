"""A request as it may be written down: whatever may be a credential is a variable, never its value."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from itertools import count
from urllib.parse import unquote_plus

import msgspec

from harness.columns import is_private
from harness.replay.message import FRAMING, Message

ENV = "env:"
#: where a service that is started for a replay listens
PORT = "{port}"
#: variables of scripts and tests that mean something else
RESERVED = frozenset({"PORT", "REPLAYGATE_TARGET"})
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


class Written(msgspec.Struct, frozen=True, kw_only=True):
    """A request without its secrets, which `secrets` names by header and `path` at every second place.

    `origin` is scheme, host and port; the port is `{port}` where the service is started for the request. The
    headers that a connection sets itself are left out; without a body there is none.
    """

    method: str
    origin: str
    path: tuple[str, ...]
    headers: dict[str, str] = {}
    secrets: dict[str, str] = {}
    body: str | None = None

    @property
    def variables(self) -> tuple[str, ...]:
        """The names of all secrets, each once."""
        return tuple(dict.fromkeys((*self.secrets.values(), *self.path[1::2])))


def write(message: Message, *, origin: str, declared: Mapping[str, str]) -> Written:
    """The message as it may be written down; `declared` are the headers of the scenario, "env:NAME" unfilled.

    A header is secret when its value came from the environment or its name is private; so is a parameter of
    the query with a private name. A body that is not UTF-8 raises UnicodeDecodeError.
    """
    headers = {name: value for name, value in message.headers.items() if name not in FRAMING}
    from_env = {name.lower(): value for name, value in declared.items() if value.startswith(ENV)}
    secret = [name for name in headers if name in from_env or is_private(name)]
    query = _secret_parameters(message.path)
    wishes = {name: from_env.get(name, name) for name in secret} | {f"?{name}": f"?{name}" for name in query}
    names = _variables(wishes)
    return Written(
        method=message.method,
        origin=origin,
        path=_path(message.path, {name: names[f"?{name}"] for name in query}),
        headers={name: value for name, value in headers.items() if name not in secret},
        secrets={name: names[name] for name in secret},
        body=message.body.decode() if message.body else None,
    )


def _variables(wishes: Mapping[str, str]) -> dict[str, str]:
    """A variable for each wish: the one that "env:NAME" names, else one made of the name; no two alike."""
    found: dict[str, str] = {}
    for key, wish in wishes.items():
        name = wish.removeprefix(ENV)
        if name == wish or not _NAME.fullmatch(name):
            name = _shell_name(name)
        taken = RESERVED | {found[other] for other in found if wishes[other] != wish}
        found[key] = next(each for each in _numbered(name) if each not in taken)
    return found


def _numbered(name: str) -> Iterator[str]:
    yield name
    for number in count(2):
        yield f"{name}_{number}"


def _shell_name(text: str) -> str:
    """A name that any shell takes: `x-api-key` is X_API_KEY."""
    name = re.sub(r"[^A-Z0-9]+", "_", text.upper()).strip("_")
    return name if _NAME.fullmatch(name) else f"SECRET_{name}".rstrip("_")


def _secret_parameters(path: str) -> list[str]:
    """The names of the parameters of a query that may hold a credential."""
    names = [part.partition("=")[0] for part in path.partition("?")[2].split("&") if "=" in part]
    return list(dict.fromkeys(name for name in names if is_private(unquote_plus(name))))


def _path(path: str, secret: Mapping[str, str]) -> tuple[str, ...]:
    """The path in pieces: text, then by turns a variable and text."""
    place, mark, query = path.partition("?")
    pieces, text = [], place + mark
    for number, part in enumerate(query.split("&") if mark else ()):
        name, equals, value = part.partition("=")
        text += "&" * bool(number) + name + equals
        if equals and name in secret:
            pieces += [text, secret[name]]
            text = ""
        else:
            text += value
    return (*pieces, text)


def concealed(path: str) -> str:
    """The path as it may be shown: what may be a credential is a variable."""
    pieces = _path(path, {name: f"${_shell_name(name)}" for name in _secret_parameters(path)})
    return "".join(pieces)
