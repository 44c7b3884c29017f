"""The pieces of the sample reports: verdicts, pairs, findings, ledgers and timings, by formula."""

from __future__ import annotations

import math

import msgspec

from harness.records import (
    Counterfactual,
    Damage,
    Estimate,
    Exemplar,
    FieldSummary,
    Finding,
    LatencySummary,
    Ledger,
    LedgerStep,
    Loss,
    PairSummary,
    ScoreCell,
    ScoreGrid,
    Spread,
    TimeBins,
    Verdict,
)

SINCE, UNTIL = "2025-06-03T14:00:07Z", "2025-06-18T20:38:12Z"
N = 7122
BINS = 10
BROKEN = ("hour", "day_of_week", "repo_prs_7d", "agent_prs_24h")
AGREEING = (
    "additions",
    "deletions",
    "changed_files",
    "commits",
    "title_chars",
    "title_words",
    "body_chars",
    "body_words",
    "has_tests",
    "has_docs",
    "has_ci",
    "language",
    "agent",
    "repo_age_days",
    "repo_prs_total",
    "repo_merge_rate",
    "repo_median_hours",
    "agent_prs_total",
    "agent_merge_rate",
    "repo_agent_prs",
    "repo_agent_rate",
    "is_fork",
)


def parity(arm: str, count: int, *, required: bool = True) -> Verdict:
    """The census of features of one arm."""
    share = count / N
    return Verdict(
        gate="feature_parity",
        arm=f"{arm} vs offline",
        ruling="PASS" if share <= 0.002 else "FAIL",
        required=required,
        value=share,
        limit=0.002,
        unit="share",
        n=N,
        reason=f"{count:,} of {N:,} requests ({share:.2%}) have a feature that differs; the budget is 0.20%.",
        method=f"On these {N:,} distinct requests {count:,} have a feature that differs: exact. If they were "
        f"an independent sample of future traffic, the rate is below {share + 0.0042:.3%} (95 %).",
        evidence=(
            Estimate(
                name="feature_parity",
                value=share,
                unit="share of requests",
                n=N,
                count=count,
                upper=share + 0.0042,
                level=0.95,
                method="exact count; Clopper-Pearson upper bound for future traffic",
            ),
        ),
    )


def not_echoed() -> Verdict:
    """The census that the log cannot give: advisory and open."""
    return Verdict(
        gate="feature_parity",
        arm="recorded vs offline:champion",
        ruling="UNDECIDED",
        required=False,
        fault="evidence",
        limit=0.002,
        unit="share",
        reason="recorded shows no features, so they cannot be compared.",
        needs="a feature echo",
    )


def failing() -> tuple[Verdict, ...]:
    """The two parity gates that the demo's bug fails."""
    flips = Verdict(
        gate="decision_flips",
        arm="challenger vs offline",
        ruling="FAIL",
        value=292 / N,
        limit=0.005,
        unit="share",
        n=N,
        reason="292 of 7,122 requests (4.10%) are decided differently; the budget is 0.50%.",
        method="On these 7,122 distinct requests 292 are decided differently: exact.",
        evidence=(
            Estimate(
                name="decision_flips", value=292 / N, unit="share of requests", n=N, upper=0.0453, level=0.95
            ),
        ),
    )
    return (parity("challenger", 6120), flips)


def health() -> tuple[Verdict, ...]:
    """The gates on the harness and on the model's identity, both passing."""
    return (
        Verdict(
            gate="completeness",
            arm="challenger",
            ruling="PASS",
            value=0.0,
            limit=0.001,
            unit="share",
            n=N + 723,
            reason="The harness lost 0 of 7,845 requests.",
        ),
        Verdict(
            gate="model_identity",
            arm="challenger",
            ruling="PASS",
            value=0.0,
            limit=0.0,
            unit="share",
            n=N,
            reason="All 7,122 answers name model 9a1e9a1e9a1e.",
        ),
    )


def latency_gate(arm: str, slow: int, *, p95: float) -> Verdict:
    """The p95 gate: FAIL above 50 slow requests."""
    return Verdict(
        gate="latency_p95",
        arm=f"{arm}, rush",
        ruling="FAIL" if slow > 50 else "PASS",
        value=p95,
        limit=120.0,
        unit="ms",
        n=723,
        reason=f"{slow} of 723 requests over 120 ms; p95 {p95:.1f} ms; within needs ≤ 9 slow, over ≥ 68.",
        method="exact binomial on (S/v, n/v), v = 4.5; these arrivals, this host",
    )


def differing(name: str, mismatches: int) -> FieldSummary:
    """A feature that differs on so many requests; repo_prs_7d by infinity once."""
    return FieldSummary(
        field=name,
        dtype="number",
        compared=N,
        mismatches=mismatches,
        rate=mismatches / N,
        lower=0.97 * mismatches / N,
        upper=min(1.0, 1.03 * mismatches / N),
        by_time=_over_time(mismatches),
        kinds={"value": mismatches - mismatches // 50, "null": mismatches // 50},
        max_abs=1.0 if name != "repo_prs_7d" else math.inf,
        median_difference=-1.0,
        first_seen=SINCE,
        last_seen=UNTIL,
        units=max(1, mismatches // 7),
        by_segment={"agent": {"codex": mismatches - mismatches // 3, "devin": mismatches // 3}},
        exemplars=(Exemplar(seq=81, request_id="pr-81c2", left="14.0", right="13.0"),),
        damage=Damage(rows=mismatches, mean_abs=0.0213, max_abs=0.31, flips=mismatches // 40),
        tolerance="relative 1e-6",
    )


def _over_time(mismatches: int) -> tuple[int, ...]:
    """So many over the bins, in whole numbers."""
    each, rest = divmod(mismatches, BINS)
    return tuple(each + (place < rest) for place in range(BINS))


def agreeing(name: str) -> FieldSummary:
    """A feature that agrees everywhere."""
    return FieldSummary(
        field=name, dtype="number", compared=N, mismatches=0, rate=0.0, tolerance="relative 1e-6"
    )


def pair(
    right: str, *, left: str = "offline", fields: tuple[FieldSummary, ...] = (), flips: int = 0
) -> PairSummary:
    """Two arms over all requests; features not given agree."""
    worst = max((f.mismatches for f in fields), default=0)
    names = {f.field for f in fields}
    others = tuple(agreeing(name) for name in (*BROKEN, *AGREEING) if name not in names)
    return PairSummary(
        left=left,
        right=right,
        compared=N,
        feature_mismatches=worst,
        score_mismatches=worst // 2,
        flips=flips,
        nondeterministic=0,
        units=1841,
        units_mismatching=worst // 4,
        fields=(*fields, *others),
        time=TimeBins(
            start="2025-05-18T18:00:00Z",
            step_s=134_000.0,
            compared=tuple(710 if place else N - 710 * (BINS - 1) for place in range(BINS)),
        )
        if fields
        else None,
        grid=_grid(worst // 2, flips) if fields else None,
        score=FieldSummary(
            field="score",
            dtype="number",
            compared=N,
            mismatches=worst // 2,
            rate=worst / 2 / N,
            classes={"exact64": N - worst // 2} | ({"mismatch": worst // 2} if worst else {}),
            max_abs=0.31 if worst else 0.0,
            median_difference=-0.012 if worst else 0.0,
            tolerance="absolute 1e-6",
            exemplars=(Exemplar(seq=81, request_id="pr-81c2", left="0.6132", right="0.5871"),)
            if worst
            else (),
        ),
    )


def _grid(apart: int, flips: int) -> ScoreGrid:
    """Scores on the diagonal, and of those that differ all two cells below it, flips at the threshold."""
    size = 32
    each, rest = divmod(N - apart, size)
    same = [ScoreCell(left=k, right=k, requests=each + (k < rest), flips=0) for k in range(size)]
    each, rest = divmod(apart - flips, size - 2)
    lower = [ScoreCell(left=k, right=k - 2, requests=each + (k - 2 < rest), flips=0) for k in range(2, size)]
    crossing = ScoreCell(left=16, right=15, requests=flips, flips=flips)
    cells = (*same, *lower, *([crossing] if flips else []))
    return ScoreGrid(low=0.0, high=1.0, size=size, cells=tuple(c for c in cells if c.requests), threshold=0.5)


def finding(fields: tuple[str, ...], cause: str, *, requests: int = 6120, latent: bool = False) -> Finding:
    """A finding in words, with two requests."""
    named = ", ".join(fields[:-1]) + (" and " if len(fields) > 1 else "") + fields[-1]
    phrase = "reads event_time 1 h early" if cause == "time_shift" else f"serves other values of {named}"
    be = "is" if len(fields) == 1 else "are"
    cost = Counterfactual(
        flips_in=requests // 21,
        mean_abs_in=0.021,
        max_abs_in=0.31,
        flips_out=requests // 25,
        mean_abs_out=0.018,
        flips_share=requests / 24,
        mean_abs_share=0.0195,
        flips_error=None if len(fields) > 1 else 0.8,
        mean_abs_error=None if len(fields) > 1 else 0.0004,
        together=2 if len(fields) > 1 else 9,
        log_loss=0.0041,
        labelled=2848,
    )
    return Finding(
        arm="challenger",
        left="offline",
        fields=fields,
        cause=cause,
        sentence=f"The challenger {phrase}: {named} {be} wrong on {requests:,} of {N:,} requests "
        "since 2025-06-03 14:00.",
        requests=requests,
        explained=requests,
        first_seen=SINCE,
        last_seen=UNTIL,
        flips=0 if latent else requests // 21,
        mean_abs=0.0 if latent else 0.021,
        latent=latent,
        cost=None if latent else cost,
        exemplars=(
            Exemplar(seq=81, request_id="pr-81c2", left="14.0", right="13.0"),
            Exemplar(seq=907, request_id="pr-1f40", left="0.0", right="23.0"),
        ),
    )


def ledger(phase: str, target: str, *, chosen: int = N, lost: tuple[Loss, ...] = ()) -> Ledger:
    """Eight steps whose sums hold."""
    outside = (Loss(reason="outside the phase", count=N - chosen),) if chosen < N else ()
    left = chosen - sum(loss.count for loss in lost)
    names = ("answered", "joined", "compared")
    return Ledger(
        phase=phase,
        target=target,
        steps=(
            LedgerStep(step="captured", count=N),
            LedgerStep(step="parsed", count=N),
            LedgerStep(step="sampled", count=N),
            LedgerStep(step="scheduled", count=chosen, lost=outside),
            LedgerStep(step="sent", count=left, lost=lost),
            *(LedgerStep(step=name, count=left) for name in names),
        ),
    )


def timed(target: str, typical: float, *, slow: int = 0) -> LatencySummary:
    """723 requests in 60 s with bursts, the slow ones in the bursts; formulas, so that bytes never change."""
    seconds = [round(k * 60 / 723, 3) for k in range(723)]
    burst = [math.sin(second / 4) ** 6 for second in seconds]
    points = tuple(
        (second, round(typical * (0.8 + math.modf(k * 0.618)[0] ** 4) + slow * high, 3))
        for k, (second, high) in enumerate(zip(seconds, burst, strict=True))
    )

    def spread(low: float, high: float) -> Spread:
        return Spread(n=723, p50=low, p95=1.3 * low, p99=1.6 * low, max=high)

    return LatencySummary(
        phase="rush",
        target=target,
        pace="recorded",
        judged=True,
        requests=723,
        over_budget=slow,
        failed=0,
        response=spread(typical, 3.7 * typical),
        service=spread(0.9 * typical, 3.5 * typical),
        send_lag=spread(0.08, 2.4),
        curve=tuple(
            (round(typical * (0.8 + share**4 + (slow / 723) * share**9 * 9), 3), share)
            for share in (k / 40 for k in range(1, 41))
        ),
        rate=tuple((float(s), float(4 + round(16 * math.sin(s / 4) ** 6) + s % 3 * 4)) for s in range(60)),
        points=points,
    )


def pushed(target: str, typical: float) -> LatencySummary:
    """A closed-loop phase: timed, not judged, and so without arrivals and points."""
    return msgspec.structs.replace(
        timed(target, typical), phase="parity", pace="saturate", judged=False, rate=(), points=()
    )
