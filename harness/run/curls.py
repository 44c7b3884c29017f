"""The first request of each finding as a command of a shell, without its secrets."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import msgspec

from harness import capture
from harness.errors import HarnessError
from harness.replay.disclosure import PORT, write
from harness.replay.message import Message
from harness.report import curl
from harness.report.numbers import THE_LOG
from harness.run.asked import asked
from replayers.http import HttpArm, HttpTarget

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import pyarrow as pa

    from harness.records import CapturedRequest, Finding
    from harness.scenario import Loaded

#: findings that get one, and letters beyond which a command is left to `replaygate reproduce`
MOST, LONGEST = 50, 6_000


def curls(loaded: Loaded, table: pa.Table, *, findings: Sequence[Finding], run_id: str) -> dict[str, str]:
    """By the number of a finding, its first request that can be sent again; `table` is the capture.

    Left out are findings of the log, bodies that are not text, and what would fill a page.
    """
    return {
        f"F{place}": command
        for place, finding in enumerate(findings[:MOST], start=1)
        for command in _first(loaded, table, finding=finding, run_id=run_id)
    }


def _first(loaded: Loaded, table: pa.Table, *, finding: Finding, run_id: str) -> Iterator[str]:
    target = loaded.scenario.targets.get(finding.arm)
    if finding.arm == THE_LOG or not isinstance(target, HttpTarget):
        return
    arm = _arm(asked(loaded, finding.arm), loaded, name=finding.arm, run_id=run_id)
    seqs = [one.seq for one in finding.exemplars if one.seq < len(table)]
    for request in capture.requests(table.take(seqs)) if arm and seqs else ():
        command = _command(arm, request, target=target)
        if command and len(command) <= LONGEST:
            yield command
            return


def _arm(target: HttpTarget, loaded: Loaded, *, name: str, run_id: str) -> HttpArm | None:
    """The arm that prepares requests and is never opened; a secret's value is not needed to name it."""
    placed = msgspec.structs.replace(target, url=target.url.replace(PORT, str(curl.USUAL_PORT)))
    try:
        return HttpArm(placed, name=name, run_id=run_id, safety=loaded.scenario.safety, environ=_Anything())
    except HarnessError:
        return None


def _command(arm: HttpArm | None, request: CapturedRequest, *, target: HttpTarget) -> str:
    if arm is None:
        return ""
    place = arm.endpoint
    origin = f"{place.scheme}://{place.authority}"
    if PORT in target.url:
        origin = f"{origin.removesuffix(f':{place.port}')}:{PORT}"
    try:
        message = Message.of(arm.prepare(request, features=True))
        written = write(message, origin=origin, declared={**target.debug_headers, **target.headers})
    except (HarnessError, UnicodeDecodeError):
        return ""
    return curl.command(written)


class _Anything(Mapping[str, str]):
    """An environment in which every variable is set."""

    def __getitem__(self, name: str) -> str:
        return name

    def __iter__(self) -> Iterator[str]:
        return iter(())

    def __len__(self) -> int:
        return 0
