"""Runs as they stand on disk after their verdict, without anything having been replayed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from msgspec.structs import replace

from harness import report as faces
from harness.run import approving
from harness.run.folder import CHOSEN, Chosen, RunFolder, RunRecord, create
from tests.kit import sample_report

if TYPE_CHECKING:
    from pathlib import Path

    from harness.records import Report, Word

NOW = datetime(2026, 11, 22, 6, 10, tzinfo=UTC)
_SAMPLES = {
    "GO": sample_report.go,
    "NO-GO": sample_report.no_go,
    "WAIT": sample_report.wait,
    "INVALID": sample_report.invalid,
}


def write_run(
    results: Path,
    word: Word | None = "GO",
    *,
    build: str = "",
    scenario: str = "shop",
    minute: int = 0,
    report: Report | None = None,
) -> RunFolder:
    """A run that ended with a word, `minute` minutes after `NOW`; None: one that has no report yet."""
    now = NOW + timedelta(minutes=minute)
    folder = create(results, scenario, digest="abcdef0123", now=now)
    record = RunRecord(
        run_id=folder.root.name,
        created_at=f"{now:%Y-%m-%dT%H:%M:%SZ}",
        scenario=scenario,
        scenario_file="scenario.toml",
        scenario_folder=".",
        scenario_digest="591785b7" * 8,
        resolved={},
        capture_sha256="b1946ac9" * 8,
        models={},
        seed=0,
        versions={},
    )
    folder.save("run.json", record)
    folder.save(CHOSEN, Chosen(build=build))
    if word is not None:
        told = report or _SAMPLES[word]()
        made = replace(told, scenario=scenario, run_id=record.run_id, created_at=record.created_at)
        folder.write(faces.encode(made), folder.report)
    return folder


def approve(run: RunFolder) -> None:
    """Ada approves a run, as `replaygate approve` writes it, without its pages."""
    made = faces.decode(run.report.read_bytes())
    approving.add(run, approving.approval(made, by="Ada", why="hotfix", at="2026-11-22T07:00:00Z"))
    run.write(faces.encode(approving.approved(run, made)), run.report)
