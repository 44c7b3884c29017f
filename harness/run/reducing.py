"""A request made as small as still shows a finding, and what is then told of it."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeVar

import msgspec

from harness.columns import Kind
from harness.diff.bands import as_band
from harness.diff.findings import SCORE_FIELD
from harness.errors import CaptureError
from harness.replay.ddmin import Json, Search, ddmin, leaves, size, smallest, spelled, value_at, without
from harness.replay.message import Message
from harness.report.reproduction import AGREES, MISSING, Mismatch, Part, Reproduction
from harness.run.bench import Probe

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from harness.diff.persistence import Seen
    from harness.records import CapturedRequest
    from harness.replay.disclosure import Written
    from harness.run.bench import Bench
    from replayers.http import HttpArm

T = TypeVar("T")
#: never left out: the mark of what is no user's request, and what a body is
ALWAYS = ("x-shadow-replay", "content-type")
REWRITTEN = "Its body, written anew as JSON, does not show the finding, so nothing was taken out of it."


@dataclass(frozen=True)
class Candidate:
    """A request as it may be sent: its body, and the headers that are kept of those that the arm sends."""

    arm: HttpArm
    request: CapturedRequest
    headers: tuple[str, ...]

    @classmethod
    def whole(cls, arm: HttpArm, request: CapturedRequest) -> Candidate:
        """The request as a run sends it."""
        message = Message.of(arm.prepare(request, features=True))
        return cls(arm, request, tuple(message.choosable(always=ALWAYS)))

    @property
    def message(self) -> Message:
        """What goes out."""
        return Message.of(self.arm.prepare(self.request, features=True)).with_headers(
            self.headers, always=ALWAYS
        )

    def with_body(self, document: Json) -> Candidate:
        """The same with another body, in ASCII, which no shell and no terminal can get wrong."""
        body = json.dumps(document).encode()
        return replace(self, request=msgspec.structs.replace(self.request, body=body))


@dataclass(frozen=True)
class Reduced:
    """The smallest candidate, what it showed, and how it came to be; `parts` are those of its body."""

    candidate: Candidate
    probe: Probe
    before: int = 0
    parts: tuple[Part, ...] = ()
    minimal: bool = True
    note: str = ""


async def reduce(bench: Bench, start: Candidate, *, probe: Probe) -> Reduced:
    """The body first, then the headers, as far as the budget goes; `probe` is what the start showed."""
    found = Reduced(start, probe)
    if start.message.body:
        found = await _body(bench, found)
    names, done = await _narrowed(
        ddmin(found.candidate.headers),
        found.candidate,
        build=lambda kept: replace(found.candidate, headers=kept),
        bench=bench,
    )
    return replace(found, candidate=names, probe=await _look(bench, names), minimal=found.minimal and done)


async def _body(bench: Bench, found: Reduced) -> Reduced:
    document = json.loads(found.candidate.request.body)
    before = size(document)
    anew = found.candidate.with_body(document)
    if not (await _look(bench, anew)).fields:
        return replace(found, before=before, minimal=False, note=REWRITTEN)
    least, done = await _narrowed(smallest(document), anew, build=anew.with_body, bench=bench)
    parts = tuple(_parts(bench, least))
    return Reduced(least, await _look(bench, least), before=before, parts=parts, minimal=done)


async def _look(bench: Bench, candidate: Candidate) -> Probe:
    try:
        message = candidate.message
    except CaptureError as error:
        return Probe((), f"it cannot be sent: {error.what}")
    return await bench.probe(candidate.request, message)


async def _narrowed(
    search: Search[T], start: Candidate, *, build: Callable[[T], Candidate], bench: Bench
) -> tuple[Candidate, bool]:
    """The smallest candidate of a search that was run to its end (True) or as far as the budget went."""
    best = start
    try:
        part = next(search)
        while not bench.asker.budget.stopped:
            candidate = build(part)
            shows = bool((await _look(bench, candidate)).fields)
            best = candidate if shows else best
            if not bench.asker.budget.stopped:
                part = search.send(shows)
    except StopIteration as end:
        return build(end.value), True
    return best, False


def _parts(bench: Bench, least: Candidate) -> Iterator[Part]:
    """What the body still holds, and what was seen without each of it."""
    document = json.loads(least.request.body)
    for path in leaves(document):
        value = value_at(document, path)
        smaller = least.with_body(without(document, {path}))
        yield Part(
            path=spelled(path),
            value=json.dumps(value),
            matters=value not in (None, [], {}),
            without=_without(bench, smaller),
        )


def _without(bench: Bench, smaller: Candidate) -> str:
    """What was seen of a request without a part."""
    try:
        known = bench.known.get(smaller.message.encode())
    except CaptureError as error:
        return f"it cannot be sent: {error.what}"
    return known.why if known else "not tried"


def told(found: Reproduction, seen: Seen, *, request: Written) -> Reproduction:
    """The record with a request and both sides of what it shows."""
    fields = [name for name in found.fields if name in seen.kinds]
    others = tuple(name for name in seen.kinds if name not in (*found.fields, SCORE_FIELD))
    score = float(seen.left[SCORE_FIELD].values[0])
    return msgspec.structs.replace(
        found,
        reproduced=True,
        request=request,
        mismatches=tuple(_mismatch(name, seen) for name in dict.fromkeys((*fields, SCORE_FIELD))),
        others=others,
        expected={name: _plain(name, seen) for name in found.fields if _is_known(name, seen)},
        score=None if others else score,
        tolerances={
            name: as_band(seen.bands[name]) for name in (*found.fields, SCORE_FIELD) if name in seen.bands
        },
    )


def _mismatch(name: str, seen: Seen) -> Mismatch:
    left, right = (MISSING if cell is None else cell for cell in seen.cells(name))
    return Mismatch(field=name, kind=seen.kinds.get(name, AGREES), expected=left, served=right)


def _is_known(name: str, seen: Seen) -> bool:
    return name != SCORE_FIELD and name in seen.left and seen.left[name].kind[0] != Kind.MISSING


def _plain(name: str, seen: Seen) -> float | str | None:
    """A cell of the reference as a plain value: NaN and null are None, an infinity is spelled."""
    text, _ = seen.cells(name)
    value = None if text is None else json.loads(text)
    return None if value == "NaN" and seen.left[name].dtype == "number" else value
