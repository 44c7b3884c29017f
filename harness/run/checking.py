"""The dry run: all that a run needs is loaded and tried, what it could show is said, and nothing is sent."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from harness import capture as captures
from harness.errors import CaptureError
from harness.gates import FeatureParity, LatencyP95, levels
from harness.replay.schedule import Schedule, plan
from harness.run.preparing import check_environment, labels_line, load_models, read_labels, take_in
from harness.scenario import load
from harness.stats import clopper_pearson_upper, detectable_rate, min_requests_within
from replayers.http import HttpArm, HttpTarget
from replayers.offline import frame

if TYPE_CHECKING:
    from collections.abc import Callable

    import pyarrow as pa

    from harness.evidence import Levels
    from harness.run.preparing import Replayers
    from harness.scenario import Loaded

TRIED = 10


@dataclass(frozen=True)
class Trial:
    """A scenario with its capture and the schedule of each of its phases, by name."""

    loaded: Loaded
    table: pa.Table
    schedules: dict[str, Schedule]

    @property
    def levels(self) -> Levels:
        """The error probabilities in force."""
        return levels(self.loaded.scenario.decision, self.loaded.statistical_tests())


def check(path: Path, *, say: Callable[[str], None]) -> list[str]:
    """What a run of this scenario would do and could find out, as lines; raises what a run would raise."""
    loaded = load(path)
    check_environment(loaded)
    replayers = load_models(loaded)
    with tempfile.TemporaryDirectory() as folder:
        _, table = take_in(loaded, Path(folder), say=say)
    trial = Trial(loaded, table, _schedules(loaded, table))
    obstacles = impossible(trial)
    return [
        f"scenario {loaded.scenario.name}: {loaded.path}, digest {loaded.digest[:12]}",
        *_capture(table),
        *_offline(table, replayers),
        *_targets(loaded, table),
        *_phases(trial),
        *_labels(loaded, table),
        *_power(trial),
        *([f"GO is not possible: {why}." for why in obstacles] or ["GO is possible with these gates."]),
        "Nothing was sent.",
    ]


def _schedules(loaded: Loaded, table: pa.Table) -> dict[str, Schedule]:
    ts, resolution = (table[name].to_numpy() for name in ("ts_ns", "ts_resolution_ns"))
    seed = loaded.scenario.seed
    return {p.name: plan(ts, p, resolution_ns=resolution, seed=seed) for p in loaded.scenario.phases}


def _capture(table: pa.Table) -> list[str]:
    ts = table["ts_ns"].to_numpy()
    seconds = float(ts.max() - ts.min()) / 1e9
    peak = np.bincount(((ts - ts.min()) // 10**9).astype(np.int64)).max()
    units = len(table["unit"].drop_null().unique())
    answered = len(ts) - table["recorded_status"].null_count
    line = (
        f"capture: {len(ts):,} requests over {seconds:,.0f} s, mean {len(ts) / max(seconds, 1):.1f}/s, "
        f"peak {peak:,}/s, {units:,} units, {answered:,} with a recorded response"
    )
    return [line]


def _offline(table: pa.Table, replayers: Replayers) -> list[str]:
    """Ten requests through every model."""
    requests = frame(table.slice(0, TRIED))
    lines = []
    for name, model in replayers.items():
        scored = model.score(requests)
        shown = ", ".join(f"{s:.4f}" for s in scored.scores[:5])
        lines.append(
            f"offline {name}: {len(model.names)} features, sha256 {model.sha256[:12]}; "
            f"{len(requests)} scored: {shown}, …"
        )
        apart = model.disagreements(requests, scored)
        if apart:
            d = apart[0]
            lines.append(f"  WARNING: alone ≠ batch for {d.field} of request {d.seq}: {d.single} ≠ {d.batch}")
    return lines


def _targets(loaded: Loaded, table: pa.Table) -> list[str]:
    """Where each target is; ten requests are made into the bytes that it would be sent."""
    lines = []
    for name, target in loaded.scenario.targets.items():
        where = "the recorded responses"
        if isinstance(target, HttpTarget):
            where = target.url
            _try_bytes(loaded, table.slice(0, TRIED), name=name, target=target)
        against = f"must match model {target.model}" if target.model else "has no offline model"
        lines.append(f"target {name}: {where}, {against}")
    return lines


def _try_bytes(loaded: Loaded, few: pa.Table, *, name: str, target: HttpTarget) -> None:
    somewhere = msgspec.structs.replace(target, url=target.url.replace("{port}", "80"))
    arm = HttpArm(somewhere, name=name, run_id="check", safety=loaded.scenario.safety)
    for request in captures.requests(few):
        try:
            arm.prepare(request, features=True)
        except CaptureError as error:
            place = f"{request.source_file}:{request.source_offset}"
            raise CaptureError(error.what, where=place, found=error.found, fix=error.fix) from error


def _phases(trial: Trial) -> list[str]:
    lines = []
    for phase in trial.loaded.scenario.phases:
        schedule, targets = trial.schedules[phase.name], trial.loaded.phase_targets(phase)
        lasts = (
            f"{schedule.due_ns[-1] / 1e9:,.0f} s on the clock, peak {schedule.peak:,}/s"
            if phase.open_loop
            else "as fast as answers come"
        )
        to = f"to each of {', '.join(targets)}" if targets else "to nobody: no http target"
        lines.append(f"phase {phase.name}: {len(schedule.rows):,} requests {to}; {lasts}")
    return lines


def _labels(loaded: Loaded, table: pa.Table) -> list[str]:
    config = loaded.scenario.labels
    if config is None or not config.path:
        return []
    return [labels_line(read_labels(loaded, table, path=loaded.file(config.path)))]


def _power(trial: Trial) -> list[str]:
    """What sizes of mismatch and of latency excess this capture can detect."""
    n, gate = len(trial.table), _latency_gate(trial.loaded)
    mismatches = (
        f"mismatches: one is seen with 95 % chance if its rate is at least {detectable_rate(n):.4%}; "
        f"none seen in {n:,} bounds future traffic at {clopper_pearson_upper(0, n):.4%} (95 %)"
    )
    lines = [mismatches]
    passes = max(1, len(trial.loaded.judged_phases()))
    for phase in trial.loaded.judged_phases():
        size = len(trial.schedules[phase.name].rows)
        go, nogo = gate.tests(trial.levels, passes=passes)
        within, over = go.largest_within(size), nogo.smallest_over(size)
        shares = (
            "PASS is out of reach" if within is None else f"PASS up to {within:,} ({within / size:.1%})",
            "FAIL is out of reach" if over is None else f"FAIL from {over:,} ({over / size:.1%})",
        )
        lines.append(
            f"latency in {phase.name}, requests over {gate.budget_ms:g} ms of {size:,}: "
            f"{', '.join(shares)}; undecided between"
        )
    return lines


def impossible(trial: Trial) -> list[str]:
    """Why these gates can never end in GO on this capture; empty when they can."""
    scenario = trial.loaded.scenario
    why = [*_too_short(trial), *_incomparable(trial.loaded), *_never_asked(trial)]
    if scenario.decision.release == "improvement" and scenario.labels is None:
        why.append("an improvement release needs [labels]")
    return why


def _latency_gate(loaded: Loaded) -> LatencyP95:
    return next(gate for gate in loaded.gates if isinstance(gate, LatencyP95))


def _too_short(trial: Trial) -> list[str]:
    gate, judged = _latency_gate(trial.loaded), trial.loaded.judged_phases()
    if not gate.required:
        return []
    if not judged:
        return ["latency_p95 is required and no open-loop phase is sent to the challenger"]
    alpha = trial.levels.go / len(judged)
    least = min_requests_within(alpha=alpha, inflation=gate.variance_inflation, limit=0.05)
    sizes = {p.name: len(trial.schedules[p.name].rows) for p in judged}
    return [
        f"phase {name} has {size:,} requests, and latency_p95 needs at least {least:,}"
        for name, size in sizes.items()
        if size < least
    ]


def _incomparable(loaded: Loaded) -> list[str]:
    target = loaded.scenario.targets[loaded.under_test]
    gate = next(gate for gate in loaded.gates if isinstance(gate, FeatureParity))
    if gate.required and not target.model:
        return ["feature_parity is required and the challenger has no offline model"]
    if gate.required and not target.response.features:
        return ["feature_parity is required and the challenger declares no feature echo"]
    return []


def _never_asked(trial: Trial) -> list[str]:
    """Phases that reach requests whose features no phase asks for: those would count as missing."""
    asked: set[int] = set()
    for phase in trial.loaded.scenario.phases:
        if phase.features:
            asked.update(trial.schedules[phase.name].rows.tolist())
    bare = [p for p in trial.loaded.scenario.phases if not p.features]
    extra = {p.name: len(set(trial.schedules[p.name].rows.tolist()) - asked) for p in bare}
    return [
        f"phase {name} sends {count:,} requests without asking for features, and no other phase asks them"
        for name, count in extra.items()
        if count and asked
    ]
