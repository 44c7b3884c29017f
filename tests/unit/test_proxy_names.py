"""Ids of calls: the user's own where there is one, and each only once."""

from __future__ import annotations

import pytest

from harness.capture.live import recorder
from harness.proxy.heads import RequestHead
from harness.proxy.names import CallNames


def head(*ids: bytes) -> RequestHead:
    """A request with such ids."""
    return RequestHead(b"GET", b"/", [(b"X-Other", b"o"), *((b"X-Request-ID", one) for one in ids)])


def test_the_user_s_id_is_taken_once() -> None:
    """Then it is numbered."""
    one = CallNames()
    assert [one.name(head(given)) for given in (b"a", b"b", b"a", b"a")] == ["a", "b", "a~2", "a~3"]


@pytest.mark.parametrize("given", [(), (b"",), (b"x" * 201,)])
def test_without_one_it_is_made(given: tuple[bytes, ...]) -> None:
    """32 hexadecimal digits, never the same."""
    one = CallNames()
    first, second = one.name(head(*given)), one.name(head(*given))
    assert len(first) == 32
    assert first != second


def test_what_is_remembered_has_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """The ids before the last so many are forgotten."""
    monkeypatch.setattr(recorder, "REMEMBERED", 2)
    one = CallNames()
    found = [one.name(head(given)) for given in (b"a", b"b", b"a", b"c", b"d", b"e", b"a")]
    assert found == ["a", "b", "a~2", "c", "d", "e", "a"]
