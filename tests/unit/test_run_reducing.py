"""A request made smaller against a scripted endpoint: what is left, why, and how far the budget went."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import numpy as np
from msgspec import structs

from harness.columns import Column, Kind, Side
from harness.diff import Tolerances
from harness.diff.persistence import see
from harness.records import CapturedRequest
from harness.replay.clock import run_async
from harness.replay.disclosure import Written
from harness.replay.message import Message
from harness.run.bench import Probe
from harness.run.probing import Budget, Limits
from harness.run.reducing import REWRITTEN, Candidate, Reduced, reduce, told
from replayers.http import HttpArm, HttpTarget
from tests.kit.reproduced import FOUND

BODY = {"a": 1, "deep": {"b": [2, 3]}, "c": "x", "d": None}
Shows = Callable[[dict[str, Any], Message], bool]


class Scripted:
    """A bench whose endpoint is a function of the decoded body and the message; it keeps count."""

    def __init__(self, arm: HttpArm, shows: Shows, *, sends: int) -> None:
        self.asker = self
        self.arm = arm
        self.shows = shows
        self.budget = Budget(Limits(sends=sends))
        self.known: dict[bytes, Probe] = {}

    async def probe(self, _request: CapturedRequest, message: Message) -> Probe:
        """Whether the finding shows, as a bench tells it."""
        data = message.encode()
        if data not in self.known:
            if self.budget.sends >= self.budget.limits.sends:
                self.budget.stopped = "enough"
                return Probe((), "not tried any more")
            self.budget.sends += 1
            shows = self.shows(json.loads(message.body) if message.body else {}, message)
            self.known[data] = Probe(("x",) if shows else (), "" if shows else "it is gone")
        return self.known[data]


def reduced(shows: Shows, *, sends: int = 1000, body: bytes = b"", method: str = "POST") -> Reduced:
    """The request reduced."""

    async def main() -> Reduced:
        target = HttpTarget(url="http://127.0.0.1:9/score", method=method, headers={"x-team": "one"})
        arm = HttpArm(target, name="challenger", run_id="run")
        request = CapturedRequest(seq=0, request_id="r0", ts_ns=0, body=body or json.dumps(BODY).encode())
        bench: Any = Scripted(arm, shows, sends=sends)
        start = Candidate.whole(arm, request)
        return await reduce(bench, start, probe=Probe(("x",), ""))

    found: Reduced = run_async(main)
    return found


def test_body_and_headers_are_reduced_to_what_is_needed() -> None:
    """Each part that is left says what happens without it; the mark and the content type always stay."""
    found = reduced(
        lambda body, message: (
            body.get("deep", {}).get("b", [])[-1:] == [3] and "c" in body and "x-team" in message.headers
        )
    )
    assert json.loads(found.candidate.message.body) == {"deep": {"b": [3]}, "c": None}
    assert [(p.path, p.value, p.matters, p.without) for p in found.parts] == [
        ("c", "null", False, "it is gone"),
        ("deep.b[0]", "3", True, "it is gone"),
    ]
    assert set(found.candidate.message.headers) == {
        *("host", "content-length", "content-type", "traceparent", "x-shadow-replay", "x-team")
    }
    assert (found.before, found.minimal) == (7, True)


def test_the_budget_leaves_the_smallest_so_far() -> None:
    """Whatever it is, the result was seen to show the finding; it is not called minimal."""

    def shows(body: dict[str, Any], _message: Message) -> bool:
        return "a" in body

    for sends in range(1, 12):
        found = reduced(shows, sends=sends)
        assert shows(json.loads(found.candidate.message.body), found.candidate.message)
        assert found.probe.fields == ("x",)
        assert not found.minimal or sends > 5
    assert reduced(shows).minimal


def test_a_body_that_is_lost_by_writing_it_anew_is_left_as_it_is() -> None:
    """A bug that hangs on the spelling: nothing is taken out, and that is said."""
    spelled = b'{"a":1.50}'
    found = reduced(lambda _body, message: message.body == spelled, body=spelled)
    assert found.candidate.message.body == spelled
    assert (found.minimal, found.note) == (False, REWRITTEN)


def test_a_request_without_a_body_is_reduced_by_its_headers_alone() -> None:
    """GET."""
    found = reduced(lambda _body, message: "x-team" in message.headers, method="GET")
    assert found.candidate.message.body == b""
    assert "x-request-id" not in found.candidate.message.headers
    assert (found.before, found.parts, found.minimal) == (0, (), True)


def test_what_is_told_holds_both_sides_and_what_is_expected() -> None:
    """NaN and null are None, an infinity is spelled; the score only where nothing else differs."""

    def column(value: float, kind: Kind = Kind.VALUE) -> Column:
        return Column("number", np.array([value]), np.array([kind], np.uint8))

    left = {"hour": column(np.inf), "empty": column(np.nan, Kind.NAN), "age": column(1.0)}
    right = {"hour": column(1.0), "empty": column(0.0), "age": column(2.0)}
    seen = see(
        Side("offline:m", np.array([0.5]), left),
        Side("live", np.array([0.5]), right),
        tolerances=Tolerances(),
    )
    request = Written(method="POST", origin="", path=("/",))
    blank = structs.replace(FOUND, fields=("hour", "empty"), mismatches=(), others=(), reproduced=False)
    found = told(blank, seen, request=request)
    assert found.reproduced
    assert found.expected == {"hour": "Infinity", "empty": None}
    assert (found.others, found.score) == (("age",), None)
    assert [(m.field, m.kind) for m in found.mismatches] == [
        *(("hour", "value"), ("empty", "nan"), ("score", "agrees"))
    ]
    alone = told(structs.replace(blank, fields=("hour", "empty", "age")), seen, request=request)
    assert alone.score == 0.5
    assert alone.tolerances.keys() == {"hour", "empty", "age", "score"}
