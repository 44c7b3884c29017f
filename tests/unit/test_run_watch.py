"""Whoever is told how a run goes: the command line's watch tells it on, and a quiet one tells nothing."""

from __future__ import annotations

import io

import pytest

from harness.cli.output import screen
from harness.cli.progress import Watch
from harness.replay.engine import Progress
from harness.run.watch import Watcher


@pytest.mark.parametrize(("quiet", "lines"), [(False, ["a [stage]", "  parity: 5 of 10 (50%)"]), (True, [])])
def test_a_stage_and_its_progress_are_told_a_line_each(*, quiet: bool, lines: list[str]) -> None:
    """As they are: no markup is obeyed, whatever a target is called."""
    out = io.StringIO()
    watch: Watcher = Watch(quiet=quiet, console=screen(out))
    watch.say("a [stage]")
    watch.progress(Progress(phase="parity", done=5, total=10, in_flight=0, failed=0, lag_ns=0))
    assert [line.partition(",")[0] for line in out.getvalue().splitlines()] == lines
