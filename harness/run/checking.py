"""The dry run: all that a run needs is loaded and tried, what it could show is said, and nothing is sent."""

from __future__ import annotations

import tempfile
from collections import deque
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from harness import capture as captures
from harness import join
from harness.capture.times import parse
from harness.evidence import live as canary
from harness.evidence.cohort import DAY_NS
from harness.gates import FeatureParity, LabelImprovement, OfflineReference, levels
from harness.gates.passes import in_force, pooled
from harness.replay.disclosure import concealed
from harness.replay.schedule import Saturate, Schedule, plan
from harness.run.asked import warnings
from harness.run.buildable import unbuildable
from harness.run.other_answers import answered_in, answers_of
from harness.run.preparing import check_environment, labels_line, load_models, read_labels, take_in
from harness.run.replaying import pace_words
from harness.scenario import check_judged, load
from harness.stats import clopper_pearson_upper, detectable_rate, min_requests_within
from replayers.http import HttpTarget
from replayers.offline import frame
from replayers.recorded import RecordedTarget

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from harness.capture import Intake, LabelTable
    from harness.evidence import Levels
    from harness.replay.schedule import Phase
    from harness.run.preparing import Replayers
    from harness.scenario import Loaded
    from replayers.offline import Disagreement

TRIED = 10
#: what an answer is reckoned to take where requests go as fast as answers come
ANSWER_S = 0.010


@dataclass(frozen=True)
class Trial:
    """A scenario with its capture, its labels if any, and the schedule of each of its phases, by name.

    `apart` says by model where a request that was tried alone differs from the batch.
    """

    loaded: Loaded
    table: pa.Table
    schedules: dict[str, Schedule]
    labels: LabelTable | None = None
    apart: Mapping[str, Sequence[Disagreement]] = field(default_factory=dict)

    @property
    def levels(self) -> Levels:
        """The error probabilities in force."""
        return levels(self.loaded.scenario.decision, self.loaded.statistical_tests())


def check(path: Path, *, say: Callable[[str], None], allow_public: tuple[str, ...] = ()) -> list[str]:
    """What a run of this scenario would do and could find out, as lines; raises what a run would raise."""
    loaded = load(path, public=allow_public)
    check_judged(loaded)
    check_environment(loaded)
    replayers = load_models(loaded)
    with tempfile.TemporaryDirectory() as folder:
        intake, table = take_in(loaded, Path(folder), say=say)
    offline, apart = _offline(table, replayers)
    tried = trial(loaded, table, intake=intake, apart=apart)
    obstacles = impossible(tried)
    return [
        f"scenario {loaded.scenario.name}: {loaded.path}, digest {loaded.digest[:12]}",
        *_capture(table),
        *_live(loaded, table),
        *offline,
        *_targets(loaded, table),
        *_phases(tried),
        _duration(tried),
        *([labels_line(tried.labels)] if tried.labels else []),
        *power(tried),
        *([f"GO is not possible: {why}." for why in obstacles] or ["GO is possible with these gates."]),
        "Nothing was sent.",
    ]


def trial(
    loaded: Loaded, table: pa.Table, *, intake: Intake, apart: Mapping[str, Sequence[Disagreement]]
) -> Trial:
    """A scenario with its capture read, its phases scheduled and its labels joined."""
    return Trial(loaded, table, _schedules(loaded, table), _labels(loaded, table, intake=intake), apart)


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


def _live(loaded: Loaded, table: pa.Table) -> list[str]:
    """Who answered the captured requests, where they are those of a live canary."""
    config = loaded.scenario.live
    if config is None:
        return []
    counts = canary.read(table, config, unit=join.units(join.keys(table))).counts()
    said = ", ".join(f"{n:,} {what}" for what, n in counts.items())
    return [f"live canary, by {config.arm}: {said}"]


def _offline(table: pa.Table, replayers: Replayers) -> tuple[list[str], dict[str, list[Disagreement]]]:
    """Ten requests through every model, and where one alone differs from the batch."""
    few = table.slice(0, TRIED)
    requests = frame(few)
    lines, apart = [], {}
    for name, model in replayers.items():
        scored = model.score(requests)
        shown = ", ".join(f"{s:.4f}" for s in scored.scores[:5])
        lines.append(
            f"offline {name}: {len(model.names)} features, sha256 {model.sha256[:12]}; "
            f"{len(requests)} scored: {shown}, …"
        )
        apart[name] = model.disagreements(few, scored)
        lines += [
            f"  WARNING: alone ≠ batch for {d.field} of request {d.seq}: {d.single} ≠ {d.batch}"
            for d in apart[name][:1]
        ]
    return lines, apart


def _targets(loaded: Loaded, table: pa.Table) -> list[str]:
    """Where each target is; ten requests are made into the bytes that it would be sent.

    Recorded answers of another capture are all paired with the requests.
    """
    lines = []
    for lost in unbuildable(loaded, table).values():
        raise lost
    for name, target in loaded.scenario.targets.items():
        where = "the recorded responses"
        if isinstance(target, RecordedTarget) and (other := answers_of(loaded, target)) is not None:
            deque(answered_in(captures.requests(table), other), maxlen=0)
            where = f"the responses in {other.path} ({other.sentence()})"
        if isinstance(target, HttpTarget):
            where = concealed(target.url)
        against = f"must match model {target.model}" if target.model else "has no offline model"
        lines.append(f"target {name}: {where}, {against}")
        if isinstance(target, HttpTarget):
            lines += [f"  WARNING: {warning}" for warning in warnings(loaded, name)]
    return lines


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
        lines.append(
            f"phase {phase.name} ({pace_words(phase.pace)}{_repeated(phase)}): "
            f"{len(schedule.rows):,} requests {to}; {lasts}" + _open_loop(phase, targets)
        )
    return lines


def _repeated(phase: Phase) -> str:
    return f", {phase.passes} passes" if phase.passes > 1 else ""


def _open_loop(phase: Phase, targets: tuple[str, ...]) -> str:
    """What an open loop does about targets that share a host, and about too many requests in flight."""
    if not phase.open_loop:
        return ""
    arms = "together unless they would contend for one host" if phase.arms == "auto" else phase.arms
    beyond = "lets requests queue" if phase.overload == "queue" else "sheds requests"
    return (f"; targets {arms}" if len(targets) > 1 else "") + f"; overload {beyond}"


def _duration(trial: Trial) -> str:
    """How long the sending takes: what the clock says, and a guess for closed loops."""
    clock = extra = guess = 0.0
    for phase in trial.loaded.scenario.phases:
        targets, schedule = trial.loaded.phase_targets(phase), trial.schedules[phase.name]
        if not targets:
            continue
        if isinstance(phase.pace, Saturate):
            guess += len(schedule.rows) * ANSWER_S / phase.pace.connections
        else:
            lasts = phase.passes * float(schedule.due_ns[-1]) / 1e9
            clock += lasts * (len(targets) if phase.arms == "apart" else 1)
            extra += lasts * (len(targets) - 1) if phase.arms == "auto" else 0.0
    longer = f", {extra:,.0f} s more if targets are measured apart" if extra else ""
    parts = f"{clock:,.0f} s on the clock, {guess:,.0f} s if an answer takes {ANSWER_S * 1e3:g} ms"
    return f"duration: about {clock + guess:,.0f} s of sending ({parts}{longer})"


def _labels(loaded: Loaded, table: pa.Table, *, intake: Intake) -> LabelTable | None:
    config = loaded.scenario.labels
    if config is None or not config.path:
        return None
    return read_labels(loaded, table, path=loaded.file(config.path), intake=intake)


def power(trial: Trial) -> list[str]:
    """What sizes of mismatch and of latency excess this capture can detect."""
    n, gate = _reached(trial), trial.loaded.latency_gate
    if not n:
        return ["mismatches: no phase sends anything to the challenger"]
    mismatches = (
        f"mismatches: one is seen with 95 % chance if its rate is at least {detectable_rate(n):.4%}; "
        f"none seen in {n:,} bounds future traffic at {clopper_pearson_upper(0, n):.4%} (95 %)"
    )
    lines = [mismatches]
    passes = max(1, len(trial.loaded.judged_phases()))
    for phase in trial.loaded.judged_phases():
        size = len(trial.schedules[phase.name].rows)
        go, nogo = in_force(gate.tests(trial.levels, passes=passes), size, passes=phase.passes)
        size *= pooled(phase.passes)
        within, over = go.largest_within(size), nogo.smallest_over(size)
        shares = (
            "PASS is out of reach" if within is None else f"PASS up to {within:,} ({within / size:.1%})",
            "FAIL is out of reach" if over is None else f"FAIL from {over:,} ({over / size:.1%})",
        )
        seen = nogo.share_seen(size)
        lines.append(
            f"latency in {phase.name}, requests over {gate.budget_ms:g} ms of {size:,}: "
            f"{', '.join(shares)}; undecided between"
            + (f"; a build is caught with 95 % chance if it answers {seen:.1%} of them late" if seen else "")
        )
    return lines


def _reached(trial: Trial) -> int:
    """Distinct requests that some phase sends to the challenger; the log as challenger has answered all."""
    loaded, mine = trial.loaded, trial.loaded.under_test
    if isinstance(loaded.scenario.targets[mine], RecordedTarget):
        return len(trial.table)
    sent = [trial.schedules[p.name].rows for p in loaded.scenario.phases if mine in loaded.phase_targets(p)]
    return len(np.unique(np.concatenate(sent))) if sent else 0


def impossible(trial: Trial) -> list[str]:
    """Why these gates can never end in GO on this capture; empty when they can."""
    scenario = trial.loaded.scenario
    why = [*_too_short(trial), *_incomparable(trial.loaded), *_never_asked(trial)]
    why += [*_no_reference(trial), *_unlabelled(trial)]
    outcomes = scenario.labels.outcomes.values() if scenario.labels is not None else ()
    if scenario.decision.release == "improvement" and not any(one.role == "success" for one in outcomes):
        why.append("an improvement release needs [labels] with an outcome of the role success")
    return why


def _too_short(trial: Trial) -> list[str]:
    gate, judged = trial.loaded.latency_gate, trial.loaded.judged_phases()
    if not gate.required:
        return []
    if not judged:
        return ["latency_p95 is required and no open-loop phase is sent to the challenger"]
    rules = gate.tests(trial.levels, passes=len(judged))
    why = []
    for phase in judged:
        size = len(trial.schedules[phase.name].rows)
        within, _ = in_force(rules, size, passes=phase.passes)
        least = min_requests_within(alpha=within.alpha, inflation=within.inflation, limit=within.limit)
        if size * pooled(phase.passes) < least:
            each = f" in {phase.passes} passes together" if pooled(phase.passes) > 1 else ""
            why.append(
                f"phase {phase.name} has {size:,} requests, and latency_p95 needs at least {least:,}{each}"
            )
    return why


def _no_reference(trial: Trial) -> list[str]:
    """Models that the challenger is held against and that are no reference, as far as was tried."""
    gate = next((gate for gate in trial.loaded.gates if isinstance(gate, OfflineReference)), None)
    mine = trial.loaded.scenario.targets[trial.loaded.under_test].model
    if gate is None or not gate.required or not trial.apart.get(mine or ""):
        return []
    return [f"the offline pipeline of {mine} gives a request alone other features than in a batch"]


def _unlabelled(trial: Trial) -> list[str]:
    """Labels that should be there and are not, where a required gate needs them."""
    scenario, labels = trial.loaded.scenario, trial.labels
    needed = any(isinstance(gate, LabelImprovement) and gate.required for gate in trial.loaded.gates)
    if scenario.decision.release != "improvement" or not needed or scenario.labels is None or labels is None:
        return []
    config, known = scenario.labels, join.keys(trial.table)
    at = labels.table["label_at"].cast(pa.int64()).to_numpy()
    end = parse(config.complete_until)[0] if config.complete_until else int(at.max(initial=0))
    since = parse(config.since)[0] if config.since else 0
    exposed = trial.table["exposed"].fill_null(fill_value=True).to_numpy(zero_copy_only=False)
    eligible = exposed.astype(bool) & (known.event_time_ns >= since)
    found = []
    for name, outcome in config.judged().items():
        delay = config.delay_days if outcome.delay_days is None else outcome.delay_days
        ripe = eligible & (known.event_time_ns + np.int64(delay * DAY_NS) <= end)
        mine = labels.table.filter(pc.equal(labels.table["outcome"], name))["seq"].to_numpy()
        absent = int(np.count_nonzero(ripe & ~np.isin(np.arange(len(ripe)), mine)))
        total = int(np.count_nonzero(ripe))
        if absent > config.max_missing_share * total:
            lacking = f"{absent:,} of {total:,} requests whose labels should be there have none"
            found.append(f"{name}: {lacking}, at most {config.max_missing_share:.0%} may")
    return found


def _incomparable(loaded: Loaded) -> list[str]:
    target = loaded.scenario.targets[loaded.under_test]
    gate = next(gate for gate in loaded.gates if isinstance(gate, FeatureParity))
    if gate.required and not target.model:
        return ["feature_parity is required and the challenger has no offline model"]
    if gate.required and not _shows_features(target):
        return ["feature_parity is required and the challenger declares no feature echo"]
    return []


def _shows_features(target: HttpTarget | RecordedTarget) -> bool:
    shown = target.shows_features if isinstance(target, HttpTarget) else target.response.features
    return bool(shown)


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
