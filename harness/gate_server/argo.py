"""Argo Rollouts' `web` metric, and the plain question of a script."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated
from urllib.parse import quote

from fastapi import APIRouter, Path, Query
from fastapi.responses import JSONResponse
from pydantic import BaseModel

from harness.gate_server.asked import Build, Documented, Scenario, Told
from harness.gate_server.standing import Standing

if TYPE_CHECKING:
    from harness.gate_server.board import Board

_SCORES = {"pass": 100, "fail": 0}
_STATUS = {"pass": 200, "unknown": 404}


class Question(BaseModel):
    """Which build, by which scenario."""

    build: Build
    scenario: Scenario = ""


def told(standing: Standing, report_url: str) -> Told:
    """A standing as the object that Argo's conditions are written over; what waits is inconclusive."""
    verdict = standing.state if standing.state in _SCORES else "inconclusive"
    place = f"{quote(standing.scenario, safe='')}/{quote(standing.run_id, safe='')}/report.html"
    return Told.model_validate(
        {
            "verdict": verdict,
            "pass": verdict == "pass",
            "fail": verdict == "fail",
            "score": _SCORES.get(verdict, 50),
            "word": standing.word,
            "state": standing.state,
            "reason": standing.reason,
            "scenario": standing.scenario,
            "build": standing.build,
            "run_id": standing.run_id,
            "report_url": f"{report_url.rstrip('/')}/{place}" if report_url and standing.run_id else "",
            "n": standing.compared,
            "approved": standing.approved,
        }
    )


_PLAIN: Documented = {
    404: {"model": Told, "description": "No run of this build."},
    409: {"model": Told, "description": "Not passed: failed, undecided or not there yet."},
}


def router(board: Board, *, report_url: str) -> APIRouter:
    """GET and POST /argo/verdict, always 200; GET /verdict/<build>, 200 for a pass alone."""
    routes = APIRouter()

    @routes.get("/argo/verdict", tags=["Argo Rollouts"])
    async def ask(build: Annotated[Build, Query()], scenario: Annotated[Scenario, Query()] = "") -> Told:
        """Where a build stands. Starts nothing."""
        return told(await board.standing(build, scenario), report_url)

    @routes.post("/argo/verdict", tags=["Argo Rollouts"])
    async def start(question: Question) -> Told:
        """Where a build stands; the evaluation is started where there is none."""
        return told(await board.ensure(question.build, question.scenario), report_url)

    @routes.get("/verdict/{build:path}", tags=["Scripts"], response_model=Told, responses=_PLAIN)
    async def verdict(
        build: Annotated[Build, Path()], scenario: Annotated[Scenario, Query()] = ""
    ) -> JSONResponse:
        """Where a build stands, with a status that `curl --fail` understands. Starts nothing."""
        standing = await board.standing(build, scenario)
        body = told(standing, report_url).model_dump(by_alias=True)
        return JSONResponse(body, status_code=_STATUS.get(standing.state, 409))

    return routes
