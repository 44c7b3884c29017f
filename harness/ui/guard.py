"""Who may ask for a page: hosts, origins, tokens and sizes, checked before anything else is looked at.

A page on another site can make a browser ask this server for anything. So a Host that could be a name made to
point here (DNS rebinding) is refused, a request that another site's page made is refused, and what changes
something needs a word that only our own pages know.
"""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import secrets
from dataclasses import dataclass, field
from http import HTTPStatus
from http.cookies import CookieError, SimpleCookie
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Mapping

#: longest path and query together, and longest body, in bytes
MOST_ASKED = 4_096
MOST_SENT = 8_192
COOKIE = "replaygate"
LOGIN = "/login"
#: what may be had without a token: the page that asks for it, and how it looks
_OPEN = ("/static/", LOGIN)
_OURS = {"", "same-origin", "none"}
PAGE = (
    "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self' data:; "
    "form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
HEADERS = {
    "content-security-policy": PAGE,
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "cache-control": "no-store",
}


@dataclass(frozen=True)
class Asked:
    """A request as far as it says who asks: the method, the path, bytes of path and query, its headers."""

    method: str
    path: str
    size: int
    headers: Mapping[str, str]

    @property
    def changes(self) -> bool:
        """Whether it may change something."""
        return self.method not in {"GET", "HEAD"}


@dataclass(frozen=True)
class Refusal:
    """Why a request is refused."""

    status: HTTPStatus
    why: str


@dataclass(frozen=True)
class Guard:
    """What is let in: names that a Host may have beside this machine's own, and a token where one is needed.

    `anywhere` says that others than this machine may ask, so that any address may stand in the Host: an
    address cannot be made to point elsewhere, only a name can.
    """

    names: frozenset[str] = frozenset()
    anywhere: bool = False
    token: str = ""
    _key: bytes = field(default_factory=lambda: secrets.token_bytes(32), repr=False)

    def refusal(self, asked: Asked) -> Refusal | None:
        """Why this request gets no answer, or None."""
        if asked.size > MOST_ASKED:
            return Refusal(
                HTTPStatus.REQUEST_URI_TOO_LONG, f"The address is longer than {MOST_ASKED:,} bytes."
            )
        if not self._names_us(asked.headers.get("host", "")):
            return Refusal(
                HTTPStatus.MISDIRECTED_REQUEST, "This server does not go by that name (Host header)."
            )
        if self._foreign(asked):
            return Refusal(HTTPStatus.FORBIDDEN, "Another site's page asked for this.")
        if asked.changes and (too_much := _body_refusal(asked.headers)):
            return too_much
        if not self._known(asked):
            return Refusal(HTTPStatus.UNAUTHORIZED, "This page needs its token.")
        return None

    def is_token(self, text: str) -> bool:
        """Whether this is the token, in a time that does not tell how nearly."""
        return bool(self.token) and hmac.compare_digest(_digest(text), _digest(self.token))

    def session(self) -> str:
        """What the cookie of someone who knew the token holds; good until the server ends."""
        return self._signed("session")

    def ticket(self, path: str) -> str:
        """The word by which a form of ours at this path is known."""
        return self._signed(f"form {path}")

    def is_ticket(self, text: str, path: str) -> bool:
        """Whether a form came from a page of ours."""
        return hmac.compare_digest(_digest(text), _digest(self.ticket(path)))

    def _names_us(self, host: str) -> bool:
        name = _name(host)
        if name == "localhost" or name in self.names:
            return True
        try:
            address = ipaddress.ip_address(name)
        except ValueError:
            return False
        return self.anywhere or address.is_loopback

    def _foreign(self, asked: Asked) -> bool:
        """Whether another site's page made the browser ask; following a link to here is fine."""
        site = asked.headers.get("sec-fetch-site", "")
        visit = not asked.changes and asked.headers.get("sec-fetch-mode") == "navigate"
        if site not in _OURS and not visit:
            return True
        origin = asked.headers.get("origin")
        return origin is not None and urlsplit(origin).netloc != asked.headers.get("host", "")

    def _known(self, asked: Asked) -> bool:
        if not self.token or asked.path.startswith(_OPEN):
            return True
        scheme, _, given = asked.headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer" and self.is_token(given.strip()):
            return True
        return hmac.compare_digest(_digest(_cookie(asked.headers)), _digest(self.session()))

    def _signed(self, text: str) -> str:
        return hmac.new(self._key, text.encode(), hashlib.sha256).hexdigest()


def _name(host: str) -> str:
    """The name or address of a Host header, without its port; empty where it is none."""
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""


def _body_refusal(headers: Mapping[str, str]) -> Refusal | None:
    length = headers.get("content-length", "")
    if not length.isascii() or not length.isdigit():
        return Refusal(HTTPStatus.LENGTH_REQUIRED, "A form must say how long it is.")
    if int(length[:12]) > MOST_SENT:
        return Refusal(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"The form is longer than {MOST_SENT:,} bytes.")
    return None


def _cookie(headers: Mapping[str, str]) -> str:
    try:
        found = SimpleCookie(headers.get("cookie", "")).get(COOKIE)
    except CookieError:
        return ""
    return found.value if found else ""


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()
