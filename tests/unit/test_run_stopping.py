"""Which counts end a phase, the sentence that says what was saved, and when parity is beyond saving."""

from __future__ import annotations

from pathlib import Path

import msgspec
import numpy as np
import pytest

from harness.records import Calibrated, SinglesCheck, State
from harness.replay.options import ReplayCounts
from harness.replay.schedule import Constant, Pace, Saturate, Schedule
from harness.run.deciding import DISAGREEMENTS
from harness.run.stopping import certain_no_go, limits, saved
from harness.scenario import Loaded, load
from tests.kit import small
from tests.kit.prepared import NOWHERE, ready
from tests.kit.some_evidence import phase


@pytest.fixture
def loaded(tmp_path: Path) -> Loaded:
    """A small scenario that stops early."""
    path = small.scenario(small.make(tmp_path), NOWHERE, more="\n[decision]\nearly_stop = true\n")
    return load(path)


def test_only_a_scenario_that_wants_it_stops_early(loaded: Loaded) -> None:
    """Not one that does not say so, and not for an arm that is not under test."""
    _, latency = loaded.phases()
    found = limits(loaded, latency, note=phase("latency"))
    assert {arm: [x.gate for x in some] for arm, some in found.items()} == {
        "challenger": ["errors", "latency_p95"]
    }
    decision = msgspec.structs.replace(loaded.scenario.decision, early_stop=False)
    scenario = msgspec.structs.replace(loaded.scenario, decision=decision)
    careful = Loaded(scenario, loaded.path, loaded.folder)
    assert limits(careful, latency, note=phase("latency")) == {}
    assert careful.failing_fast(wanted=True).digest == loaded.digest
    assert careful.failing_fast(wanted=False) is careful
    other = msgspec.structs.replace(phase("latency"), targets=("champion",))
    assert limits(loaded, latency, note=other) == {}


def test_latency_decides_nothing_where_it_is_not_judged(loaded: Loaded) -> None:
    """In a closed loop, or by a harness that may not be trusted."""
    parity, latency = loaded.phases()
    assert [x.gate for x in limits(loaded, parity, note=phase("parity"))["challenger"]] == ["errors"]
    calibration = Calibrated(
        rate=1, requests=1, bias_p50_ms=0, bias_p95_ms=9, send_lag_p99_ms=0, shed_share=0, rate_held=1,
        trusted=False, why="bias",
    )  # fmt: skip
    doubtful = msgspec.structs.replace(phase("latency"), calibration=calibration)
    assert [x.gate for x in limits(loaded, latency, note=doubtful)["challenger"]] == ["errors"]


@pytest.mark.parametrize(
    ("pace", "seconds"), [(Constant(rate=10), "80"), (Saturate(), "32")], ids=["open", "closed"]
)
def test_what_was_saved_is_said(pace: Pace, seconds: str) -> None:
    """200 of 1,000 were sent, in 8 s: what the schedule had left, or as long as the others took."""
    counts = ReplayCounts(
        phase="p",
        requests=1000,
        states={"challenger": {State.OK: 150, State.TIMEOUT: 50, State.NOT_NEEDED: 800}},
        retried={},
        peak_in_flight={},
        seconds=8.0,
        decided="errors",
    )
    schedule = Schedule(pace, np.arange(1000), np.arange(1000) * 100_000_000)
    assert saved(counts, schedule, under_test="challenger") == (
        "after 200 of 1,000 requests: no remaining answer could change FAIL; "
        f"800 requests, about {seconds} s not sent"
    )
    plain = msgspec.structs.replace(counts, decided="")
    assert saved(plain, schedule, under_test="challenger") == ""


def test_a_certain_no_go_needs_a_reference_and_writes_nothing(tmp_path: Path) -> None:
    """A void offline reference proves nothing; asking leaves no file behind."""
    run = ready(tmp_path)
    answers = small.answers()
    for i in range(40):
        answers[small.request_id(i)]["score"] += 0.01
    run.answer("challenger", answers)
    before = {p: p.stat().st_mtime_ns for p in run.folder.root.rglob("*")}
    assert "40 requests" in certain_no_go(run.loaded, run.folder, captured=small.REQUESTS)
    assert {p: p.stat().st_mtime_ns for p in run.folder.root.rglob("*")} == before
    run.folder.save(DISAGREEMENTS, {"model": SinglesCheck(checked=10, found=("request seq 0",))})
    assert certain_no_go(run.loaded, run.folder, captured=small.REQUESTS) == ""
