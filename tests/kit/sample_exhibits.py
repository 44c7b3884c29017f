"""Exhibits, remedies and causes of the sample diagnosis: every form of table and picture."""

from __future__ import annotations

import math

from harness.records import (
    CheckedCause,
    Exhibit,
    LikelyCause,
    Mark,
    Number,
    Picture,
    Remedy,
    Series,
    Table,
    TableColumn,
    Volume,
)

_GRID = tuple(k / 20 for k in range(21))
_DAYS = tuple(float(day) for day in range(0, 91, 3))
_LATE = "Labels come late; the newest of 14 days have none."


def _columns(*named: str) -> tuple[TableColumn, ...]:
    """Columns from "name:form"; without a form, text."""
    split = (name.partition(":") for name in named)
    return tuple(TableColumn(name=name, form=form or "text") for name, _, form in split)  # type: ignore[arg-type]


def _near(value: float, half: float) -> Number:
    return Number(value=value, lower=round(value - half, 4), upper=round(value + half, 4))


def _reliability() -> Picture:
    served = tuple(round(0.06 + 0.72 * x + 0.05 * math.sin(5 * x), 4) for x in _GRID)
    return Picture(
        title="Served probabilities above 0.3 are too high",
        x="mean score",
        y="share cancelled",
        series=(
            Series(
                name="as served",
                x=_GRID,
                y=served,
                lower=tuple(y - 0.03 for y in served),
                upper=tuple(y + 0.03 for y in served),
                form="points",
            ),
            Series(name="on the holdout", x=_GRID, y=tuple(0.01 + 0.98 * x for x in _GRID)),
        ),
        diagonal=True,
    )


def _delay() -> Picture:
    share = tuple(round(1 - math.exp(-day / 28), 4) for day in _DAYS)
    return Picture(
        title="After 7 days 22 % of the labels have come",
        x="age in days",
        y="share of labels that have come",
        series=(
            Series(
                name="estimate from this capture",
                x=_DAYS,
                y=share,
                lower=tuple(max(0.0, y - 0.02) for y in share),
                upper=tuple(min(1.0, y + 0.02) for y in share),
                form="step",
            ),
        ),
        marks=(Mark(name="7 days", x=7.0), Mark(name="90 % have come", y=0.9)),
    )


def _precision_recall() -> Picture:
    recall = tuple(0.05 + 0.045 * k for k in range(21))
    return Picture(
        title="At the reviewers' 40 a day, recall is 0.31",
        x="recall",
        y="precision",
        series=(
            Series(name="offline features", x=recall, y=tuple(0.95 - 0.5 * r**2 for r in recall)),
            Series(name="served features", x=recall, y=tuple(0.80 - 0.5 * r for r in recall)),
        ),
        marks=(Mark(name="serving, 0.55", x=0.59, y=0.51), Mark(name="capacity", x=0.31, y=0.65)),
    )


_DRIFT = Table(
    title="Columns that moved, most first",
    columns=_columns(
        "column",
        "kind",
        "PSI:number",
        "missing now:share",
        "KS:number",
        "p:p",
        "first seen:time",
        "bins:count",
    ),
    rows=(
        ("country", "category", 0.412, 0.004, None, 0.0, "2026-11-08T00:00:00Z", 41),
        ("adr", "number", 0.087, 0.0, 0.061, 0.00004, "2026-11-08T00:00:00Z", 10),
        ("lead_time", "number", 0.031, 0.4, 0.044, 0.0031, None, 10),
        ("deposit_type", "category", 0.002, 0.0, math.nan, 0.412, None, 3),
    ),
    more=24,
)

EXHIBITS: tuple[Exhibit, ...] = (
    Exhibit(
        key="leakage",
        title="Columns that know the outcome",
        question="Which columns rank the labels alone, or change after the request?",
        answer="country is filled in at check-in: 61 % of its values differ from what was known at booking.",
        found="found",
        steps=("leak: country", "leak: booking_changes"),
        tables=(
            Table(
                title="Columns by what they know alone",
                columns=_columns(
                    "column", "AUC alone:number", "changed later:share", "rows:count", "suspicious"
                ),
                rows=(
                    ("country", _near(0.861, 0.009), 0.661, 7567, True),
                    ("booking_changes", _near(0.703, 0.011), 0.155, 7567, True),
                    ("lead_time", _near(0.648, 0.012), 0.0, 7567, False),
                ),
            ),
        ),
    ),
    Exhibit(
        key="duplicates",
        title="Rows that were in training",
        question="How many holdout rows repeat a training row, or share its group?",
        answer="1,249 of 7,567 holdout rows (16.5 %) repeat a training row.",
        found="found",
        steps=("repeated_rows", "time_order"),
        tables=(
            Table(
                columns=_columns("kept", "rows:count", "ROC-AUC:number", "change:signed"),
                rows=(
                    ("all", 7567, _near(0.934, 0.006), None),
                    ("no repeats", 6318, _near(0.922, 0.007), -0.012),
                    ("after training only", 5902, _near(0.918, 0.008), -0.004),
                ),
            ),
        ),
    ),
    Exhibit(
        key="drift",
        title="Drift of the columns",
        question="Which columns moved more than by chance?",
        answer="3 of 28 columns moved; lead_time is missing on 40 % of the rows now.",
        found="found",
        steps=("covariate_seen", "covariate_unseen"),
        tables=(_DRIFT,),
    ),
    Exhibit(
        key="slices",
        title="Where it is worst",
        question="Is one segment worse, and is it by more than luck?",
        answer="The worst segment of one half of the units was no worse on the other half.",
        found="not found",
        steps=("concept",),
        tables=(
            Table(title="Segments that were confirmed", columns=_columns("segment", "gap:signed"), rows=()),
        ),
    ),
    Exhibit(
        key="skew",
        title="Features that are served otherwise",
        question="On the same request, does production compute what the pipeline computes?",
        answer="country is PRT on every request; 13.1 % of decisions flip.",
        found="found",
        steps=("served_features",),
        tables=(
            Table(
                title="What putting one column right gives back",
                columns=_columns(
                    "column", "differs on:share", "ROC-AUC:signed", "decisions flipped:count", "why"
                ),
                rows=(
                    ("country", 0.661, _near(0.058, 0.004), 2410, "constant PRT"),
                    ("booking_changes", 0.155, _near(0.014, 0.003), 611, "always 0"),
                    ("assigned_room", 0.144, _near(0.006, 0.002), 302, "a name that does not end " * 6),
                    ("parking", 0.079, _near(-0.0004, 0.001), 12, "always 0"),
                ),
            ),
        ),
    ),
    Exhibit(
        key="threshold",
        title="The threshold and the reviewers' day",
        question="What does the serving threshold do to precision, recall and the queue?",
        answer="Serving flags at 0.55, the report at 0.5: 3 of 100 cases fewer are flagged.",
        found="found",
        steps=("serving_threshold",),
        pictures=(_precision_recall(),),
    ),
    Exhibit(
        key="delays",
        title="How late the labels are",
        question="How old must a case be before its label can be trusted?",
        answer="Half of the labels come within 19 days, 90 % within 64 days.",
        found="found",
        steps=("label_maturity",),
        pictures=(_delay(),),
    ),
    Exhibit(
        key="definition",
        title="What counts as cancelled",
        question="Do both teams mean the same by a positive?",
        answer="",
        found="not checked",
        steps=("label_definition",),
        why_not="Production's own labels are not in the capture.",
    ),
    Exhibit(
        key="join",
        title="Rows that found no label",
        question="Does the join drop some cases more than others?",
        answer="504 of 25,222 rows found no label; no segment lost more than 2.4 %.",
        found="not found",
        steps=("join_loss",),
    ),
    Exhibit(
        key="calibration",
        title="Calibration",
        question="Are the probabilities right?",
        answer="They are too high above 0.3; the recalibration slope is 0.71 (0.67 to 0.75).",
        found="found",
        tables=(
            Table(
                title="Errors of calibration",
                columns=_columns("side", "ECE, debiased:number", "slope:number", "Spiegelhalter p:p"),
                rows=(
                    ("holdout", 0.008, _near(1.02, 0.05), 0.312),
                    ("served", 0.094, _near(0.71, 0.04), 0.0),
                ),
            ),
        ),
        pictures=(_reliability(),),
        why_not=_LATE,
    ),
)

_FLAGGED = {"now": 7768.0 / 14, "busy_now": 702.0, "limit": 600.0}
_NOW = {"roc_auc": 0.776, "log_loss": 0.511, "precision": 0.54, "recall": 0.594}

REMEDIES: tuple[Remedy, ...] = (
    Remedy(
        key="fix_features",
        kind="model",
        action="Fill country, booking_changes and assigned_room in the request as training does",
        now=_NOW,
        then={"roc_auc": 0.857, "log_loss": 0.402, "precision": 0.731, "recall": 0.511},
        gains={
            "roc_auc": _near(0.081, 0.007),
            "log_loss": _near(-0.109, 0.011),
            "precision": _near(0.191, 0.014),
            "recall": _near(-0.083, 0.016),
        },
        volume=Volume(then=341.0, busy_then=433.0, **_FLAGGED),
        guardrail="kept",
        rows=15480,
        note="Alone it gives back less than its part of the ladder: it interacts with the threshold.",
    ),
    Remedy(
        key="rollback",
        kind="model",
        action="Roll back to cancel-v6",
        now=_NOW,
        then={"roc_auc": 0.794, "log_loss": 0.461, "precision": 0.64, "recall": 0.47},
        gains={
            "roc_auc": _near(0.018, 0.008),
            "log_loss": _near(-0.05, 0.012),
            "precision": _near(0.1, 0.015),
        },
        volume=Volume(then=401.0, busy_then=512.0, **_FLAGGED),
        guardrail="kept",
        rows=15480,
    ),
    Remedy(
        key="recalibrate",
        kind="policy",
        action="Recalibrate the served scores (beta map), threshold unchanged",
        now=_NOW,
        then={"roc_auc": 0.776, "log_loss": 0.466, "precision": 0.61, "recall": 0.48},
        gains={"roc_auc": _near(0.0, 0.0), "log_loss": _near(-0.045, 0.006), "precision": _near(0.07, 0.012)},
        volume=Volume(then=388.0, busy_then=490.0, **_FLAGGED),
        guardrail="kept",
        rows=15480,
    ),
    Remedy(
        key="threshold",
        kind="policy",
        action="Lower the threshold to 0.5 as reported",
        now=_NOW,
        then={"roc_auc": 0.776, "precision": 0.519, "recall": 0.634},
        gains={"roc_auc": _near(0.0, 0.0), "precision": _near(-0.021, 0.004), "recall": _near(0.04, 0.005)},
        volume=Volume(then=702.0, busy_then=861.0, **_FLAGGED),
        guardrail="broken",
        guardrail_why="702 a day are flagged, the limit is 600",
        rows=15480,
    ),
    Remedy(
        key="wait",
        kind="measurement",
        action="Read precision on mature labels only",
        now=_NOW,
        then={"precision": 0.581},
        gains={"precision": _near(0.041, 0.006)},
        rows=15480,
        note="No decision changes; the number on the dashboard does.",
    ),
    Remedy(
        key="retrain",
        kind="model",
        action="Retrain on the new window",
        why_not="the last 40 days have too few mature labels (412, at least 2,000)",
    ),
)

_USUAL = (
    ("metric mismatch", "not found", "The report recomputed from its rows differs by 0.000."),
    ("threshold", "found", "0.5 offline, 0.55 served; part of precision +0.021."),
    ("distribution shift", "found", "Domain AUC 0.68 (0.67 to 0.69)."),
    ("logging bug", "found", "Features differ on 66.1 % of requests."),
    ("latency", "not found", "0.02 % answered late or by a fallback."),
    ("feedback loop", "not checked", "Which cases were shown is not known."),
    ("biased labels", "not checked", "Production's own labels are not known."),
    ("segment regression", "not found", "No slice was confirmed."),
)

CAUSES: tuple[CheckedCause, ...] = tuple(
    CheckedCause(
        name=name,
        found=found,  # type: ignore[arg-type]
        check=f"The check for {name}.",
        result=result,
        would_change="Another 14 days of labels.",
    )
    for name, found, result in _USUAL
)

LIKELY: tuple[LikelyCause, ...] = (
    LikelyCause(
        name="feature skew",
        score=3.2,
        because=("ROC-AUC fell by 0.158", "more is flagged and less of it is right"),
        next_measurement="Compare served with offline features on the same requests.",
    ),
    LikelyCause(
        name="leakage in the holdout",
        score=1.9,
        because=("ROC-AUC above 0.93 offline",),
        next_measurement="Evaluate on rows after training ended.",
    ),
)
