"""Attempts to get past the guard: other hosts, absolute URLs, smuggled headers, passed-on secrets."""

import re

import msgspec
import pytest

from harness.errors import CaptureError, ScenarioError
from harness.replay.guard import (
    Safety,
    check_method,
    check_resumable,
    check_target,
    confirmed,
    safe_headers,
    safe_path,
)

NAMES = {
    "inside": ["10.1.2.3", "fd00::1"],
    "outside": ["93.184.216.34"],
    "mixed": ["10.1.2.3", "93.184.216.34"],
    "nothing": [],
    "mapped": ["::ffff:8.8.8.8"],
    "mapped-inside": ["::ffff:192.168.0.9"],
}


def resolve(host: str, _port: int) -> list[str]:
    """A resolver of our own; literals are their own addresses."""
    if host == "unknown":
        raise OSError
    return NAMES.get(host, [host])


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1", "127.9.9.9", "10.0.0.8", "172.31.0.1", "192.168.1.1", "[::1]", "inside", "mapped-inside"],
)
def test_loopback_and_private_hosts_are_allowed(host: str) -> None:
    """Also a name, when all its addresses are private; the checked addresses are the ones to connect to."""
    endpoint = check_target(f"http://{host}:8000/score?a=b", Safety(), resolve=resolve)
    assert (endpoint.port, endpoint.path) == (8000, "/score?a=b")
    assert list(endpoint.addresses) == list(resolve(host.strip("[]"), 8000))


@pytest.mark.parametrize(
    "host",
    [
        "93.184.216.34",
        "outside",
        "mixed",
        "nothing",
        "mapped",
        "unknown",
        "0.0.0.0",  # noqa: S104  -- refused, not bound
        "169.254.169.254",
        "[fe80::1]",
        "172.32.0.1",
        "100.64.0.1",
    ],
)
def test_other_hosts_are_refused(host: str) -> None:
    """Public, unspecified and link-local hosts, and names with a single public address."""
    with pytest.raises(ScenarioError, match="host"):
        check_target(f"http://{host}/score", Safety(), resolve=resolve)


def test_a_public_host_can_be_allowed_by_name_and_the_error_says_how() -> None:
    """The refusal shows the line to add; with it the host passes, whatever its case."""
    with pytest.raises(ScenarioError, match=r'allow_hosts = \["outside"\]'):
        check_target("https://outside/score", Safety(), resolve=resolve)
    endpoint = check_target("https://Outside/score", Safety(allow_hosts=("OUTSIDE",)), resolve=resolve)
    assert (endpoint.port, endpoint.authority) == (443, "outside")


def test_an_allowed_host_does_not_allow_another_one_like_it() -> None:
    """Hosts are compared whole, not by suffix."""
    with pytest.raises(ScenarioError):
        check_target("http://outside/", Safety(allow_hosts=("outside.example", "side")), resolve=resolve)


@pytest.mark.parametrize(
    "url",
    [
        "ftp://127.0.0.1/a",
        "file:///etc/passwd",
        "127.0.0.1:80",
        "http://",
        "http://127.0.0.1:99999/",
        "http://[::1/",
        "http://127.0.0.1/a b",
        "http://127.0.0.1/é",
        "http://127.0.0.1//elsewhere",
    ],
)
def test_urls_that_are_not_plain_http_are_refused(url: str) -> None:
    """Another scheme, no host, an impossible port, a path that is not percent-encoded."""
    with pytest.raises(ScenarioError):
        check_target(url, Safety(), resolve=resolve)


def test_credentials_in_a_url_are_refused_and_not_shown() -> None:
    """They belong into the environment; the error does not repeat them."""
    with pytest.raises(ScenarioError, match="env:NAME") as caught:
        check_target("http://me:hunter2@127.0.0.1/", Safety(), resolve=resolve)
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    ("host", "port", "authority"),
    [("127.0.0.1", ":8000", "127.0.0.1:8000"), ("127.0.0.1", "", "127.0.0.1"), ("[::1]", ":81", "[::1]:81")],
)
def test_the_authority_is_what_the_host_header_says(host: str, port: str, authority: str) -> None:
    """The port is there unless it is the scheme's own; IPv6 keeps its brackets."""
    assert check_target(f"http://{host}{port}/", Safety(), resolve=resolve).authority == authority


@pytest.mark.parametrize("method", ["DELETE", "post", "POST /x HTTP/1.1\r\nX: y"])
def test_methods_must_be_declared_safe(method: str) -> None:
    """Nothing but what the scenario lists, letter by letter."""
    with pytest.raises(ScenarioError, match="method"):
        check_method(method, Safety())


def test_a_declared_method_still_has_to_be_one() -> None:
    """Declaring a smuggled request line safe does not make it a method."""
    smuggled = "GET / HTTP/1.1\r\nX-A:"
    with pytest.raises(ScenarioError):
        check_method(smuggled, Safety(methods=(smuggled,)))
    assert check_method("PUT", Safety(methods=("PUT",))) == "PUT"


def test_secrets_and_hop_by_hop_headers_stay_behind() -> None:
    """What identifies a user or belongs to one connection is not sent again; the rest is, in lower case."""
    captured = dict.fromkeys(
        (
            *("Authorization", "COOKIE", "X-Api-Key", "Proxy-Authorization", "Proxy-Connection", "Host"),
            *("Content-Length", "Transfer-Encoding", "Keep-Alive", "TE", "Upgrade", "Expect", "X-Hop"),
        ),
        "secret",
    )
    captured |= {"Connection": "close, X-Hop", "Content-Type": "application/json", "X-Tenant": "a\tb"}
    assert safe_headers(captured) == {"content-type": "application/json", "x-tenant": "a\tb"}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("X-A", "b\r\nX-Evil: 1"),
        ("X-A", "b\nX-Evil: 1"),
        ("X-A", "b\x00"),
        ("X-A\r\nX-Evil", "1"),
        ("X A", "1"),
        ("", "1"),
        ("X-Ä", "1"),
        ("Authorization", "b\r\nX-Evil: 1"),
    ],
)
def test_headers_that_could_smuggle_another_are_refused(name: str, value: str) -> None:
    """A line break or NUL makes the captured request unsendable, and the value is not shown."""
    with pytest.raises(CaptureError) as caught:
        safe_headers({name: value})
    assert "Evil: 1" not in str(caught.value)


@pytest.mark.parametrize("path", ["/", "/score", "/a/b?c=%20d&e=f", "/v1/models/m:predict"])
def test_origin_form_paths_pass(path: str) -> None:
    """A path and query, percent-encoded."""
    assert safe_path(path) == path


@pytest.mark.parametrize(
    "path",
    ["http://evil/", "//evil/", "score", "", "/a b", "/a\r\nHost: evil", "/a#b", "/é", "*", "/a\x00", "/a\n"],
)
def test_captured_absolute_urls_are_never_followed(path: str) -> None:
    """Nor anything else that is not a plain path."""
    with pytest.raises(CaptureError):
        safe_path(path)


@pytest.mark.parametrize(
    "host",
    [
        "[::ffff:8.8.8.8]",
        "[::ffff:808:808]",
        "[::8.8.8.8]",
        "[64:ff9b::808:808]",
        "[2002:808:808::1]",
        "134744072",
        "0x08080808",
        "010.8.8.8",
    ],
)
def test_a_public_address_in_disguise_is_refused(host: str) -> None:
    """Mapped, embedded, tunnelled, decimal, hexadecimal or octal, as the system itself resolves it."""
    with pytest.raises(ScenarioError, match="host"):
        check_target(f"http://{host}/score", Safety())


def test_a_name_too_long_to_be_one_is_an_error_of_the_scenario() -> None:
    """The system's resolver raises something else than for an unknown name."""
    with pytest.raises(ScenarioError, match="cannot be resolved"):
        check_target(f"http://{'a' * 80}.example/", Safety())


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1@outside/", "http://127.0.0.1:80@outside/", "http://outside#@127.0.0.1/"]
)
def test_a_host_hidden_behind_another_one_is_seen(url: str) -> None:
    """What stands before an @ is a user and no host; what stands after a # is no host either."""
    with pytest.raises(ScenarioError) as caught:
        check_target(url, Safety(), resolve=resolve)
    assert "127.0.0.1@" not in str(caught.value)


@pytest.mark.parametrize(
    ("hosts", "public"),
    [((), ()), (("outside",), ()), ((), ("outside",)), (("outside",), ("side",)), (("side",), ("outside",))],
)
def test_a_public_host_needs_the_scenario_and_the_command_line(
    hosts: tuple[str, ...], public: tuple[str, ...]
) -> None:
    """Either alone is refused, and the refusal names both steps."""
    with pytest.raises(ScenarioError, match=r'allow_hosts = \["outside"\].*--allow-public outside'):
        check_target("https://outside/", confirmed(Safety(allow_hosts=hosts), public), resolve=resolve)


def test_a_host_that_both_name_may_be_sent_to() -> None:
    """By its whole name, whatever its case."""
    safety = confirmed(Safety(allow_hosts=("Outside", "other")), ("OUTSIDE",))
    assert safety.allow_hosts == ("Outside",)
    assert check_target("https://outside/", safety, resolve=resolve).addresses == ("93.184.216.34",)


def test_what_was_checked_is_what_is_connected_to() -> None:
    """A name that has another address by the next lookup changes nothing: it is not looked up again."""
    answers = iter([["10.0.0.1"], ["93.184.216.34"]])
    endpoint = check_target("http://rebound/", Safety(), resolve=lambda *_: next(answers))
    assert endpoint.addresses == ("10.0.0.1",)


def test_a_cut_run_is_resumed_only_where_sending_again_does_no_harm() -> None:
    """The scenario has to say so; the refusal shows the line."""
    with pytest.raises(ScenarioError, match="expected idempotent = true"):
        check_resumable(Safety())
    check_resumable(Safety(idempotent=True))


@pytest.mark.parametrize(
    ("config", "complaint"),
    [
        ({"max_seconds": 0}, "$.max_seconds"),
        ({"drain_s": -1}, "$.drain_s"),
        ({"breaker": {"error_share": 1.1}}, "$.breaker.error_share"),
        ({"breaker": {"consecutive": 0}}, "$.breaker.consecutive"),
        ({"breaker": {"windows_s": 1}}, "windows_s"),
        ({"idempotent": "yes"}, "$.idempotent"),
    ],
)
def test_a_wrong_rail_names_its_field(config: dict[str, object], complaint: str) -> None:
    """Unknown words and impossible values are refused at load."""
    with pytest.raises(msgspec.ValidationError, match=re.escape(complaint)):
        msgspec.convert(config, Safety)
