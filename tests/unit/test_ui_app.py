"""The application: which addresses there are, and which of them change anything."""

from __future__ import annotations

import inspect
from pathlib import Path

from fastapi.routing import APIRoute

from harness.ui.app import REPORT, create_app
from harness.ui.guard import Guard


def test_two_addresses_change_something_and_no_page_is_made_of_code(tmp_path: Path) -> None:
    """The rest only looks; there is no interactive documentation to lead anybody in."""
    app = create_app(tmp_path, guard=Guard(), cache=tmp_path / "cache")
    routes = {(path, method) for one in app.routes for path, method in _told(one)}
    changing = {path for path, method in routes if method not in {"GET", "HEAD"}}
    assert changing == {"/stop", "/login"}
    assert {path for path, _ in routes} == {
        "/", "/run", "/report", "/report.json", "/compare", "/request", "/requests", "/static/{name}",
        "/live", "/live/part", "/stop", "/login",
    }  # fmt: skip


def test_no_address_is_answered_in_the_event_loop(tmp_path: Path) -> None:
    """Each looks into folders, which may take long: every other page would wait for it."""
    app = create_app(tmp_path, guard=Guard(), cache=tmp_path / "cache")
    answering = [one.endpoint for one in app.routes if isinstance(one, APIRoute)]
    assert answering
    assert not [one.__name__ for one in answering if inspect.iscoroutinefunction(one)]


def _told(route: object) -> list[tuple[str, str]]:
    return [(str(getattr(route, "path", "")), method) for method in getattr(route, "methods", ())]


def test_a_report_runs_nothing_in_no_origin() -> None:
    """Nothing that it brings can reach a page of ours, or the network."""
    assert REPORT.startswith("sandbox; default-src 'none';")
    assert "script-src" not in REPORT
    assert "connect-src" not in REPORT
