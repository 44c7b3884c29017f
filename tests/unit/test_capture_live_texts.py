"""Texts of one call: tokens, names, and texts freed of classes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.capture.live.patterns import CLASSES, found, shapes
from harness.capture.live.rules import Pattern, Rules
from harness.capture.live.texts import MASK, DroppedError, Means, Texts, is_token

KEY = b"a key of at least 16 bytes"
ALL = shapes(CLASSES)


def texts(**rules: object) -> Texts:
    """A call under these rules."""
    return Texts(Means(Rules(key="env:K", **rules), KEY))  # type: ignore[arg-type]


@given(st.text())
def test_a_token_is_stable_innocent_and_its_own(text: str) -> None:
    """The same text has the same token, no class knows it, and hashing twice is hashing once."""
    means = texts().means
    token = means.token(text)
    assert is_token(token)
    assert token == Means(Rules(), KEY).token(text) == means.token(token)
    assert found(token, ALL) == []


def test_a_token_is_of_its_key() -> None:
    """Who has not the key cannot try values; a long key counts whole."""
    long = b"x" * 100
    assert Means(Rules(), KEY).token("a") != Means(Rules(), KEY + b"!").token("a")
    assert Means(Rules(), long).token("a") != Means(Rules(), long + b"!").token("a")


@given(
    st.lists(
        st.sampled_from(
            [
                "bob@x.org",
                "4111 1111 1111 1111",
                "10.1.2.3",
                " ",
                "a",
                "1",
                "@y.de",
                "-",
                "%4",
                "0x.org",
                "bob%40x.org",
            ]
        )
    )
)
@pytest.mark.parametrize("action", ["mask", "hash", "remove"])
def test_nothing_of_a_class_is_left_in_a_text(action: str, parts: list[str]) -> None:
    """Not even what comes to stand together when something between it is taken out."""
    call = texts(classes=dict.fromkeys(CLASSES, action))
    assert found(call.freed("".join(parts), "body"), ALL) == []


def test_what_was_changed_is_said_once_a_place() -> None:
    """Counts are of requests."""
    call = texts()
    assert call.freed("bob@x.org, al@x.org, 10.1.2.3", "body:a") == "[email], [email], [ip]"
    assert list(call.said) == [("email", "body:a"), ("ip", "body:a")]


def test_a_value_to_keep_is_kept() -> None:
    """A class may take a text for what it is not."""
    assert texts(keep_values=("10.0.0.1",)).freed("10.0.0.1 10.0.0.2", "x") == "10.0.0.1 [ip]"


def test_what_is_percent_encoded_is_its_plain_text() -> None:
    """It has the token of the plain text, and stays where that may stay."""
    call = texts(classes={"email": "hash"}, keep_values=("al@x.org",))
    assert call.freed("YWxAeC5vcmcg", "x") == "YWxAeC5vcmcg"
    assert call.freed("to bob%40x.org, al%40x.org", "x") == f"to {call.means.token('bob@x.org')}, al%40x.org"


def test_a_class_may_leave_the_request_out() -> None:
    """The reason names the class and not the text."""
    with pytest.raises(DroppedError, match=r"^class card$"):
        texts(classes={"card": "drop_request"}).freed("4111111111111111", "x")


def test_an_expression_that_finds_what_it_put_there_ends() -> None:
    """A class of the user's that matches its own mask takes the whole text."""
    assert texts(patterns={"x": Pattern(regex="x")}).freed("axb", "p") == MASK


@pytest.mark.parametrize(
    ("rules", "text", "hashed"),
    [
        ({}, "user-17", False),
        ({}, "bob@x.org", True),
        ({}, "user:bob@x.org", True),
        ({"fields": {"unit": "hash"}}, "user-17", True),
    ],
)
def test_a_name_is_hashed_whole_or_let_be(rules: dict[str, object], text: str, *, hashed: bool) -> None:
    """Requests of one unit stay together and those of two apart."""
    call = texts(**rules)
    assert call.name(text, "unit") == (call.means.token(text) if hashed else text)


def test_a_name_that_gives_a_person_away_needs_a_key() -> None:
    """A mask would make one unit of all of them."""
    call = Texts(Means(Rules(), b""))
    with pytest.raises(DroppedError, match=r"unit gives it away \(email\), and there is no key"):
        call.name("bob@x.org", "unit")


def test_what_a_rule_took_goes_from_the_names_too() -> None:
    """A unit that was read out of a body is not left where the body says it no more."""
    call = texts()
    call.take("Bob Smith", "remove")
    assert is_token(call.name("Bob Smith", "unit"))
    assert call.whole("Bob Smith", "tags payee") is None


@pytest.mark.parametrize(("action", "after"), [("mask", MASK), ("remove", None), (None, "abc")])
def test_a_whole_text_is_changed_by_its_rule(action: str | None, after: str | None) -> None:
    """Without a rule it stays where it is of no class."""
    assert texts().whole("abc", "header x", action=action) == after


def test_a_rule_may_leave_the_request_out() -> None:
    """The reason names the place."""
    with pytest.raises(DroppedError, match=r"rule for query\.mail"):
        texts().whole("a", "query.mail", action="drop_request")
    with pytest.raises(DroppedError, match=r"fields\.unit"):
        texts(fields={"unit": "drop_request"}).name("a", "unit")


def test_hashing_needs_a_key() -> None:
    """Without one the rules are not made ready."""
    with pytest.raises(ValueError, match="no key"):
        Means(Rules(key="env:K", paths={"a": "hash"}), b"")
