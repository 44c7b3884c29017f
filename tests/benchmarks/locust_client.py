"""Locust as a library, in the Python that has it: `python -m tests.benchmarks.locust_client JSON`."""

from __future__ import annotations

import importlib
from urllib.parse import urlsplit

from tests.benchmarks.machine import Json, answer_on_stdout, cpu_s, given


def measured(asked: Json) -> Json:
    """Requests, CPU seconds and the p95 that Locust reports, without its start."""
    importlib.import_module("gevent.monkey").patch_all()
    gevent, locust = importlib.import_module("gevent"), importlib.import_module("locust")
    environment_of = importlib.import_module("locust.env").Environment
    parts = urlsplit(asked["url"])
    headers = {"Content-Type": "application/json"}

    def post(user: locust.FastHttpUser) -> None:  # type: ignore[name-defined]
        user.client.post(parts.path, data=asked["body"], headers=headers)

    pause = (
        locust.constant_throughput(asked["rate"] / asked["users"]) if asked["rate"] else locust.constant(0)
    )
    members = {"host": f"http://{parts.netloc}", "wait_time": pause, "tasks": [post], "concurrency": 1}
    environment = environment_of(user_classes=[type("User", (locust.FastHttpUser,), members)])
    runner = environment.create_local_runner()
    runner.start(asked["users"], spawn_rate=asked["users"])
    before = cpu_s()
    gevent.sleep(asked["seconds"])
    runner.stop()
    total = environment.stats.total
    return {
        "requests": total.num_requests - total.num_failures,
        "cpu_s": cpu_s() - before,
        "p95_ms": total.get_response_time_percentile(0.95),
    }


if __name__ == "__main__":
    answer_on_stdout(measured(given(dict)))
