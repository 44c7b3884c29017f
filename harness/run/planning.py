"""What a scenario needs to decide, before anything is sent: each gate's n, each outcome's time."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from harness import join
from harness.capture.times import parse
from harness.errors import ScenarioError, UsageError
from harness.evidence import BINARY, planning, plans
from harness.evidence.cohort import DAY_NS
from harness.gates import LabelImprovement, levels
from harness.run.checking import impossible, power, trial
from harness.run.preparing import check_environment, load_models, take_in
from harness.scenario import check_judged, load
from harness.weighting import sampled, weights
from replayers.offline import frame

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import pyarrow as pa
    from numpy.typing import NDArray

    from harness.evidence import Plan
    from harness.evidence.planning import Forecast, Stream
    from harness.run.checking import Trial
    from harness.scenario import Loaded

#: chance to miss what is there that a plan is made for; each gate has its part, since all must pass
BETA = 0.1
#: numbers that may be meant
LEAST_NUMBER, LARGEST_NUMBER = 1e-12, 1e12


@dataclass(frozen=True)
class Asked:
    """What a plan is asked for: true effects and spreads by outcome, runs of each, and their seed."""

    effects: Mapping[str, Sequence[float]]
    spreads: Mapping[str, float]
    runs: int = 200
    seed: int = 0


def plan(path: Path, asked: Asked, *, say: Callable[[str], None]) -> list[str]:
    """What each gate of this scenario needs and whether its capture can give it, as lines. Sends nothing."""
    loaded = load(path)
    check_judged(loaded)
    check_environment(loaded)
    _check_names(loaded, asked)
    replayers = load_models(loaded)
    with tempfile.TemporaryDirectory() as folder:
        intake, table = take_in(loaded, Path(folder), say=say)
    tried = trial(loaded, table, intake=intake, apart={})
    scores = {}
    for name, model in replayers.items():
        say(f"offline {name}: {len(table):,} requests are scored")
        scores[name] = model.score(frame(table)).scores
    outcomes = [
        line for one in _plans(loaded) for line in _outcome(tried, one, asked=asked, scores=scores, say=say)
    ]
    obstacles = impossible(tried)
    return [
        f"plan of {loaded.scenario.name}: {loaded.path}, digest {loaded.digest[:12]}",
        f"capture: {len(table):,} requests{_sampled(table)}",
        *power(tried),
        *(outcomes or ["No [labels]: nothing here waits for labels."]),
        *([f"GO is not possible: {why}." for why in obstacles] or ["GO is possible with these gates."]),
        "Nothing was sent.",
    ]


def _sampled(table: pa.Table) -> str:
    """That a plan draws a sampled capture's requests as they are; else nothing."""
    found = sampled(weights(table).kept)
    return "" if found is None else f", a sample, drawn from unweighted below (n_eff {found.effective:,.0f})"


def _plans(loaded: Loaded) -> tuple[Plan, ...]:
    scenario = loaded.scenario
    if scenario.labels is None:
        return ()
    return plans(
        scenario.labels,
        threshold=scenario.threshold,
        levels=levels(scenario.decision, loaded.statistical_tests()),
        parity_release=scenario.decision.release == "parity",
    )


def _check_names(loaded: Loaded, asked: Asked) -> None:
    known = {one.name for one in _plans(loaded)}
    for name, sd in asked.spreads.items():
        if not LEAST_NUMBER <= sd <= LARGEST_NUMBER:
            raise UsageError(f"--sd {name} is no spread", found=f"{sd:g}", expected="a number above 0")
    for name, effects in asked.effects.items():
        if max(map(abs, effects)) > LARGEST_NUMBER:
            raise UsageError(f"--effect {name} is no effect", found=f"{effects}", expected="a usual number")
    for name in (*asked.effects, *asked.spreads):
        if name not in known:
            raise ScenarioError(
                f"the scenario has no outcome {name!r}",
                where=str(loaded.path),
                expected=f"one of {', '.join(sorted(known))}" if known else "a table [labels]",
                fix="Name an outcome of [labels.outcomes] in --effect and --sd.",
            )


def _outcome(
    tried: Trial,
    one: Plan,
    *,
    asked: Asked,
    scores: Mapping[str, NDArray[np.float64]],
    say: Callable[[str], None],
) -> list[str]:
    """One outcome: its test, then a line for each true effect."""
    stream = _stream(tried.loaded, tried.table, one=one, scores=scores, sd=asked.spreads.get(one.name))
    head = f"outcome {one.title}"
    if isinstance(stream, str):
        return [head, f"  not planned: {stream}"]
    gates = len(_plans(tried.loaded)) + 1
    min_days = next(gate.min_days for gate in tried.loaded.gates if isinstance(gate, LabelImprovement))
    sd = planning.spread(stream, seed=asked.seed)
    size = f"{len(stream.day):,} requests of {stream.units:,} units"
    lines = [
        head,
        f"  the capture matures over {stream.days:,} days with {size}; a unit's harm spreads by {sd:.4g}",
    ]
    for effect in asked.effects.get(one.name) or _usual(one):
        say(f"{one.name}: {asked.runs:,} runs at a true harm of {effect:+.4g}")
        found = planning.forecast(
            stream,
            one,
            effect=effect,
            runs=asked.runs,
            seed=asked.seed,
            min_days=min_days if one.superiority else 0.0,
        )
        lines += _told(found, one, sd=sd, gates=gates)
    return lines


def _usual(one: Plan) -> tuple[float, ...]:
    """Effects worth knowing of: what should pass, nothing at all, and what should fail."""
    margin = one.outcome.margin
    return (-margin, 0.0, margin) if one.superiority else (0.0, margin)


def _told(found: Forecast, one: Plan, *, sd: float, gates: int) -> list[str]:
    """What one true effect leads to, in this capture and beyond it, beside a test that looks once."""
    beyond = f"more than {planning.HORIZON} such captures"
    mean, needed = found.expected(), 1.0 - BETA / gates
    expected = f"{mean[0]:,.0f} requests, {mean[1]:,.0f} days" if mean else beyond
    shares = dict.fromkeys((0.9, needed))
    by = {share: found.quantile(share) for share in shares}
    quantiles = [
        f"{share:.1%} by {at[0]:,} requests, {at[1]:,} days" if at else f"{share:.1%} by {beyond}"
        for share, at in by.items()
    ]
    passing = found.effect < one.goal
    distance = one.goal - found.effect if passing else found.effect
    alpha = one.levels.go if passing else one.levels.nogo
    once = planning.fixed_units(distance, sd, alpha=alpha, power=1.0 - BETA)
    fixed = f"needs {once:,} units" if once else "never shows it"
    settled = found.share("PASS"), found.share("FAIL")
    head = f"  true harm {found.effect:+.4g}" if found.effect else "  no harm at all"
    return [
        f"{head}: in this capture PASS {settled[0]:.0%}, FAIL {settled[1]:.0%}, open {1 - sum(settled):.0%}",
        f"    to a decision: expected {expected}; {'; '.join(quantiles)}; a test that looks once {fixed}",
    ]


def _stream(
    loaded: Loaded,
    table: pa.Table,
    *,
    one: Plan,
    scores: Mapping[str, NDArray[np.float64]],
    sd: float | None,
) -> Stream | str:
    """The requests whose label can come, as they mature; or why their harm cannot be drawn."""
    config, known = loaded.scenario.labels, join.keys(table)
    since = parse(config.since)[0] if config is not None and config.since else 0
    exposed = table["exposed"].fill_null(fill_value=True).to_numpy(zero_copy_only=False).astype(bool)
    rows = np.flatnonzero(exposed & (known.event_time_ns >= since))
    if not len(rows):
        return "no request is exposed and in scope"
    rows = rows[np.argsort(known.event_time_ns[rows], kind="stable")]
    unit = np.unique(join.units(known)[rows], return_inverse=True)[1].astype(np.int64)
    ripe = known.event_time_ns[rows] + np.int64(one.delay_days * DAY_NS)
    day = -(-ripe // DAY_NS)  # the look of a UTC day is at its end
    day = day - day[0]
    if sd is not None:
        return planning.Stream(day, unit, planning.drawn_normal(sd, len(rows)))
    arms = [loaded.scenario.targets[name].model for name in (loaded.champion, loaded.under_test) if name]
    if one.outcome.metric not in BINARY:
        return f"its numbers are not known: say how they spread with --sd {one.name}=VALUE"
    if len(arms) < 2 or None in arms:
        return f"an arm has no offline model to score with: say the spread with --sd {one.name}=VALUE"
    champion, challenger = (scores[str(name)][rows] for name in arms)
    if np.array_equal(champion, challenger):
        return "both arms score every request alike: it passes by identity, as soon as labels are there"
    return planning.Stream(
        day, unit, planning.drawn_from_scores(one, champion=champion, challenger=challenger)
    )
