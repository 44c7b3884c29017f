"""The latency gate: p95 of the response time against a budget, only where it was measured honestly."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import msgspec

from harness.gates._config import Required, unlike_traffic
from harness.gates.passes import CLAIM, Series, apart, left_out, planned, pooled, repeated, rule_together
from harness.records import Estimate, Verdict
from harness.stats import SlowShareTest, min_requests_within

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from harness.evidence import Evidence, Levels
    from harness.records import LatencySummary, PhaseNote

QUANTILE = 0.95
#: arrivals thinned by less than this are those of the traffic
NOT_THIN = 1.01
#: from here on a factor is told as a whole number
_MANY = 1000
_QUIET = "a harness that keeps time (less load on this host)"


class LatencyP95(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="kind", tag="latency_p95"
):
    """95 % of the requests must answer within the budget, counted from when they were due.

    Judged once, at the end of each open-loop pass: exact binomial with a declared variance inflation, because
    requests under load depend on each other. The claim is about these arrivals on this host.
    """

    budget_ms: Annotated[float, msgspec.Meta(gt=0, description="95 % must answer within this")] = 120.0
    variance_inflation: Annotated[
        float,
        msgspec.Meta(ge=1, description="how much more counts vary than if requests did not queue together"),
    ] = 4.5
    max_send_lag_p99_ms: Annotated[
        float, msgspec.Meta(gt=0, description="sent later than this, a pass says nothing of the build")
    ] = 10.0
    max_lost_share: Annotated[
        float, msgspec.Meta(ge=0, le=1, description="share of a pass that the harness may lose")
    ] = 0.001
    required: Required = True

    def judge(self, evidence: Evidence, levels: Levels) -> tuple[Verdict, ...]:
        """One verdict for each open-loop phase; UNDECIDED for one that did not run, or when none is planned.

        Several passes of a phase are judged together. The level to pass is split over the planned phases of
        an arm (`decide.levels` says why), the level to fail comes split over all tests.
        """
        mine, together, phases = evidence.under_test, apart(evidence), planned(evidence)
        judged = [s for s in evidence.latency if s.judged and s.phase not in together]
        rules = self.tests(levels, passes=phases)
        distrusted = {
            p.phase: p.calibration.why
            for p in evidence.phases
            if p.calibration is not None and not p.calibration.trusted
        }
        verdicts = [
            _voided(
                _thinned(self._one(s, rules, required=self.required and s.target == mine), (s,)),
                distrusted.get(s.phase, ""),
            )
            for s in judged
        ]
        verdicts += [
            _thinned(self._joint(s, rules, mine=s.target == mine, distrusted=distrusted), s.ran)
            for s in repeated(evidence)
        ]
        verdicts += [self._not_run(mine, phase) for phase in left_out(evidence)]
        return tuple(verdicts) if phases else (*verdicts, self._not_run(mine, None))

    def tests(self, levels: Levels, *, passes: int) -> tuple[SlowShareTest, SlowShareTest]:
        """The tests of one of so many phases: of being within the budget, and of being over it."""
        limit, inflation = 1 - QUANTILE, self.variance_inflation
        within = SlowShareTest(limit=limit, alpha=levels.go / max(1, passes), inflation=inflation)
        return within, SlowShareTest(limit=limit, alpha=levels.nogo, inflation=inflation)

    def _one(
        self, summary: LatencySummary, rule: tuple[SlowShareTest, SlowShareTest], *, required: bool
    ) -> Verdict:
        within, over = rule
        n, slow = summary.requests - summary.lost, summary.over_budget
        verdict = self._measured(summary, n, required=required)
        void = self._void(summary, n)
        if void:
            return msgspec.structs.replace(verdict, fault="harness", reason=void, needs=_QUIET)
        limits = _limits(within.largest_within(n), over.smallest_over(n))
        sent = n - summary.spared
        said = f"{slow:,} of {sent:,} requests over {self.budget_ms:g} ms; p95 {_ms(summary.response.p95)}"
        if over.judge(slow, n).ruling == "over":
            return msgspec.structs.replace(verdict, ruling="FAIL", reason=f"{said}; {limits}.")
        if summary.spared:
            return msgspec.structs.replace(verdict, fault="evidence", **_cut(said, summary))
        if within.judge(slow, n).ruling == "within":
            return msgspec.structs.replace(verdict, ruling="PASS", reason=f"{said}; {limits}.")
        least = min_requests_within(alpha=within.alpha, inflation=within.inflation, limit=within.limit)
        longer = f"a longer pass: this one cannot decide with {n:,} requests, {least:,} are needed, none slow"
        return msgspec.structs.replace(
            verdict,
            fault="evidence",
            reason=f"{said}: too close to call; {limits}.",
            needs=longer if n < least else "another pass, or a faster build",
        )

    def _joint(
        self,
        series: Series,
        rules: tuple[SlowShareTest, SlowShareTest],
        *,
        mine: bool,
        distrusted: Mapping[str, str],
    ) -> Verdict:
        """All declared passes of a phase in one verdict; one that did not run or is void leaves it open."""
        verdict = self._passes(series, required=self.required and mine)
        void = [
            (one, why)
            for one in series.ran
            if (why := self._void(one, one.requests - one.lost) or distrusted.get(one.phase, ""))
        ]
        if void:
            one, why = void[0]
            reason = f"Pass {one.phase} of {series.planned} passes is void: {why.rstrip('.')}."
            return msgspec.structs.replace(verdict, fault="harness", reason=reason, needs=_QUIET)
        cut = next((one for one in series.ran if one.spared), None)
        if len(series.ran) < series.planned and cut is None:
            return msgspec.structs.replace(verdict, fault="evidence", **_lacking(series))
        n = [one.requests - one.lost for one in series.ran]
        slow = [one.over_budget for one in series.ran]
        found = rule_together(slow, n, passes=series.planned, rules=rules)
        said = f"{_counts(slow, n)} requests over {self.budget_ms:g} ms in {series.planned} passes"
        together = (
            f"; they vary {found.inflation:.1f} times as much as by chance"
            if pooled(series.planned) > 1
            else ""
        )
        share = (
            f", together {sum(slow):,} of {sum(n):,}"
            if pooled(series.planned) > 1
            else ", within if each is, over if one is"
        )
        reason = f"{said}{share}{together}: {_limits(found.within, found.over)}."
        if cut is not None and (found.ruling != "FAIL" or pooled(series.planned) > 1):
            return msgspec.structs.replace(verdict, fault="evidence", **_cut(said, cut))
        if found.ruling != "UNDECIDED":
            return msgspec.structs.replace(verdict, ruling=found.ruling, fault=None, reason=reason)
        return msgspec.structs.replace(
            verdict,
            fault="evidence",
            reason=f"Too close to call, {reason}",
            needs="more passes, or a faster build",
        )

    def _passes(self, series: Series, *, required: bool) -> Verdict:
        """The counts of every pass, and of all, before anything is ruled."""
        v = (
            "measured between the passes"
            if pooled(series.planned) > 1
            else f"{self.variance_inflation:g}; within if every pass is, over if one is at α/{series.planned}"
        )
        slow, n = (
            sum(c) for c in ([s.over_budget for s in series.ran], [s.requests - s.lost for s in series.ran])
        )
        slowest = [one.response.p95 for one in series.ran]
        whole = _share("over budget", slow, n=n)
        each = (_share(f"over budget, {s.phase}", s.over_budget, n=s.requests - s.lost) for s in series.ran)
        return Verdict(
            gate="latency_p95",
            arm=f"{series.target}, {series.phase}",
            ruling="UNDECIDED",
            reason="",
            required=required,
            value=max((p95 for p95 in slowest if p95 is not None), default=None)
            if None not in slowest
            else None,
            limit=self.budget_ms,
            unit="ms",
            n=n,
            method=f"{series.planned} declared passes, binomial on (S/v, n/v), v {v}; {CLAIM}; "
            "these arrivals, this host",
            evidence=(whole, *each),
        )

    def _measured(self, summary: LatencySummary, n: int, *, required: bool) -> Verdict:
        return Verdict(
            gate="latency_p95",
            arm=f"{summary.target}, {summary.phase}",
            ruling="UNDECIDED",
            reason="",
            required=required,
            value=summary.response.p95,
            limit=self.budget_ms,
            unit="ms",
            n=n - summary.spared,
            method=f"exact binomial on (S/v, n/v), v = {self.variance_inflation:g}; "
            "these arrivals, this host",
            evidence=(_share("over budget", summary.over_budget, n=n - summary.spared),),
        )

    def _void(self, summary: LatencySummary, n: int) -> str:
        """Why the harness voids this pass, or nothing."""
        lag = summary.send_lag.p99
        if n <= 0:
            return f"0 of {summary.requests:,} requests of this pass were sent and timed."
        if summary.lost > self.max_lost_share * summary.requests:
            return f"The harness lost {summary.lost:,} of {summary.requests:,} requests of this pass."
        unknown = n - summary.spared - summary.failed - summary.send_lag.n
        if unknown > 0:
            return f"It is not known when {unknown:,} of {n:,} requests of this pass were sent."
        if lag is not None and lag > self.max_send_lag_p99_ms:
            allowed = f"allowed {self.max_send_lag_p99_ms:g} ms"
            return f"The harness sent late: send lag p99 {lag:.1f} ms of {n:,} requests, {allowed}."
        return ""

    def _not_run(self, under_test: str, phase: PhaseNote | None) -> Verdict:
        arm, why = under_test, f"0 open-loop phases send to {under_test}"
        if phase is not None:
            arm = f"{under_test}, {phase.phase}"
            why = f"0 requests of phase {phase.phase} were sent" + (
                f", {phase.reason}" if phase.reason else ""
            )
        return Verdict(
            gate="latency_p95",
            arm=arm,
            ruling="UNDECIDED",
            reason=f"NOT RUN: {why}.",
            required=self.required,
            fault="evidence",
            limit=self.budget_ms,
            unit="ms",
            needs="an open-loop phase at recorded speed",
        )


def _share(name: str, slow: int, *, n: int) -> Estimate:
    return Estimate(
        name=name,
        value=slow / n if n > 0 else None,
        count=slow,
        n=n,
        unit="share of requests",
        method="response time over the budget, or failed",
    )


def _cut(said: str, summary: LatencySummary) -> dict[str, str]:
    """Why a pass that was cut, for another gate had failed, proves nothing."""
    return {
        "reason": f"{said}; not ruled, for {summary.spared:,} requests of {summary.phase} were not sent.",
        "needs": "a run that sends every request (without early_stop)",
    }


def _lacking(series: Series) -> dict[str, str]:
    """Why fewer passes than were declared prove nothing, and what would."""
    why = next((f", {note.reason}" for note in series.skipped if note.reason), "")
    missing = ", ".join(note.phase for note in series.skipped)
    return {
        "reason": f"{len(series.ran)} of {series.planned} declared passes ran; NOT RUN: {missing}{why}.",
        "needs": f"all {series.planned} passes, for their number was declared",
    }


def _counts(slow: Sequence[int], n: Sequence[int]) -> str:
    """The slow of each pass: 3, 5 and 2 of 630, or each with its own n where they differ."""
    each = [f"{k:,}" if len(set(n)) == 1 else f"{k:,} of {size:,}" for k, size in zip(slow, n, strict=True)]
    listed = " and ".join(filter(None, [", ".join(each[:-1]), each[-1]]))
    return f"{listed} of {n[0]:,}" if len(set(n)) == 1 else listed


def _voided(verdict: Verdict, why: str) -> Verdict:
    """Without a harness that was shown to keep time a pass is no evidence, for or against the build."""
    if not why or verdict.fault == "harness":
        return verdict
    reason = f"The harness measured itself before this pass and may not judge it: {why}."
    return msgspec.structs.replace(verdict, ruling="UNDECIDED", fault="harness", reason=reason, needs=_QUIET)


def _thinned(verdict: Verdict, ran: Sequence[LatencySummary]) -> Verdict:
    """What a sampled capture proves: no PASS at a load that was not met, nothing against its own weights.

    Weights mend what a share is of, and not the load that the requests met.
    """
    thin = [one.thin for one in ran if one.thin]
    factor = max((one.factor for one in thin if one.factor is not None), default=1.0)
    weighed = any(one.slow is not None for one in thin)
    return _at_load(_by_weight(verdict, max(map(_slow_traffic, ran))) if weighed else verdict, factor)


def _slow_traffic(one: LatencySummary) -> float:
    """The share of the traffic over the budget in a pass, by weights where they are unequal."""
    if one.thin and one.thin.slow is not None:
        return one.thin.slow
    return one.over_budget / max(1, one.requests - one.lost - one.spared)


def _by_weight(verdict: Verdict, slow: float) -> Verdict:
    """The same, unless the weights say otherwise than the counts: then neither PASS nor FAIL."""
    limit = 1 - QUANTILE
    if verdict.ruling == "UNDECIDED" or (slow > limit) is (verdict.ruling == "FAIL"):
        return verdict
    told = "is over" if slow > limit else f"is over, within the {limit:.0%}"
    return unlike_traffic(verdict, f"by their weights {slow:.2%} of the traffic {told}")


def _at_load(verdict: Verdict, factor: float) -> Verdict:
    """The same, and no PASS where fewer requests arrived than the traffic has; a FAIL stands at any load."""
    if factor <= NOT_THIN:
        return verdict
    times = f"{factor:.3g}" if factor < _MANY else f"{factor:,.0f}"
    missed = f"{times} times too few requests arrived, so the load of all traffic was not met"
    verdict = msgspec.structs.replace(verdict, method=f"{verdict.method}; the capture is a sample: {missed}")
    if verdict.ruling != "PASS":
        return verdict
    return msgspec.structs.replace(
        verdict,
        ruling="UNDECIDED",
        fault="evidence",
        reason=f"{verdict.reason.removesuffix('.')}; the capture is a sample: {missed}.",
        needs=f"a pace whose `speed` is {times} times as high, a `constant` or `poisson` pace at the rate of "
        "the traffic, or a whole capture",
    )


def _limits(within: int | None, over: int | None) -> str:
    """The counts that decide at this n."""
    least = "no count here is few enough" if within is None else f"at most {within:,} slow are within"
    most = "no count is enough to be over" if over is None else f"{over:,} or more are over"
    return f"{least}, {most}"


def _ms(value: float | None) -> str:
    return "beyond the last answer" if value is None else f"{value:.1f} ms"
