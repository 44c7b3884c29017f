"""What a decoder cannot see: that the parts of a scenario fit each other."""

from __future__ import annotations

import math
from collections import Counter
from typing import TYPE_CHECKING

import msgspec

from harness.capture.times import parse
from harness.diagnosis.config import TOLD
from harness.errors import ScenarioError
from harness.gates import effective
from harness.scenario.explain import did_you_mean
from replayers.http import HttpTarget, endpoint_of

if TYPE_CHECKING:
    from harness.scenario.config import Loaded, Target


def check(loaded: Loaded) -> None:
    """The scenario hangs together; ScenarioError names the first place where it does not."""
    _check_roles(loaded)
    for name, target in loaded.scenario.targets.items():
        _check_target(loaded, target, name=name)
    _check_phases(loaded)
    _check_gates(loaded)
    _check_times(loaded)
    _check_told(loaded)
    _check_live(loaded)


def _check_roles(loaded: Loaded) -> None:
    scenario, place = loaded.scenario, f"{loaded.path}: $.targets"
    for role in ("challenger", "champion"):
        holders = loaded.holders(role)
        if len(holders) > 1:
            raise ScenarioError(f"two targets are {role}", where=place, found=", ".join(holders))
    if scenario.diagnosis is None or not scenario.targets:
        check_judged(loaded)


def check_judged(loaded: Loaded) -> None:
    """There is a target to judge, and something to judge it by; a diagnosis needs neither."""
    scenario, place = loaded.scenario, f"{loaded.path}: $.targets"
    if not loaded.under_test:
        raise ScenarioError(
            "no target is the challenger",
            where=place,
            found=", ".join(scenario.targets) or "none",
            fix='Name one [targets.challenger], or give one role = "challenger".',
        )
    if loaded.champion is not None:
        return
    if scenario.targets[loaded.under_test].model is None:
        raise ScenarioError(
            "there is nothing to compare the challenger with",
            where=f"{place}.{loaded.under_test}",
            found="no model, and no target is the champion",
            fix="Give it a model, or add [targets.champion].",
        )
    if scenario.labels is not None:
        raise ScenarioError(
            "[labels] compare the challenger with a champion, and no target is the champion", where=place
        )


def _check_target(loaded: Loaded, target: Target, *, name: str) -> None:
    place, models = f"{loaded.path}: $.targets.{name}", sorted(loaded.scenario.models)
    if target.model is not None and target.model not in models:
        raise ScenarioError(
            f"unknown model {target.model!r}",
            where=f"{place}.model",
            expected=f"one of {', '.join(models)}" if models else "a table [models.NAME]",
            fix=did_you_mean(target.model, models),
        )
    if isinstance(target, HttpTarget):
        anywhere = msgspec.structs.replace(target, url=target.url.replace("{port}", "80"))
        endpoint_of(anywhere, loaded.scenario.safety)


def _check_phases(loaded: Loaded) -> None:
    scenario, place = loaded.scenario, f"{loaded.path}: $.phases"
    names = [p.name for p in scenario.phases]
    if not names:
        raise ScenarioError("no phase", where=place, fix="Leave phases out for the two default ones.")
    name, count = Counter(names).most_common(1)[0]
    if count > 1:
        raise ScenarioError("two phases have one name", where=place, found=name)
    known = [n for n, t in scenario.targets.items() if isinstance(t, HttpTarget)]
    for phase in scenario.phases:
        if phase.passes > 1 and not phase.open_loop:
            raise ScenarioError(
                "a closed loop has one pass, for its latency is not judged",
                where=f"{place}.{phase.name}.passes",
                found=phase.passes,
                fix="Give the phase an open pace (recorded, constant or poisson), or leave passes out.",
            )
        unknown = [t for t in phase.targets if t not in known]
        if unknown:
            raise ScenarioError(
                f"unknown target {unknown[0]!r}",
                where=f"{place}.{phase.name}.targets",
                expected=f"one of {', '.join(known)}" if known else 'a target of kind = "http"',
                fix=did_you_mean(unknown[0], known),
            )
    if loaded.under_test in known and not any(
        loaded.under_test in loaded.phase_targets(p) for p in scenario.phases
    ):
        raise ScenarioError("no phase sends anything to the challenger", where=place, found=", ".join(names))


def _check_gates(loaded: Loaded) -> None:
    try:
        effective(loaded.scenario.gates)
    except ScenarioError as error:
        where = f"{loaded.path}: {error.where}"
        raise ScenarioError(error.what, where=where, expected=error.expected) from error


def _check_times(loaded: Loaded) -> None:
    scenario = loaded.scenario
    times = {"decision.planned_end": scenario.decision.planned_end}
    if scenario.diagnosis is not None:
        times["diagnosis.trained_until"] = scenario.diagnosis.trained_until
        times["diagnosis.dashboard_at"] = scenario.diagnosis.dashboard_at
    if scenario.labels is not None:
        times["labels.since"] = scenario.labels.since
        times["labels.complete_until"] = scenario.labels.complete_until
    for place, text in times.items():
        try:
            parse(text or "1970-01-01T00:00:00Z")
        except ValueError as error:
            raise ScenarioError(str(error), where=f"{loaded.path}: $.{place}") from error


def _check_told(loaded: Loaded) -> None:
    """The metrics that a diagnosis is told are such as it computes."""
    config = loaded.scenario.diagnosis
    for table in ("reported", "dashboard") if config is not None else ():
        for name, value in getattr(config, table).items():
            most = math.inf if name == "log_loss" else 1.0
            if not 0.0 <= value <= most:
                place = f"{loaded.path}: $.diagnosis.{table}.{name}"
                raise ScenarioError(
                    "no such number", where=place, found=f"{value:g}", expected=f"0 to {most:g}"
                )
            if name not in TOLD:
                raise ScenarioError(
                    f"unknown metric {name!r}",
                    where=f"{loaded.path}: $.diagnosis.{table}",
                    expected=f"one of {', '.join(TOLD)}",
                    fix=did_you_mean(name, TOLD),
                )


def _check_live(loaded: Loaded) -> None:
    live = loaded.scenario.live
    if live is not None and live.challenger == live.champion:
        raise ScenarioError(
            "both arms of the live canary have one value",
            where=f"{loaded.path}: $.live",
            found=live.champion,
            fix=f"Say which values {live.arm} has for challenger and champion.",
        )
