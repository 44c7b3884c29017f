"""The recorded answers are read by the rules of live ones."""

import gzip
import zlib

import msgspec
import pytest

from harness.records import CapturedRequest, RecordedResponse, State
from replayers.recorded import RecordedTarget, recorded_outcomes


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
