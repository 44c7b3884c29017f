"""The files that follow from the types, so that they can be written anew and found out of date."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from harness.columns import write_bytes
from harness.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path

PAGE = "scenario.md"
OPENAPI = "gate-server.openapi.json"


def texts() -> dict[str, str]:
    """Every generated file by its name."""
    from harness import report, scenario

    return {
        "scenario.schema.json": json.dumps(scenario.schema(), indent=2) + "\n",
        "report.schema.json": json.dumps(report.schema(), indent=2) + "\n",
        "diagnosis.schema.json": json.dumps(report.diagnosis_schema(), indent=2) + "\n",
        **_openapi(),
        PAGE: scenario.markdown(),
    }


def _openapi() -> dict[str, str]:
    """The contract of the gate server, where the extra that it needs is there."""
    try:
        from harness.gate_server.app import contract
    except ModuleNotFoundError:
        return {}
    return {OPENAPI: json.dumps(contract(), indent=2) + "\n"}


def write(folder: Path) -> list[Path]:
    """All generated files are in the folder; returns their paths."""
    made = {folder / name: text for name, text in texts().items()}
    for path, text in made.items():
        write_bytes(text.encode(), path)
    return list(made)


def check(folder: Path) -> int:
    """How many files of the folder are as they should be; UsageError naming those that are not."""
    made = texts()
    stale = [name for name, text in made.items() if not _holds(folder / name, text)]
    if stale:
        raise UsageError(
            "generated files are out of date",
            where=str(folder),
            found=", ".join(stale),
            fix=f"Run: replaygate schema --write {folder}",
        )
    return len(made)


def _holds(path: Path, text: str) -> bool:
    return path.is_file() and path.read_bytes() == text.encode()
