"""The recorded log as an arm: what production answered when the request was captured."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import msgspec
from msgspec import Meta

from harness.records import Attempt, CapturedRequest, Outcome, State
from replayers.http import IDENTITY, Role
from replayers.protocols import Json, Protocol
from replayers.selectors import Reader, Response

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


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
    target: RecordedTarget, requests: Iterable[CapturedRequest], *, name: str, phase: str
) -> Iterator[Outcome]:
    """One outcome a request, in their order; NOT_SENT where no answer was recorded.

    Read by the same rules as a live answer; where it echoes no features, those that the capture knows of it
    are its own. It carries no stamps: another clock measured it.
    """
    reader = Reader(target.response, target.protocol)
    for request in requests:
        outcome = reader.outcome(_attempt(request, name=name, phase=phase))
        if outcome.state is State.OK and outcome.features is None:
            outcome = msgspec.structs.replace(outcome, features=request.online_features)
        yield outcome


def _attempt(request: CapturedRequest, *, name: str, phase: str) -> Attempt:
    """The recorded answer as the attempt that it was."""
    answer = request.recorded_response
    if answer is None:
        return Attempt(
            seq=request.seq,
            phase=phase,
            target=name,
            attempt=0,
            state=State.NOT_SENT,
            detail="no recorded response",
        )
    return Attempt(
        seq=request.seq,
        phase=phase,
        target=name,
        attempt=1,
        state=State.OK if 200 <= answer.status < 300 else State.HTTP_ERROR,
        status=answer.status,
        headers={key.lower(): value for key, value in answer.headers.items()},
        body=answer.body,
    )
