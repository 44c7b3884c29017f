"""The three calls of Kayenta that Argo Rollouts and Spinnaker make; a canary config is a scenario.

An execution's id holds what it is of, so that a server that was started anew still knows it.
"""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING, Annotated

import msgspec
from fastapi import APIRouter, Path
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field

from harness.gate_server.asked import Build, Documented, Refused
from harness.gate_server.standing import Standing
from harness.run.catalogue import BUILD

if TYPE_CHECKING:
    from harness.gate_server.board import Board


class Config(BaseModel):
    """A canary config: a scenario."""

    id: str
    name: str
    applications: list[str] = []


class Side(BaseModel):
    """One side of a scope; `scope` of the experiment names the build."""

    model_config = ConfigDict(extra="ignore")
    scope: Build


class Pair(BaseModel):
    """Control and experiment; the scenario knows its own champion, so that the control is not read."""

    model_config = ConfigDict(extra="ignore")
    experiment: Side = Field(alias="experimentScope")


class Thresholds(BaseModel):
    """From which score on a canary is marginal, and from which on it passes."""

    passing: float = Field(alias="pass", gt=0, le=100)
    marginal: float = Field(gt=0, lt=100)


class Execution(BaseModel):
    """The body of a canary: one build in all scopes, and the thresholds that the caller judges by."""

    scopes: dict[str, Pair] = Field(min_length=1)
    thresholds: Thresholds

    def contradiction(self) -> str:
        """Why it cannot be judged by these thresholds, or of which build it is is open; else empty.

        A failure scores 0 and what waits scores `marginal`: neither may reach the pass.
        """
        if not 1 <= int(self.thresholds.marginal) < self.thresholds.passing:
            return "thresholds.marginal must be at least 1 and below thresholds.pass"
        several = len({pair.experiment.scope for pair in self.scopes.values()}) > 1
        return "the experiment scopes name several builds" if several else ""

    def build(self) -> str:
        """The build that is asked about."""
        return next(iter(self.scopes.values())).experiment.scope


class Started(BaseModel):
    """Where the score can be asked for."""

    canaryExecutionId: str  # noqa: N815  -- Kayenta's name


class Score(BaseModel):
    """How a canary did."""

    score: int
    classification: str
    classificationReason: str  # noqa: N815  -- Kayenta's name


class JudgeResult(BaseModel):
    """What the judge says."""

    score: Score


class Result(BaseModel):
    """What came out."""

    judgeResult: JudgeResult  # noqa: N815  -- Kayenta's name


class Executed(BaseModel):
    """An execution, and its result once it is complete."""

    complete: bool
    status: str
    result: Result | None = None


class _Of(msgspec.Struct, frozen=True, array_like=True):
    """What an execution's id holds."""

    scenario: str
    build: str
    marginal: int


def execution_id(scenario: str, build: str, *, marginal: int) -> str:
    """An id without a slash or a blank."""
    return base64.urlsafe_b64encode(msgspec.json.encode(_Of(scenario, build, marginal))).decode().rstrip("=")


def known(text: str) -> _Of | None:
    """What an id is of; None for one that this server never gave."""
    try:
        raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
        found = msgspec.json.decode(raw, type=_Of)
    except (binascii.Error, ValueError, msgspec.MsgspecError, RecursionError):
        return None
    return found if BUILD.fullmatch(found.build) and 0 < found.marginal < 100 else None


def executed(standing: Standing, *, marginal: int) -> Executed:
    """A standing as an execution: 100 for a pass, 0 for a failure, `marginal` for what is undecided."""
    if not standing.final:
        return Executed(complete=False, status="running")
    score, word = {"pass": (100, "Pass"), "fail": (0, "Fail")}.get(standing.state, (marginal, "Marginal"))
    said = Score(score=score, classification=word, classificationReason=standing.line())
    return Executed(complete=True, status="succeeded", result=Result(judgeResult=JudgeResult(score=said)))


_REFUSED: Documented = {
    404: {"model": Refused, "description": "No such scenario or execution."},
    409: {"model": Refused, "description": "It cannot be started; the error says why."},
}


def _no(status: int, why: str) -> JSONResponse:
    return JSONResponse({"error": why}, status_code=status)


def router(board: Board) -> APIRouter:
    """GET /canaryConfig, POST /canary/<config>, GET /canary/<execution>."""
    routes = APIRouter(tags=["Kayenta"])

    @routes.get("/canaryConfig")
    async def configs() -> list[Config]:
        """Scenarios by name; the queries of Kayenta for accounts and applications mean nothing here."""
        await board.refresh()
        return [Config(id=name, name=name) for name in board.scenarios()]

    @routes.post("/canary/{config}", response_model=Started, responses=_REFUSED)
    async def start(config: Annotated[str, Path(max_length=200)], body: Execution) -> JSONResponse:
        """The build of the experiment scope is evaluated, unless its verdict is known."""
        await board.refresh()
        if config not in board.scenarios():
            return _no(404, "no such scenario")
        if why := body.contradiction():
            return _no(409, why)
        standing = await board.ensure(body.build(), config)
        if standing.state == "unknown":
            return _no(409, standing.reason)
        marginal = int(body.thresholds.marginal)
        return JSONResponse({"canaryExecutionId": execution_id(config, body.build(), marginal=marginal)})

    @routes.get("/canary/{execution}", response_model=Executed, responses=_REFUSED)
    async def score(execution: Annotated[str, Path(max_length=1000)]) -> JSONResponse:
        """Whether it is complete, and its score then."""
        of = known(execution)
        if of is None:
            return _no(404, "no such execution")
        standing = await board.ensure(of.build, of.scenario)
        if standing.state == "unknown":
            return _no(409, standing.reason)
        return JSONResponse(executed(standing, marginal=of.marginal).model_dump(exclude_none=True))

    return routes
