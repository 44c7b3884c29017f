"""What both middlewares promise: the service is as it was without them, and each call is a line."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any, Literal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harness.capture import CaptureConfig
from harness.capture.live import Limits, Recorder, current_id
from harness.capture.read import read
from harness.records import CapturedRequest
from tests.kit.disks import Small
from tests.kit.served import KINDS, Asked, Kind, Service, bare, wrapped

BOTH = pytest.mark.parametrize("kind", KINDS)
ASKED = Asked()
CHUNKS = st.lists(st.binary(max_size=40), max_size=6).map(tuple)


def recorded(folder: Path) -> list[CapturedRequest]:
    """What our own reader finds; a bad line is an error."""

    def bad(line: object) -> None:
        raise AssertionError(line)

    return list(read(folder, CaptureConfig(path="-"), on_bad=bad))


def one_call(
    kind: Kind,
    folder: Path,
    *,
    service: Service,
    asked: Asked = ASKED,
    **options: Any,  # noqa: ANN401  -- options as a user gives them; frozen
) -> CapturedRequest:
    """The record of one call, which the client got answered as without a middleware."""
    recorder = Recorder(folder)
    answered = wrapped(kind, service, recorder, **options)(asked)
    expected = bare(kind, service)(asked)
    assert (answered.status, answered.headers, answered.body) == expected[:3]
    assert type(answered.error) is type(expected.error)
    assert recorder.close()
    (found,) = recorded(folder)
    return found


@BOTH
def test_a_call_and_its_answer_are_one_line(kind: Kind, tmp_path: Path) -> None:
    """Everything that a replay needs is there, and no credential."""
    headers = (("content-type", "application/json"), ("authorization", "Bearer x"), ("x-request-id", "r7"))
    asked = Asked(path="/v1/predict", query="a=1&b=%20", headers=headers)
    found = one_call(kind, tmp_path, service=Service(), asked=asked, model="abc123")
    assert (found.request_id, found.method, found.path) == ("r7", "POST", "/v1/predict?a=1&b=%20")
    assert found.body == b'{"amount": 12.5}'
    assert found.headers == {"content-length": "16", "content-type": "application/json", "x-request-id": "r7"}
    answer = found.recorded_response
    assert answer is not None
    assert (answer.status, answer.body, answer.headers) == (
        200,
        b'{"score": 0.5}',
        {"content-type": "application/json"},
    )
    assert answer.latency_ns is not None
    assert (answer.latency_ns >= 0, answer.latency_kind) == (True, "service")
    assert (found.served_by, found.truncated, found.tags) == ({"model": "abc123"}, False, {})


@BOTH
def test_what_the_handler_knows_is_attached(kind: Kind, tmp_path: Path) -> None:
    """Features, model, unit, tags and the id of the service's own, without the request at hand."""
    attaches = {
        "features": {"amount": 12.5, "age": math.nan, "country": "PT"},
        "model": {"build": "v7"},
        "unit": "u1",
        "tags": {"payee": "p9"},
        "request_id": "own-1",
    }
    found = one_call(kind, tmp_path, service=Service(attaches=attaches), model="abc123")
    assert found.online_features == b'{"amount":12.5,"age":"NaN","country":"PT"}'
    assert (found.served_by, found.unit) == ({"model": "abc123", "build": "v7"}, "u1")
    assert (found.tags, found.request_id) == ({"payee": "p9"}, "own-1")


@BOTH
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=60)
@given(asked=CHUNKS, answered=CHUNKS, most=st.integers(0, 60))
def test_however_bodies_are_cut_into_chunks(
    kind: Kind,
    tmp_path_factory: pytest.TempPathFactory,
    *,
    asked: tuple[bytes, ...],
    answered: tuple[bytes, ...],
    most: int,
) -> None:
    """The recorded bodies are the first bytes of what passed, and `truncated` says when there was more."""
    whole, reply = b"".join(asked), b"".join(answered)
    service = Service(chunks=answered)
    folder = tmp_path_factory.mktemp("calls")
    found = one_call(kind, folder, service=service, asked=Asked(chunks=asked), max_body_bytes=most)
    assert found.recorded_response is not None
    assert (found.body, found.recorded_response.body) == (whole[:most], reply[:most])
    assert found.truncated == (len(whole) > most)
    assert ("answer_truncated" in found.tags) == (len(reply) > most)


@BOTH
def test_a_body_that_the_service_did_not_read_is_truncated(kind: Kind, tmp_path: Path) -> None:
    """What was not read was not seen, and the record says that it is not whole."""
    found = one_call(kind, tmp_path, service=Service(reads=False))
    assert (found.body, found.truncated) == (b"", True)


@BOTH
@pytest.mark.parametrize(
    ("when", "status", "tags"),
    [
        ("before", 500, {"exception": "LookupError"}),
        ("after", 200, {"exception": "LookupError", "answer_truncated": "true"}),
    ],
)
def test_an_error_of_the_service_is_recorded_and_raised(
    kind: Kind,
    tmp_path: Path,
    *,
    when: Literal["before", "after"],
    status: int,
    tags: dict[str, str],
) -> None:
    """The server gets the very error, and the record the status that a server then sends."""
    found = one_call(kind, tmp_path, service=Service(fails=when))
    assert found.recorded_response is not None
    assert (found.recorded_response.status, found.tags) == (status, tags)


@BOTH
@pytest.mark.parametrize(
    ("path", "method", "kept"),
    [
        ("/predict", "POST", True),
        ("/v1/models/a:predict", "POST", True),
        ("/predict", "GET", False),
        ("/health", "POST", False),
    ],
)
def test_only_what_is_wanted_is_recorded(
    kind: Kind, tmp_path: Path, *, path: str, method: str, kept: bool
) -> None:
    """Paths are exact but for `*`; a call that is not wanted is no call for the handler either."""
    recorder = Recorder(tmp_path)
    service = Service(attaches={"unit": "u"})
    ask = wrapped(kind, service, recorder, paths=["/predict", "/v1/models/*"], methods=["post"])
    assert ask(Asked(path=path, method=method)).status == 200
    assert recorder.counts.offered == kept
    recorder.close()


@BOTH
@pytest.mark.parametrize(
    ("own", "echoed"), [((), "r7"), ((("X-Request-Id", "its own"),), "its own")], ids=["none", "one"]
)
def test_the_id_is_echoed_where_that_is_asked_for(
    kind: Kind, tmp_path: Path, *, own: tuple[tuple[str, str], ...], echoed: str
) -> None:
    """The client can give the id back with its label; a service that has its own header keeps it."""
    recorder = Recorder(tmp_path)
    asked = Asked(headers=(("x-request-id", "r7"),))
    answered = wrapped(kind, Service(headers=own), recorder, echo_id=True)(asked)
    assert {name.lower(): value for name, value in answered.headers.items()} == {"x-request-id": echoed}
    recorder.close()


@BOTH
def test_calls_without_an_id_get_one_each(kind: Kind, tmp_path: Path) -> None:
    """Trace and span where they came along, else a new id; the echoed one is the recorded one."""
    recorder = Recorder(tmp_path)
    ask = wrapped(kind, Service(headers=()), recorder, echo_id=True)
    traced = Asked(headers=(("traceparent", f"00-{'a' * 32}-{'b' * 16}-01"),))
    echoed = [next(iter(ask(one).headers.values())) for one in (Asked(), Asked(), traced)]
    recorder.close()
    assert [one.request_id for one in recorded(tmp_path)] == echoed
    assert len(set(echoed)) == 3
    assert echoed[2] == f"{'a' * 32}-{'b' * 16}"


@BOTH
def test_the_service_answers_while_the_disk_is_full(kind: Kind, tmp_path: Path) -> None:
    """Not a byte can be written, and each client has its answer; what was lost is counted."""
    recorder = Recorder(tmp_path, limits=Limits(queue_bytes=10_000), opened=Small(0).open)
    ask = wrapped(kind, Service(), recorder)
    assert {ask(Asked()).status for _ in range(50)} == {200}
    recorder.close(10)
    counts = recorder.counts
    assert (counts.written, sum(counts.dropped.values())) == (0, 50)


@BOTH
def test_nothing_of_a_call_is_left_behind(kind: Kind, tmp_path: Path) -> None:
    """Outside of a call there is none, so nothing can be attached to the one before."""
    recorder = Recorder(tmp_path)
    wrapped(kind, Service(), recorder)(Asked())
    assert current_id() is None
    recorder.close()
