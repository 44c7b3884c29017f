"""Values of headers that a scenario names: filled in from the environment, kept out of what is written."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from harness.columns import is_private
from harness.errors import ScenarioError
from harness.replay.arm import Reply, Try
from harness.replay.guard import HOP, check_header

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

ENV = "env:"
SECRET_CHARS = 6
MASK = "[removed]"
_FRAMING = HOP | {"content-length"}


def fixed_headers(declared: Mapping[str, str], environ: Mapping[str, str], *, where: str) -> dict[str, str]:
    """Declared headers by lower-case name, "env:NAME" filled in; raises ScenarioError without the value."""
    filled = {name: from_environment(value, environ, where=where) for name, value in declared.items()}
    headers = {check_header(name, value, error=ScenarioError): value for name, value in filled.items()}
    ours = sorted(headers.keys() & _FRAMING)
    if ours:
        raise ScenarioError(
            "a header is set by the connection itself",
            where=f"target {where}",
            found=ours[0],
            fix="Leave it out.",
        )
    return headers


def secrets(declared: Mapping[str, str], filled: Mapping[str, str]) -> tuple[str, ...]:
    """The values from the environment or of private headers; not those too short to be told from chance."""
    named = (
        filled[name.lower()] for name, value in declared.items() if value.startswith(ENV) or is_private(name)
    )
    return tuple(value for value in named if len(value) >= SECRET_CHARS)


def without(done: Callable[[Reply], None], reply: Reply, *, hidden: tuple[str, ...]) -> None:
    """Call back without the secrets, should an answer repeat them: the journal must not hold one."""
    if any(_holds(one, secret) for one in reply.tries for secret in hidden):
        reply = Reply(tries=tuple(_masked(one, hidden) for one in reply.tries))
    done(reply)


def _holds(one: Try, secret: str) -> bool:
    return secret.encode() in one.body or any(secret in value for value in one.headers.values())


def _masked(one: Try, hidden: tuple[str, ...]) -> Try:
    body, headers = one.body, one.headers
    for secret in hidden:
        body = body.replace(secret.encode(), MASK.encode())
        headers = {name: value.replace(secret, MASK) for name, value in headers.items()}
    return msgspec.structs.replace(one, body=body, headers=headers)


def from_environment(value: str, environ: Mapping[str, str], *, where: str) -> str:
    """The value, or for "env:NAME" what the environment says; raises ScenarioError when it says nothing."""
    if not value.startswith(ENV):
        return value
    name = value.removeprefix(ENV)
    if name not in environ:
        raise ScenarioError(
            "an environment variable is not set", where=f"target {where}", found=name, fix=f"export {name}=…"
        )
    return environ[name]
