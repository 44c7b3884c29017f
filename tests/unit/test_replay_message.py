"""A request taken apart and put together again is the same request."""

from __future__ import annotations

from harness.records import CapturedRequest
from harness.replay.message import Message
from replayers.http import HttpArm, HttpTarget

REQUEST = CapturedRequest(
    seq=0, request_id="r1", ts_ns=0, headers={"X-Colon": "a: b: c"}, body='{"a": "b\\r\\n\\r\\nç"}'.encode()
)


def message(method: str = "POST") -> tuple[bytes, Message]:
    """What an arm prepares, and that taken apart."""
    target = HttpTarget(url="http://127.0.0.1:9/score?x=1", method=method)
    data = HttpArm(target, name="challenger", run_id="run").prepare(REQUEST, features=True)
    return data, Message.of(data)


def test_what_an_arm_prepares_comes_back_byte_for_byte() -> None:
    """With a body and without one, with a header that holds the separator."""
    for method in ("POST", "GET"):
        data, taken = message(method)
        assert taken.encode() == data
        assert (taken.method, taken.path, taken.headers["x-colon"]) == (method, "/score?x=1", "a: b: c")


def test_headers_are_left_out_but_for_those_of_the_connection() -> None:
    """Host and length stay, and what the caller insists on; the length is that of the body."""
    _, taken = message()
    assert "host" not in taken.choosable()
    assert set(taken.choosable(always=["x-shadow-replay"])) == {
        *("content-type", "x-colon", "x-debug-features", "x-request-id")
    }
    small = taken.with_headers(["x-colon"], always=["x-shadow-replay"])
    assert list(small.headers) == [*("host", "x-colon", "x-shadow-replay", "traceparent", "content-length")]
    shorter = Message.of(Message(small.method, small.path, small.headers, b"{}").encode())
    assert (shorter.body, shorter.headers["content-length"]) == (b"{}", "2")
