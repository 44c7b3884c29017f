"""The `[redact]` table: what it may say, and how it says no."""

from pathlib import Path

import msgspec
import pytest

from harness.capture.live.patterns import CLASSES
from harness.capture.live.rules import Rules, load

FULL = """
[redact]
key = "env:REDACT_KEY"
keep_headers = ["X-Tenant"]
headers = { x-user = "hash" }
query = { mail = "mask" }
fields = { unit = "hash", "tags.payee" = "remove" }
classes = { ip = "keep", email = "hash" }
keep_values = ["noreply@example.org"]

[redact.paths]
"user.email" = "hash"
"rows[].card" = "mask"

[redact.patterns]
staff = { regex = "E[0-9]{6}", action = "drop_request" }

[sample]
share = 0.1
"""


def test_a_file_of_rules_is_read(tmp_path: Path) -> None:
    """Other tables of the same file are somebody else's."""
    path = tmp_path / "rules.toml"
    path.write_text(FULL)
    rules = load(path)
    assert rules.paths == {"user.email": "hash", "rows[].card": "mask"}
    assert rules.hashes
    assert rules.class_actions() == {
        "staff": "drop_request",
        **{name: "hash" if name == "email" else "mask" for name in CLASSES if name != "ip"},
    }


@pytest.mark.parametrize(
    ("table", "complaint"),
    [
        ({"paths": {"a[0]": "mask"}}, "is no path"),
        ({"paths": {"a": "blank"}}, "Invalid enum value 'blank'"),
        ({"classes": {"phone": "mask"}}, "Invalid enum value 'phone'"),
        ({"path": {}}, "unknown field `path`"),
        ({"fields": {"unit": "mask"}}, "unit can only be hashed"),
        ({"fields": {"request": "hash"}}, "no field 'request'"),
        ({"fields": {"tags.": "mask"}}, "no field"),
        ({"keep_headers": ["Authorization"]}, "never kept"),
        ({"headers": {"cookie": "hash"}}, "never kept"),
        ({"patterns": {"x": {"regex": "("}}}, "no regular expression"),
        ({"patterns": {"email": {"regex": "x"}}}, "a class of ours"),
        ({"patterns": {"x": {"regex": "(a+)+$"}}}, "patterns.x: '(a+)+$' repeats what repeats"),
        ({"patterns": {"x": {"regex": "((?:a|b*?)c?){2,}"}}}, "repeats what repeats"),
        ({"key": "secret"}, "the key itself is not written here"),
        ({"paths": {"a": "hash"}}, "there is no key"),
        ({"patterns": {"x": {"regex": "y", "action": "hash"}}}, "there is no key"),
    ],
)
def test_what_cannot_be_done_is_refused(table: dict[str, object], complaint: str) -> None:
    """A rule that would do nothing is an error, for its user believes in it."""
    with pytest.raises(msgspec.ValidationError) as caught:
        msgspec.convert(table, Rules)
    assert complaint in str(caught.value)


@pytest.mark.parametrize(
    "regex", ["(a++)+", "(?>a+)+", "(a{1,64}-)+", "a+b+", "(E[0-9]{6},)*", "(x)?(?(1)a|b)+"]
)
def test_a_repeat_that_ends_is_no_fault(regex: str) -> None:
    """Possessive, atomic or bounded, or one after another."""
    assert msgspec.convert({"patterns": {"x": {"regex": regex}}}, Rules).patterns["x"].regex == regex


@pytest.mark.parametrize(
    ("environ", "complaint"),
    [({}, "is not set"), ({"K": "short"}, "has 5 bytes")],
)
def test_a_key_that_is_missing_or_short_is_refused(environ: dict[str, str], complaint: str) -> None:
    """The message names the variable and never the value."""
    with pytest.raises(ValueError, match=complaint) as caught:
        Rules(key="env:K").key_in(environ)
    assert "variable K" in str(caught.value)
    assert "short" not in str(caught.value)


def test_the_key_is_that_of_the_environment() -> None:
    """Without a word about a key there is none."""
    assert Rules(key="env:K").key_in({"K": "k" * 16}) == b"k" * 16
    assert Rules().key_in({"K": "k" * 16}) == b""
