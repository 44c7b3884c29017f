"""From a hook to a verdict: the gate server runs a real scenario in the background and answers with it."""

from __future__ import annotations

import time
from pathlib import Path

from harness.run.catalogue import list_runs
from tests.kit import command, gate, small
from tests.kit.service import Service

LATENCY_PHASE = small.PHASES[small.PHASES.rindex("[[phases]]") :]


def test_a_hook_starts_a_run_and_its_verdict_is_the_answer(folder: Path, results: Path) -> None:
    """Pending, then GO; the run says which build it is of, in its report and in what reproduces it."""
    results.mkdir()
    hook = {"name": "small", "namespace": "prod", "phase": "pre-rollout", "checksum": "5d9c7f8b9"}
    with Service(small.answers(), model=small.model_hash()) as service:
        path = small.scenario(folder, service.url, more=small.ONLY_PARITY)
        whole = path.read_text(encoding="utf-8")
        path.write_text(whole.replace(LATENCY_PHASE, ""), encoding="utf-8")
        with gate.serving(results, {"small": path}) as client:
            first = client.post("/flagger/pre-rollout", json=hook)
            assert (first.status_code, first.text[:8]) == (409, "pending:")
            deadline = time.monotonic() + 90
            while (answer := client.post("/flagger/pre-rollout", json=hook)).status_code != 200:
                assert "pending" in answer.text, answer.text
                assert time.monotonic() < deadline
                time.sleep(0.1)
            assert answer.text.startswith("GO: ")
            assert client.get("/verdict/5d9c7f8b9").json()["word"] == "GO"
    (entry,) = list_runs(results).runs
    assert entry.build == "5d9c7f8b9"
    report = command.report_of(entry.path)
    assert report["digests"]["build"] == "5d9c7f8b9"
    assert report["reproduce"][0].endswith(" --build 5d9c7f8b9")
    assert command.run("decide", entry.path).code == 0
