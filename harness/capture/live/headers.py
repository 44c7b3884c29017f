"""Which headers of captured traffic stay: those known to be harmless, and those that a user names."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from functools import lru_cache

#: who asked whom, for joins and traces
TRACING = frozenset(
    {
        *(
            "b3",
            "ce-id",
            "grpc-metadata-request-id",
            "request-id",
            "seldon-puid",
            "traceparent",
            "tracestate",
        ),
        *("x-amzn-requestid", "x-amzn-sagemaker-inference-id", "x-amzn-trace-id", "x-b3-parentspanid"),
        *("x-b3-sampled", "x-b3-spanid", "x-b3-traceid", "x-cloud-trace-context", "x-correlation-id"),
        *("x-request-id", "x-trace-id"),
    }
)
#: what content negotiation, routing by version and tracing need; everything else may name a person
HARMLESS = TRACING | frozenset(
    {
        *("accept", "accept-charset", "accept-encoding", "accept-language", "accept-ranges", "age", "allow"),
        *("cache-control", "content-encoding", "content-language", "content-length"),
        *("content-range", "content-type", "date", "expect", "expires", "host", "last-modified", "pragma"),
        *("retry-after", "server", "server-timing", "transfer-encoding", "user-agent", "vary"),
        # CloudEvents in binary mode, and what model servers say of themselves
        *("ce-inferenceservicename", "ce-namespace", "ce-source", "ce-specversion", "ce-time"),
        *("ce-type", "inference-header-content-length", "x-amzn-invoked-production-variant"),
        *("x-amzn-sagemaker-target-model", "x-envoy-upstream-service-time"),
        *("x-process-time", "x-runtime", "x-served-by"),
    }
)
#: how a server says which model it is
_MODEL = "x-model-"
#: the same expression as `harness.columns.is_private`: no word of a user lets these through
_PRIVATE = re.compile(
    r"(^|[-_])(auth|authorization|cookie2?|credentials?|passw(or)?d|secret|session|sid|token)($|[-_])"
    r"|(api|access|private)[-_]?key"
)


@lru_cache(maxsize=1_024)
def is_private(name: str) -> bool:
    """Whether a header by this name may hold a credential."""
    return _PRIVATE.search(name.lower()) is not None


def kept(headers: Mapping[str, str], keep: Collection[str] = ()) -> tuple[dict[str, str], list[str]]:
    """The headers that stay (harmless ones and those of `keep`, lower-case), and the names of the others."""
    stays = {
        name: value
        for name, value in headers.items()
        if ((lower := name.lower()) in HARMLESS or lower in keep or lower.startswith(_MODEL))
        and not is_private(lower)
    }
    return stays, [name.lower() for name in headers if name not in stays]
