"""One call after redaction: every part of it, what is said and counted, and joins that stay."""

import json
import re

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.capture.live.patterns import CLASSES, found, shapes
from harness.capture.live.record import Record
from harness.capture.live.redaction import MAX_PLACES, TAG, Parts, Redactor, redacted_places
from harness.capture.live.rules import Rules

KEY = b"a key of at least 16 bytes"
ALL = shapes(CLASSES)
NAMES = st.sampled_from(["bob@x.org", "u1", "10.1.2.3", "4111 1111 1111 1111"])
MAPS = st.dictionaries(st.sampled_from(["accept", "x", "bob@x.org"]), NAMES, max_size=2)
PARTS = st.builds(
    Parts,
    request_id=NAMES,
    parent_id=st.none() | NAMES,
    unit=st.none() | NAMES,
    path=NAMES.map(lambda name: f"/{name.replace('@', '%40')}?q={name}"),
    headers=MAPS,
    body=NAMES.map(lambda name: json.dumps({"name": name, "q": [name]}).encode()) | st.binary(max_size=20),
    answer_headers=MAPS,
    answer_body=NAMES.map(str.encode),
    features=st.none() | NAMES.map(lambda name: json.dumps({"f": name}).encode()),
    segments=MAPS,
    served_by=MAPS,
    tags=MAPS,
)


def hashing(**rules: object) -> Redactor:
    """A redactor with a key."""
    return Redactor(Rules(key="env:K", **rules), KEY)  # type: ignore[arg-type]


def texts_of(parts: Parts) -> list[str]:
    """Every text of a call."""
    bodies = [one.decode("latin-1") for one in (parts.body, parts.answer_body) if one]
    features = [parts.features.decode()] if isinstance(parts.features, bytes) else []
    maps = (parts.headers, parts.answer_headers, parts.segments, parts.served_by, parts.tags)
    return [
        *(parts.request_id, parts.parent_id or "", parts.unit or "", parts.path, *bodies, *features),
        *(text for one in maps for pair in one.items() for text in pair),
    ]


@given(PARTS)
@pytest.mark.parametrize("action", ["mask", "hash", "remove"])
def test_nothing_of_a_class_survives_and_twice_is_once(action: str, parts: Parts) -> None:
    """In no part of the call; what was redacted already is not changed again."""
    redactor = hashing(classes=dict.fromkeys(CLASSES, action))
    after = redactor.parts(parts)
    assert after is not None
    assert [text for text in texts_of(after) if found(text, ALL)] == []
    assert redactor.parts(after) == after


def test_joins_stay() -> None:
    """Unit, body, label's id, query: the token is that of the value."""
    redactor = hashing(paths={"user": "hash"}, fields={"unit": "hash", "request_id": "hash"})
    after = redactor.parts(
        Parts(request_id="r-1", parent_id="r-0", unit="u17", body=b'{"user":"u17"}', path="/?u=u17")
    )
    assert after is not None
    assert json.loads(after.body)["user"] == after.unit == redactor.name("u17", "unit") == after.path[4:]
    assert after.request_id == redactor.name("r-1")
    assert after.parent_id == redactor.name("r-0")


@pytest.mark.parametrize(
    ("request_id", "headers", "after"),
    [
        ("order-7", {"X-Request-Id": "order-7"}, {"X-Request-Id": "{order-7}"}),
        ("order-7", {"b3": "ORDER-7-1"}, {"b3": "{order-7}-1"}),
        ("order-7", {"x-request-id": "border-7", "user-agent": "a order-7"}, None),
        (
            f"{'a' * 32}-{'b' * 16}",
            {"traceparent": f"00-{'a' * 32}-{'b' * 16}-01", "x-b3-traceid": "a" * 32},
            {"traceparent": f"00-{{{'a' * 32}-{'b' * 16}}}-01", "x-b3-traceid": f"{{{'a' * 32}}}"},
        ),
    ],
)
def test_an_id_that_is_hashed_stands_in_no_header_beside_its_token(
    request_id: str, headers: dict[str, str], after: dict[str, str] | None
) -> None:
    """Of the request and its answer; the trace of a traceparent that the id was made of too."""
    redactor = hashing(fields={"request_id": "hash"})
    parts = redactor.parts(Parts(request_id=request_id, headers=headers, answer_headers=headers))
    assert parts is not None
    tokens = {part: redactor.means.token(part) for part in (request_id, "a" * 32)}
    spelled = {
        name: re.sub(r"\{([^}]*)\}", lambda match: tokens[match[1]], text)
        for name, text in (after or headers).items()
    }
    assert parts.headers == parts.answer_headers == spelled
    assert redactor.parts(parts) == parts


def test_an_id_that_is_hashed_stands_in_no_body_beside_its_token() -> None:
    """As inference protocols repeat it; a short one may be any value, so it stays."""
    redactor = hashing(fields={"request_id": "hash"})
    body = b'{"id":"order-17","n":17,"q":"an order-17"}'
    after = redactor.parts(Parts(request_id="order-17", body=body, answer_body=body))
    assert after is not None
    assert after.body == after.answer_body == body.replace(b'"order-17"', f'"{after.request_id}"'.encode())
    assert redacted_places(after.tags) == ["answer:id", "body:id", "request_id"]
    short = Parts(request_id="17", body=b'{"id":"17"}')
    assert redactor.parts(short) == msgspec.structs.replace(
        short, request_id=redactor.name("17"), tags={TAG: '["request_id"]'}
    )


def test_a_redacted_call_says_what_was_changed() -> None:
    """Places and no values, beside those of an earlier redaction; counts are by rule and place."""
    redactor = hashing(paths={"user.email": "hash"}, query={"q": "mask"})
    parts = Parts(
        unit="u1",
        path="/?q=1",
        body=b'{"user":{"email":"b"},"t":"al@x.org"}',
        tags={TAG: '["body:old"]', "a": "b"},
    )
    after = redactor.parts(parts)
    assert after is not None
    assert redacted_places(after.tags) == ["body:old", "body:t", "body:user.email", "query.q"]
    assert after.tags["a"] == "b"
    assert redactor.changed == {
        ("rule for its place", "body:user.email"): 1,
        ("email", "body:t"): 1,
        ("rule for its place", "query.q"): 1,
    }


def test_a_call_without_anything_is_the_very_same() -> None:
    """Nothing is said about it."""
    parts = Parts(request_id="1", headers={"Accept": "*/*"}, body=b'{"a":1}')
    assert hashing().parts(parts) == parts


def test_without_rules_only_unknown_headers_go() -> None:
    """They are counted by name, once a call; bodies are not searched."""
    redactor = Redactor()
    parts = Parts(
        body=b"bob@x.org",
        headers={"X-User": "1", "accept": "a", "Cookie": "c"},
        answer_headers={"x-user": "2", "content-type": "t"},
    )
    after = redactor.parts(parts)
    assert after == Parts(body=b"bob@x.org", headers={"accept": "a"}, answer_headers={"content-type": "t"})
    assert redactor.lost_headers == {"x-user": 1, "cookie": 1}
    assert redactor.changed == {}


def test_a_header_is_kept_hashed_or_freed() -> None:
    """By its rule, and of classes where it is only kept."""
    redactor = hashing(headers={"X-User": "hash"}, keep_headers=("X-Tenant",))
    after = redactor.parts(Parts(headers={"x-user": "u1", "x-tenant": "bob@x.org"}))
    assert after is not None
    assert after.headers == {"x-user": redactor.means.token("u1"), "x-tenant": "[email]"}


def test_a_request_that_is_left_out_is_counted_by_reason() -> None:
    """The reason tells no value."""
    redactor = Redactor(Rules(fields={"unit": "drop_request"}))
    assert redactor.parts(Parts(unit="bob")) is None
    assert redactor.dropped == {"fields.unit": 1}


def test_places_are_counted_apart_up_to_a_limit() -> None:
    """A hostile body with a million keys fills no memory."""
    redactor = Redactor(Rules())
    many = ",".join(f'"k{n}":"bob@x.org"' for n in range(MAX_PLACES + 50))
    redactor.parts(Parts(body=f"{{{many}}}".encode()))
    assert len(redactor.changed) == MAX_PLACES + 1
    assert redactor.changed["email", "other places"] == 50


def test_a_sample_by_another_name_is_forgotten() -> None:
    """The hash of a token is another than that of the unit, so what the tag says of it holds no more."""
    tags = {"sampled": '{"unit 0": 0.1, "request_id 0": 0.5}'}
    after = hashing(fields={"unit": "hash"}).parts(Parts(unit="u", tags=tags))
    assert after is not None
    assert json.loads(after.tags["sampled"]) == {"request_id 0": 0.5, "renamed": 0.1}


def test_a_record_of_live_capture_is_redacted_in_its_own_words() -> None:
    """Features keep their types, and what is not redacted its value."""
    record = Record(
        request_id="1",
        ts_ns=1,
        body=b'{"mail":"bob@x.org"}',
        features={"mail": "bob@x.org", "x": 1.5},
        latency_ns=5,
        headers={"x-y": "1"},
    )
    after = Redactor(Rules()).record(record)
    assert after is not None
    assert (after.body, after.features) == (b'{"mail":"[email]"}', {"mail": "[email]", "x": 1.5})
    assert (after.latency_ns, after.headers) == (5, {})
    assert redacted_places(after.tags) == ["body:mail", "features:mail"]
    assert (
        Redactor(Rules(fields={"unit": "drop_request"})).record(Record(request_id="1", ts_ns=1, unit="u"))
        is None
    )


@pytest.mark.parametrize(("tag", "places"), [("", []), ("no JSON", ["no JSON"]), ('["a"]', ["a"])])
def test_a_tag_of_somebody_else_is_read_as_a_place(tag: str, places: list[str]) -> None:
    """It never ends a run."""
    assert redacted_places({TAG: tag}) == places


def test_raw_tensors_stay_behind_a_json_that_grows() -> None:
    """The header says how long the JSON has become; tensors that hold something leave the request out."""
    tensors = [{"name": "a", "parameters": {"binary_data_size": 4}}, {"name": "b"}]
    head = json.dumps({"inputs": tensors, "id": "al@x.org"}).encode()
    headers = {"Inference-Header-Content-Length": str(len(head))}
    redactor = Redactor(Rules(key="env:K", classes={"email": "hash"}), b"a key of at least 16 bytes")
    whole = head + b"\x00\xff41"
    after = redactor.parts(Parts(headers=headers, body=whole, answer_headers=headers, answer_body=whole))
    assert after is not None
    for raw, lengths in ((after.body, after.headers), (after.answer_body, after.answer_headers)):
        length = int(lengths["Inference-Header-Content-Length"])
        assert json.loads(raw[:length]) == {"inputs": tensors, "id": redactor.means.token("al@x.org")}
        assert raw[length:] == b"\x00\xff41"
    short = head.replace(b"4", b"8")
    assert redactor.parts(Parts(headers=headers, body=short + b"al@xy.org"[:8])) is None
    assert list(redactor.dropped) == ["the body has tensors that hold what a class takes out"]


@pytest.mark.parametrize("said", ["1", "2", "30", "9" * 4_000, "-1", ""])
def test_a_length_that_is_not_that_of_the_json_hides_nothing(said: str) -> None:
    """Whatever a client says: only sizes that add up make a head."""
    redactor = Redactor(Rules(paths={"ssn": "mask"}))
    headers = {"inference-header-content-length": said}
    after = redactor.parts(Parts(headers=headers, body=b'  {"ssn": "my secret", "more": 1}'))
    assert after is not None
    assert after.body == b'  {"ssn": "[redacted]", "more": 1}'
    assert after.headers == headers


@pytest.mark.parametrize(
    ("name", "raw"), [("ssn", b"\x04\0\0\0abcd"), ("a", b'{"ssn":1'), ("a", b"\x04\0\0\0abcd")]
)
def test_raw_tensors_of_a_rule_leave_the_request_out(name: str, raw: bytes) -> None:
    """By the tensor's name, or by the name of a place in its texts."""
    head = json.dumps({"inputs": [{"name": name, "parameters": {"binary_data_size": 8}}]}).encode()
    redactor = Redactor(Rules(paths={"ssn": "mask"}))
    given = Parts(headers={"inference-header-content-length": str(len(head))}, body=head + raw)
    after = redactor.parts(given)
    assert (after is None) == (b"ssn" in head + raw)
    assert after is None or after.body == given.body


@pytest.mark.parametrize("kind", ["text/html", "application/octet-stream"])
def test_the_words_of_an_answer_throw_no_request_away(kind: str) -> None:
    """An answer that cannot be taken apart loses its body, and says so; a rule to drop still drops."""
    redactor = Redactor(Rules(paths={"age": "mask", "gone": "drop_request"}))
    after = redactor.parts(
        Parts(answer_headers={"content-type": kind}, answer_body=b"<p>page age</p>", body=b'{"age":1}')
    )
    assert after is not None
    assert (after.body, after.answer_body) == (b'{"age":0}', b"")
    assert after.tags["answer_truncated"] == "true"
    assert redacted_places(after.tags) == ["answer", "body:age"]
    assert redactor.parts(after) == after
    assert redactor.parts(Parts(answer_body=b'{"gone":1}')) is None
    assert redactor.changed["the answer has names of a rule and cannot be taken apart", "answer"] == 1
