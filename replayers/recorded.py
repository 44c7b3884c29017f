"""The recorded log as an arm: what production answered when the request was captured."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import msgspec
from msgspec import Meta

from harness.inflating import inflated
from harness.records import Attempt, CapturedRequest, Outcome, State
from replayers.http import IDENTITY, Role
from replayers.protocols import Json, Protocol
from replayers.selectors import Reader, Response

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Iterable, Iterator


#: of an answer that is unpacked
MAX_BYTES = 64 << 20
_GZIP, _ZSTD = b"\x1f\x8b", b"\x28\xb5\x2f\xfd"
#: the tag by which our proxy says why there is no whole answer, in words of RFC 9209, section 2.3
PROXY = "proxy"
#: what of it is the doing of who was asked, as that of a target would be; all else is a loss of the recorder
_FAULTS = {
    "timeout": State.TIMEOUT,
    "connection timeout": State.TIMEOUT,
    "http response timeout": State.TIMEOUT,
    "connection refused": State.CONNECTION_ERROR,
    "connection terminated": State.CONNECTION_ERROR,
    "destination ip unroutable": State.CONNECTION_ERROR,
    "tls certificate error": State.CONNECTION_ERROR,
    "http protocol error": State.CONNECTION_ERROR,
    "http response incomplete": State.CONNECTION_ERROR,
    "http response header section size": State.CONNECTION_ERROR,
    "http response trailer section size": State.CONNECTION_ERROR,
    "http response transfer coding": State.CONNECTION_ERROR,
}
#: the header by which a request says its id, and its answer for whom it is
_ID = "x-request-id"
_NO_ANSWER = "no recorded response"


class RecordedTarget(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="kind", tag="recorded"
):
    """The answers in the capture itself, or in another capture of the same requests; nothing is sent."""

    model: Annotated[
        str | None, Meta(description="The name under [models] it must match; empty: it has no offline model.")
    ] = None
    answers: Annotated[
        str | None,
        Meta(
            description="Another capture of the same requests, such as a shadow's that was mirrored to: its "
            "answers by request id, instead of those in the capture."
        ),
    ] = None
    role: Annotated[Role | None, Meta(description="champion or challenger, where that matters.")] = None
    response: Annotated[Response, Meta(description="Where the answer holds what is compared.")] = Response()
    protocol: Annotated[Protocol, Meta(description="How the recorded answers are read.")] = Json()
    model_identity: Annotated[str, IDENTITY] = ""


def recorded_outcomes(
    target: RecordedTarget,
    requests: Iterable[CapturedRequest],
    *,
    name: str,
    phase: str,
    ids: Container[str] = frozenset(),
    shown: Callable[[CapturedRequest, bytes], bytes] = lambda _, features: features,
) -> Iterator[Outcome]:
    """One outcome a request, in their order; NOT_SENT where no answer was recorded, or not all of it.

    A good answer that the recorder cut, or that is packed in a way that cannot be read, is a loss of the
    capture and no fault of who answered; one that timed out or broke off is theirs, as a proxy noted it. So
    is an answer to another request: one that says one of `ids`, or repeats another X-Request-Id.
    Read by the same rules as a live answer; where it echoes no features, those that the capture knows of it
    are its own. Those that it echoes are `shown`. It carries no stamps: another clock measured it.
    """
    reader = Reader(target.response, target.protocol)
    for request in requests:
        attempt = _attempt(request, name=name, phase=phase)
        outcome = reader.outcome(attempt)
        echoed = outcome.echoed_id
        if outcome.state is State.OK and echoed is not None:
            declared = not target.response.default("request_id")
            if _of_another(request, echoed, ids=ids, ours=declared or attempt.headers.get(_ID) == echoed):
                outcome = reader.outcome(attempt, sent_id=request.request_id)
        if outcome.state is State.OK:
            echo = outcome.features
            features = request.online_features if echo is None else shown(request, echo)
            outcome = msgspec.structs.replace(outcome, features=features)
        yield outcome


def _of_another(request: CapturedRequest, echoed: str, *, ids: Container[str], ours: bool) -> bool:
    """Whether an answer is for another request than this: `ours` says that it repeats the X-Request-Id.

    A request that had none was given its id by the recorder, and its service may have made up another.
    """
    sent = next((value for name, value in request.headers.items() if name.lower() == _ID), None)
    if echoed in {request.request_id, sent}:
        return False
    return echoed in ids or (ours and sent is not None)


def _attempt(request: CapturedRequest, *, name: str, phase: str) -> Attempt:
    """The recorded answer as the attempt that it was."""
    answer = request.recorded_response
    none = Attempt(seq=request.seq, phase=phase, target=name, attempt=0, state=State.NOT_SENT)
    why = request.tags.get(PROXY, "")
    if why in _FAULTS and (answer is None or request.answer_truncated):
        status = answer.status if answer else None
        return msgspec.structs.replace(none, attempt=1, state=_FAULTS[why], status=status, detail=why)
    if answer is None:
        return msgspec.structs.replace(none, detail=f"no recorded response: {why}" if why else _NO_ANSWER)
    good = 200 <= answer.status < 300
    headers = {key.lower(): value for key, value in answer.headers.items()}
    try:
        body = unpacked(answer.body, headers.get("content-encoding", ""))
    except ValueError as error:
        if good:
            return msgspec.structs.replace(none, detail=f"recorded answer cannot be unpacked: {error}")
        body = answer.body
    if good and request.answer_truncated:
        return msgspec.structs.replace(none, detail="recorded answer was cut")
    return msgspec.structs.replace(
        none,
        attempt=1,
        state=State.OK if good else State.HTTP_ERROR,
        status=answer.status,
        headers=headers,
        body=body,
    )


def unpacked(body: bytes, encoding: str) -> bytes:
    """The recorded body without its content encoding; one that is text has none, whatever its header says.

    Raises ValueError for one that is packed otherwise than by gzip or deflate, or is damaged.
    """
    known = encoding.strip().lower()
    if body.startswith(_GZIP):
        return inflated(body, "gzip", limit=MAX_BYTES)
    if body.startswith(_ZSTD):
        return inflated(body, "zstd", limit=MAX_BYTES)
    if known in {"", "identity"} or _is_text(body):
        return body
    return inflated(body, known, limit=MAX_BYTES)


def _is_text(body: bytes) -> bool:
    try:
        body.decode()
    except UnicodeDecodeError:
        return False
    return True
