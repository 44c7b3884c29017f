"""Classes of texts: what each finds, what it leaves alone, and that no text makes the search slow."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.capture.live import patterns

ALL = patterns.shapes(patterns.CLASSES)


def said(text: str) -> list[tuple[str, str]]:
    """The texts found, with their class."""
    return [(text[hit.start : hit.end], hit.name) for hit in patterns.found(text, ALL)]


@pytest.mark.parametrize(
    ("text", "found", "name"),
    [
        pytest.param("mail bob.o'brien@x.co.uk. ok", "bob.o'brien@x.co.uk", "email", id="a sentence's end"),
        pytest.param("'bob@x.org'", "bob@x.org", "email", id="quoted"),
        pytest.param("4111 1111 1111 1111 12/27", "4111 1111 1111 1111", "card", id="a card and its date"),
        pytest.param("no. 3782-822463-10005", "3782-822463-10005", "card", id="Amex in its groups"),
        pytest.param("4111111111111111.0", "4111111111111111", "card", id="a card kept as a float"),
        pytest.param("-4222222222222", "4222222222222", "card", id="13 digits"),
        pytest.param("DE89 3704 0044 0532 0130 00 PAID", "DE89 3704 0044 0532 0130 00", "iban", id="IBAN"),
        pytest.param("at 10.1.2.3.", "10.1.2.3", "ip", id="IPv4"),
        pytest.param("see fe80::1: up", "fe80::1", "ip", id="IPv6"),
        pytest.param("2001:db8:0:0:0:0:0:1", "2001:db8:0:0:0:0:0:1", "ip", id="IPv6 in full"),
        pytest.param("::ffff:1.2.3.4", "::ffff:1.2.3.4", "ip", id="IPv4 in IPv6"),
        pytest.param("Bearer " + "a1" * 12, "a1" * 12, "bearer", id="bearer"),
        pytest.param("Basic " + "dXNlcjpwYXNz", "dXNlcjpwYXNz", "bearer", id="Basic, a short pair"),
        pytest.param("basic " + "w5xzZXI6cMOc.", "w5xzZXI6cMOc.", "bearer", id="Basic, UTF-8"),
        pytest.param('"BASIC ' + 'YTpi"', "YTpi", "bearer", id="Basic, the shortest"),
        pytest.param("to bob%40x.org!", "bob%40x.org", "email", id="percent-encoded"),
        pytest.param("%27bob%2Bz%40x%2Eorg%27", "bob%2Bz%40x%2Eorg", "email", id="percent-encoded marks"),
        pytest.param('{"a":"dG8gYm9iQHgub3Jn"}', "dG8gYm9iQHgub3Jn", "email", id="base64 in quotes"),
        pytest.param("/yB0byBib2JAeC5vcmc=", "/yB0byBib2JAeC5vcmc=", "email", id="base64 of bytes"),
        pytest.param("eyJ" + "hbGciOi.eyJzdWIi.x-y", "eyJ" + "hbGciOi.eyJzdWIi.x-y", "bearer", id="JWT"),
        pytest.param("AKIA" + "A2" * 8, "AKIA" + "A2" * 8, "key", id="AWS"),
        pytest.param("t=ghp_" + "a1" * 18, "ghp_" + "a1" * 18, "key", id="GitHub"),
        pytest.param("sk-" + "proj-" + "a" * 20, "sk-" + "proj-" + "a" * 20, "key", id="a model provider"),
        pytest.param("https://u:secret@h/x", "secret", "key", id="a password in a URL"),
        pytest.param(
            "-----BEGIN RSA PRIVATE KEY-----\nMII-\n-----END RSA PRIVATE KEY----- x",
            "-----BEGIN RSA PRIVATE KEY-----\nMII-\n-----END RSA PRIVATE KEY-----",
            "key",
            id="PEM",
        ),
        pytest.param(
            "-----BEGIN PRIVATE KEY-----\nMII",
            "-----BEGIN PRIVATE KEY-----\nMII",
            "key",
            id="PEM that is cut",
        ),
    ],
)
def test_a_text_of_a_class_is_found_to_the_letter(text: str, found: str, name: str) -> None:
    """The span is the value, without what stands around it."""
    assert said(text) == [(found, name)]


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("0.4111111111111111", id="a score"),
        pytest.param("4111111111111111.5", id="a number with decimals"),
        pytest.param("1760000000000000000", id="a time in ns"),
        pytest.param("4111111111111112", id="Luhn fails"),
        pytest.param("12345678-1234-4123-8123-446655440000", id="a UUID of digits"),
        pytest.param("x4111111111111111", id="within a word"),
        pytest.param("DE89370400440532013001", id="mod 97 fails"),
        pytest.param("v1.2.3.4 1.2.3.4.5 1.2.3.456", id="versions"),
        pytest.param("127.0.0.1 ::1 0.0.0.0 ::", id="nobody's addresses"),
        pytest.param("12:30:45 std::move a::b 00:1a:2b:3c:4d:5e", id="colons"),
        pytest.param("basic authentication-needed", id="words"),
        pytest.param("basic data, Basic info, basic knowledge, Basic AAAAAAAAAA", id="no name and password"),
        pytest.param("basic Output, Basic Overview, basic Outcomes", id="words that are base64 of few bytes"),
        pytest.param('"transactions" "4oKs4oKs4oKs" YWwgYm9iQHgub3Jn', id="no base64 of anything"),
        pytest.param("100%40 of 5%zz 20%", id="percents"),
        pytest.param("bob@localhost @x.org a@b", id="no mail address"),
        pytest.param("risk-adjusted-return-on-capital", id="a word that ends in sk"),
    ],
)
def test_an_innocent_text_is_left_alone(text: str) -> None:
    """What only looks like one is not taken."""
    assert said(text) == []


@pytest.mark.parametrize(
    "text",
    [
        *("a", "a@", "a.", "1 ", "1", "1234 ", "4111 ", "AA11", ":", "a:", "1.", "eyJ", "eyJaaaaaa.", "sk-"),
        *(
            "Bearer ",
            "://a:b",
            "'",
            "%a",
            "%40",
            "a%40",
            "Basic YTpi",
            '"dG8gYm9iQHgub3Jn",',
            "YWFh",
            "-----BEGIN PRIVATE KEY-----",
            "xoxb-",
            "a@a.",
            "hf_",
            "-",
            "@a.b",
        ),
    ],
)
def test_no_text_makes_the_search_slow(text: str) -> None:
    """A hundred thousand letters of hostile text are searched; quadratic time would take hours."""
    assert isinstance(patterns.found(text * (100_000 // len(text)) + "x", ALL), list)


@pytest.mark.parametrize(("digits", "good"), [("79927398713", True), ("79927398710", False), ("0", True)])
def test_luhn_is_that_of_the_standard(digits: str, *, good: bool) -> None:
    """The example number of the algorithm's own description."""
    assert patterns.luhn(digits) == good


def test_spans_that_overlap_are_one() -> None:
    """Nothing of either is left when the span is cut out."""
    both = [patterns.own("a", "xy"), patterns.own("b", "yz")]
    assert patterns.found("-xyz-", both) == [patterns.Hit(1, 4, "a")]


def test_a_match_of_nothing_is_none() -> None:
    """An expression of a user that matches nothing everywhere finds nothing."""
    assert patterns.found("abc", [patterns.own("empty", "x*")]) == []


@given(st.text(alphabet="ab@.:1x4 -'%0", max_size=60), st.text(alphabet="ab@.:1x4 -'%0", max_size=60))
def test_what_is_found_in_a_part_touches_a_candidate_of_the_whole(left: str, right: str) -> None:
    """So a body is searched once, and only the tokens that a candidate touches are searched again."""
    whole = f'"{left}","{right}"'
    spans = patterns.candidates(whole, ALL)
    for text, start in ((left, 1), (right, len(left) + 4)):
        for hit in patterns.found(text, ALL):
            assert any(begin < start + hit.end and start + hit.start < end for begin, end in spans)
