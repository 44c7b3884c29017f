"""The pages of `replaygate ui` on a free loopback port, for a browser and httpx; and runs to show."""

from __future__ import annotations

import socket
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

import httpx
import uvicorn
from msgspec.structs import replace

from harness import report as faces
from harness.records import Report
from harness.run.folder import CHOSEN, Chosen, RunFolder, RunRecord
from harness.ui.app import create_app
from harness.ui.guard import Guard


@dataclass
class Website:
    """The server in a thread; `url` ends without a slash."""

    results: Path
    cache: Path
    guard: Guard = field(default_factory=Guard)
    url: str = ""

    def __enter__(self) -> Self:
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listening.getsockname()[1]}"
        app = create_app(self.results.resolve(), guard=self.guard, cache=self.cache)
        self._server = uvicorn.Server(uvicorn.Config(app, log_level="critical", lifespan="off"))
        self._thread = threading.Thread(
            target=self._server.run, kwargs={"sockets": [self._listening]}, daemon=True
        )
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.should_exit = True
        self._thread.join()
        self._listening.close()

    def get(
        self, path: str, *, headers: Mapping[str, str] | None = None, **query: str | int
    ) -> httpx.Response:
        """A page; redirections are not followed."""
        return httpx.get(f"{self.url}{path}", params=query or None, headers=headers)

    def post(self, path: str, *, headers: Mapping[str, str] | None = None, **form: str) -> httpx.Response:
        """A form sent as our own page sends it, unless headers say otherwise."""
        ours = {"origin": self.url, "sec-fetch-site": "same-origin"}
        return httpx.post(f"{self.url}{path}", data=form, headers={**ours, **(headers or {})})


def shown(results: Path, name: str, report: Report, *, build: str = "") -> Path:
    """A run's folder with this report and little else, by its name below the results folder.

    Its report.html is a short one: drawing the real one takes seconds.
    """
    scenario, _, run_id = name.rpartition("/")
    root = results / name
    root.mkdir(parents=True)
    folder = RunFolder(root)
    record = RunRecord(
        run_id=run_id,
        created_at=report.created_at,
        scenario=scenario,
        scenario_file="scenario.toml",
        scenario_folder=".",
        scenario_digest="0",
        resolved={"targets": {"challenger": {"headers": {"authorization": "Bearer SESAME"}}}},
        capture_sha256="0",
        models={},
        seed=0,
        versions={},
    )
    folder.save("run.json", record)
    folder.save(CHOSEN, Chosen(build=build))
    mine = replace(report, scenario=scenario, run_id=run_id)
    folder.write(faces.encode(mine), folder.report)
    folder.write(f"<!doctype html><title>{mine.decision.word}</title>".encode(), root / "report.html")
    return root
