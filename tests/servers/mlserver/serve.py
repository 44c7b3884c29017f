"""Starts MLServer for the models in this folder: `serve.py --rest 8080` or `serve.py --grpc 8081`."""

from __future__ import annotations

import os
import socket
import sys


def free_port() -> str:
    """A loopback port that nobody listens on just now."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return str(listener.getsockname()[1])


if __name__ == "__main__":
    asked = dict(zip(sys.argv[1::2], sys.argv[2::2], strict=True))
    os.environ |= {
        "MLSERVER_HOST": "127.0.0.1",
        "MLSERVER_HTTP_PORT": asked.get("--rest", "") or free_port(),
        "MLSERVER_GRPC_PORT": asked.get("--grpc", "") or free_port(),
        "MLSERVER_METRICS_PORT": free_port(),
        "MLSERVER_PARALLEL_WORKERS": "0",
    }
    from mlserver.cli import main

    sys.argv = ["mlserver", "start", "."]
    main()
