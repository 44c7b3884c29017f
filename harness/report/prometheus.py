"""Reports as Prometheus metrics, text format 0.0.4: for the textfile collector and for `/metrics`.

What is not known or not finite is left out: a NaN would make every comparison in an alert false.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Literal

from harness.records import EXIT_CODES
from harness.report import words

if TYPE_CHECKING:
    from collections.abc import Iterable

    from harness.records import LatencySummary, Ledger, PairSummary, Report, Spread, Verdict

MEDIA_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_RULINGS = ("FAIL", "UNDECIDED", "PASS")
Labels = dict[str, str]
Number = int | float | None


@dataclass
class _Family:
    """The samples of one metric, each series once: the first of two with the same labels stays."""

    name: str
    told: str
    kind: Literal["gauge", "histogram"] = "gauge"
    samples: dict[str, Number] = field(default_factory=dict)

    def add(self, value: Number, labels: Labels, *, suffix: str = "") -> None:
        """A sample, unless there is no number."""
        if value is not None and math.isfinite(value):
            named = ",".join(f'{name}="{_escaped(text)}"' for name, text in labels.items())
            self.samples.setdefault(f"replaygate_{self.name}{suffix}{{{named}}}", value)

    def lines(self) -> list[str]:
        """As text; nothing where there are no samples."""
        if not self.samples:
            return []
        head = [
            f"# HELP replaygate_{self.name} {self.told}",
            f"# TYPE replaygate_{self.name} {self.kind}",
        ]
        return head + [f"{series} {value!r}" for series, value in self.samples.items()]


class _Metrics:
    """Every metric there is; the help text is the same whichever run it is of."""

    def __init__(self) -> None:
        self.info = _Family("run_info", "Which run the other metrics of a scenario are of.")
        self.verdict = _Family("verdict", "1 for the verdict of the run, 0 for the others.")
        self.approved = _Family("approved", "1 where a person approved this very verdict.")
        self.created = _Family("run_created_timestamp_seconds", "When the run began, Unix time.")
        self.as_of = _Family("run_as_of_timestamp_seconds", "The time as of which labels count, Unix time.")
        self.gate = _Family("gate", "1 for the ruling of a gate on an arm, 0 for the others.")
        self.value = _Family("gate_value", "What a gate measured, in its unit.")
        self.limit = _Family("gate_limit", "The limit that a gate holds its value against.")
        self.findings = _Family("findings", "Findings; latent ones change no score.")
        self.compared = _Family("compared_requests", "Distinct requests on which two arms were compared.")
        self.differing = _Family("mismatching_requests", "Requests on which two arms differ.")
        self.rate = _Family("mismatch_ratio", "Share of the compared requests on which two arms differ.")
        self.feature = _Family("feature_mismatch_ratio", "Share of compared requests on which it differs.")
        self.latency = _Family("latency_seconds", "Latencies; failed ones only in +Inf.", "histogram")
        self.quantile = _Family("latency_quantile_seconds", "Latency quantiles; quantile 1 is the maximum.")
        self.over = _Family("over_budget_requests", "Requests over the latency budget, failed ones too.")
        self.failed = _Family("failed_requests", "Requests that the target failed.")
        self.lost = _Family("harness_lost_requests", "Requests of which the harness itself knows nothing.")
        self.ledger = _Family("ledger_requests", "Captured requests that reached a step.")
        self.ledger_lost = _Family("ledger_lost_requests", "Requests that fell away before a step.")
        self.ended = _Family("target_requests", "How the requests to a target ended.")

    def lines(self) -> list[str]:
        """All of them as text."""
        return [line for family in vars(self).values() for line in family.lines()]


def render(reports: Iterable[Report]) -> str:
    """The metrics of one report, or of several of different scenarios, ending in a newline."""
    metrics = _Metrics()
    for report in reports:
        _report(metrics, report)
    return "".join(f"{line}\n" for line in metrics.lines())


def _escaped(text: str) -> str:
    plain = words.printable(text)
    return plain.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")


def _report(metrics: _Metrics, report: Report) -> None:
    of = {"scenario": report.scenario}
    build = report.digests.get("build", "")
    metrics.info.add(1, of | {"run_id": report.run_id, "build": build, "version": report.version})
    for word in EXIT_CODES:
        metrics.verdict.add(int(report.decision.word == word), of | {"verdict": word})
    metrics.approved.add(int(any(one.stands for one in report.approvals)), of)
    metrics.created.add(_unix(report.created_at), of)
    metrics.as_of.add(_unix(report.as_of), of)
    for latent in (False, True):
        count = sum(finding.latent is latent for finding in report.findings)
        metrics.findings.add(count, of | {"latent": _flag(latent)})
    for gate in sorted(report.gates, key=lambda gate: _RULINGS.index(gate.ruling)):
        _gate(metrics, gate, of)
    for pair in report.pairs:
        _pair(metrics, pair, of)
    for item in report.latency:
        _latency(metrics, item, of)
    for ledger in report.ledgers:
        _ledger(metrics, ledger, of)
    for target in report.targets:
        for state, count in target.states.items():
            metrics.ended.add(count, of | {"target": target.target, "state": state})


def _flag(value: bool) -> str:  # noqa: FBT001  -- a value to write, not a switch
    return "true" if value else "false"


def _unix(text: str) -> float | None:
    try:
        stamp = datetime.fromisoformat(text)
    except ValueError:
        return None
    return (stamp.replace(tzinfo=UTC) if stamp.tzinfo is None else stamp).timestamp()


def _gate(metrics: _Metrics, gate: Verdict, of: Labels) -> None:  # noqa: PLR0917  -- into, what, under which labels
    labels = of | {"gate": gate.gate, "arm": gate.arm, "required": _flag(gate.required)}
    for ruling in _RULINGS:
        metrics.gate.add(int(gate.ruling == ruling), labels | {"ruling": ruling})
    metrics.value.add(gate.value, labels | {"unit": gate.unit})
    metrics.limit.add(gate.limit, labels | {"unit": gate.unit})


def _pair(metrics: _Metrics, pair: PairSummary, of: Labels) -> None:  # noqa: PLR0917  -- as _gate
    labels = of | {"left": pair.left, "right": pair.right}
    metrics.compared.add(pair.compared, labels)
    counts = {"features": pair.feature_mismatches, "scores": pair.score_mismatches, "decisions": pair.flips}
    for what, count in counts.items():
        metrics.differing.add(count, labels | {"what": what})
        known = count is not None and pair.compared
        metrics.rate.add((count or 0) / pair.compared if known else None, labels | {"what": what})
    for each in pair.fields:
        metrics.feature.add(each.rate if each.compared else None, labels | {"feature": each.field})


def _latency(metrics: _Metrics, item: LatencySummary, of: Labels) -> None:  # noqa: PLR0917  -- as _gate
    labels = of | {"phase": item.phase, "target": item.target}
    metrics.over.add(item.over_budget if item.judged else None, labels)
    metrics.failed.add(item.failed, labels)
    metrics.lost.add(item.lost, labels)
    for kind, spread in (("response", item.response), ("service", item.service), ("send_lag", item.send_lag)):
        _spread(metrics, spread, labels | {"latency": kind})


def _spread(metrics: _Metrics, spread: Spread, labels: Labels) -> None:  # noqa: PLR0917  -- as _gate
    for share, ms in (("0.5", spread.p50), ("0.95", spread.p95), ("0.99", spread.p99), ("1", spread.max)):
        metrics.quantile.add(None if ms is None else ms / 1000, labels | {"quantile": share})
    if not spread.buckets:
        return
    for edge, count in (*spread.buckets, (math.inf, spread.n)):
        le = "+Inf" if edge == math.inf else repr(edge / 1000)
        metrics.latency.add(count, labels | {"le": le}, suffix="_bucket")
    metrics.latency.add(spread.sum_ns / 1e9, labels, suffix="_sum")
    metrics.latency.add(spread.n, labels, suffix="_count")


def _ledger(metrics: _Metrics, ledger: Ledger, of: Labels) -> None:  # noqa: PLR0917  -- as _gate
    labels = of | {"phase": ledger.phase, "target": ledger.target}
    for step in ledger.steps:
        metrics.ledger.add(step.count, labels | {"step": step.step})
        for loss in step.lost:
            metrics.ledger_lost.add(loss.count, labels | {"step": step.step, "reason": loss.reason})
