"""What an answer says: score, features, identity, and for each way to be wrong its own words."""

import json
from typing import Any

import msgspec
import pytest

from harness.records import Attempt, Outcome, State
from replayers.selectors import Reader, Response, canonical, server_ns


def read(
    body: bytes, *, response: Response | None = None, sent_id: str | None = None, **attempt: object
) -> Outcome:
    """The outcome of an answer with this body."""
    values: dict[str, Any] = {"state": State.OK, "status": 200, "attempt": 1} | attempt
    one = Attempt(seq=1, phase="p", target="t", body=body, **values)
    return Reader(response or Response()).outcome(one, sent_id=sent_id)


@pytest.mark.parametrize(
    ("body", "detail"),
    [
        (b'{"score": NaN}', "score is NaN"),
        (b'{"score": Infinity}', "score is Infinity"),
        (b'{"score": -Infinity}', "score is -Infinity"),
        (b'{"score": 1e999}', "score is Infinity"),
        (b'{"score": null}', "score is null"),
        (b'{"score": "NaN"}', "score is text 'NaN'"),
        (b'{"score": "0.5"}', "score is text '0.5'"),
        (b'{"score": "a\\u0000\\nb"}', "score is text 'a b'"),
        (b'{"score": true}', "score is true"),
        (b'{"score": [0.5]}', "score is a list"),
        (b'{"score": {"p": 0.5}}', "score is an object"),
        (b'{"score": 1' + b"0" * 400 + b"}", "score is too large"),
        (b'{"result": 0.5}', "no field 'score'"),
        (b"{}", "no field 'score'"),
        (b"", "body is empty"),
        (b" \n", "body is empty"),
        (b"[0.5]", "body is a list"),
        (b"0.5", "body is a number"),
        (b"null", "body is null"),
        (b'"0.5"', "body is text '0.5'"),
        (b"<!doctype html><p>It works", "body is HTML"),
        (b"\n <html><body>", "body is HTML"),
        (b"<h1>502</h1>", "body is HTML"),
        (b"score=0.5", "body is not JSON"),
        (b'{"score": 0.', "body is not JSON"),
        (b"\xff\xfe\x00", "body is not JSON"),
        (b"[" * 200_000, "body is not JSON"),
    ],
)
def test_each_wrong_body_has_its_own_words(body: bytes, detail: str) -> None:
    """A score is one finite number; whatever else comes is a bad body, and says which."""
    outcome = read(body)
    assert (outcome.state, outcome.score, outcome.detail) == (State.BAD_BODY, None, detail)


@pytest.mark.parametrize(
    ("body", "score"),
    [
        (b'{"score": 0.5}', 0.5),
        (b'{"score": 0.30000000000000004}', 0.1 + 0.2),
        (b'{"score": 5e-324}', 5e-324),
        (b'{"score": 1}', 1.0),
        (b'{"score": -0.0}', -0.0),
        (b'\xef\xbb\xbf{"score": 2}', 2.0),
    ],
)
def test_a_finite_number_is_a_score_to_the_last_bit(body: bytes, score: float) -> None:
    """JSON carries float64 without loss, and nothing here rounds."""
    outcome = read(body)
    assert (outcome.state, outcome.detail) == (State.OK, "")
    assert str(outcome.score) == str(score)


@pytest.mark.parametrize(
    ("selector", "body", "score"),
    [
        ("result.score", b'{"result": {"score": 0.5}}', 0.5),
        ("predictions[0]", b'{"predictions": [0.5]}', 0.5),
        ("[0].score", b'[{"score": 0.5}]', 0.5),
        ("outputs[?name=='p'].data | [0][0]", b'{"outputs": [{"name": "p", "data": [0.5]}]}', 0.5),
        ("@", b"0.5", 0.5),
        ('"p-1"', b'{"p-1": 0.5}', 0.5),
    ],
)
def test_a_score_is_found_wherever_the_selector_points(selector: str, body: bytes, score: float) -> None:
    """Dotted names and the whole of JMESPath, on objects, lists and plain numbers."""
    assert read(body, response=Response(score=selector)).score == score


@pytest.mark.parametrize(
    ("selector", "body", "detail"),
    [
        ("result.score", b'{"result": {}}', "no field 'result.score'"),
        ("result.score", b'{"result": 3}', "no field 'result.score'"),
        ("result.score", b'{"result": {"score": null}}', "score is null"),
        ("predictions[0]", b'{"predictions": []}', "nothing at 'predictions[0]'"),
        ("length(score)", b'{"score": 3}', "nothing at 'length(score)'"),
        ("header:X-Score", b"", "no header 'x-score'"),
    ],
)
def test_a_selector_that_finds_nothing_says_where_it_looked(selector: str, body: bytes, detail: str) -> None:
    """Null and missing are told apart where JMESPath can; a type error inside it is nothing found."""
    assert read(body, response=Response(score=selector)).detail == detail


@pytest.mark.parametrize(
    ("value", "state", "detail"),
    [
        ("0.25", State.OK, ""),
        ("nan", State.BAD_BODY, "score is NaN"),
        ("x", State.BAD_BODY, "score is text 'x'"),
    ],
)
def test_a_score_in_a_header_needs_no_body(value: str, state: State, detail: str) -> None:
    """Header text is read as a number; the body may be anything."""
    outcome = read(b"<html>", response=Response(score="header:X-Score"), headers={"x-score": value})
    assert (outcome.state, outcome.detail) == (state, detail)


def test_features_become_canonical_json() -> None:
    """Sorted, exact, integers still integers; NaN and infinities are spelled out, nested ones too."""
    body = b'{"score": 1, "features": {"b": 0.1, "a": NaN, "n": 3, "t": "x", "z": null, "l": [-Infinity]}}'
    assert read(body).features == b'{"a":"NaN","b":0.1,"l":["-Infinity"],"n":3,"t":"x","z":null}'


@pytest.mark.parametrize(
    ("body", "features", "detail"),
    [
        (b'{"score": 1}', None, ""),
        (b'{"score": 1, "features": null}', None, ""),
        (b'{"score": 1, "features": {}}', b"{}", ""),
        (b'{"score": 1, "features": [1]}', None, "features are a list"),
    ],
)
def test_features_that_are_no_object_are_none_and_the_score_stands(
    body: bytes, features: bytes | None, detail: str
) -> None:
    """No echo is no fault; an echo of another kind is remarked on."""
    outcome = read(body)
    assert (outcome.state, outcome.features, outcome.detail) == (State.OK, features, detail)


def test_declared_none_shows_no_features() -> None:
    """With an empty selector a field named like the default is not taken for features."""
    assert read(b'{"score": 1, "features": {"a": 1}}', response=Response(features="")).features is None


def test_canonical_json_survives_texts_that_are_no_text() -> None:
    """A lone surrogate, which JSON can spell but UTF-8 cannot, is kept as its escape."""
    assert json.loads(canonical({"a": "\ud800"})) == {"a": "\ud800"}


@pytest.mark.parametrize(
    ("echoed", "sent", "state"),
    [
        ("a", "a", State.OK),
        ("b", "a", State.BAD_BODY),
        ("", "a", State.BAD_BODY),
        (None, "a", State.OK),
        ("b", None, State.OK),
    ],
)
def test_the_answer_of_another_request_is_a_bad_body(
    echoed: str | None, sent: str | None, state: State
) -> None:
    """An echoed id must be the one that was sent; none echoed, or none to compare with, is fine."""
    headers = {} if echoed is None else {"x-request-id": echoed}
    outcome = read(b'{"score": 1}', sent_id=sent, headers=headers)
    assert (outcome.state, outcome.echoed_id) == (state, echoed)
    assert outcome.detail == ("" if state is State.OK else "answer of another request")


@pytest.mark.parametrize(
    ("body", "model"),
    [(b'{"score": 1, "m": "v1"}', "v1"), (b'{"score": 1, "m": 7}', "7"), (b'{"score": 1, "m": {}}', None)],
)
def test_the_model_says_who_it_is(body: bytes, model: str | None) -> None:
    """From the body or, by default, a header."""
    assert read(body, response=Response(model="m")).model == model
    assert read(body, headers={"x-model-hash": "abc"}).model == "abc"


@pytest.mark.parametrize(
    ("body", "detail"),
    [
        (b'{"error": "no such\\r\\n\\u001b[31mfield"}', "HTTP 422: no such [31mfield"),
        (b'{"error": "' + b"x" * 500 + b'"}', "HTTP 422: " + "x" * 80),
        (b'{"error": {"input": "the whole request"}}', "HTTP 422"),
        (b"<html>", "HTTP 422"),
        (b"", "HTTP 422"),
    ],
)
def test_an_error_shows_its_status_and_a_little_of_its_message(body: bytes, detail: str) -> None:
    """Eighty characters at most, without control characters, and never a structure that repeats the input."""
    outcome = read(body, state=State.HTTP_ERROR, status=422)
    assert (outcome.state, outcome.detail, outcome.score) == (State.HTTP_ERROR, detail, None)


@pytest.mark.parametrize("state", [State.TIMEOUT, State.CONNECTION_ERROR, State.SHED, State.NOT_SENT])
def test_what_never_answered_keeps_its_state_and_words(state: State) -> None:
    """There is no body to read, and none is complained about."""
    outcome = read(b"", state=state, status=None, detail="why")
    assert (outcome.state, outcome.detail, outcome.score) == (state, "why", None)


@pytest.mark.parametrize(
    ("response", "complaint"),
    [
        ({"score": "a["}, r"score: 'a\[' is not a JMESPath expression"),
        ({"features": "a b"}, "features: 'a b' is not a JMESPath expression"),
        ({"score": "length("}, "score: .* is not a JMESPath"),
        ({"model": "header:"}, "model: 'header:' names no header"),
        ({"model": "header:a b"}, "names no header"),
        ({"score": ""}, "score must select something"),
        ({"scores": "a"}, "scores"),
    ],
)
def test_a_wrong_selector_is_refused_at_load_with_its_path(response: dict[str, str], complaint: str) -> None:
    """The error names the field and what is wrong in it, before anything runs."""
    with pytest.raises(msgspec.ValidationError, match=complaint):
        msgspec.convert(response, Response)


def test_only_selected_headers_are_kept() -> None:
    """The wire keeps what selectors read, by lower-case name."""
    read_by_default = {"x-model-hash", "x-request-id", "server-timing"}
    assert Response(score="header:X-Score").headers == {"x-score", *read_by_default}


@pytest.mark.parametrize(
    ("value", "ns"),
    [
        ("app;dur=12.5, db;dur=3", 12_500_000),
        ('db;dur=3;desc=x, total;dur="4"', 4_000_000),
        ("cache, db;desc=y;dur=3, x;dur=9", 3_000_000),
        ("App;Dur=1", 1_000_000),
        ("20.25", 20_250_000),
        (3, 3_000_000),
        (0.0005, 500),
        *((nothing, None) for nothing in ("", "x", "app;desc=x", "app;dur=x", "app;dur=-1", "app;dur=inf")),
        *((nothing, None) for nothing in (None, True, [1], float("nan"), 1e300, 10**400)),
    ],
)
def test_a_services_own_time_is_read_in_any_common_form(value: object, ns: int | None) -> None:
    """The app metric, else the total, else the first; what is no time is none."""
    assert server_ns(value) == ns


def test_the_own_time_may_be_in_another_header_or_in_the_body() -> None:
    """Wherever the scenario says, also of an error answer; by default it is Server-Timing."""
    timed = {"server-timing": "app;dur=2", "x-took": "7"}
    assert read(b"{}", headers=timed, state=State.HTTP_ERROR, status=500).server_ns == 2_000_000
    assert read(b"{}", headers=timed, response=Response(server_time="header:X-Took")).server_ns == 7_000_000
    assert read(b'{"ms": 1.5}', response=Response(server_time="ms")).server_ns == 1_500_000
    assert "server-timing" in Response().headers


@pytest.mark.parametrize(
    ("body", "detail"),
    [
        (b'{"error": "model not loaded"}', "no field 'score'; the service says: model not loaded"),
        (b'{"error": "no user a@b.org"}', "no field 'score'; the service says: no user …"),
        (b'{"score": null, "message": "fine"}', "score is null"),
        (b'{"id": 3}', "no field 'score'"),
    ],
)
def test_an_error_that_comes_with_200_is_told(body: bytes, detail: str) -> None:
    """Where no score stands, in few words that show no value of the request."""
    assert read(body).detail == detail
