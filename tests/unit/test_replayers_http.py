"""Requests as bytes and targets as config: what is sent, what is not, and what is refused at load."""

import json
import socket
from typing import Any

import msgspec
import pytest

from harness.errors import CaptureError, ScenarioError, TargetUnreachable
from harness.records import Attempt, CapturedRequest, Outcome, State
from harness.replay.clock import run_async
from harness.replay.guard import Safety
from replayers.http import HttpArm, HttpTarget, iso, probe
from replayers.tracing import trace_id, traceparent

URL = "http://127.0.0.1:8000/score"


def arm(
    *, environ: dict[str, str] | None = None, ids: dict[int, str] | None = None, **target: object
) -> HttpArm:
    """An arm for a target on the loopback interface."""
    values: dict[str, Any] = {"url": URL} | target
    return HttpArm(HttpTarget(**values), name="champion", run_id="run-1", environ=environ or {}, ids=ids)


def request(**changes: object) -> CapturedRequest:
    """A captured request with a JSON body."""
    values: dict[str, Any] = {"seq": 4, "request_id": "r4", "ts_ns": 0, "body": b'{"a": 1}'} | changes
    return CapturedRequest(**values)


def sent(
    one: HttpArm, captured: CapturedRequest, *, features: bool = False
) -> tuple[str, dict[str, str], bytes]:
    """Request line, headers and body of the bytes that would be sent."""
    head, _, body = one.prepare(captured, features=features).partition(b"\r\n\r\n")
    line, *lines = head.decode().split("\r\n")
    pairs = [(name, value) for name, _, value in (header.partition(": ") for header in lines)]
    assert len({name for name, _ in pairs}) == len(pairs)
    return line, dict(pairs), body


def test_a_request_is_marked_and_framed() -> None:
    """The captured body goes to the target's path, with the run's and the request's ids."""
    line, headers, body = sent(arm(), request(headers={"X-Tenant": "a"}))
    assert (line, body) == ("POST /score HTTP/1.1", b'{"a": 1}')
    assert headers == {
        "host": "127.0.0.1:8000",
        "content-type": "application/json",
        "x-tenant": "a",
        "x-shadow-replay": "run-1",
        "x-request-id": "r4",
        "traceparent": traceparent(trace_id("run-1", "champion", seq=4)),
        "content-length": "8",
    }


def test_neither_host_nor_secrets_of_the_capture_are_sent() -> None:
    """A captured Host, framing or credential cannot redirect, break or impersonate."""
    captured = {"Host": "evil", "Authorization": "s", "Content-Length": "1", "X-Request-Id": "old"}
    _, headers, _ = sent(arm(), request(headers=captured | {"X-Shadow-Replay": "old"}))
    assert headers["host"] == "127.0.0.1:8000"
    assert (headers["x-request-id"], headers["x-shadow-replay"], headers["content-length"]) == (
        "r4",
        "run-1",
        "8",
    )
    assert "authorization" not in headers


def test_the_id_goes_out_under_every_name_that_a_log_goes_by() -> None:
    """And no name of the connection's own can be one."""
    _, headers, _ = sent(arm(id_headers=("Ce-Id",)), request(headers={"ce-id": "old"}))
    assert (headers["ce-id"], headers["x-request-id"]) == ("r4", "r4")
    with pytest.raises(ScenarioError, match="content-length"):
        arm(id_headers=("Content-Length",))


def test_a_replay_is_no_part_of_a_trace_of_production() -> None:
    """The captured trace stays behind; each request has its own, the same in every phase."""
    captured = {"Traceparent": "00-" + "a" * 32 + "-" + "b" * 16 + "-01", "Tracestate": "v=1"}
    one = arm()
    traces = {sent(one, request(seq=k, headers=captured))[1]["traceparent"] for k in (1, 2, 2)}
    assert len(traces) == 2
    assert captured["Traceparent"] not in traces
    assert "tracestate" not in sent(one, request(headers=captured))[1]


def test_features_are_asked_for_by_the_debug_headers() -> None:
    """Only in phases that want them."""
    assert sent(arm(), request(), features=True)[1]["x-debug-features"] == "1"
    assert "x-debug-features" not in sent(arm(), request())[1]


def test_a_header_from_the_environment_replaces_the_captured_one() -> None:
    """The scenario names a variable; its value is sent and kept nowhere else."""
    one = arm(headers={"Authorization": "env:TOKEN"}, environ={"TOKEN": "s3cret"})
    assert sent(one, request(headers={"authorization": "user"}))[1]["authorization"] == "s3cret"
    assert "s3cret" not in repr(one.target)


def test_a_missing_variable_is_named() -> None:
    """The error says which variable to export, for which target."""
    with pytest.raises(ScenarioError, match=r"target champion: .*TOKEN.*export TOKEN"):
        arm(headers={"Authorization": "env:TOKEN"})


@pytest.mark.parametrize(
    "headers", [{"X-A": "env:BAD"}, {"X A": "1"}, {"Content-Length": "3"}, {"Connection": "x"}]
)
def test_headers_of_the_scenario_are_checked_too(headers: dict[str, str]) -> None:
    """No line breaks, even from the environment, no broken names, nothing that frames the request."""
    with pytest.raises(ScenarioError) as caught:
        arm(headers=headers, environ={"BAD": "a\r\nX-Evil: s3cret"})
    assert "s3cret" not in str(caught.value)


def test_the_captured_path_is_used_only_where_the_target_says_so() -> None:
    """Path and query, never the host."""
    captured = request(path="/v2/score?x=1")
    assert sent(arm(), captured)[0] == "POST /score HTTP/1.1"
    assert sent(arm(path="captured"), captured)[0] == "POST /v2/score?x=1 HTTP/1.1"


@pytest.mark.parametrize(
    "values",
    [
        {"path": "http://evil/score"},
        {"path": "//evil"},
        {"path": "/a HTTP/1.1\r\nHost: evil"},
        {"headers": {"X-A": "b\r\nHost: evil"}},
        {"request_id": "r\r\nHost: evil"},
        {"truncated": True},
    ],
)
def test_what_must_not_be_sent_is_refused(values: dict[str, Any]) -> None:
    """Smuggled lines, absolute URLs, and bodies that the capture cut short."""
    with pytest.raises(CaptureError):
        arm(path="captured").prepare(request(**values), features=False)


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_methods_without_a_body_send_none(method: str) -> None:
    """Nor a length."""
    one = HttpArm(
        HttpTarget(url=URL, method=method), name="t", run_id="r", safety=Safety(methods=("GET", "HEAD"))
    )
    line, headers, body = sent(one, request())
    assert (line, body) == (f"{method} /score HTTP/1.1", b"")
    assert "content-length" not in headers


def test_a_method_that_is_not_declared_safe_is_refused() -> None:
    """Sending a DELETE again is nobody's parity check."""
    with pytest.raises(ScenarioError, match="DELETE"):
        arm(method="DELETE")


def test_a_public_host_is_refused_when_the_arm_is_made() -> None:
    """Before any connection."""
    with pytest.raises(ScenarioError, match="allow_hosts"):
        arm(url="http://93.184.216.34/score")


def test_a_template_wraps_the_body_and_fills_in_json() -> None:
    """The body as it is, everything else as JSON values, and the type of the new body."""
    text = '{"in": [$body], "id": $request_id, "at": $event_time, "ts": $ts, "unit": $unit, "cost": "$$1"}'
    captured = request(
        body=b'{"a": "$ts"}',
        request_id='r"4',
        ts_ns=1_000_000_001,
        event_time_ns=1_500_000_000,
        headers={"Content-Type": "text/plain", "Content-Encoding": "gzip"},
    )
    _, headers, body = sent(arm(template=text), captured)
    assert json.loads(body) == {
        "in": [{"a": "$ts"}],
        "id": 'r"4',
        "at": "1970-01-01T00:00:01.500000Z",
        "ts": "1970-01-01T00:00:01.000000001Z",
        "unit": None,
        "cost": "$1",
    }
    assert headers["content-type"] == "application/json"
    assert "content-encoding" not in headers


def test_a_template_needs_a_body_that_is_text() -> None:
    """Other bodies cannot be put into JSON."""
    with pytest.raises(CaptureError, match="UTF-8"):
        arm(template='{"in": $body}').prepare(request(body=b"\xff"), features=False)


@pytest.mark.parametrize(
    ("config", "complaint"),
    [
        ({"template": '{"a": $boddy}'}, r"unknown \$boddy"),
        ({"template": '{"a": "$request_id"}'}, "does not give JSON"),
        ({"template": "$body, $ts"}, "does not give JSON"),
        ({"template": '{"a": $5}'}, r"written \$\$"),
        ({"url": "http://127.0.0.1:{port}/"}, "needs a start command"),
        ({"ready": "health"}, "must be a path"),
        ({"timeout_s": 0}, r"\$\.timeout_s"),
        ({"connections": -1}, r"\$\.connections"),
        ({"role": "chalenger"}, "chalenger"),
        ({"response": {"score": "["}}, r"score: '\[' is not a JMESPath.*\$\.response"),
        ({"urls": 1}, "urls"),
    ],
)
def test_a_wrong_target_is_refused_at_load(config: dict[str, Any], complaint: str) -> None:
    """With the path and the word that is wrong."""
    with pytest.raises(msgspec.ValidationError, match=complaint):
        msgspec.convert({"kind": "http", "url": URL} | config, HttpTarget)


def test_only_the_id_that_was_sent_may_come_back() -> None:
    """The arm remembers the ids of the requests that it prepared."""
    one = arm()
    one.prepare(request(), features=False)
    answer = Attempt(
        seq=4, phase="p", target="champion", attempt=1, state=State.OK, status=200, body=b'{"score": 1}'
    )
    right = msgspec.structs.replace(answer, headers={"x-request-id": "r4"})
    wrong = msgspec.structs.replace(answer, headers={"x-request-id": "r5"})
    assert [one.parse(a).state for a in (right, wrong)] == [State.OK, State.BAD_BODY]


@pytest.mark.parametrize(
    ("ns", "text"),
    [
        (0, "1970-01-01T00:00:00.000000Z"),
        (1_750_279_245_000_000_000, "2025-06-18T20:40:45.000000Z"),
        (-1, "1969-12-31T23:59:59.999999999Z"),
    ],
)
def test_times_are_iso_8601(ns: int, text: str) -> None:
    """UTC, in microseconds unless that would lose something."""
    assert iso(ns) == text


def answered(one: HttpArm, attempt_of: int) -> Outcome:
    """The outcome of an answer that echoes the id r4."""
    attempt = Attempt(
        seq=attempt_of,
        phase="p",
        target="champion",
        attempt=1,
        state=State.OK,
        status=200,
        headers={"x-request-id": "r4"},
        body=b'{"score": 0.5}',
    )
    return one.parse(attempt)


def test_ids_of_the_capture_check_answers_of_an_earlier_process() -> None:
    """With `ids` nothing needs to have been prepared here, and nothing prepared is remembered."""
    one = arm(ids={4: "r4", 5: "r5"})
    one.prepare(request(seq=9), features=False)
    assert [answered(one, seq).state for seq in (4, 5, 9)] == [State.OK, State.BAD_BODY, State.OK]


@pytest.mark.parametrize("ready", ["/health", ""], ids=["asked", "connection only"])
def test_a_refused_connection_is_called_by_its_name(ready: str) -> None:
    """Whatever the client that was asked wraps it in, and whether a probe or an arm finds it."""
    with socket.socket() as taken:  # bound and not listening, so nobody else can answer there
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}/score"
        for attempt in (lambda: probe(HttpTarget(url=url, ready=ready)), lambda: arm(url=url).open(1)):
            with pytest.raises(TargetUnreachable) as caught:
                run_async(attempt)
            assert caught.value.found == "connection refused"
