"""A scenario of the project with the first requests of its capture only."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pyarrow.parquet as pq

from tests.kit import command

if TYPE_CHECKING:
    from pathlib import Path


def shortened(name: str, folder: Path, *, requests: int) -> Path:
    """A folder of links to the scenario's files, with its scenario files copied and its capture cut."""
    scenario, short = command.ROOT / "scenarios" / name, folder / name
    short.mkdir()
    for path in (path for path in scenario.iterdir() if path.name != "capture.parquet"):
        if path.suffix == ".toml":  # a scenario's folder is that of the file itself, not of a link to it
            shutil.copy(path, short)
        else:
            (short / path.name).symlink_to(path)
    pq.write_table(pq.read_table(scenario / "capture.parquet").slice(0, requests), short / "capture.parquet")
    return short
