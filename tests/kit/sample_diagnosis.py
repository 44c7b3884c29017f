"""Sample diagnoses for every renderer: a rich one, fifty parts, next to nothing, and hostile names.

`python -m tests.kit.sample_diagnosis` writes the golden files anew; read the difference before keeping it.
"""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import msgspec
from msgspec.structs import replace
from rich.console import Console

from harness.records import Diagnosis, GapPart, HoldoutUses, MetricGap, Number, RungValue
from harness.report.diagnosis_markdown import render as markdown
from harness.report.diagnosis_terminal import render as terminal
from tests.kit.sample_exhibits import CAUSES, EXHIBITS, LIKELY, REMEDIES

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

Better = Literal["higher", "lower", "neither"]
GOLDEN = Path(__file__).parents[1] / "golden"
HOSTILE = "<script>alert('x')</script>|`*_[@octocat](http://evil.example)\n\x1b[31m\u202e#1"
MISSING_STEPS = {
    "label_definition": "production's own labels are not in the capture",
    "exposure": "the capture does not say which cases were shown",
}
_SEEN_BEFORE = ("repeated_rows", "time_order", "leak: country", "leak: booking_changes")
_STEPS = (
    *_SEEN_BEFORE,
    "covariate_seen",
    "concept",
    "covariate_unseen",
    "served_features",
    "served_scores",
    "serving_threshold",
    "label_definition",
    "label_maturity",
    "join_loss",
    "exposure",
)
#: metric: better, reported, change at each step that can be computed, in order
_METRICS: dict[str, tuple[Better, float, tuple[float, ...]]] = {
    "roc_auc": ("higher", 0.934, (
        -0.012, -0.004, -0.031, -0.009, -0.014, -0.008, -0.003, -0.082, -0.001, 0, 0.006, -0.0002,
    )),
    "pr_auc": ("higher", 0.870, (
        -0.02, -0.006, -0.05, -0.012, -0.03, -0.014, -0.006, -0.09, -0.002, 0, 0.009, -0.001,
    )),
    "log_loss": ("lower", 0.276, (
        0.02, 0.005, 0.048, 0.011, 0.021, 0.016, 0.004, 0.118, 0.001, 0, -0.012, 0.003,
    )),
    "brier": ("lower", 0.085, (
        0.006, 0.002, 0.014, 0.003, 0.007, 0.004, 0.001, 0.042, 0, 0, -0.004, 0.001,
    )),
    "precision": ("higher", 0.844, (
        -0.01, -0.006, -0.03, -0.011, -0.017, -0.014, -0.008, -0.19, -0.004, 0.021, -0.041, 0.006,
    )),
    "recall": ("higher", 0.693, (
        -0.02, -0.01, -0.09, -0.03, -0.038, -0.01, -0.006, 0.085, -0.002, -0.017, 0.034, 0.005,
    )),
    "f1": ("higher", 0.761, (
        -0.016, -0.008, -0.068, -0.022, -0.03, -0.012, -0.007, -0.037, -0.003, -0.005, 0.012, 0.001,
    )),
    "predicted_positive_rate": ("neither", 0.217, (
        -0.002, -0.003, -0.018, -0.005, -0.004, 0.001, -0.003, 0.124, 0.001, -0.03, 0.027, 0,
    )),
}  # fmt: skip


def number(value: float, error: float) -> Number:
    """An estimate with both of its intervals, from its standard error."""
    return Number(
        value=value,
        lower=round(value - 1.96 * error, 4),
        upper=round(value + 1.96 * error, 4),
        lower_all=round(value - 2.9 * error, 4),
        upper_all=round(value + 2.9 * error, 4),
    )


def gap(metric: str, better: Better, start: float, *, changes: Mapping[str, float]) -> MetricGap:
    """A metric walking from its first level through the changes; steps without one are not computed."""
    rungs, parts = [RungValue(step="reported", value=start)], []
    for step, change in changes.items():
        if step in MISSING_STEPS:
            parts.append(GapPart(step=step, why_not=MISSING_STEPS[step]))
            continue
        rungs.append(RungValue(step=step, value=rungs[-1].value + change))
        parts.append(_part(step, change, better=better))
    return MetricGap(
        metric=metric,
        better=better,
        rungs=tuple(rungs),
        parts=tuple(parts),
        gap=number(round(start - rungs[-1].value, 6), 0.0041),
        outside=("exposure",) if "exposure" in changes else (),
    )


def _part(step: str, change: float, *, better: Better) -> GapPart:
    paired = step.startswith(("served", "serving", "label"))
    interacts = step == "served_features"
    value = number(-change, 0.0 if not change else 0.0012 if paired else 0.0034)
    return GapPart(
        step=step,
        value=value,
        harm={"higher": -change, "lower": change, "neither": abs(change)}[better],
        share=number(round(-change * (0.8 if interacts else 0.98), 4), 0.0014) if paired and change else None,
        interaction=interacts,
        includes=("label_definition",) if step == "label_maturity" else (),
    )


def _changes(given: tuple[float, ...]) -> dict[str, float]:
    known = iter(given)
    return {step: 0.0 if step in MISSING_STEPS else next(known) for step in _STEPS}


def rich() -> Diagnosis:
    """Hotel bookings: leakage, drift and four features that are served otherwise; two steps not computed."""
    return Diagnosis(
        scenario="hotel_cancellation",
        run_id="2026-11-22T061000Z",
        created_at="2026-11-22T06:12:31Z",
        as_of="2026-11-22T06:10:00Z",
        version="0.1.0",
        model="cancel-v7 9a1e77b2",
        served_by="bookings-api 2.4.1",
        thresholds={"offline": 0.5, "serving": 0.55},
        counts={
            "holdout": 7567,
            "holdout, leak-free": 5902,
            "production": 25222,
            "production, mature labels": 15480,
            "production, matched to a label": 24718,
        },
        summary=(
            "The model looked better than it is, and is fed other values: 0.934 reported, 0.776 live.",
            "Half of the loss is four columns that production fills otherwise, above all country.",
            "A quarter was never there: the test knew values that are only filled in at check-in.",
        ),
        next_steps=(
            "Fill country, booking_changes and assigned_room in the request as the training table does.",
            "Take country and booking_changes out of the test, or read them as of booking, and report again.",
            "Wait 7 days for labels before reading precision on the dashboard.",
        ),
        metrics=tuple(
            gap(name, better, start, changes=_changes(changes))
            for name, (better, start, changes) in _METRICS.items()
        ),
        exhibits=EXHIBITS,
        remedies=REMEDIES,
        causes=CAUSES,
        likely=LIKELY,
        holdout_uses=HoldoutUses(
            holdout="bookings_2017_q1",
            uses=14,
            first="2026-08-02T09:00:00Z",
            last="2026-11-20T16:30:00Z",
            optimism=0.0071,
        ),
        missing=(
            "Which cases were shown: the capture has no such field, so what that costs is not in any part.",
            "Production's own definition of a cancellation; it is counted with the labels that were late.",
            "The 9,742 bookings of the last 7 days: their labels have not come.",
        ),
        digests={"holdout": "b1946ac9" * 8, "capture": "591785b7" * 8, "labels": "e258d248" * 8},
        reproduce=("replaygate diagnose results/hotel_cancellation/2026-11-22T061000Z --as-of 2026-11-22",),
    )


def fifty() -> Diagnosis:
    """Fifty leaky columns in one metric, so that pictures and tables must cut."""
    changes = {f"leak: column_{k:02d}": -0.004 / (1 + k % 7) for k in range(50)}
    return replace(rich(), metrics=(gap("roc_auc", "higher", 0.95, changes=changes),), exhibits=EXHIBITS[:1])


def bare() -> Diagnosis:
    """No labels and no holdout: nothing is computed, and everything says why."""
    why = "there are no labels"
    gaps = tuple(
        MetricGap(metric=name, better=better, why_not=why, parts=(GapPart(step="concept", why_not=why),))
        for name, (better, _, _) in _METRICS.items()
    )
    return Diagnosis(
        scenario="hotel_cancellation",
        run_id="2026-11-22T061000Z",
        created_at="2026-11-22T06:12:31Z",
        as_of="2026-11-22T06:10:00Z",
        version="0.1.0",
        summary=("There are no labels, so the gap cannot be split.",),
        metrics=gaps,
        remedies=(replace(REMEDIES[0], gains={}, now={}, then={}, volume=None, why_not=why),),
        missing=("Labels of production.", "The holdout as reported."),
    )


def hostile() -> Diagnosis:
    """The rich one with markup, mentions, newlines and terminal escapes wherever data can put text."""
    few = replace(rich(), exhibits=(*EXHIBITS[:5], EXHIBITS[-1]))
    return msgspec.convert(_spoil(msgspec.to_builtins(few)), Diagnosis)


ALL: dict[str, Callable[[], Diagnosis]] = {"rich": rich, "fifty": fifty, "bare": bare, "hostile": hostile}

_FIXED = {"metric", "better", "found", "form", "kind", "guardrail", "guardrail_now", "created_at", "as_of"}
_MAPS = {"thresholds", "counts", "digests"}


def _spoil(value: object, key: str = "") -> object:
    """The same tree with the hostile text behind every free text and every name of a map."""
    match value:
        case dict() if key in _MAPS:
            return {f"{k}{HOSTILE}": _spoil(v) for k, v in value.items()}
        case dict():
            return {k: _spoil(v, str(k)) for k, v in value.items()}
        case list() | tuple():
            return [_spoil(v, key) for v in value]
        case str() if key in {"step", "steps", "includes", "outside"}:
            return f"{value}{HOSTILE}" if value.startswith("leak") else value
        case str() if value and key not in _FIXED:
            return f"{value}{HOSTILE}"
        case _:
            return value


def screen(found: Diagnosis, width: int = 80) -> str:
    """The terminal's face without colour and without the blanks that pad a line."""
    out = io.StringIO()
    terminal(found, Console(file=out, width=width, color_system=None), folder=Path("results/hotel"))
    return "".join(f"{line.rstrip()}\n" for line in out.getvalue().splitlines())


if __name__ == "__main__":
    for name, sample in ALL.items():
        (GOLDEN / f"diagnosis_{name}.md").write_text(markdown(sample()), encoding="utf-8")
        (GOLDEN / f"diagnosis_{name}.txt").write_text(screen(sample()), encoding="utf-8")
