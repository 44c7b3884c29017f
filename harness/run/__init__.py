"""The stages put together: the one room that knows them all and opens resources."""

from harness.run.asking import ask
from harness.run.checking import check
from harness.run.planning import Asked, plan
from harness.run.stages import Options, add_labels, approve, compare, decide, render, resume, run

__all__ = [
    "Asked",
    "Options",
    "add_labels",
    "approve",
    "ask",
    "check",
    "compare",
    "decide",
    "plan",
    "render",
    "resume",
    "run",
]
