"""Whoever writes the reports of a run writes them alone: nothing that was read before is written after."""

from __future__ import annotations

import threading
from pathlib import Path

from harness import report as faces
from harness.run import approving, stages
from tests.kit import sample_report
from tests.kit.written_runs import write_run


def test_reports_are_drawn_from_what_stands_when_it_is_ones_turn(tmp_path: Path) -> None:
    """A diagnosis that draws the reports again waits for a verdict that is being written, and keeps it."""
    run = write_run(tmp_path, "GO", report=sample_report.go())
    began = threading.Event()

    def draw() -> None:
        began.set()
        stages.render_again(run)

    drawing = threading.Thread(target=draw)
    with approving.alone(run):
        drawing.start()
        began.wait()
        drawing.join(0.3)
        assert drawing.is_alive()
        run.write(faces.encode(sample_report.no_go()), run.report)
    drawing.join()
    assert stages.reported(run).decision.word == "NO-GO"
    assert "NO-GO" in (run.root / "report.md").read_text(encoding="utf-8")
