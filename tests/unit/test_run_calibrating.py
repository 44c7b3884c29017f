"""The harness's own part in a latency, as a run measures, keeps and tells it."""

from __future__ import annotations

import math
from pathlib import Path

import msgspec
import numpy as np
import pytest

from harness.records import CapturedRequest
from harness.replay.calibrate import Calibration
from harness.replay.clock import run_async
from harness.replay.schedule import Constant, Phase, plan
from harness.replay.source import Listed
from harness.run import calibrating
from harness.run.calibrating import measure, typical, verdict
from harness.scenario import Loaded, load
from harness.scenario.document import EXAMPLE
from tests.kit.small import KIND

FINE = Calibration(
    rate=100,
    requests=300,
    bias_p50_ms=0.2,
    bias_p95_ms=5.9,
    send_lag_p99_ms=9.0,
    shed_share=0.0,
    rate_held=100,
)
SOURCE = Listed([CapturedRequest(seq=k, request_id=f"r{k}", ts_ns=k, body=b"x" * k) for k in range(40)])
SCHEDULE = plan(
    np.arange(40, dtype=np.int64), Phase(name="p", pace=Constant(rate=40)), resolution_ns=1, seed=0
)


def loaded(folder: Path, more: str = "") -> Loaded:
    """A scenario with a budget of 120 ms."""
    (folder / "scenario.toml").write_text(EXAMPLE + more, encoding="utf-8")
    return load(folder)


@pytest.mark.parametrize(
    ("changes", "trusted"),
    [
        ({}, True),
        ({"bias_p95_ms": 6.1}, False),
        ({"send_lag_p99_ms": 10.1}, False),
        ({"shed_share": 0.002}, False),
        ({"bias_p95_ms": math.nan}, False),
    ],
)
def test_trust_is_by_the_budget_of_the_gate(
    changes: dict[str, float], *, trusted: bool, tmp_path: Path
) -> None:
    """5 % of 120 ms, 0.1 % shed, 10 ms of send lag; what was not measured is null and not trusted."""
    found = verdict(msgspec.structs.replace(FINE, **changes), loaded(tmp_path))
    assert found.trusted is trusted
    assert (found.bias_p95_ms is None) == math.isnan(changes.get("bias_p95_ms", 0.0))


def test_the_gate_may_allow_more_send_lag(tmp_path: Path) -> None:
    """Its own word for the same thing counts here too."""
    gate = f'\n[[gates]]\n{KIND} = "latency_p95"\nmax_send_lag_p99_ms = 50\n'
    late = msgspec.structs.replace(FINE, send_lag_p99_ms=40.0)
    assert verdict(late, loaded(tmp_path, gate)).trusted


def test_a_run_measures_itself_against_the_stub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two arms at once at the peak; the stub is started for it and gone afterwards."""
    monkeypatch.setattr(calibrating, "SECONDS", 0.5)
    said: list[str] = []

    async def main() -> None:
        found = await measure(loaded(tmp_path), SCHEDULE, arms=2, source=SOURCE, say=said.append)
        assert found.requests == 2 * 20
        assert found.bias_p95_ms is not None
        assert found.rate == 40
        assert bool(said) or found.trusted

    run_async(main)


def test_a_stub_that_cannot_start_leaves_no_trust(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The run goes on, and says what was wrong."""
    monkeypatch.setattr(calibrating, "command", lambda _: ("{python}", "-c", "raise SystemExit(3)"))

    async def main() -> None:
        found = await measure(loaded(tmp_path), SCHEDULE, arms=1, source=SOURCE, say=lambda _: None)
        assert not found.trusted
        assert "could not be measured" in found.why
        assert (found.requests, found.bias_p95_ms) == (0, None)

    run_async(main)


def test_the_body_is_of_median_length() -> None:
    """Of the first requests of the schedule; of none, an empty object."""
    assert len(typical(SOURCE, SCHEDULE)) == 20
    nothing = plan(np.zeros(0, np.int64), Phase(name="p"), resolution_ns=1, seed=0)
    assert typical(SOURCE, nothing) == b"{}"
