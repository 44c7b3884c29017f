"""The stages put together: the one room that knows them all and opens resources."""

from harness.run.checking import check
from harness.run.stages import Options, add_labels, compare, decide, render, resume, run

__all__ = ["Options", "add_labels", "check", "compare", "decide", "render", "resume", "run"]
