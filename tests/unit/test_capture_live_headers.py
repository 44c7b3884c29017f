"""Headers: harmless ones stay, private ones never do, the rest by name."""

from collections.abc import Callable

import pytest

from harness import columns
from harness.capture.live import headers


@pytest.mark.parametrize("name", ["Content-Type", "traceparent", "X-Request-ID", "x-model-digest"])
def test_a_harmless_header_stays(name: str) -> None:
    """What negotiation, tracing and the identity of a model need, in the letters it came in."""
    assert headers.kept({name: "a"}) == ({name: "a"}, [])


@pytest.mark.parametrize("name", ["X-Forwarded-For", "Referer", "X-User", "True-Client-IP", "From"])
def test_an_unknown_header_goes_unless_it_is_named(name: str) -> None:
    """Nobody knows what is in it."""
    assert headers.kept({name: "a"}) == ({}, [name.lower()])
    assert headers.kept({name: "a"}, {name.lower()}) == ({name: "a"}, [])


@pytest.mark.parametrize("name", ["Authorization", "Cookie", "X-Api-Key", "X-Auth-Token"])
def test_no_word_keeps_a_credential(name: str) -> None:
    """A header that may hold one goes, named or not."""
    assert headers.kept({name: "a"}, {name.lower()}) == ({}, [name.lower()])


@pytest.mark.parametrize("said", [headers.is_private, columns.is_private])
def test_both_lists_of_private_names_agree(said: Callable[[str], bool]) -> None:
    """The room of live capture imports nothing, so it has the expression of the columns once more."""
    names = {"set-cookie2", "x-session-id", "proxy-authorization", "x-private-key", "tokens", "content-type"}
    assert {name for name in names if said(name)} == names - {"tokens", "content-type"}
    assert not any(map(said, headers.HARMLESS))
