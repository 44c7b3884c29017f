"""The recorded answers are read by the rules of live ones."""

import gzip
import zlib

import msgspec
import pytest

from harness.proxy.recording import OUTCOME
from harness.records import CapturedRequest, RecordedResponse, State
from replayers.recorded import PROXY, RecordedTarget, recorded_outcomes


def request(seq: int, answer: RecordedResponse | None) -> CapturedRequest:
    """A request and what production answered."""
    return CapturedRequest(seq=seq, request_id=f"r{seq}", ts_ns=0, recorded_response=answer)


def test_each_recorded_answer_becomes_one_outcome() -> None:
    """OK, HTTP error, bad body, and none recorded at all; headers in any case; no stamps of another clock."""
    requests = [
        request(3, RecordedResponse(status=200, headers={"X-Model-Hash": "m"}, body=b'{"score": 0.5}')),
        request(4, RecordedResponse(status=503, body=b'{"error": "busy"}', latency_ns=7)),
        request(5, RecordedResponse(status=200, body=b'{"score": null}')),
        request(6, None),
    ]
    outcomes = list(recorded_outcomes(RecordedTarget(), requests, name="log", phase="recorded"))
    assert [(o.seq, o.state, o.score, o.detail) for o in outcomes] == [
        (3, State.OK, 0.5, ""),
        (4, State.HTTP_ERROR, None, "HTTP 503: busy"),
        (5, State.BAD_BODY, None, "score is null"),
        (6, State.NOT_SENT, None, "no recorded response"),
    ]
    assert (outcomes[0].model, outcomes[0].target, outcomes[0].phase) == ("m", "log", "recorded")
    assert {o.done_ns for o in outcomes} == {None}


GOOD = b'{"score": 0.5}'
#: the same, as `brotli` packs it
BROTLI = bytes.fromhex("0b06807b2273636f7265223a20302e357d03")


@pytest.mark.parametrize(
    ("encoding", "body", "state", "detail"),
    [
        ("gzip", gzip.compress(GOOD), State.OK, ""),
        ("", gzip.compress(GOOD), State.OK, ""),
        ("gzip", gzip.compress(GOOD[:5]) + gzip.compress(GOOD[5:]), State.OK, ""),
        ("gzip", gzip.compress(GOOD) + b"junk", State.NOT_SENT, "damaged gzip"),
        ("deflate", zlib.compress(GOOD), State.OK, ""),
        ("br", GOOD, State.OK, ""),
        ("br", BROTLI, State.NOT_SENT, "content encoding 'br'"),
        ("", b"\x28\xb5\x2f\xfdxx", State.NOT_SENT, "content encoding 'zstd'"),
        ("gzip", gzip.compress(GOOD)[:-9], State.NOT_SENT, "gzip cut short"),
    ],
)
def test_a_packed_answer_is_unpacked_or_a_loss_of_the_capture(
    encoding: str, body: bytes, state: State, detail: str
) -> None:
    """Whoever answered is not to blame for how the recorder wrote it down."""
    answer = RecordedResponse(status=200, headers={"Content-Encoding": encoding}, body=body)
    (found,) = recorded_outcomes(RecordedTarget(), [request(1, answer)], name="log", phase="recorded")
    said = f"recorded answer cannot be unpacked: {detail}" if detail else ""
    assert (found.state, found.detail) == (state, said)


@pytest.mark.parametrize(("status", "state"), [(200, State.NOT_SENT), (503, State.HTTP_ERROR)])
def test_an_answer_that_the_recorder_cut_is_a_loss_of_the_capture(status: int, state: State) -> None:
    """A good one; that of an error says by its status all that counts."""
    answer = RecordedResponse(status=status, body=b'{"scor')
    cut = msgspec.structs.replace(request(1, answer), tags={"answer_truncated": "true"})
    (found,) = recorded_outcomes(RecordedTarget(), [cut], name="log", phase="recorded")
    assert found.state is state
    assert (found.detail == "recorded answer was cut") is (status == 200)


def test_the_features_that_the_log_knows_are_the_answers() -> None:
    """A live capture has them beside the answer; an echo in the answer itself counts before it."""
    logged = b'{"amount":12.5,"age":"NaN"}'
    answers = {
        "logged": RecordedResponse(status=200, body=b'{"score": 0.5}'),
        "echoed": RecordedResponse(status=200, body=b'{"score": 0.5, "features": {"amount": 1}}'),
        "failed": RecordedResponse(status=503, body=b"{}"),
    }
    requests = [
        CapturedRequest(seq=k, request_id=name, ts_ns=0, recorded_response=answer, online_features=logged)
        for k, (name, answer) in enumerate(answers.items())
    ]
    outcomes = recorded_outcomes(RecordedTarget(), requests, name="log", phase="recorded")
    assert [one.features for one in outcomes] == [logged, b'{"amount":1}', None]


def test_a_log_is_read_in_the_protocol_that_it_was_written_in() -> None:
    """The answers of a model server, under the ids that production gave them."""
    answer = b'{"id": "of-production", "outputs": [{"name": "predict", "shape": [1, 1], "data": [0.25]}]}'
    requests = [request(1, RecordedResponse(status=200, body=answer))]
    target = msgspec.convert({"kind": "recorded", "protocol": {"kind": "oip-v2"}}, RecordedTarget)
    (outcome,) = recorded_outcomes(target, requests, name="log", phase="recorded")
    assert (outcome.state, outcome.score, outcome.echoed_id) == (State.OK, 0.25, "of-production")


@pytest.mark.parametrize(
    ("sent", "echoed", "state"),
    [
        ({}, "r1", State.OK),
        ({}, "r2", State.BAD_BODY),
        ({}, "made-up", State.OK),
        ({"X-Request-Id": "r1"}, "made-up", State.BAD_BODY),
        ({"X-Request-Id": "id"}, "id", State.OK),
    ],
)
def test_an_answer_to_another_request_is_none(sent: dict[str, str], echoed: str, state: State) -> None:
    """As of a live target; but a service may make up an id where the request said none."""
    answer = RecordedResponse(status=200, headers={"X-Request-Id": echoed}, body=GOOD)
    asked = msgspec.structs.replace(request(1, answer), headers=sent)
    target, ids = RecordedTarget(), {"r1", "r2"}
    (found,) = recorded_outcomes(target, [asked], name="log", phase="recorded", ids=ids)
    assert (found.state, found.detail) == (state, "" if state is State.OK else "answer of another request")


def test_an_id_of_the_body_is_held_against_the_ids_alone() -> None:
    """A model server makes up an id where the body had none, whatever X-Request-Id it was sent."""
    target = msgspec.convert({"kind": "recorded", "protocol": {"kind": "oip-v2"}}, RecordedTarget)
    states = []
    for name in ("made-up", "r2"):
        body = {"id": name, "outputs": [{"name": "predict", "shape": [1, 1], "data": [0.25]}]}
        answer = RecordedResponse(status=200, body=msgspec.json.encode(body))
        asked = msgspec.structs.replace(request(1, answer), headers={"x-request-id": "r1"})
        (found,) = recorded_outcomes(target, [asked], name="log", phase="recorded", ids={"r1", "r2"})
        states.append(found.state)
    assert states == [State.OK, State.BAD_BODY]


@pytest.mark.parametrize(
    ("why", "state", "detail"),
    [
        ("timeout", State.TIMEOUT, "timeout"),
        ("http response incomplete", State.CONNECTION_ERROR, "http response incomplete"),
        ("connection refused", State.CONNECTION_ERROR, "connection refused"),
        ("end", State.NOT_SENT, "no recorded response: end"),
        ("too large", State.NOT_SENT, "no recorded response: too large"),
    ],
)
@pytest.mark.parametrize("begun", [False, True])
def test_what_was_asked_and_gave_no_answer_failed(
    why: str, state: State, detail: str, *, begun: bool
) -> None:
    """A time-out is the shadow's doing as it is that of a live target; the end of the proxy is not."""
    cut = RecordedResponse(status=200, body=b'{"scor') if begun else None
    tags = {PROXY: why} | ({"answer_truncated": "true"} if begun else {})
    asked = msgspec.structs.replace(request(1, cut), tags=tags)
    (found,) = recorded_outcomes(RecordedTarget(), [asked], name="log", phase="recorded")
    lost = begun and state is State.NOT_SENT
    assert (found.state, found.detail) == (state, "recorded answer was cut" if lost else detail)


def test_the_tag_is_that_of_the_proxy() -> None:
    """Replayers cannot import it."""
    assert PROXY == OUTCOME
