"""The report's tables as plain text cells, so that every rendering shows the same words and numbers."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from harness.report import story, words

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.records import (
        FieldSummary,
        LatencySummary,
        LiveSummary,
        Look,
        PairSummary,
        QualitySummary,
        Report,
        Spread,
        Verdict,
    )

Kind = Literal["text", "number", "ruling", "code", "time"]


@dataclass(frozen=True)
class Column:
    """A heading, with its unit where it has one, and how its cells are set."""

    head: str
    kind: Kind = "text"


@dataclass(frozen=True)
class Table:
    """Rows of text cells under their columns; `notes`, when given, hold a sentence to each row."""

    title: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[str, ...], ...]
    notes: tuple[str, ...] = ()


def gates(verdicts: Sequence[Verdict]) -> Table:
    """Each gate with its value, limit, interval, n and ruling; notes are reasons."""
    return Table(
        "Gates",
        _columns("Gate,Arm,Value#,Limit#,Interval#,n#,Ruling!"),
        tuple(
            (
                words.clipped(gate.gate.replace("_", " ")),
                words.clipped(gate.arm),
                words.quantity(gate.value, gate.unit),
                _limit(gate),
                _bound(gate),
                words.count(gate.n),
                gate.ruling,
            )
            for gate in verdicts
        ),
        notes=tuple(story.gate_reason(gate) for gate in verdicts),
    )


def pairs(report: Report) -> Table:
    """How many requests differ between each two arms."""
    return Table(
        "Arms compared",
        _columns(
            "Pair,Compared#,Features differ#,Scores differ#,Decision flips#,Nondeterministic#,"
            "Units differing#"
        ),
        tuple(
            (
                pair_name(pair),
                words.count(pair.compared),
                "not echoed" if pair.feature_mismatches is None else words.count(pair.feature_mismatches),
                words.count(pair.score_mismatches),
                words.count(pair.flips),
                words.count(pair.nondeterministic),
                f"{pair.units_mismatching:,} of {pair.units:,}",
            )
            for pair in report.pairs
        ),
    )


def pair_name(pair: PairSummary) -> str:
    """The compared arms, the one under judgement first."""
    return words.clipped(f"{pair.right} vs {pair.left}", 2 * words.NAME)


def features(pair: PairSummary) -> Table:
    """Each feature that differs, the most frequent first; those that agree are named by `agreeing`."""
    return Table(
        f"Features of {pair_name(pair)}",
        _columns(
            "Feature`,Differ#,Of#,Rate#,Score damage#,Flips alone#,First seen@,Last seen@,"
            "Kind,Largest difference#,Median difference#,Units#,Type,Tolerance"
        ),
        tuple(_feature(field) for field in differing(pair)),
    )


def differing(pair: PairSummary) -> list[FieldSummary]:
    """The features with at least one mismatch, by falling rate."""
    return sorted((f for f in pair.fields if f.mismatches), key=lambda f: (-f.rate, f.field))


def agreeing(report: Report, pair: PairSummary) -> list[str]:
    """The names of the features that agree on every compared request, and by no rule that silenced any."""
    arms = {f"{pair.right} vs {pair.left}", pair.right, ""}
    silenced = {rule.field for rule in report.ignored if rule.silenced and rule.arm in arms}
    return [f.field for f in pair.fields if not f.mismatches and f.field not in silenced]


def segments(pair: PairSummary) -> Table:
    """Where in the traffic each differing feature differs."""
    return Table(
        "Where they differ",
        _columns("Feature`,Segment`,Mismatches by value"),
        tuple(
            (words.clipped(field.field), words.clipped(segment), words.tally(levels, 8))
            for field in differing(pair)
            for segment, levels in field.by_segment.items()
        ),
    )


def exemplars(pair: PairSummary, limit: int = 3) -> Table:
    """Some requests behind each differing feature, and the score."""
    fields = [*differing(pair), *([pair.score] if pair.score and pair.score.mismatches else [])]
    arms = tuple(Column(words.clipped(arm), "code") for arm in (pair.left, pair.right))
    return Table(
        "Requests to look at",
        (*_columns("Feature`,Request`"), *arms),
        tuple(
            (
                words.clipped(field.field),
                words.clipped(item.request_id),
                words.clipped(item.left),
                words.clipped(item.right),
            )
            for field in fields
            for item in field.exemplars[:limit]
        ),
    )


def costs(report: Report) -> Table:
    """What each bug costs: alone, put right alone, and its share; flips, and the mean change of the score."""
    return Table(
        "What each bug costs",
        _columns(
            "Fields`,Cause,Requests#,Bugs at once#,Flips alone#,Flips put right#,Flips share#,"
            "Score alone#,Score put right#,Score share#,Log loss#,Labels#"
        ),
        tuple(
            (
                words.listed(finding.fields),
                story.cause_name(finding.cause),
                words.count(finding.requests),
                words.count(cost.together),
                words.count(cost.flips_in),
                words.count(cost.flips_out),
                f"{words.number(cost.flips_share)}{story.give_or_take(cost.flips_error)}",
                words.number(cost.mean_abs_in),
                words.number(cost.mean_abs_out),
                f"{words.number(cost.mean_abs_share)}{story.give_or_take(cost.mean_abs_error)}",
                words.number(cost.log_loss),
                words.count(cost.labelled) if cost.labelled else words.NONE,
            )
            for finding in story.costly(report.findings)
            if (cost := finding.cost) is not None
        ),
    )


def scores(report: Report) -> Table:
    """How the score of each pair differs, by class of difference."""
    return Table(
        "Scores",
        _columns(
            "Pair,Differ#,Rate#,Largest difference#,Median difference#,Class of difference,Decision flips#,"
            "Tolerance"
        ),
        tuple(
            (
                pair_name(pair),
                words.count(pair.score.mismatches),
                words.percent(pair.score.rate),
                words.number(pair.score.max_abs),
                words.number(pair.score.median_difference),
                words.tally(pair.score.classes),
                words.count(pair.flips),
                words.sentence(pair.score.tolerance) or words.NONE,
            )
            for pair in report.pairs
            if pair.score is not None
        ),
    )


def latency(report: Report) -> Table:
    """Percentiles in ms of the three latencies, by phase and arm."""
    return Table(
        "Latency",
        _columns("Phase,Arm,Latency,n#,p50 ms#,p95 ms#,p99 ms#,max ms#"),
        tuple(row for item in report.latency for row in _spreads(item)),
    )


def judged_latency(report: Report) -> Table:
    """One row an arm of the phases that are held against the budget: the figures that decide, in ms."""
    late = f"over {words.ms(report.budget_ms)}" if report.budget_ms is not None else "over budget"
    return Table(
        "Latency, ms",
        (
            *_columns("Phase,Arm,n#,p50#,p95#,p99#,service p95#,lag p99#"),
            Column(late, "number"),
            Column("failed", "number"),
        ),
        tuple(
            (
                words.clipped(item.phase),
                words.clipped(item.target),
                words.count(item.requests),
                *_percentiles(item.response)[:3],
                _percentiles(item.service)[1],
                _percentiles(item.send_lag)[2],
                words.count(item.over_budget),
                words.count(item.failed + item.lost),
            )
            for item in report.latency
            if item.judged
        ),
    )


def targets(report: Report) -> Table:
    """How the requests sent to each target ended."""
    return Table(
        "Answers by state",
        _columns("Target,Ended as,Reasons seen"),
        tuple(
            (words.clipped(item.target), words.tally(item.states, 8), words.tally(item.details))
            for item in report.targets
        ),
    )


def quality_title(quality: QualitySummary) -> str:
    """The outcome and what it counts for: "Quality on matured labels: rated_helpful (guardrail)"."""
    return f"Quality on matured labels: {words.clipped(quality.name)} ({quality.role})"


def metrics(quality: QualitySummary) -> Table:
    """Each quality metric by arm."""
    arms = list(dict.fromkeys(arm for row in quality.metrics for arm in row.arms))
    better = {"higher": "higher is better", "lower": "lower is better"}
    return Table(
        quality_title(quality),
        (*_columns("Metric,Direction"), *(Column(words.clipped(arm), "number") for arm in arms)),
        tuple(
            (
                words.clipped(row.metric),
                better.get(row.direction, words.NONE),
                *(words.number(row.arms.get(arm)) for arm in arms),
            )
            for row in quality.metrics
        ),
    )


def served_metrics(quality: QualitySummary) -> Table:
    """Each quality metric of the builds that answered: without the offline arms and the log."""
    table = metrics(quality)
    kept = [0] + [
        place
        for place, column in enumerate(table.columns)
        if column.kind == "number" and not column.head.startswith(("offline", "recorded"))
    ]
    return replace(
        table,
        columns=tuple(table.columns[place] for place in kept),
        rows=tuple(tuple(row[place] for place in kept) for row in table.rows),
    )


def looks(quality: QualitySummary | LiveSummary, newest: int | None = None) -> list[Table]:
    """Each sequential test, look by look, oldest first; only the `newest` when given."""
    tests = dict.fromkeys(look.test for look in quality.looks)
    return [_looks([look for look in quality.looks if look.test == test], newest) for test in tests]


def _looks(looks: list[Look], newest: int | None) -> Table:
    shown = looks if newest is None else looks[-newest:]
    return Table(
        f"Looks at {words.sentence(looks[0].test)}",
        _columns("As of@,n#,Units#,Estimate#,Lower#,Upper#,log e#,Ruling!,Refused"),
        tuple(
            (
                words.moment(look.as_of),
                words.count(look.n),
                words.count(look.units),
                *(words.number(x) for x in (look.estimate, look.lower, look.upper, look.log_e)),
                look.ruling,
                words.sentence(look.refused) or words.NONE,
            )
            for look in shown
        ),
    )


def ignored(report: Report) -> Table:
    """What was ignored, by whose rule, and how much it silenced."""
    return Table(
        "Ignored by rule",
        _columns("Field`,Arm,Rule,Reason,Owner,Until@,Silenced#,Largest#"),
        tuple(
            (
                words.clipped(rule.field),
                words.clipped(rule.arm) or words.NONE,
                words.sentence(rule.rule),
                words.sentence(rule.reason),
                words.clipped(rule.owner) or words.NONE,
                words.clipped(rule.expires or words.NONE),
                words.count(rule.silenced),
                words.number(rule.max_abs),
            )
            for rule in report.ignored
        ),
    )


def phases(report: Report) -> Table:
    """Each phase as it was run, or why it was not."""
    return Table(
        "Phases",
        _columns("Phase,Pace,Requests#,Targets,Ran"),
        tuple(
            (
                words.clipped(phase.phase),
                words.clipped(phase.pace),
                words.count(phase.requests),
                words.listed(phase.targets),
                "yes" if phase.ran else f"NOT RUN: {words.sentence(phase.reason)}",
            )
            for phase in report.phases
        ),
    )


def identities(report: Report) -> Table:
    """Which model each arm was meant to be, and which it said it was."""
    return Table(
        "Identities",
        _columns("Arm,Expected`,Served`,Read from"),
        tuple(
            (
                words.clipped(item.arm),
                words.clipped(item.expected or words.NONE),
                words.tally(item.served) if item.served or not item.vouched else words.clipped(item.vouched),
                words.clipped(item.witness if item.vouched and not item.served else item.source)
                or words.NONE,
            )
            for item in report.identities
        ),
    )


def facts(title: str, mapping: dict[str, str]) -> Table:
    """Names and values: the environment, the digests."""
    return Table(
        title,
        _columns("Name,Value`"),
        tuple((words.sentence(k), words.sentence(v)) for k, v in mapping.items()),
    )


def _columns(heads: str) -> tuple[Column, ...]:
    """Columns from a line of headings: `#` marks a number, `!` a ruling, `@` a time, a backtick a code."""
    kinds: dict[str, Kind] = {"#": "number", "!": "ruling", "@": "time", "`": "code"}
    return tuple(
        Column(head[:-1], kinds[head[-1]]) if head[-1] in kinds else Column(head) for head in heads.split(",")
    )


def _limit(gate: Verdict) -> str:
    """Every gate's limit is the most that it allows."""
    return words.NONE if gate.limit is None else f"≤ {words.quantity(gate.limit, gate.unit)}"


def _bound(gate: Verdict) -> str:
    """The interval of the gate's first estimate that has one."""
    with_bounds = [e for e in gate.evidence if e.lower is not None or e.upper is not None]
    return words.interval(with_bounds[0]) if with_bounds else words.NONE


def _feature(field: FieldSummary) -> tuple[str, ...]:
    return (
        words.clipped(field.field),
        words.count(field.mismatches),
        words.count(field.compared),
        words.percent(field.rate),
        words.number(field.damage.mean_abs if field.damage else None),
        words.count(field.damage.flips) if field.damage else words.NONE,
        words.moment(field.first_seen),
        words.moment(field.last_seen),
        words.tally(field.kinds),
        words.number(field.max_abs),
        words.number(field.median_difference),
        words.count(field.units),
        words.clipped(field.dtype),
        words.sentence(field.tolerance) or words.NONE,
    )


def _spreads(item: LatencySummary) -> list[tuple[str, ...]]:
    """The three latencies of one arm; a percentile that falls on a failed request says so."""
    kinds = {"response": item.response, "service": item.service, "send lag": item.send_lag}
    return [
        (
            words.clipped(item.phase),
            words.clipped(item.target),
            kind,
            words.count(spread.n),
            *_percentiles(spread),
        )
        for kind, spread in kinds.items()
    ]


def _percentiles(spread: Spread) -> tuple[str, ...]:
    empty = "failed" if spread.n else words.NONE
    values = (spread.p50, spread.p95, spread.p99, spread.max)
    return tuple(empty if value is None else words.number(value) for value in values)
