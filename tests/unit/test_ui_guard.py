"""Who is let in: each way another site, another name or too much of anything is refused."""

from __future__ import annotations

from http import HTTPStatus

import pytest

from harness.ui.guard import COOKIE, MOST_ASKED, MOST_SENT, Asked, Guard

HOST = "127.0.0.1:8642"
SESAME = "sesame-open-sesame"


def asked(method: str = "GET", path: str = "/", **headers: str) -> Asked:
    """A request of our own page."""
    return Asked(method, path, 10, {"host": HOST, **{k.replace("_", "-"): v for k, v in headers.items()}})


def status(guard: Guard, request: Asked) -> HTTPStatus | None:
    """How it is refused, or None."""
    refusal = guard.refusal(request)
    return refusal.status if refusal else None


@pytest.mark.parametrize(
    ("host", "anywhere", "let_in"),
    [
        ("127.0.0.1:8642", False, True),
        ("localhost", False, True),
        ("LOCALHOST:80", False, True),
        ("[::1]:8642", False, True),
        ("127.1.2.3", False, True),
        ("report.example", False, True),
        ("evil.example", False, False),
        ("evil.example:8642", True, False),
        ("127.0.0.1.evil.example", False, False),
        ("192.168.1.5", False, False),
        ("192.168.1.5", True, True),
        ("", False, False),
        ("[::1", False, False),
        ("user@evil.example", True, False),
    ],
)
def test_only_our_own_names_are_a_host(*, host: str, anywhere: bool, let_in: bool) -> None:
    """A name that somebody made to point here (DNS rebinding) is none; an address cannot be made so."""
    guard = Guard(names=frozenset({"report.example"}), anywhere=anywhere, token="")
    request = Asked("GET", "/", 1, {"host": host})
    assert status(guard, request) == (None if let_in else HTTPStatus.MISDIRECTED_REQUEST)


LINKED = {"sec_fetch_site": "cross-site", "sec_fetch_mode": "navigate"}
IMAGE = {"sec_fetch_site": "cross-site", "sec_fetch_mode": "no-cors"}
SCRIPT = {"sec_fetch_site": "same-site", "sec_fetch_mode": "cors"}
FORM = {"content_length": "9"}


@pytest.mark.parametrize(
    ("request_", "let_in"),
    [
        pytest.param(asked(), True, id="typed in"),
        pytest.param(asked(sec_fetch_site="none", sec_fetch_mode="navigate"), True, id="a bookmark"),
        pytest.param(asked(**LINKED), True, id="a link to here"),
        pytest.param(asked(**IMAGE), False, id="an image there"),
        pytest.param(asked(**SCRIPT), False, id="another port's page"),
        pytest.param(asked(origin="http://evil.example"), False, id="another origin"),
        pytest.param(asked("POST", content_length="9", sec_fetch_site="same-origin"), True, id="our form"),
        pytest.param(
            asked("POST", **FORM, **LINKED),
            False,
            id="a form there",
        ),
        pytest.param(asked("POST", **FORM, origin=f"http://{HOST}"), True, id="our origin"),
        pytest.param(asked("POST", **FORM, origin="http://127.0.0.1:9"), False, id="another port"),
        pytest.param(asked("POST", **FORM, origin="null"), False, id="no origin's"),
    ],
)
def test_another_sites_page_gets_nothing_and_changes_nothing(request_: Asked, *, let_in: bool) -> None:
    """Links to here may be followed; all else that another page makes a browser ask is refused."""
    assert status(Guard(), request_) == (None if let_in else HTTPStatus.FORBIDDEN)


@pytest.mark.parametrize(
    ("request_", "expected"),
    [
        (Asked("GET", "/", MOST_ASKED + 1, {"host": HOST}), HTTPStatus.REQUEST_URI_TOO_LONG),
        (asked("POST"), HTTPStatus.LENGTH_REQUIRED),
        (asked("POST", content_length="-1"), HTTPStatus.LENGTH_REQUIRED),
        (asked("POST", content_length=str(MOST_SENT + 1)), HTTPStatus.REQUEST_ENTITY_TOO_LARGE),
        (asked("POST", content_length="9" * 5_000), HTTPStatus.REQUEST_ENTITY_TOO_LARGE),
    ],
)
def test_what_is_too_large_is_not_read(request_: Asked, expected: HTTPStatus) -> None:
    """Addresses and forms have an end, and a form says where its own is."""
    assert status(Guard(), request_) == expected


def test_a_token_is_asked_for_everywhere_but_where_it_is_given() -> None:
    """As a header, or by the cookie of someone who gave it; the cookie does not hold it."""
    guard = Guard(token=SESAME)
    assert status(guard, asked()) == HTTPStatus.UNAUTHORIZED
    assert status(guard, asked(path="/login")) is None
    assert status(guard, asked(path="/static/style.css")) is None
    assert status(guard, asked(authorization=f"Bearer {SESAME}")) is None
    assert status(guard, asked(authorization=f"Bearer {SESAME}x")) == HTTPStatus.UNAUTHORIZED
    assert status(guard, asked(cookie=f"{COOKIE}={guard.session()}")) is None
    assert status(guard, asked(cookie=f"{COOKIE}={Guard(token=SESAME).session()}")) == HTTPStatus.UNAUTHORIZED
    assert status(guard, asked(cookie=f"{COOKIE}={SESAME}")) == HTTPStatus.UNAUTHORIZED
    assert status(guard, asked(cookie="\0;=;")) == HTTPStatus.UNAUTHORIZED
    assert SESAME not in guard.session()
    assert (guard.is_token(SESAME), guard.is_token(""), Guard().is_token("")) == (True, False, False)


def test_a_ticket_is_good_for_one_form_of_one_server() -> None:
    """Not for another run, and not after the server was started again."""
    guard = Guard()
    assert guard.is_ticket(guard.ticket("/stop a"), "/stop a")
    assert not guard.is_ticket(guard.ticket("/stop a"), "/stop b")
    assert not guard.is_ticket(Guard().ticket("/stop a"), "/stop a")
    assert not guard.is_ticket("\ud800", "/stop a")
