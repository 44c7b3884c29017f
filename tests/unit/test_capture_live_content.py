"""Bodies and targets by the rules: JSON, forms, tables, texts inside texts."""

import gzip
import json
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.capture.live.content import Content
from harness.capture.live.patterns import CLASSES, found, shapes
from harness.capture.live.rules import Rules
from harness.capture.live.texts import DroppedError, Means, OpaqueError, Texts

KEY = b"a key of at least 16 bytes"
ALL = shapes(CLASSES)
LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8)
SECRETS = st.sampled_from(
    [
        *("bob@x.org", "see al@y.de.", "4111 1111 1111 1111", "10.1.2.3", "GB82WEST12345698765432"),
        *(
            4111111111111111,
            "\\u0040",
            "bob\\u0040x.org",
            "bob%40x.org",
            "dG8gYm9iQHgub3Jn",
            '{"a": "bob@x.org"}',
            "a",
        ),
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
        ("/u?gone=1;x=2&gone=3&y", "/u?y"),
        ("/u?a=1;mail=B&MAIL=C&mail[]=D", "/u?a=1;mail=[redacted]&MAIL=[redacted]&mail[]=[redacted]"),
        ("/u;mail=B;gone=1;v=2/z;?x=1", "/u;mail=[redacted];v=2/z;?x=1"),
        ("/u?bob%40x.org=1", "/u?[email]=1"),
    ],
)
def test_a_target_is_read_through_its_encoding(path: str, after: str) -> None:
    """And what is not changed keeps it."""
    assert content(query={"mail": "mask", "gone": "remove"}).path(path) == after


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        (
            '--b\r\nContent-Disposition: form-data; name="ssn"\r\n\r\n123-45-6789\r\n--b--',
            "multipart/form-data",
        ),
        ("age,ssn\n1,123-45-6789\n", "text/plain"),
        (')]}\',\n{"ssn":"123-45-6789"}', "application/json"),
        ('17 {"ssn": 1}', ""),
        ("ssn=123-45-6789", "text/plain"),
        ("<a><ssn>123-45-6789</ssn></a>", "text/xml"),
    ],
)
def test_a_body_that_cannot_be_taken_apart_and_names_a_rule_leaves_the_request_out(
    text: str, kind: str
) -> None:
    """Unless its user says that it may stay; words of a sentence and other names are none."""
    rules: dict[str, object] = {"paths": {"user.ssn": "mask"}}
    with pytest.raises(DroppedError, match="cannot be taken apart"):
        body(text, kind=kind, **rules)
    assert body(text, kind=kind, unreadable="keep", **rules) == text
    for innocent in ("the ssn is missing", "ssns=1", "lessn: 1", "OK"):
        assert body(innocent, kind=kind, **rules) == innocent


FORM, CSV = "application/x-www-form-urlencoded", "text/csv; charset=utf-8"


@pytest.mark.parametrize(
    ("text", "kind", "after"),
    [
        ('"ssn","a"\r\n"12-3","5"\r\n', CSV, '"ssn","a"\r\n"[redacted]","5"\r\n'),
        ('"ssn"\n"12-3"\n', CSV, '"ssn"\n"[redacted]"\n'),
        ("\ufeffssn,a\n12-3,5", CSV, "\ufeffssn,a\n[redacted],5"),
        ("a;ssn\n1,5;12-3\n", CSV, "a;ssn\n1,5;[redacted]\n"),
        ("a\tssn\n5\t12-3\n", "text/tab-separated-values", "a\tssn\n5\t[redacted]\n"),
        ("a,SSN,b\n5,12-3\n6,12-3,7,8\n", CSV, "a,SSN,b\n5,[redacted]\n6,[redacted],7,8\n"),
        ('ssn,a\n"x\n""y","5', CSV, 'ssn,a\n"[redacted]","5'),
        ("user.ssn,a\n1,2\n", CSV, None),
        ("1,ssn\n2,x,ssn\n", CSV, "1,ssn\n2,[redacted],ssn\n"),
        ("# made by x\nssn,a\n12-3,5\n", CSV, None),
        ("ssn=12&a=%20", FORM, "ssn=[redacted]&a=%20"),
        ("a=1;ssn=12;b=2", FORM, "a=1;ssn=[redacted]"),
        ("&a=1;2&ssn[]=12&ssn%5B0%5D=3", FORM, "&a=1;2&ssn[]=[redacted]&ssn%5B0%5D=[redacted]"),
        ("[ssn]=12", FORM, "[ssn]=[redacted]"),
        ("user[name]=Bo&user.name=Al", FORM, "user[name]=[redacted]&user.name=[redacted]"),
        ("user[ssn]=12", FORM, None),
        ("a=ssn%3D12", FORM, None),
        ('{"ssn":1}', FORM, '{"ssn":0}'),
        ('d={"card":{"cvc":"x"}}', FORM, "d=%7B%22card%22%3A%7B%22cvc%22%3A%22[redacted]%22%7D%7D"),
        ("d=eyJjdmMiOiJ4In0%3D", FORM, "d=eyJjdmMiOiAiW3JlZGFjdGVkXSJ9"),
        ('{"ssn":1} ssn=12', "", None),
        ("{'ssn': '12'}", "", None),
        ('{"a": "{\'ssn\': 1}"}', "", None),
        ("{ssn: 12}", "", None),
        ('["ssn", "a"]\n[12, 5]', "", None),
        ('<x ssn="1"/>', "", None),
        ('<ssn a="1">12</ssn>', "", None),
        ("ssn[]=1", "text/plain", None),
        ('{"a":{"ssn":1}}', "", '{"a":{"ssn":1}}'),
        ('{"type":"ssn","why":["ssn","x"]}', "", '{"type":"ssn","why":["ssn","x"]}'),
        ('{"a":{"ssn":1},"b":"cu', "", '{"a":{"ssn":1},"b":"cu'),
        ('{"SSN":1}', "", '{"SSN":0}'),
    ],
)
def test_forms_and_tables_by_their_names(text: str, kind: str, after: str | None) -> None:
    """However they are written; None: what cannot be taken apart while it names a place is left out."""
    rules: dict[str, object] = {"paths": {"ssn": "mask", "user.name": "mask", "**.cvc": "mask"}}
    if after is None:
        with pytest.raises(OpaqueError):
            body(text, kind=kind, **rules)
        assert body(text, kind=kind, unreadable="keep", **rules)
    else:
        if "eyJ" in after:
            after = after.replace("eyJjdmMiOiAiW3JlZGFjdGVkXSJ9", "eyJjdmMiOiJbcmVkYWN0ZWRdIn0%3D")
        assert body(text, kind=kind, **rules) == after
        assert body(after, kind=kind, **rules) == after


@pytest.mark.parametrize(
    ("text", "after"),
    [
        (
            '{"dataframe_split": {"columns": ["x", "ssn"], "data": [[1, 2], [3, "4"]]}}',
            '{"dataframe_split": {"columns": ["x", "ssn"], "data": [[1, 0], [3, "[redacted]"]]}}',
        ),
        ('[["ssn","x"],["Z",1]]', '[["ssn","x"],["[redacted]",1]]'),
        ('{"data":{"names":["ssn"],"ndarray":[[7]]}}', '{"data":{"names":["ssn"],"ndarray":[[0]]}}'),
        (
            '{"inputs":[{"name":"a","data":[1]},{"name":"ssn","shape":[1],"data":[["Z"]]}]}',
            '{"inputs":[{"name":"a","data":[1]},{"name":"ssn","shape":[1],"data":[["[redacted]"]]}]}',
        ),
        (
            '[{"name":"x","value":1},{"name":"ssn","value":2}]',
            '[{"name":"x","value":1},{"name":"ssn","value":0}]',
        ),
        ('"[[\\"ssn\\"],[12]]"', '"[[\\"ssn\\"],[0]]"'),
        ('{"b":"W1sic3NuIl0sWzFdXQ=="}', '{"b":"W1sic3NuIl0sWzBdXQ=="}'),
        ('{"n":["\\u0073sn","x"],"v":[1,2,3,4]}', None),
        ('{"columns":["ssn","x"],"data":[["Z', None),
        ('{"why":["ssn"],"p":[0.5]}', '{"why":["ssn"],"p":[0.5]}'),
    ],
)
def test_values_whose_names_stand_elsewhere(text: str, after: str | None) -> None:
    """Columns of tables, tensors and pairs are those of their names; where it is unclear, it is left out."""
    rules: dict[str, object] = {"paths": {"ssn": "mask"}}
    if after is None:
        with pytest.raises(OpaqueError):
            body(text, kind="", **rules)
    else:
        assert body(text, kind="", **rules) == after
        assert body(after, kind="", **rules) == after


@pytest.mark.parametrize("codec", ["utf-16-le", "utf-16-be", "utf-16", "utf-32-le", "utf-32-be", "utf-32"])
@pytest.mark.parametrize("text", ['{"ssn": "Zoë", "m": "bob@x.org"}', "ssn,m\nZoe,bob@x.org\n"])
def test_wide_letters_hide_nothing(codec: str, text: str) -> None:
    """Marked or not; what is left is in the same letters."""
    headers = {"content-type": "text/csv" if text.startswith("ssn") else ""}
    raw = content(paths={"ssn": "mask"}).body(text.encode(codec), where="body", headers=headers)
    after = raw.decode(codec)
    assert after == text.replace("Zoë", "[redacted]").replace("Zoe", "[redacted]").replace(
        "bob@x.org", "[email]"
    )


@pytest.mark.parametrize("said", ["gzip, gzip", "gzip", "", "deflate, gzip", "identity, GZIP"])
def test_what_is_packed_twice_is_opened_twice(said: str) -> None:
    """As its header says, or as it begins; and packed so again."""
    inner = zlib.compress(b'{"ssn":1}') if "deflate" in said else gzip.compress(b'{"ssn":1}')
    headers = {"content-encoding": said}
    after = content(paths={"ssn": "mask"}).body(gzip.compress(inner), where="body", headers=headers)
    inner = gzip.decompress(after)
    assert (zlib if "deflate" in said else gzip).decompress(inner) == b'{"ssn":0}'
    bomb = gzip.compress(gzip.compress(gzip.compress(gzip.compress(gzip.compress(b"{}")))))
    with pytest.raises(OpaqueError):
        content().body(bomb, where="body", headers={})


def test_a_packed_body_that_cannot_be_searched_leaves_the_request_out() -> None:
    """Unless its user says that it may stay."""
    packed, headers = b"\x28\xb5\x2f\xfd\x00", {"content-encoding": "zstd"}
    with pytest.raises(DroppedError, match="the body is packed and cannot be searched"):
        content().body(packed, where="body", headers=headers)
    assert content(unreadable="keep").body(packed, where="body", headers=headers) == packed


def test_json_in_a_target_is_read_by_the_rules_for_paths() -> None:
    """It is a place of its own, and what cannot be taken apart leaves the request out."""
    one = content(paths={"**.ssn": "mask"})
    assert one.path("/a?d=%7B%22ssn%22:1%7D") == "/a?d=%7B%22ssn%22%3A0%7D"
    assert list(one.texts.said) == [("rule for its place", "query:d.ssn")]
    with pytest.raises(OpaqueError, match="the query has names of a rule"):
        one.path("/a?d={'ssn': 1}")


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
