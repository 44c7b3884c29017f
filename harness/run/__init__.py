"""The stages put together: the one room that knows them all and opens resources."""

from harness.run.checking import check
from harness.run.exporting import export_test
from harness.run.probing import Limits
from harness.run.reproducing import Options as ReproduceOptions
from harness.run.reproducing import reproduce
from harness.run.showing import findings, show
from harness.run.stages import Options, add_labels, compare, decide, render, resume, run

__all__ = [
    "Limits",
    "Options",
    "ReproduceOptions",
    "add_labels",
    "check",
    "compare",
    "decide",
    "export_test",
    "findings",
    "render",
    "reproduce",
    "resume",
    "run",
    "show",
]
