"""What the sample reports say of labels: metrics, segments, looks and delays, by formula."""

from __future__ import annotations

import math
from typing import Literal

import msgspec

from harness.records import Ahead, Estimate, LabelDelays, Look, MetricRow, QualitySummary, SegmentRow
from tests.kit.sample_parts import N


def _looks(test: str, shift: float) -> tuple[Look, Look]:
    """One that is refused, and a later one that cannot tell yet."""
    look = Look(
        as_of="2025-06-12T00:00:00Z",
        test=test,
        n=812,
        units=240,
        estimate=shift,
        lower=shift - 0.031,
        upper=shift + 0.031,
        log_e=0.4,
        ruling="UNDECIDED",
        refused="fewer than 300 units",
    )
    later = msgspec.structs.replace(
        look,
        as_of="2025-06-18T00:00:00Z",
        n=2848,
        units=701,
        lower=shift - 0.009,
        upper=shift + 0.009,
        log_e=2.31,
        refused="",
    )
    return look, later


def quality(*, identical: bool) -> QualitySummary:
    """Labels: identical arms, or two looks that cannot tell yet."""
    shift = 0.0 if identical else 0.004
    test = "log loss, challenger − champion"
    return QualitySummary(
        as_of="2026-11-22T06:10:00Z",
        outcome="merged within 7 days",
        measure=test,
        counts={
            "captured": N,
            "in scope": 3102,
            "not exposed": 0,
            "not matured": 254,
            "matured": 2848,
            "compared": 2848,
        },
        metrics=(
            _metric("log loss", "lower", champion=0.5713, challenger=0.5713 + shift),
            _metric("ROC-AUC", "higher", champion=0.7412, challenger=0.7412 - shift),
            _metric("predicted positive", "neither", champion=0.391, challenger=None),
        ),
        identical=identical,
        margin=0.01,
        estimate=Estimate(
            name=test,
            value=shift,
            n=2848,
            lower=shift - 0.009,
            upper=shift + 0.009,
            level=0.95,
            method="asymptotic confidence sequence by unit",
            unit="mean loss difference",
        ),
        fixed_n=None
        if identical
        else Estimate(
            name="decisions right only in the challenger, of those right in one arm only",
            value=45 / 140,
            count=45,
            n=140,
            unit="share of discordant requests",
            method="exact McNemar, two-sided p < 0.0001, if looked at once and requests were independent",
        ),
        segments=()
        if identical
        else tuple(_segment(level, harm) for level, harm in (("codex", 0.002), ("devin", 0.011))),
        delays=LabelDelays(
            shares=(*((k / 4, 1 - math.exp(-k / 6)) for k in range(29)), (7.25, 1.0)),
            window_days=7.0,
            mature_until="2026-11-15T06:10:00Z",
            labels=2848,
        ),
        ahead=None if identical else Ahead(toward="PASS", units=1580, requests=6420, days=7.5),
        looks=() if identical else _looks(test, shift),
        note="Claims are about exposed traffic.",
    )


def _segment(level: str, harm: float) -> SegmentRow:
    estimate = Estimate(
        name="log loss", value=harm, n=1424, lower=harm - 0.008, upper=harm + 0.008, level=0.95
    )
    return SegmentRow(segment="agent", level=level, requests=1424, units=350, harm=estimate)


def _metric(
    name: str, direction: Literal["higher", "lower", "neither"], *, champion: float, challenger: float | None
) -> MetricRow:
    return MetricRow(
        metric=name,
        direction=direction,
        arms={"champion": champion, "challenger": challenger, "offline:champion": champion},
        difference=None
        if challenger is None
        else Estimate(
            name=name,
            value=challenger - champion,
            n=2848,
            lower=challenger - champion - 0.003,
            upper=challenger - champion + 0.003,
            level=0.95,
            unit="difference",
        ),
    )
