"""Parity gates: exact counts of one replayed capture against a budget. PASS or FAIL, no error probability."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec

from harness.evidence import census, claim
from harness.gates._config import Required, Share
from harness.records import Verdict

if TYPE_CHECKING:
    from collections.abc import Callable

    from harness.evidence import Against, Evidence, JudgedPair, Levels
    from harness.records import PairSummary


class FeatureParity(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    forbid_unknown_fields=True,
    tag_field="kind",
    tag="feature_parity",
):
    """At most this share of requests may have any feature that differs from the offline pipeline's."""

    max_share: Share = 0.002
    required: Required = True

    def judge(self, evidence: Evidence, levels: Levels) -> tuple[Verdict, ...]:  # noqa: ARG002  -- one signature
        """One verdict for each arm held against its offline model; the build under test always gets one."""
        return _judge(self, evidence, against=("offline",), count=_features)


class ScoreParity(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    forbid_unknown_fields=True,
    tag_field="kind",
    tag="score_parity",
):
    """At most this share of requests may be scored differently (beyond tolerance)."""

    max_share: Share = 0.002
    required: Required = True

    def judge(self, evidence: Evidence, levels: Levels) -> tuple[Verdict, ...]:  # noqa: ARG002  -- one signature
        """One verdict a pair: against the offline model, and against the champion in a parity release."""
        return _judge(self, evidence, against=_must_agree(evidence), count=_scores)


class DecisionFlips(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    forbid_unknown_fields=True,
    tag_field="kind",
    tag="decision_flips",
):
    """At most this share of requests may be decided differently at the threshold."""

    max_share: Share = 0.005
    required: Required = True

    def judge(self, evidence: Evidence, levels: Levels) -> tuple[Verdict, ...]:  # noqa: ARG002  -- one signature
        """One verdict a pair: against the offline model, and against the champion in a parity release."""
        return _judge(self, evidence, against=_must_agree(evidence), count=_flips)


Budget = FeatureParity | ScoreParity | DecisionFlips


@dataclass(frozen=True)
class _Count:
    """How many requests of a pair are hit (None: not comparable), and how many units where that is known."""

    says: str
    hit: int | None
    units_hit: int | None = None


def _features(pair: PairSummary) -> _Count:
    return _Count("have a feature that differs", pair.feature_mismatches, pair.units_mismatching)


def _scores(pair: PairSummary) -> _Count:
    return _Count("are scored differently", pair.score_mismatches, pair.score.units if pair.score else None)


def _flips(pair: PairSummary) -> _Count:
    return _Count("are decided differently", pair.flips)


def _must_agree(evidence: Evidence) -> tuple[Against, ...]:
    """Whom a score must agree with: an improvement is meant to differ from the champion."""
    return ("offline", "champion") if evidence.parity_release else ("offline",)


def _judge(
    gate: Budget,
    evidence: Evidence,
    *,
    against: tuple[Against, ...],
    count: Callable[[PairSummary], _Count],
) -> tuple[Verdict, ...]:
    pairs = [pair for pair in evidence.pairs if pair.against in against]
    verdicts = [_rule(gate, pair, counted=count(pair.summary)) for pair in pairs]
    if not any(pair.under_test for pair in pairs):
        verdicts.append(_unpaired(gate, evidence.under_test, against=against))
    return tuple(verdicts)


def _rule(gate: Budget, pair: JudgedPair, *, counted: _Count) -> Verdict:
    summary, n, hit = pair.summary, pair.summary.distinct, counted.hit
    base = _open(gate, pair.arm, required=gate.required and pair.under_test)
    if n == 0:
        return msgspec.structs.replace(
            base,
            reason=f"0 requests were answered by both {summary.left} and {summary.right}.",
            needs="an answered request",
        )
    if hit is None:
        return msgspec.structs.replace(
            base,
            n=n,
            reason=f"{summary.right} or {summary.left} shows no features on any of {n:,} requests.",
            needs="a feature echo (targets.*.response.features), or required = false on this gate",
        )
    units = 0 if counted.units_hit is None else summary.units
    return msgspec.structs.replace(
        base,
        ruling="PASS" if hit / n <= gate.max_share else "FAIL",
        fault=None,
        value=hit / n,
        n=n,
        reason=f"{hit:,} of {n:,} requests ({hit / n:.2%}) {counted.says}; "
        f"the budget is {gate.max_share:.2%}.",
        method=claim(counted.says, count=hit, n=n),
        evidence=census(base.gate, count=hit, n=n, units=units, units_hit=counted.units_hit or 0),
    )


def _unpaired(gate: Budget, under_test: str, *, against: tuple[Against, ...]) -> Verdict:
    """No pair of the build under test is no evidence, never a gate that is left out."""
    whom = "an offline model" if against == ("offline",) else "an offline model or the champion"
    return msgspec.structs.replace(
        _open(gate, under_test, required=gate.required),
        reason=f"0 requests of {under_test} were compared with {whom}.",
        needs=f"{whom} to compare with (targets.*.model), or required = false on this gate",
    )


def _open(gate: Budget, arm: str, *, required: bool) -> Verdict:
    return Verdict(
        gate=str(type(gate).__struct_config__.tag),
        arm=arm,
        ruling="UNDECIDED",
        reason="",
        required=required,
        fault="evidence",
        limit=gate.max_share,
        unit="share",
    )
