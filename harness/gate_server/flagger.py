"""Flagger's webhooks: 200 goes on, 4xx with a reason does not; `rollback` is the other way round.

204 would be a failure to Flagger (it takes only up to 202), and of a 5xx it shows no body.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from fastapi import APIRouter
from fastapi.responses import PlainTextResponse
from pydantic import BaseModel, Field

from harness.gate_server.asked import PLAIN_REFUSALS, Documented, text
from harness.gate_server.standing import Standing
from harness.report import words
from harness.run.catalogue import BUILD

if TYPE_CHECKING:
    from harness.gate_server.board import Board

Phase = Literal["confirm-rollout", "pre-rollout", "rollout", "rollback"]
#: what a hook answers when it does not let go on: a closed gate is 403, a failed check 409
_NO: dict[Phase, int] = {"confirm-rollout": 403, "pre-rollout": 409, "rollout": 409, "rollback": 403}


class Hook(BaseModel):
    """The body of a webhook. `metadata.build` names the build, else the `checksum` of the canary does."""

    name: str = ""
    namespace: str = ""
    phase: str = ""
    checksum: str = ""
    metadata: dict[str, str] | None = Field(
        default=None, description="`build` and `scenario`, where the checksum does not name the build."
    )

    def build(self) -> str:
        """The build that is asked about; empty where none is named as one can be."""
        named = (self.metadata or {}).get("build") or self.checksum
        return named if BUILD.fullmatch(named) else ""

    def scenario(self) -> str:
        """The scenario that is meant; empty where that is left open."""
        return (self.metadata or {}).get("scenario", "")[:200]


def answer(phase: Phase, standing: Standing) -> tuple[int, str]:
    """Status and text of a hook: `rollback` is let through by a failure alone, the others by a pass alone."""
    wanted = "fail" if phase == "rollback" else "pass"
    return (200 if standing.state == wanted else _NO[phase]), standing.line()


_ANSWERS: Documented = {
    **PLAIN_REFUSALS,
    200: text("Go on; for the hook rollback: roll back."),
    403: text("The gate is closed; the first line says why."),
    409: text("Not passed; the first line says why."),
}


def router(board: Board) -> APIRouter:
    """POST /flagger/<phase>, one for each kind of hook."""
    routes = APIRouter(prefix="/flagger", tags=["Flagger"])

    @routes.post("/{phase}", response_class=PlainTextResponse, responses=_ANSWERS)
    async def hook(phase: Phase, body: Hook) -> PlainTextResponse:
        """Whether the canary may go on, at once; the evaluation itself runs in the background."""
        if body.phase and body.phase != phase:
            told = f"this url is for hooks {phase}, and Flagger calls it for {words.clipped(body.phase, 40)}"
            return PlainTextResponse(f"{told}: change the type or the url", status_code=_NO[phase])
        build = body.build()
        if not build:
            told = "no build: neither metadata.build nor checksum names one"
            return PlainTextResponse(told, status_code=_NO[phase])
        ask = board.standing if phase == "rollback" else board.ensure
        status, line = answer(phase, await ask(build, body.scenario()))
        return PlainTextResponse(line, status_code=status)

    return routes
