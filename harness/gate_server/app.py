"""The routes put together; the whole contract is at /openapi.json."""

from __future__ import annotations

from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fastapi import APIRouter, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, PlainTextResponse

from harness import __version__
from harness.gate_server import argo, flagger, kayenta
from harness.gate_server.asked import PLAIN_REFUSALS, REFUSALS, Documented, text
from harness.gate_server.board import Board
from harness.gate_server.evaluations import Evaluations, Limits
from harness.gate_server.protection import HEALTH, Protection, Rules
from harness.report import prometheus, words
from harness.report.prometheus import MEDIA_TYPE

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

_ABOUT = "Verdicts of replaygate for rollout controllers. No answer but a pass is leave to go on."


_MOST_ERRORS = 5


class _Metrics(PlainTextResponse):
    media_type = MEDIA_TYPE


def routes(board: Board, *, report_url: str = "") -> FastAPI:
    """Every route over a board, unprotected; evaluations end with the application."""

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        await board.refresh()
        yield
        await board.evaluations.close()

    app = FastAPI(
        title="replaygate gate server",
        version=__version__,
        description=_ABOUT,
        docs_url=None,  # they load from elsewhere
        redoc_url=None,
        lifespan=lifespan,
        responses=REFUSALS,
    )
    app.add_exception_handler(RequestValidationError, _unreadable)
    for status in (400, 404, 405):
        app.add_exception_handler(status, _refused)
    app.include_router(flagger.router(board))
    app.include_router(argo.router(board, report_url=report_url))
    app.include_router(kayenta.router(board))
    app.include_router(_own(board))
    return app


async def _refused(_request: Request, error: Exception) -> JSONResponse:
    """A refusal of the framework in the shape of our own."""
    status = getattr(error, "status_code", 400)
    told = {"error": words.clipped(str(getattr(error, "detail", "") or "refused"), 200)}
    return JSONResponse(told, status_code=status, headers=getattr(error, "headers", None))


async def _unreadable(_request: Request, error: Exception) -> JSONResponse:
    """What is wrong with a request, without repeating it: not all that can be sent can be sent back."""
    found = error.errors() if isinstance(error, RequestValidationError) else []
    told = [
        {
            "loc": [words.clipped(str(part)) for part in one["loc"]],
            "msg": words.clipped(one["msg"], 200),
            "type": one["type"],
        }
        for one in found[:_MOST_ERRORS]
    ]
    return JSONResponse({"detail": told}, status_code=422)


def _plain(told: str) -> Documented:
    """How a route that answers in plain text is documented."""
    return {**PLAIN_REFUSALS, 200: text(told)}


def _own(board: Board) -> APIRouter:
    own = APIRouter()

    @own.get(
        "/metrics",
        tags=["Metrics"],
        response_class=_Metrics,
        responses=_plain("Metrics."),
    )
    async def metrics() -> _Metrics:
        """The newest run of each scenario in the Prometheus text format."""
        return _Metrics(prometheus(await board.reports()))

    @own.get(
        HEALTH,
        response_class=PlainTextResponse,
        responses=_plain("The server answers."),
    )
    async def healthz() -> str:
        """Nothing but that the server answers."""
        return "ok"

    return own


def protected(board: Board, rules: Rules, *, report_url: str = "") -> Protection:
    """What is served: every route, behind the rules."""
    return Protection(routes(board, report_url=report_url), rules)


def contract() -> dict[str, Any]:
    """The OpenAPI document of the server; nothing is listed or started for it."""
    nowhere = Path("results")
    made = routes(Board(nowhere, Evaluations({}, nowhere, limits=Limits())))
    document: dict[str, Any] = made.openapi()
    return document
