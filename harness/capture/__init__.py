"""Captured traffic and its labels: read in a stream, checked line by line, written without loss.

The names are looked up when they are used, so that `harness.capture.live` alone loads nothing heavy. What is
named as its module (`attach`, `read`) is imported from there.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from harness.capture.attach import LabelTable, check_against
    from harness.capture.config import CaptureConfig
    from harness.capture.intake import Intake, in_sample, ingest
    from harness.capture.labels import LabelColumn, PlacedLabel, read_labels
    from harness.capture.line import BadLine, Line
    from harness.capture.table import load, requests, to_table
    from harness.capture.write import write_jsonl

__all__ = [
    "BadLine",
    "CaptureConfig",
    "Intake",
    "LabelColumn",
    "LabelTable",
    "Line",
    "PlacedLabel",
    "check_against",
    "in_sample",
    "ingest",
    "load",
    "read_labels",
    "requests",
    "to_table",
    "write_jsonl",
]

_HOMES = {
    "attach": ("LabelTable", "check_against"),
    "config": ("CaptureConfig",),
    "intake": ("Intake", "in_sample", "ingest"),
    "labels": ("LabelColumn", "PlacedLabel", "read_labels"),
    "line": ("BadLine", "Line"),
    "table": ("load", "requests", "to_table"),
    "write": ("write_jsonl",),
}
_HOME = {name: home for home, names in _HOMES.items() for name in names}


def __getattr__(name: str) -> Any:  # noqa: ANN401  -- whatever stands under the name
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
