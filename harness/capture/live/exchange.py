"""One call while it passes: references to what came and went, until the answer is whole."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextvars import ContextVar
from time import perf_counter_ns
from typing import Any

from .identity import request_id_of
from .record import Record, Wire, as_text, decoded
from .watch import Watch

#: under this name the call stands in an ASGI scope and in a WSGI environ, where others have a dot
KEY = "replaygate.call"

_OVERHEAD = 2_000
_FEATURE = 60
#: requests that have a body as a rule, if nothing of it was said
_BODIED = frozenset({"POST", "PUT", "PATCH"})
#: so many chunks are put together, since each takes memory beside its bytes
_MANY = 1_024

CURRENT: ContextVar[Exchange | None] = ContextVar("replaygate_call", default=None)


class Body:
    """The first `most` bytes of what passes; `cut` once there was more, `strange` once it was no bytes."""

    size = 0
    cut = False
    strange = False

    def __init__(self, most: int) -> None:
        self.most = most
        self.chunks: list[bytes] = []

    def add(self, chunk: bytes) -> None:
        """The chunk passes, whatever it is; no copy is made of bytes that fit."""
        if type(chunk) is not bytes:
            chunk = self._copied(chunk)
        if not chunk:
            return
        size = self.size + len(chunk)
        if size > self.most:
            chunk, size, self.cut = chunk[: self.most - self.size], self.most, True
        self.size = size
        self.chunks.append(chunk)
        if len(self.chunks) == _MANY:
            self.chunks = [b"".join(self.chunks)]

    @property
    def passed(self) -> bool:
        """Whether any byte did."""
        return self.size > 0 or self.cut

    def _copied(self, chunk: Any) -> bytes:  # noqa: ANN401  -- whatever a service takes for bytes
        """The bytes of a buffer, as many as may be kept and one more; the server refuses what is none."""
        try:
            return memoryview(chunk)[: self.most + 1].tobytes()
        except (TypeError, ValueError, NotImplementedError):
            self.strange = True
            return b""


class Exchange:
    """A call and its answer; `end` offers it to the recorder, once.

    Times are those of the monotonic clock, ns: `asked_ns` when the request was whole, `done_ns` when the
    answer was. `ended` is whether the end of the request's body was seen, None where none of it was read;
    `unsaid` where its protocol has no header that tells of a body. It holds nothing that holds it, so that
    no garbage has to be collected.
    """

    # Defaults stand in the class: what a call never says costs it no time.
    done_ns = 0
    status = 0
    answer_headers: Iterable[tuple[Wire, Wire]] = ()
    left = False
    ended: bool | None = None
    unsaid = False
    error = ""
    _id = ""
    _features: dict[str, object] | None = None
    _served_by: Mapping[str, str] | None = None
    _tags: dict[str, str] | None = None
    _unit: str | None = None

    def __init__(self, watch: Watch, *, method: str, path: Wire, query: Wire, headers: Any) -> None:  # noqa: ANN401  -- pairs of bytes or of texts
        self._watch = watch
        self.ts_ns = watch.recorder.clock()
        self.asked_ns = perf_counter_ns()
        self.method = method
        self.path = path
        self.query = query
        self.headers: Iterable[tuple[Wire, Wire]] = headers
        self.asked = Body(watch.max_body_bytes)
        self.answer = Body(watch.max_body_bytes)

    @property
    def request_id(self) -> str:
        """The id of the call, the same whenever it is asked for."""
        if not self._id:
            self._id = request_id_of(decoded(self.headers))
        return self._id

    def attach(
        self,
        *,
        features: Mapping[str, object] | None = None,
        model: str | Mapping[str, str] | None = None,
        unit: str | int | None = None,
        tags: Mapping[str, str] | None = None,
        request_id: str | int | None = None,
    ) -> bool:
        """Whether it came in time: before the end of the answer. What is of a wrong type is counted."""
        if self.done_ns:
            return False
        try:
            if features is not None:
                self._features = (
                    _named(features) if self._features is None else self._features | _named(features)
                )
            if model is not None:
                more = {"model": model} if isinstance(model, str) else model
                self._served_by = {**(self._served_by or self._watch.served_by), **more}
            if unit is not None:
                self._unit = str(unit)
            if tags is not None:
                self._tags = {**(self._tags or {}), **tags}
            if request_id is not None:
                self._id = str(request_id)
        except Exception:  # noqa: BLE001  -- whatever was given, the handler goes on
            self._each(features=features, model=model, unit=unit, tags=tags, request_id=request_id)
        return True

    def _each(self, **given: Any) -> None:  # noqa: ANN401  -- some of it is of a wrong type
        """One after the other, so that what can be kept is."""
        said = {name: value for name, value in given.items() if value is not None}
        for name, value in said.items():
            if len(said) == 1:
                self._watch.recorder.refuse(name, value)
            else:
                self.attach(**{name: value})

    def end(self) -> None:
        """The answer is whole, or there will be no more of it; later calls of this do nothing."""
        if not self.done_ns:
            self.done_ns = perf_counter_ns()
            self._watch.recorder.offer(self)

    def failed(self, error: BaseException) -> None:
        """The service raised this instead of answering; what is no `Exception` says that the client went."""
        self.error = type(error).__name__
        self.left = self.left or not isinstance(error, Exception)

    @property
    def size(self) -> int:
        """About how many bytes of memory it takes."""
        return _OVERHEAD + self.asked.size + self.answer.size + _FEATURE * len(self._features or ())

    def record(self) -> Record:
        """The record of it; an error before the answer began is the 500 that servers then send."""
        headers = decoded(self.headers)
        query = as_text(self.query)
        status = self.status or (500 if self.error and not self.left else None)
        answer_headers = decoded(self.answer_headers)
        whole = self.status and not (self.answer.cut or self.answer.strange or self.left or self.error)
        return Record(
            request_id=self._id or request_id_of(headers),
            ts_ns=self.ts_ns,
            method=self.method,
            path=as_text(self.path) + (f"?{query}" if query else ""),
            headers=headers,
            body=b"".join(self.asked.chunks),
            truncated=self.asked.cut or self.asked.strange or self._partly(headers),
            status=status,
            answer_headers=answer_headers,
            answer_body=b"".join(self.answer.chunks),
            answer_truncated=bool(self.status) and not whole,
            latency_ns=self.done_ns - self.asked_ns,
            unit=self._unit,
            features=self._features,
            served_by=_texts(self._served_by or self._watch.served_by),
            tags=self._told(),
        )

    def _partly(self, headers: Mapping[str, str]) -> bool:
        """Whether less of the body was read than came; without a length its end must have been seen."""
        if "content-length" in headers:
            return self.asked.size < _length(headers)
        if self.ended is not None:
            return not self.ended
        return "transfer-encoding" in headers or (self.unsaid and self.method in _BODIED)

    def _told(self) -> dict[str, str]:
        tags = _texts(self._tags or {})
        if error := self.error or ("TypeError" if self.answer.strange else ""):
            tags["exception"] = error
        if self.left:
            tags["disconnected"] = "true"
        return tags


def attach(
    target: object = None,
    *,
    features: Mapping[str, object] | None = None,
    model: str | Mapping[str, str] | None = None,
    unit: str | int | None = None,
    tags: Mapping[str, str] | None = None,
    request_id: str | int | None = None,
) -> bool:
    """What the handler knows of its call goes into the record; False where none is recorded (any more).

    `features` are what the model was given, by name; the mapping is copied, its values are not and are read
    later: numbers and texts, or whatever does not change. `model` is the hash of the model or a mapping such
    as `{"model": hash, "build": "v7"}`. `request_id` is the id that labels will come with; ids that are
    numbers are written as texts. `target` is the request of FastAPI, Starlette, Litestar or Flask, an ASGI
    scope or a WSGI environ; without one it is the call that this task or thread serves.
    """
    call = CURRENT.get() if target is None else _call_of(target)
    if call is None:
        return False
    return call.attach(features=features, model=model, unit=unit, tags=tags, request_id=request_id)


def current_id(target: object = None) -> str | None:
    """The id under which the call is recorded, None where it is not; `target` is as for `attach`."""
    call = CURRENT.get() if target is None else _call_of(target)
    return None if call is None else call.request_id


def _call_of(target: object) -> Exchange | None:
    """A proxy of a framework's request may raise whatever it likes where there is none."""
    try:
        for place in (target, getattr(target, "scope", None), getattr(target, "environ", None)):
            if isinstance(place, Mapping):
                call = place.get(KEY)
                return call if isinstance(call, Exchange) else None
    except Exception:  # noqa: BLE001  -- the handler goes on
        return None
    return None


def _named(features: Any) -> dict[str, object]:  # noqa: ANN401  -- handlers give whatever they have
    """A copy; raises TypeError or ValueError for what has no names, even if it could be read as pairs."""
    if type(features) is dict or hasattr(features, "keys"):
        return dict(features)
    pairs = list(features)
    if not all(isinstance(pair, tuple) for pair in pairs):
        raise TypeError
    return dict(pairs)


def _texts(given: Mapping[str, object]) -> dict[str, str]:
    return {str(name): str(value) for name, value in given.items()}


def _length(headers: Mapping[str, str]) -> int:
    """What the client said that it sends."""
    text = headers["content-length"]
    return int(text) if text.isdecimal() and text.isascii() and len(text) < 16 else 0
