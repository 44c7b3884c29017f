"""Whether targets are measured together or apart, by the service times that were measured before."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from harness.records import Outcome, State
from harness.replay.journal import outcome_table
from harness.replay.schedule import Constant, Phase, Saturate, plan
from harness.run.folder import RunFolder
from harness.run.together import is_local, mean_service_ms, together_or_apart
from replayers.http import HttpArm, HttpTarget

PARITY = Phase(name="parity", pace=Saturate(connections=1))
LATENCY = Phase(name="latency", pace=Constant(rate=100))


def answered(folder: RunFolder, target: str, *, ms: float) -> None:
    """Three parity answers of a target that took so long, an error and another phase that took no time."""
    rows = [
        Outcome(seq=k, phase=phase, target=target, state=state, written_ns=0, done_ns=round(took * 1e6))
        for k, (phase, state, took) in enumerate(
            [
                *[("parity", State.OK, ms)] * 3,
                ("parity", State.HTTP_ERROR, 0.0),
                ("other", State.OK, 0.0),
            ]
        )
    ]
    folder.write(outcome_table(rows), folder.outcomes(target) / "part-00000.parquet")


def decided(folder: RunFolder, *, closed: Phase | None = PARITY) -> tuple[str, str]:
    """Of two loopback targets, at 100 requests a second."""
    schedule = plan(np.arange(300, dtype=np.int64), LATENCY, resolution_ns=1, seed=0)
    arms = {n: HttpArm(HttpTarget(url="http://127.0.0.1:9/"), name=n, run_id="r") for n in ("a", "b")}
    return together_or_apart(LATENCY, schedule, arms=arms, closed=closed, folder=folder)


@pytest.mark.parametrize(("ms", "which"), [(0.5, "together"), (1_000.0, "apart")])
def test_slow_builds_on_one_host_are_measured_apart(ms: float, which: str, tmp_path: Path) -> None:
    """By their own service times; a second of work each cannot be held at 100/s on any small host."""
    folder = RunFolder(tmp_path)
    for target in ("a", "b"):
        answered(folder, target, ms=ms)
    found, why = decided(folder)
    assert found == which
    assert "100 requests/s" in why


def test_without_a_measured_service_time_they_run_together(tmp_path: Path) -> None:
    """No closed loop before, or no answers in it."""
    for closed in (None, PARITY):
        assert decided(RunFolder(tmp_path), closed=closed) == (
            "together",
            "no two targets with a measured service time",
        )


def test_the_mean_is_of_answers_of_that_phase(tmp_path: Path) -> None:
    """Neither errors nor other phases count."""
    answered(RunFolder(tmp_path), "a", ms=12.0)
    assert mean_service_ms(RunFolder(tmp_path), "a", phase="parity") == pytest.approx(12.0)
    assert mean_service_ms(RunFolder(tmp_path), "a", phase="latency") is None


@pytest.mark.parametrize(
    ("addresses", "local"),
    [(("127.0.0.1",), True), (("::1", "127.0.0.2"), True), (("127.0.0.1", "10.0.0.1"), False)],
)
def test_only_the_loopback_interface_is_this_host(addresses: tuple[str, ...], *, local: bool) -> None:
    """Every address must be."""
    assert is_local(addresses) is local
