"""One call while it passes: what is kept of it, what is attached, and what it weighs."""

from __future__ import annotations

import gc
import threading
import weakref
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from harness.capture.live import Recorder, attach, current_id
from harness.capture.live.exchange import CURRENT, KEY, Body, Exchange
from harness.capture.live.watch import Watch


class Kept:
    """A recorder that keeps what it is offered."""

    def __init__(self) -> None:
        self.calls: list[Any] = []
        self.refused: list[tuple[str, object]] = []

    def clock(self) -> int:
        """Any moment."""
        return 7

    def offer(self, call: object) -> bool:
        """It is kept."""
        self.calls.append(call)
        return True

    def refuse(self, what: str, value: object) -> None:
        """What was attached in vain."""
        self.refused.append((what, value))


def exchange(folder: Path = Path(), **given: Any) -> Exchange:  # noqa: ANN401  -- as the middlewares give it
    """A call that nobody writes down."""
    watch = Watch(None, Recorder(folder), options={"model": "abc"})
    watch.recorder = Kept()  # type: ignore[assignment]
    parts = {"method": "POST", "path": b"/predict", "query": b"", "headers": [(b"x-request-id", b"r7")]}
    return Exchange(watch, **{**parts, **given})


@pytest.mark.parametrize(
    ("chunks", "kept", "cut"),
    [
        ([b"abc", b"def"], b"abcdef", False),
        ([b"abcdefgh", b""], b"abcdefgh", False),
        ([b"abc", b"defghijk", b"l"], b"abcdefgh", True),
        ([b"abcdefghi"], b"abcdefgh", True),
        ([bytearray(b"ab"), memoryview(b"cd")], b"abcd", False),
    ],
)
def test_a_body_keeps_its_first_bytes(chunks: list[bytes], kept: bytes, *, cut: bool) -> None:
    """What is above the limit is let go at once."""
    body = Body(8)
    for chunk in chunks:
        body.add(chunk)
    assert (b"".join(body.chunks), body.size, body.cut) == (kept, len(kept), cut)


def test_a_chunk_is_kept_by_reference() -> None:
    """No byte of a body is copied while the service answers."""
    chunk = b"x" * 1_000
    body = Body(2_000)
    body.add(chunk)
    assert body.chunks[0] is chunk


def test_many_small_chunks_take_no_more_than_their_bytes() -> None:
    """An answer of a token at a time does not fill the memory with objects."""
    body = Body(1 << 20)
    for _ in range(10_000):
        body.add(b"xy")
    assert len(body.chunks) < 1_024
    assert b"".join(body.chunks) == b"xy" * 10_000


def test_it_is_offered_once_and_then_closed() -> None:
    """The end of an answer is one moment; what comes later is not of this call."""
    call = exchange()
    call.end()
    call.end()
    assert call._watch.recorder.calls == [call]  # type: ignore[attr-defined]  # noqa: SLF001  -- what it was made with
    assert attach({KEY: call}, unit="u") is False
    assert call.record().unit is None


@pytest.mark.parametrize(
    "target",
    [
        lambda place: place,
        lambda place: SimpleNamespace(scope=place),
        lambda place: SimpleNamespace(environ=place),
    ],
    ids=["scope or environ", "request of Starlette", "request of Flask"],
)
def test_a_handler_may_name_its_call(target: Any) -> None:  # noqa: ANN401  -- makes any of three
    """By what its framework gives it, from whatever thread."""
    call = exchange()
    threads = [
        threading.Thread(
            target=attach, args=(target({KEY: call}),), kwargs={"features": {"a": 1}, "unit": "u"}
        )
    ]
    for thread in threads:
        thread.start()
        thread.join()
    assert current_id(target({KEY: call})) == "r7"
    record = call.record()
    assert (record.features, record.unit, record.served_by) == ({"a": 1}, "u", {"model": "abc"})


@pytest.mark.parametrize("target", [None, {}, {KEY: "another's"}, object()])
def test_where_nothing_is_recorded_nothing_is_attached(target: object) -> None:
    """A handler runs as well without the middleware."""
    assert attach(target, features={"a": 1}) is False
    assert current_id(target) is None


def test_attached_later_is_added_and_the_last_word_counts() -> None:
    """Each part of a service attaches what it knows."""
    call = exchange()
    before = CURRENT.set(call)
    features = {"a": 1, "b": 2}
    attach(features=features, tags={"x": "1"}, model={"build": "v1"})
    features["a"] = 100
    attach(features={"b": 3}, tags={"y": "2"}, model={"build": "v2"})
    CURRENT.reset(before)
    record = call.record()
    assert record.features == {"a": 1, "b": 3}
    assert record.tags == {"x": "1", "y": "2"}
    assert record.served_by == {"model": "abc", "build": "v2"}


def test_a_client_that_went_is_not_an_answer() -> None:
    """A call that was cut off has no status of its own, and no 500 is made up for it."""
    call = exchange()
    call.failed(KeyboardInterrupt())
    call.end()
    record = call.record()
    assert (record.status, record.tags) == (None, {"exception": "KeyboardInterrupt", "disconnected": "true"})


def test_a_call_leaves_no_garbage() -> None:
    """It holds nothing that holds it: counting references is enough to let it go."""
    gc.disable()
    try:
        scope: dict[str, object] = {}
        call = exchange()
        scope[KEY] = call
        call.end()
        call._watch.recorder.calls.clear()  # type: ignore[attr-defined]  # noqa: SLF001  -- what it was made with
        gone = weakref.ref(call)
        del call, scope
        assert gone() is None
    finally:
        gc.enable()


@pytest.mark.parametrize("length", ["", "x", "9" * 40, "٣"])
def test_a_strange_content_length_is_none(length: str) -> None:
    """What a client says of its length may be anything."""
    call = exchange(headers=[("content-length", length)])
    assert call.record().truncated is False


def test_ids_that_are_numbers_are_texts_in_a_record() -> None:
    """A database counts its users: a line with a number there is one that no reader takes."""
    call = exchange()
    assert attach({KEY: call}, unit=7, request_id=123, tags={"k": 1}, model={"v": 2})  # type: ignore[dict-item]
    assert current_id({KEY: call}) == "123"
    record = call.record()
    assert (record.unit, record.request_id, record.tags, record.served_by["v"]) == (
        "7",
        "123",
        {"k": "1"},
        "2",
    )
    assert b'"unit":"7"' in record.line()


class Unheard:
    """A proxy of a request where there is none, as Flask has one."""

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401  -- never gives any
        raise RuntimeError(name)


class Wordless:
    """A value without a text."""

    def __str__(self) -> str:
        raise LookupError


@pytest.mark.parametrize(
    ("given", "refused"),
    [
        ({"features": [1, 2]}, ["features"]),
        ({"features": "text"}, ["features"]),
        ({"features": 7}, ["features"]),
        ({"features": [[1, 2], [3, 4]]}, ["features"]),
        ({"features": ["US", "DE"]}, ["features"]),
        ({"model": 7}, ["model"]),
        ({"tags": ["a"]}, ["tags"]),
        ({"tags": "a", "features": [1], "model": ["m"]}, ["features", "model", "tags"]),
        ({"request_id": Wordless(), "tags": 7}, ["tags", "request_id"]),
    ],
)
def test_what_is_of_a_wrong_type_costs_the_handler_nothing(given: dict[str, Any], refused: list[str]) -> None:
    """It is counted, the rest of what was said is kept, and the service answers."""
    call = exchange()
    assert attach({KEY: call}, unit="u", **given)
    record = call.record()
    assert (record.unit, record.features, record.tags, record.served_by) == ("u", None, {}, {"model": "abc"})
    kept: Kept = call._watch.recorder  # type: ignore[assignment]  # noqa: SLF001  -- what it was made with
    assert kept.refused == [(name, given[name]) for name in refused]


def test_a_model_of_names_is_features() -> None:
    """What gives pairs of names and values, as models of pydantic do, is as good as a mapping."""
    call = exchange()
    assert attach({KEY: call}, features=iter([("a", 1)]))  # type: ignore[arg-type]
    assert attach({KEY: call}, features=SimpleNamespace(keys=lambda: ["b"], __getitem__=None))  # type: ignore[arg-type]
    assert call.record().features == {"a": 1}


def test_a_request_that_cannot_be_looked_at_is_no_call() -> None:
    """Whatever it raises."""
    assert attach(Unheard(), unit="u") is False
    assert current_id(Unheard()) is None
