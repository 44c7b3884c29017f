"""Which address shows which page: all but `/stop` and `/login` only look, and none writes into a run."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Annotated
from urllib.parse import parse_qs

from fastapi import Depends, FastAPI, HTTPException, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from harness import report as faces
from harness.errors import HarnessError, UsageError
from harness.run import live as pulse
from harness.run import showing
from harness.ui import pages
from harness.ui.door import Door
from harness.ui.guard import COOKIE, LOGIN, Guard
from harness.ui.library import Library
from harness.ui.overview import overview
from harness.ui.shelf import Shelf
from harness.ui.sides import side_by_side
from harness.ui.watching import Watching

if TYPE_CHECKING:
    from pathlib import Path

    from harness.ui.door import App
    from harness.ui.guard import Refusal

#: the report is a page of its own: it runs nothing, loads nothing, and is of no origin
REPORT = (
    "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'none'; "
    "base-uri 'none'"
)
_LOG = logging.getLogger("replaygate.ui")


async def _form(asked: Request) -> dict[str, str]:
    """The last value of each field of a form; the guard has seen how long it is."""
    raw = (await asked.body()).decode("utf-8", "replace")
    return {name: values[-1] for name, values in parse_qs(raw, max_num_fields=20).items()}


Form = Annotated[dict[str, str], Depends(_form)]


@dataclass(frozen=True)
class Site:
    """What the pages share."""

    library: Library
    shelf: Shelf
    watching: Watching
    guard: Guard


def create_app(results: Path, *, guard: Guard, cache: Path) -> FastAPI:
    """The application about a results folder; everything it answers has passed the guard."""
    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None)
    site = Site(Library(results), Shelf(cache), Watching(), guard)
    _looking(app, site)
    _asking(app, site)
    _live(app, site)
    _entering(app, site)
    app.add_exception_handler(HarnessError, _told)
    app.add_exception_handler(HTTPStatus.NOT_FOUND, _missing)
    app.add_exception_handler(HTTPStatus.METHOD_NOT_ALLOWED, _missing)
    app.add_exception_handler(RequestValidationError, _incomplete)
    app.add_exception_handler(Exception, _broken)
    app.add_middleware(Door, guard=guard, refused=_refused)
    return app


def _refused(refusal: Refusal) -> App:
    name = "login.html.j2" if refusal.status == HTTPStatus.UNAUTHORIZED else "error.html.j2"
    answer: App = _page(name, status=refusal.status, title=refusal.status.phrase, why=refusal.why)
    return answer


def _page(template: str, *, status: int = HTTPStatus.OK, **given: object) -> HTMLResponse:
    return HTMLResponse(pages.page(template, **given), status_code=status)


def _looking(app: FastAPI, site: Site) -> None:
    """The pages that only look."""

    @app.get("/", response_class=HTMLResponse)
    def runs(scenario: str = "") -> HTMLResponse:
        return _page("runs.html.j2", seen=overview(site.library, only=scenario))

    @app.get("/run", response_class=HTMLResponse)
    def run(run: str) -> Response:
        opened = site.library.open(run)
        if not opened.folder.report.is_file():
            return RedirectResponse(pages.address("/live", run=run))
        seen = overview(site.library, only=opened.report.scenario)
        return _page(
            "run.html.j2", run=run, report=opened.report, before=seen.before(run), exemplars=pages.exemplars
        )

    @app.get("/report", response_class=HTMLResponse)
    def report(run: str) -> HTMLResponse:
        page = site.library.open(run).page
        return HTMLResponse(page, headers={"content-security-policy": REPORT})

    @app.get("/report.json")
    def report_json(run: str) -> Response:
        return Response(faces.encode(site.library.open(run).report), media_type="application/json")

    @app.get("/compare", response_class=HTMLResponse)
    def compare(left: str, right: str) -> HTMLResponse:
        one, other = (site.library.open(name) for name in (left, right))
        return _page("sides.html.j2", left=left, right=right, sides=side_by_side(one.report, other.report))


def _asking(app: FastAPI, site: Site) -> None:
    """The requests of a run, and what pages load."""

    @app.get("/request", response_class=HTMLResponse)
    def request(run: str, id: str) -> HTMLResponse:  # noqa: A002  -- as it stands in the address
        opened = site.library.open(run)
        shown = showing.gathered(opened.folder, opened.loaded, report=opened.report, wanted=id)
        folder = f"{site.library.results.name}/{run}"
        return _page(
            "request.html.j2",
            run=run,
            folder=folder,
            report=opened.report,
            shown=shown,
            body=pages.body(shown),
        )

    @app.get("/requests", response_class=HTMLResponse)
    def requests(asked: Request) -> HTMLResponse:
        opened = site.library.open(asked.query_params.get("run", ""))
        return _page("requests.html.j2", run=opened.name, found=site.shelf.ask(opened, asked.query_params))

    @app.get("/static/{name}")
    def static(name: str) -> Response:
        if name not in pages.STATIC:
            raise HTTPException(HTTPStatus.NOT_FOUND)
        return Response(pages.static(name), headers={"content-type": pages.STATIC[name]})


def _live(app: FastAPI, site: Site) -> None:
    """A run at work, and the button that stops it."""

    @app.get("/live", response_class=HTMLResponse)
    def live(run: str) -> HTMLResponse:
        seen = site.watching.look(site.library.root(run), run)
        return _page("live.html.j2", run=run, seen=seen, ticket=site.guard.ticket(f"/stop {run}"))

    @app.get("/live/part", response_class=HTMLResponse)
    def part(run: str) -> HTMLResponse:
        seen = site.watching.look(site.library.root(run), run)
        return _page("live_part.html.j2", run=run, seen=seen)

    @app.post("/stop", response_class=HTMLResponse)
    def stop(form: Form) -> Response:
        run = form.get("run", "")
        if not site.guard.is_ticket(form.get("ticket", ""), f"/stop {run}"):
            return _page(
                "error.html.j2",
                status=HTTPStatus.FORBIDDEN,
                title="Not stopped",
                why="The form is not of a page of this server. Open the run again, and stop it there.",
            )
        pulse.stop(site.library.root(run))
        return RedirectResponse(pages.address("/live", run=run, stopped=1), status_code=HTTPStatus.SEE_OTHER)


def _entering(app: FastAPI, site: Site) -> None:
    """The token, given once by hand and then kept by the browser until it is closed."""

    @app.get(LOGIN, response_class=HTMLResponse)
    def ask() -> HTMLResponse:
        return _page("login.html.j2", title="Token", why="")

    @app.post(LOGIN, response_class=HTMLResponse)
    def enter(form: Form) -> Response:
        if not site.guard.is_token(form.get("token", "")):
            return _page(
                "login.html.j2", status=HTTPStatus.UNAUTHORIZED, title="Token", why="That is not the token."
            )
        answer = RedirectResponse("/", status_code=HTTPStatus.SEE_OTHER)
        answer.set_cookie(COOKIE, site.guard.session(), httponly=True, samesite="strict")
        return answer


async def _told(_: Request, error: Exception) -> Response:
    """What is wrong with a name, or with a run."""
    assert isinstance(error, HarnessError)  # noqa: S101  -- registered for these
    known = isinstance(error, UsageError)
    return _page(
        "error.html.j2",
        status=HTTPStatus.NOT_FOUND if known else HTTPStatus.UNPROCESSABLE_ENTITY,
        title="Not found" if known else "This run cannot be shown",
        why=error.sentence(),
    )


async def _missing(_: Request, error: Exception) -> Response:
    status = HTTPStatus(getattr(error, "status_code", HTTPStatus.NOT_FOUND))
    return _page("error.html.j2", status=status, title=status.phrase, why="There is no such page.")


async def _incomplete(_: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101  -- registered for these
    lacks = ", ".join(str(one["loc"][-1]) for one in error.errors())
    status = HTTPStatus.BAD_REQUEST
    return _page("error.html.j2", status=status, title=status.phrase, why=f"The address lacks: {lacks}.")


async def _broken(asked: Request, error: Exception) -> Response:
    _LOG.error("internal error at %s", asked.url.path, exc_info=error)
    why = "An internal error; what it was stands where the server was started."
    return _page("error.html.j2", status=HTTPStatus.INTERNAL_SERVER_ERROR, title="Internal error", why=why)
