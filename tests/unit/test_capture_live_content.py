"""Bodies and targets by the rules: JSON, forms, tables, texts inside texts."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.capture.live.content import Content
from harness.capture.live.patterns import CLASSES, found, shapes
from harness.capture.live.rules import Rules
from harness.capture.live.texts import DroppedError, Means, Texts

KEY = b"a key of at least 16 bytes"
ALL = shapes(CLASSES)
LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8)
SECRETS = st.sampled_from(
    [
        *("bob@x.org", "see al@y.de.", "4111 1111 1111 1111", "10.1.2.3", "GB82WEST12345698765432"),
        *(4111111111111111, "\\u0040", "bob\\u0040x.org", '{"a": "bob@x.org"}', "a"),
    ]
)
JSON = st.recursive(
    LEAVES | SECRETS,
    lambda inner: st.lists(inner) | st.dictionaries(st.text(max_size=4) | SECRETS.map(str), inner),
)


def content(**rules: object) -> Content:
    """A call under these rules."""
    return Content(Texts(Means(Rules(key="env:K", **rules), KEY)))  # type: ignore[arg-type]


def body(text: str | bytes, *, kind: str = "", **rules: object) -> str:
    """The body after redaction, as text."""
    raw = text if isinstance(text, bytes) else text.encode()
    return content(**rules).body(raw, where="body", headers={"Content-Type": kind}).decode()


def texts_in(value: object) -> list[str]:
    """Every text and number in a value, keys too."""
    if isinstance(value, dict):
        return [one for key, item in value.items() for one in [key, *texts_in(item)]]
    if isinstance(value, list):
        return [one for item in value for one in texts_in(item)]
    return [value if isinstance(value, str) else json.dumps(value)]


@given(value=JSON, ascii_only=st.booleans())
@pytest.mark.parametrize("action", ["mask", "hash", "remove"])
def test_nothing_of_a_class_survives_in_json(action: str, value: object, *, ascii_only: bool) -> None:
    """Not in a value, a key, a number or behind an escape; what comes out is JSON where what went in was."""
    text = json.dumps(value, ensure_ascii=ascii_only).encode("utf-8", "surrogatepass")
    after = content(classes=dict.fromkeys(CLASSES, action)).body(text, where="body", headers={})
    assert [one for one in texts_in(json.loads(after)) if found(one, ALL)] == []
    assert found(after.decode("latin-1"), ALL) == []


@given(st.recursive(LEAVES, lambda inner: st.lists(inner) | st.dictionaries(st.text(max_size=4), inner)))
def test_json_without_anything_stays_byte_for_byte(value: object) -> None:
    """NaN, spaces, keys that come twice: nobody reads and writes it anew."""
    text = (
        f'{{ "a" : {json.dumps(value)}, "a":1e400,\t"b":NaN , "c":123456789012345678901234567890}}'.encode()
    )
    if found(text.decode(), ALL):
        return
    assert content(paths={"user.email": "hash"}).body(text, where="body", headers={}) == text


@pytest.mark.parametrize(
    ("text", "after"),
    [
        (
            '{"user": {"email": "B", "n": NaN}, "a":1, "a":2}',
            '{"user": {"email": "[redacted]", "n": NaN}, "a":1, "a":2}',
        ),
        ('{"rows":[{"card":41},{"card":"x"}]}', '{"rows":[{"card":0},{"card":"[redacted]"}]}'),
        ('{"a":{"iban":[1,2]},"b":1}', '{"b":1}'),
        ('{"a":{"iban":[1,2],"c":0},"b":1}', '{"a":{"c":0},"b":1}'),
        ('{"user":{"email":"B', '{"user":{"email":"[redacted]"'),
        ('{"user":{"email":null}}', '{"user":{"email":null}}'),
        ('{"user":{"email":{"a":"B","ok":true}}}', '{"user":{"email":{"a":"[redacted]","ok":false}}}'),
        ('{"p":"{\\"iban\\":1,\\"q\\":2}"}', '{"p":"{\\"q\\":2}"}'),
        ('{"us\\u0065r":{"email":"B"}}', '{"us\\u0065r":{"email":"[redacted]"}}'),
        (
            '{"user":{"email":"B"}}\n{"user":{"email":"C"}}\n',
            '{"user":{"email":"[redacted]"}}\n{"user":{"email":"[redacted]"}}\n',
        ),
        ("no JSON: bob@x.org", "no JSON: [email]"),
        ("{'a': 4111 1111 1111 1111}", "{'a': [card]}"),
        ('{"c":4111111111111111}', '{"c":0}'),
        ('{"bob@x.org":1}', '{"[email]":1}'),
    ],
)
def test_a_body_by_its_places(text: str, after: str) -> None:
    """What a rule names is changed where it stands, in a text that is cut or nested too."""
    rules = {"user.email": "mask", "rows[].card": "mask", "**.iban": "remove"}
    if text.startswith('{"a":{"iban":[1,2]},'):
        rules = {"a": "remove"}
    assert body(text, paths=rules) == after


def test_the_same_value_has_the_same_token_wherever_it_stands() -> None:
    """As a text, a number, a form's field, a query: so that joins stay."""
    token = content().means.token
    rules: dict[str, object] = {"paths": {"id": "hash"}, "query": {"id": "hash"}}
    assert json.loads(body('{"id":17}', kind="application/json", **rules)) == {"id": token("17")}
    assert json.loads(body('{"id":"17"}', kind="", **rules)) == {"id": token("17")}
    assert body("id=17&a=1", kind="application/x-www-form-urlencoded", **rules) == f"id={token('17')}&a=1"
    assert body("id,a\n17,1\n", kind="text/csv", **rules) == f"id,a\n{token('17')},1\n"
    assert content(**rules).path("/a?id=17") == f"/a?id={token('17')}"


@pytest.mark.parametrize(
    ("path", "after"),
    [
        ("/a/b?x=1&y=a+b&z", "/a/b?x=1&y=a+b&z"),
        ("/u/bob%40x.org/z?q=bob%40x.org", "/u/[email]/z?q=[email]"),
        ("/u?mail=1&x=2", "/u?mail=[redacted]&x=2"),
        ("/u?ma%69l=1", "/u?ma%69l=[redacted]"),
        ("/u?gone=1&x=2", "/u?x=2"),
        ("/u?bob%40x.org=1", "/u?[email]=1"),
    ],
)
def test_a_target_is_read_through_its_encoding(path: str, after: str) -> None:
    """And what is not changed keeps it."""
    assert content(query={"mail": "mask", "gone": "remove"}).path(path) == after


def test_a_packed_body_that_cannot_be_searched_leaves_the_request_out() -> None:
    """Unless its user says that it may stay."""
    packed, headers = b"\x28\xb5\x2f\xfd\x00", {"content-encoding": "zstd"}
    with pytest.raises(DroppedError, match="the body is packed and cannot be searched"):
        content().body(packed, where="body", headers=headers)
    assert content(unreadable="keep").body(packed, where="body", headers=headers) == packed


def test_features_keep_their_types() -> None:
    """What a handler attached is changed by its name or its text; other values are the very same."""
    nan = float("nan")
    after = content(paths={"age": "mask", "gone": "remove"}).features(
        {"age": 41, "gone": 1, "mail": "bob@x.org", "x": nan, "ok": True, "n": None}
    )
    assert after["x"] is nan
    assert {name: value for name, value in after.items() if name != "x"} == {
        "age": 0,
        "mail": "[email]",
        "ok": True,
        "n": None,
    }


def test_a_place_may_leave_the_request_out() -> None:
    """The reason names the place."""
    with pytest.raises(DroppedError, match="rule for body:test_user"):
        body('{"test_user":1}', paths={"test_user": "drop_request"})
