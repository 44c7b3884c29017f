"""A gRPC server of the Open Inference Protocol, in a process of its own: `python -m tests.kit.grpc_server`.

It prints its port. It decodes messages by a schema of its own, so that ours is held against another reader.
"""

from __future__ import annotations

import math
import struct
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

WEIGHTS = (0.37, -1.91, 0.0113)


def main() -> None:
    """Serve until the standard input is closed."""
    import grpc

    class Handler(grpc.GenericRpcHandler):  # type: ignore[misc]  # grpcio has no types
        def service(self, details: Any) -> Any:  # noqa: ANN401  -- grpcio has no types
            method = {"ModelInfer": infer, "ModelReady": lambda *_: b"\x08\x01"}.get(
                details.method.split("/")[-1]
            )
            return grpc.unary_unary_rpc_method_handler(method) if method else None

    def infer(data: bytes, context: Any) -> bytes:  # noqa: ANN401  -- grpcio has no types
        fields = decoded(data)
        model, raw = fields[1][0].decode(), fields[7][0]
        if model == "slow":
            time.sleep(5)
        if model == "shed":
            context.abort(grpc.StatusCode.CANCELLED, "too much to do")
        if model != "bc":
            context.abort(grpc.StatusCode.NOT_FOUND, f"Model {model} not found")
        n, width = (decoded(fields[5][0])[3][0][at] for at in (0, 1))
        if width != len(WEIGHTS):
            context.abort(grpc.StatusCode.INVALID_ARGUMENT, f"expected 3 features, got {width}: 20.48")
        values = struct.unpack(f"<{n * width}d", raw)
        scores = [score_of(values[at : at + width]) for at in range(0, n * width, width)]
        output = sized(1, b"predict") + sized(2, b"FP64") + sized(3, bytes([n, 1]))
        said = sized(1, b"bc") + sized(2, b"v1") + sized(3, fields[3][0]) + sized(5, output)
        return said + sized(6, struct.pack(f"<{n}d", *scores))

    server = grpc.server(ThreadPoolExecutor(2), handlers=[Handler()])
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    print(port, flush=True)  # noqa: T201  -- this is what it is asked for
    sys.stdin.read()
    server.stop(None)


def score_of(row: tuple[float, ...]) -> float:
    """As in tests.kit.model_servers."""
    total = 0.0
    for value, weight in zip(row, WEIGHTS, strict=True):
        total += weight * (40.0 if math.isnan(value) else value)
    return 1.0 / (1.0 + math.exp(-total / 100.0))


def sized(number: int, data: bytes) -> bytes:
    """A field of bytes shorter than 16 KiB."""
    size = len(data)
    return (
        bytes([number << 3 | 2])
        + (bytes([size]) if size < 128 else bytes([size & 127 | 128, size >> 7]))
        + data
    )


def decoded(data: bytes) -> dict[int, list[Any]]:
    """The fields of a message of short sized fields and one-byte varints."""
    found: dict[int, list[Any]] = {}
    at = 0
    while at < len(data):
        number, wire, at = data[at] >> 3, data[at] & 7, at + 1
        size, at = data[at], at + 1
        if size > 127:
            size, at = size & 127 | data[at] << 7, at + 1
        if wire == 0:
            found.setdefault(number, []).append(size)
        else:
            found.setdefault(number, []).append(data[at : at + size])
            at += size
    return found


if __name__ == "__main__":
    main()
