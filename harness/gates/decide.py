"""From verdicts to one word, in a fixed order: NO-GO, INVALID, GO, WAIT."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

import msgspec

from harness.diff.findings import EXTRA
from harness.diff.traps import advice
from harness.evidence import OFFLINE, Levels
from harness.records import EXIT_CODES, Decision, Word

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.records import Finding, Verdict

#: gates that compare answers, whose failures have findings behind them
PARITY = ("feature_parity", "score_parity", "decision_flips")


class DecisionConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What kind of release this is, and the error probabilities of GO and NO-GO, declared apart."""

    release: Annotated[
        Literal["parity", "improvement"],
        msgspec.Meta(
            description="parity: the same model in a new build, needs no labels; improvement: must be better"
        ),
    ] = "parity"
    alpha_go: Annotated[
        float, msgspec.Meta(gt=0, lt=0.5, description="probability of a false pass of any one gate")
    ] = 0.05
    alpha_nogo: Annotated[
        float,
        msgspec.Meta(
            gt=0, lt=0.5, description="probability of a false NO-GO, split over the statistical gates"
        ),
    ] = 0.05
    planned_end: Annotated[
        str | None,
        msgspec.Meta(description="RFC 3339; from then on no decision means NO-GO, reason no_evidence"),
    ] = None
    early_stop: Annotated[
        bool,
        msgspec.Meta(
            description="stop a phase once errors or latency_p95 fail whatever the remaining answers are; "
            "never towards a pass"
        ),
    ] = False


def levels(config: DecisionConfig, tests: int) -> Levels:
    """α for passing one gate is not split (all must pass), for failing over `tests` (any may fail).

    Intersection-union for GO (Berger 1982), Bonferroni for NO-GO. Known: .05 over 2 tests is .025 each. The
    one exception is stricter than it must be: latency_p95 splits its α to pass over its passes, as a reserve
    for a variance inflation that is declared and not known.
    """
    return Levels(go=config.alpha_go, nogo=config.alpha_nogo / max(1, tests))


def decide(
    verdicts: Sequence[Verdict],
    findings: Sequence[Finding],
    *,
    config: DecisionConfig,
    under_test: str,
    ended: bool = False,
) -> Decision:
    """The decision over required verdicts; `ended` says that the planned end has passed.

    1. NO-GO if any FAIL. 2. INVALID if any has no valid evidence by the harness's fault. 3. GO if there is at
    least one and all PASS, and in an improvement release one of them shows the improvement. 4. WAIT
    otherwise, with what is missing; at the planned end NO-GO (no_evidence).
    """
    required = [v for v in verdicts if v.required]
    failed = [v for v in required if v.ruling == "FAIL"]
    void = [v for v in required if v.ruling == "UNDECIDED" and v.fault == "harness"]
    waiting = [v for v in required if v.ruling == "UNDECIDED" and v.fault != "harness"]
    if failed:
        mine = _behind(failed, findings, under_test=under_test)
        headline = mine[0].sentence if mine else failed[0].reason
        return _decision("NO-GO", headline, because=failed, steps=_fixes(failed, mine))
    if void:
        return _decision("INVALID", void[0].reason, because=void, steps=[_needed(v) for v in void])
    unproven = _unproven(required, waiting, config=config)
    if not unproven:
        headline = _praise(required, config=config, under_test=under_test)
        go = _decision("GO", headline, because=required, steps=[f"Let {under_test} take traffic."])
        return _alone(go, required, config=config)
    if ended:
        headline = "no_evidence: the planned end has come without a decision."
        return _decision("NO-GO", headline, because=waiting, steps=["Keep the champion."])
    return _decision("WAIT", unproven, because=waiting, steps=[_needed(v) for v in waiting])


def _unproven(required: Sequence[Verdict], waiting: Sequence[Verdict], *, config: DecisionConfig) -> str:
    """Why there is no GO although nothing failed, or nothing."""
    if not required:
        return "No gate is required, so nothing was shown."
    if waiting:
        return waiting[0].reason
    if config.release == "improvement" and not any(v.gate == "label_improvement" for v in required):
        return "An improvement release needs the label_improvement gate, and it is not required."
    return ""


def _decision(word: Word, headline: str, *, because: Sequence[Verdict], steps: Sequence[str]) -> Decision:
    reasons = tuple(f"{v.gate} ({v.arm}) {v.ruling}: {v.reason}" for v in because)
    return Decision(
        word=word,
        exit_code=EXIT_CODES[word],
        headline=headline,
        reasons=reasons,
        next_steps=tuple(dict.fromkeys(s for s in steps if s)),
        claim="Parity is a census of this capture; latency holds for these arrivals on this host.",
    )


def _alone(decision: Decision, required: Sequence[Verdict], *, config: DecisionConfig) -> Decision:
    """A parity release that no champion was asked for says so: who serves today may answer otherwise."""
    whom = {v.arm.partition(" vs ")[2] for v in required if v.gate in PARITY}
    if config.release != "parity" or any(name and not name.startswith(OFFLINE) for name in whom):
        return decision
    claim = f"{decision.claim} Nothing was held against a champion: what serves today may answer otherwise."
    return msgspec.structs.replace(decision, claim=claim)


def _needed(verdict: Verdict) -> str:
    return f"Needed for {verdict.gate}: {verdict.needs}." if verdict.needs else ""


def _behind(failed: Sequence[Verdict], findings: Sequence[Finding], *, under_test: str) -> list[Finding]:
    """The bugs found in the build under test, where parity is what failed."""
    if not any(v.gate in PARITY for v in failed):
        return []
    return [f for f in findings if f.arm == under_test and f.cause != EXTRA]


def _fixes(failed: Sequence[Verdict], findings: Sequence[Finding]) -> list[str]:
    """What to mend: each bug behind the failed parity gates, and each gate that failed for another reason."""
    n = max((v.n for v in failed), default=0)
    steps = [
        (advice(f) if 2 * f.requests >= n else "") or f"Fix {', '.join(f.fields[:4])} ({f.cause})."
        for f in findings[:3]
    ]
    return steps + [f"See {v.gate} in the report." for v in failed if not (findings and v.gate in PARITY)]


def _praise(required: Sequence[Verdict], *, config: DecisionConfig, under_test: str) -> str:
    if config.release == "improvement":
        return f"{under_test} is better than the champion on matured labels, and every guardrail holds."
    parity = [v for v in required if v.gate in PARITY]
    if not parity:
        return f"{under_test} passes all {len(required):,} required gates; none of them compares its answers."
    whom = " and ".join(dict.fromkeys(v.arm.partition(" vs ")[2] for v in parity))
    return f"{under_test} answers as {whom} on {min(v.n for v in parity):,} requests, and keeps every budget."
