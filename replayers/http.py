"""An HTTP endpoint as an arm: its config, its requests as bytes, its answers as outcomes."""

from __future__ import annotations

import json
import os
import ssl
from functools import partial
from string import Template
from typing import TYPE_CHECKING, Annotated, Any, Literal

import anyio
import httpx
import msgspec
import numpy as np
from msgspec import Meta

from harness.errors import CaptureError, TargetUnreachable
from harness.records import Attempt, CapturedRequest, Outcome, State
from harness.replay.arm import Reply
from harness.replay.guard import (
    Endpoint,
    Safety,
    check_header,
    check_method,
    check_target,
    safe_headers,
    safe_path,
)
from replayers.answer import Terms
from replayers.credentials import fixed_headers, secrets, without
from replayers.feature_log import FeatureLog, LoggedFeatures
from replayers.grpc_pool import GrpcPool
from replayers.protocols import OF_THE_BODY, Asked, Call, Json, OipV2, Protocol, Table
from replayers.protocols.finding import document_of
from replayers.protocols.protobuf import PATH as GRPC_PATH
from replayers.selectors import Reader, Response
from replayers.tracing import HEADERS as TRACE
from replayers.tracing import trace_id, traceparent
from replayers.wire import Origin, Pool

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

PROBE_S = 5.0
_BODILESS = frozenset({"GET", "HEAD"})
_SAMPLES = {
    "body": '{"a": 1}',
    "request_id": '"r"',
    "ts": '"2025-01-01T00:00:00Z"',
    "event_time": '"2025-01-01T00:00:00Z"',
    "unit": '"u"',
}

Role = Literal["champion", "challenger"]
IDENTITY = Meta(
    pattern=r"^(sha256:)?([0-9a-fA-F]{8,64})?$",
    description="For a service that names no model: the sha256 of the model file that you say it serves. "
    "It is told as declared, not seen in answers, and proves nothing to model_identity.",
)
Headers = dict[str, str]
Seconds = Annotated[float, Meta(gt=0)]


class HttpTarget(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="kind", tag="http"
):
    """A service that answers one request with one score, in JSON or in the protocol of a model server."""

    url: Annotated[str, Meta(description="Where requests go; may hold {port} when `start` is given.")]
    model: Annotated[
        str | None, Meta(description="The name under [models] it must match; empty: it has no offline model.")
    ] = None
    role: Annotated[Role | None, Meta(description="champion or challenger, where that matters.")] = None
    method: Annotated[str, Meta(description="The method of each request.")] = "POST"
    path: Annotated[
        Literal["target", "captured"],
        Meta(description="The path of `url`, or the captured one (its path and query only, never its host)."),
    ] = "target"
    headers: Annotated[
        Headers, Meta(description='Headers to send; a value "env:NAME" is read from the environment.')
    ] = {}
    debug_headers: Annotated[
        Headers, Meta(description="Headers that ask for the feature echo, in phases with features = true.")
    ] = msgspec.field(default_factory=lambda: {"X-Debug-Features": "1"})
    id_headers: Annotated[
        tuple[str, ...],
        Meta(
            description="More headers that carry the request's id beside X-Request-Id, such as Ce-Id "
            "(KServe's payload log goes by it) or X-Amzn-SageMaker-Inference-Id."
        ),
    ] = ()
    template: Annotated[
        str | None,
        Meta(
            description="JSON around the captured body, with $body (as is), $request_id, $ts, $event_time, "
            "$unit (as JSON); empty sends the captured body."
        ),
    ] = None
    response: Annotated[Response, Meta(description="Where the answer holds what is compared.")] = Response()
    protocol: Annotated[
        Protocol, Meta(description="How the service is asked, and how its answers are read.")
    ] = Json()
    model_identity: Annotated[str, IDENTITY] = ""
    feature_log: Annotated[
        FeatureLog | None,
        Meta(description="Where the service logs the features that its answers do not show."),
    ] = None
    timeout_s: Annotated[Seconds, Meta(description="An answer later than this is a timeout.")] = 2.0
    connections: Annotated[
        int,
        Meta(
            ge=0,
            le=4096,
            description="Connections opened before an open-loop phase; more follow when needed. "
            "0 for a server that serves one connection at a time.",
        ),
    ] = 64
    max_response_bytes: Annotated[int, Meta(ge=1, description="A longer answer is a bad body.")] = 1_048_576
    start: Annotated[
        tuple[str, ...],
        Meta(
            description="A command to start the service with; {python}, {port} and {scenario} are filled in."
        ),
    ] = ()
    start_env: Annotated[
        Headers, Meta(description='Environment of that command; "env:NAME" passes one of ours on.')
    ] = {}
    ready: Annotated[
        str, Meta(description='Path that answers once the service is up; "" asks for a connection only.')
    ] = "/health"
    start_timeout_s: Annotated[Seconds, Meta(description="How long the service may take to start.")] = 30.0

    def __post_init__(self) -> None:
        # msgspec puts the path before a ValueError from here: `$.targets.x: ...`
        if "{port}" in self.url and not self.start:
            raise ValueError("url holds {port}, which needs a start command")
        if self.ready and not self.ready.startswith("/"):
            raise ValueError(f"ready must be a path like /health, found {self.ready!r}")
        if self.template is not None:
            if not isinstance(self.protocol, Json):
                raise ValueError("template: only the protocol json has one")
            check_template(self.template)
        if self.protocol.over_grpc and (self.ready or self.path != "target"):
            raise ValueError('a gRPC service has no paths: set ready = "" and leave path out')

    @property
    def shows_features(self) -> bool:
        """Whether answers or a log are declared to show features."""
        if self.feature_log is not None or not self.response.default("features"):
            return self.feature_log is not None or bool(self.response.features)
        return self.protocol.shows_features


def check_template(text: str) -> None:
    """Raises ValueError unless the template knows its variables and gives JSON."""
    template = Template(text)
    if not template.is_valid():
        raise ValueError("template: a $ must start one of its variables, or be written $$")
    unknown = sorted(set(template.get_identifiers()) - _SAMPLES.keys())
    if unknown:
        raise ValueError(f"template: unknown ${unknown[0]}; known are {', '.join(_SAMPLES)}")
    try:
        json.loads(template.substitute(_SAMPLES))
    except ValueError as error:
        raise ValueError(
            f"template: does not give JSON ({error}); its variables bring their own quotes"
        ) from None


class HttpArm:
    """A target behind the wire: requests become bytes before the clock starts, answers outcomes after it.

    `ids` names the request id of each `seq`, for answers to be checked against; without it the arm remembers
    those it prepares. Raises ScenarioError when the target may not be reached (`Safety`) or the variable of
    a header is not set.
    """

    def __init__(
        self,
        target: HttpTarget,
        *,
        name: str,
        run_id: str,
        safety: Safety | None = None,
        environ: Mapping[str, str] | None = None,
        ids: Mapping[int, str] | None = None,
    ) -> None:
        self.name = name
        self.connections = target.connections
        self.target = target
        self.endpoint = endpoint_of(target, safety or Safety())
        self._template = Template(target.template) if target.template is not None else None
        self._run_id = run_id
        self._fixed = fixed_headers(target.headers, os.environ if environ is None else environ, where=name)
        self._secrets = secrets(target.headers, self._fixed)
        named = dict.fromkeys((*target.id_headers, "x-request-id"), "")
        self._id_headers = tuple(fixed_headers(named, {}, where=name))
        self._debug = fixed_headers(target.debug_headers, {}, where=name)
        self.reader = Reader(target.response, target.protocol)
        self._joined = LoggedFeatures(target.feature_log) if target.feature_log is not None else None
        self._prepared: dict[int, str] = {}
        self._ids: Mapping[int, str] = self._prepared if ids is None else ids
        self._pool = self._transport()

    def _transport(self) -> Pool | GrpcPool:
        """What carries requests and answers; ScenarioError where it is not installed."""
        protocol, origin = self.target.protocol, origin_of(self.endpoint)
        terms = Terms(headers=self._wanted_headers(), max_body=self.target.max_response_bytes)
        if isinstance(protocol, OipV2) and protocol.over_grpc:
            return GrpcPool(origin, terms=terms, model=protocol.model_name)
        return Pool(origin, terms=terms)

    async def open(self, connections: int) -> None:
        """This many connections are warm; raises TargetUnreachable when the target takes none."""
        try:
            with anyio.fail_after(PROBE_S):
                await self._pool.warm(connections)
        except (OSError, TimeoutError) as error:
            raise unreachable(self.target, self.endpoint, reason=_reason(error)) from None

    async def aclose(self) -> None:
        """Every connection is closed."""
        await self._pool.aclose()

    def prepare(self, request: CapturedRequest, *, features: bool) -> bytes:
        """The request as bytes; raises CaptureError for one that must not be sent."""
        if self._ids is self._prepared:
            self._prepared[request.seq] = request.request_id
        if request.truncated:
            raise CaptureError("the captured body was cut short when it was recorded")
        call = Call(b"") if self.target.method in _BODILESS else self._call(request, features=features)
        return self._bytes(request, call, features=features)

    def prepare_rows(self, requests: Sequence[CapturedRequest]) -> bytes:
        """The rows of some requests as those of one, under the id of the first; its answer is `read`.

        Raises CaptureError where the target is asked for one row at a time.
        """
        protocol = self.target.protocol
        if protocol.by_selector or self._template is not None or self.target.method in _BODILESS:
            raise CaptureError("the service is asked for one row at a time")
        asked = [Asked(one.body, one.request_id, headers=one.headers) for one in requests]
        tables = [protocol.table(document_of(one.body, content_type=one.content_type)) for one in asked]
        rows = tuple(row for table in tables for row in table.rows)
        call = protocol.build(Table(tables[0].columns, rows), request_id=asked[0].request_id, features=False)
        return self._bytes(requests[0], call, features=False)

    def _bytes(self, request: CapturedRequest, call: Call, *, features: bool) -> bytes:
        path = self.endpoint.path if self.target.path == "target" else safe_path(request.path)
        path = GRPC_PATH if self.target.protocol.over_grpc else path
        lines = [f"{self.target.method} {path} HTTP/1.1"]
        lines += [
            f"{name}: {value}" for name, value in self._headers(request, call, features=features).items()
        ]
        if self.target.method not in _BODILESS:
            lines.append(f"content-length: {len(call.body)}")
        return "\r\n".join((*lines, "", "")).encode() + call.body

    def _headers(self, request: CapturedRequest, call: Call, *, features: bool) -> Headers:
        """The host, then what was captured, then what the scenario says, then what marks the replay."""
        captured = {n: v for n, v in safe_headers(request.headers).items() if n not in TRACE}
        if self._template is not None or call.headers:
            captured = {n: v for n, v in captured.items() if n not in OF_THE_BODY}
        check_header("x-request-id", request.request_id, error=CaptureError)
        return {
            "host": self.endpoint.authority,
            "content-type": "application/json",
            **captured,
            **call.headers,
            **self._fixed,
            **(self._debug if features else {}),
            "x-shadow-replay": self._run_id,
            **dict.fromkeys(self._id_headers, request.request_id),
            "traceparent": traceparent(self._trace(request.seq)),
        }

    def _trace(self, seq: int) -> str:
        return trace_id(self._run_id, self.name, seq=seq)

    def _wanted_headers(self) -> frozenset[str]:
        log = self.target.feature_log
        joined = {log.header} if log is not None and log.header else set()
        return self.target.response.headers | self.target.protocol.answer_headers | joined

    def submit(self, data: bytes, done: Callable[[Reply], None]) -> None:
        """Send without blocking; `done` is called exactly once."""
        if self._secrets:
            done = partial(without, done, hidden=self._secrets)
        self._pool.submit(data, timeout_s=self.target.timeout_s, done=done)

    def parse(self, attempt: Attempt) -> Outcome:
        """The outcome of an attempt at a request that this arm prepared."""
        return self.outcome(attempt, sent_id=self._ids.get(attempt.seq))

    def outcome(self, attempt: Attempt, *, sent_id: str | None) -> Outcome:
        """What the answer says, with the features that the service logged where it shows none."""
        found = self.reader.outcome(attempt, sent_id=sent_id)
        if self._joined is None or found.state is not State.OK or found.features is not None:
            return found
        trace = self._trace(attempt.seq)
        logged = self._joined.features(request_id=sent_id, trace=trace, headers=attempt.headers)
        return msgspec.structs.replace(found, features=logged)

    def _call(self, request: CapturedRequest, *, features: bool) -> Call:
        """The request in the words of the protocol, inside the template where there is one."""
        asked = Asked(request.body, request.request_id, headers=request.headers, features=features)
        call = self.target.protocol.call(asked)
        if self._template is None:
            return call
        try:
            return Call(self._template.substitute(_variables(request, call.body)).encode())
        except UnicodeDecodeError:
            raise CaptureError("a captured body is not UTF-8, and a template needs text") from None


def _variables(request: CapturedRequest, body: bytes) -> dict[str, str]:
    """What a template may name, as JSON texts; times are ISO 8601, UTC."""
    event_ns = request.ts_ns if request.event_time_ns is None else request.event_time_ns
    return {
        "body": body.decode(),
        "request_id": json.dumps(request.request_id),
        "ts": json.dumps(iso(request.ts_ns)),
        "event_time": json.dumps(iso(event_ns)),
        "unit": json.dumps(request.unit),
    }


def iso(ns: int) -> str:
    """Nanoseconds since the epoch as ISO 8601 UTC, to the microsecond where that is exact."""
    unit: Any = "us" if ns % 1000 == 0 else "ns"
    return f"{np.datetime_as_string(np.datetime64(ns, 'ns'), unit=unit)}Z"


def endpoint_of(target: HttpTarget, safety: Safety) -> Endpoint:
    """Where the target is, after the guard; raises ScenarioError."""
    check_method(target.method, safety)
    return check_target(target.url, safety)


def origin_of(endpoint: Endpoint) -> Origin:
    """Where connections go; https verifies certificates against the system's roots."""
    tls = ssl.create_default_context() if endpoint.scheme == "https" else None
    return Origin(addresses=endpoint.addresses, port=endpoint.port, tls=tls, hostname=endpoint.host)


async def probe(target: HttpTarget, *, safety: Safety | None = None) -> int | None:
    """The target answers: the status of its ready path, or None when only a connection was asked for.

    Any answer will do, for a service without that path is still a service. Raises TargetUnreachable.
    """
    endpoint = endpoint_of(target, safety or Safety())
    try:
        if not target.ready:
            with anyio.fail_after(PROBE_S):
                await (await anyio.connect_tcp(endpoint.addresses[0], endpoint.port)).aclose()
            return None
        async with httpx.AsyncClient(
            trust_env=False, timeout=PROBE_S, verify=origin_of(endpoint).tls or True
        ) as client:
            # the address that was checked, not the name again, which may have another by now
            base = httpx.URL(scheme=endpoint.scheme, host=endpoint.addresses[0], port=endpoint.port)
            headers = {"host": endpoint.authority, "x-shadow-replay": "probe"}
            named = {"sni_hostname": endpoint.host}
            path = base.join(target.ready)
            async with client.stream("GET", path, headers=headers, extensions=named) as answer:
                return answer.status_code
    except (httpx.HTTPError, OSError, TimeoutError) as error:
        raise unreachable(target, endpoint, reason=_reason(error)) from None


def unreachable(target: HttpTarget, endpoint: Endpoint, *, reason: str) -> TargetUnreachable:
    """The error for a target that does not answer, with what to do."""
    fix = (
        "See its log in the run folder."
        if target.start
        else "Start the service, or correct url and ready in the scenario."
    )
    return TargetUnreachable(
        "the target does not answer",
        where=f"{endpoint.scheme}://{endpoint.authority}{target.ready}",
        found=reason,
        fix=fix,
    )


def _reason(error: Exception) -> str:
    """Why a connection failed, in a few words."""
    if isinstance(error, TimeoutError | httpx.TimeoutException):
        return f"no answer in {PROBE_S:g} s"
    if any(isinstance(cause, ConnectionRefusedError) for cause in _causes(error)):
        return "connection refused"
    return str(error) or type(error).__name__


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    """The error and what it was raised from, down to the socket: clients wrap what it says."""
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__
