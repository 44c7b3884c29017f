"""gRPC behind the seam of the wire: a request is bytes, its answer a `Reply`, and failures are states of it.

The library is an extra (`pip install 'replaygate[grpc]'`) and is imported when a target needs it.
"""

from __future__ import annotations

import asyncio
import json
import re
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from harness.errors import ScenarioError
from harness.records import State
from harness.replay.arm import Reply, Try
from replayers.protocols.protobuf import PATH, READY_PATH, ready_request, says_ready

if TYPE_CHECKING:
    from collections.abc import Callable

    from replayers.answer import Terms
    from replayers.wire import Origin

#: requests that share one connection; servers allow a hundred streams or so
SHARED = 64
#: the HTTP status that gateways make of a code; google/rpc/code.proto
STATUS = {
    "INVALID_ARGUMENT": 400,
    "FAILED_PRECONDITION": 400,
    "OUT_OF_RANGE": 400,
    "UNAUTHENTICATED": 401,
    "PERMISSION_DENIED": 403,
    "NOT_FOUND": 404,
    "ABORTED": 409,
    "ALREADY_EXISTS": 409,
    "CANCELLED": 499,
    "RESOURCE_EXHAUSTED": 429,
    "UNIMPLEMENTED": 501,
}
_OURS = frozenset({"host", "content-length", "content-type", "te", "user-agent", "accept"})
_READY_POLL_S = 0.2
_NAME = re.compile(r"[a-z0-9_.-]+")
_TOO_LONG = "larger than max"


def library() -> Any:  # noqa: ANN401  -- a module without types
    """grpcio; raises ScenarioError with how to install it."""
    try:
        import grpc.aio
    except ImportError:
        raise ScenarioError(
            'a target with transport = "grpc" needs the library grpcio, which is not installed',
            fix="pip install 'replaygate[grpc]'",
        ) from None
    return grpc


class GrpcPool:
    """Channels to one origin, each for some requests at a time.

    Stamps: `submit` when the pool is asked, `written` when the call has been handed to the library, `first`
    and `done` when its answer is back in this loop: what the library itself takes counts as the service's.
    """

    def __init__(self, origin: Origin, *, terms: Terms, model: str) -> None:
        self._grpc = library()
        self.origin = origin
        self.terms = terms
        self.clock = terms.clock
        self._model = model
        self._channels: list[Any] = []
        self._calls: list[Any] = []
        self._turn = 0
        self._closed = False
        self._under_way: set[asyncio.Task[None]] = set()

    async def warm(self, connections: int) -> None:
        """Enough channels are connected and the model says that it is ready; raises OSError."""
        self._closed = False
        wanted = max(1, -(-connections // SHARED))
        while len(self._channels) < wanted:
            channel = self._channel()
            self._channels.append(channel)
            self._calls.append(channel.unary_unary(PATH))
            await channel.channel_ready()
        await self._ready()

    def submit(self, data: bytes, *, timeout_s: float, done: Callable[[Reply], None]) -> None:
        """Send a request; `done` is called exactly once."""
        submit_ns = self.clock()
        if self._closed:
            ended = Try(state=State.ABANDONED, submit_ns=submit_ns, done_ns=submit_ns)
            done(Reply(tries=(failed(ended, code="CANCELLED", ours=True),)))
            return
        if not self._calls:
            channel = self._channel()
            self._channels.append(channel)
            self._calls.append(channel.unary_unary(PATH))
        head, _, body = data.partition(b"\r\n\r\n")
        fields = [line.partition(": ") for line in head.decode().split("\r\n")[1:]]
        metadata = [(name, value) for name, _, value in fields if _may_be_sent(name, value)]
        self._turn = (self._turn + 1) % len(self._calls)
        call = self._calls[self._turn](body, timeout=timeout_s, metadata=metadata)
        begun = Try(state=State.ABANDONED, submit_ns=submit_ns, written_ns=self.clock())
        task = asyncio.get_running_loop().create_task(self._finish(call, begun, done=done))
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)

    async def aclose(self) -> None:
        """Every channel is closed, and every request in flight called back as ABANDONED."""
        self._closed = True
        for channel in self._channels:
            await channel.close(grace=None)
        await asyncio.gather(*self._under_way, return_exceptions=True)
        self._channels, self._calls = [], []

    def _channel(self) -> Any:  # noqa: ANN401  -- grpcio has no types
        """A channel to the address that the guard has checked, past every proxy, without retries."""
        options = [
            ("grpc.default_authority", self.origin.hostname or self.origin.addresses[0]),
            ("grpc.enable_http_proxy", 0),
            ("grpc.enable_retries", 0),
            ("grpc.max_receive_message_length", self.terms.max_body),
            ("grpc.use_local_subchannel_pool", 1),
        ]
        address = self.origin.addresses[0]
        place = f"ipv6:[{address}]" if ":" in address else f"ipv4:{address}"
        where = f"{place}:{self.origin.port}"
        if self.origin.tls is None:
            return self._grpc.aio.insecure_channel(where, options=options)
        options.append(("grpc.ssl_target_name_override", self.origin.hostname))
        return self._grpc.aio.secure_channel(where, self._grpc.ssl_channel_credentials(), options=options)

    async def _ready(self) -> None:
        """The model is loaded, where the server can say so; the caller bounds the wait."""
        ask = self._channels[0].unary_unary(READY_PATH)
        while True:
            try:
                if says_ready(await ask(ready_request(self._model))):
                    return
            except self._grpc.aio.AioRpcError as error:
                if error.code().name != "UNAVAILABLE":
                    return  # it cannot say so, or the requests will say what is wrong
            await asyncio.sleep(_READY_POLL_S)

    async def _finish(self, call: Any, begun: Try, *, done: Callable[[Reply], None]) -> None:  # noqa: ANN401  -- grpcio has no types
        try:
            body = await call
        except self._grpc.aio.AioRpcError as error:
            code, details = error.code().name, error.details() or ""
            ended = replace(begun, done_ns=self.clock())
            last = failed(ended, code=code, details=details, ours=self._closed)
        except asyncio.CancelledError:
            last = failed(replace(begun, done_ns=self.clock()), code="CANCELLED", ours=True)
        else:
            now_ns = self.clock()
            last = replace(begun, state=State.OK, status=200, body=body, first_ns=now_ns, done_ns=now_ns)
        done(Reply(tries=(last,)))


def _may_be_sent(name: str, value: str) -> bool:
    """Whether a header can be metadata: no name that gRPC keeps for itself, and ASCII alone."""
    kept = name in _OURS or name.startswith("grpc-") or name.endswith("-bin")
    return not kept and _NAME.fullmatch(name) is not None and value.isascii() and value.isprintable()


def failed(ended: Try, *, code: str, details: str = "", ours: bool = False) -> Try:
    """The try with what a code other than OK says; of a call that is cancelled, whether it was by us."""
    detail = f"gRPC {code}"
    match code:
        case "DEADLINE_EXCEEDED":
            return replace(ended, state=State.TIMEOUT, detail="no answer in time")
        case "CANCELLED" if ours:
            return replace(ended, state=State.ABANDONED, detail="the pool was closed")
        case "UNAVAILABLE":
            return replace(ended, state=State.CONNECTION_ERROR, detail=detail)
        case "RESOURCE_EXHAUSTED" if _TOO_LONG in details:
            return replace(ended, state=State.BAD_BODY, status=200, detail="the answer is too long")
    body = json.dumps({"error": f"{detail}: {details}"}).encode()
    return replace(ended, state=State.HTTP_ERROR, status=STATUS.get(code, 500), body=body, detail=detail)
