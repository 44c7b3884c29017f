"""Parity gates: exact counts of one replayed capture against a budget. PASS or FAIL, no error probability.

Where the champion was seen to differ from itself the count stays, and what of it is noise at the least is
taken off before it is held against the budget; the verdict says so.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import msgspec
from msgspec import UNSET, UnsetType

from harness.evidence import Counted, census, claim
from harness.gates._config import LEAST_COMPARED, Required, Share, of_traffic
from harness.records import Verdict

if TYPE_CHECKING:
    from collections.abc import Callable

    from harness.evidence import Against, Evidence, JudgedPair, Levels
    from harness.records import Estimate, LogJoin, PairSummary


class FeatureParity(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    forbid_unknown_fields=True,
    tag_field="kind",
    tag="feature_parity",
):
    """At most this share of requests may have any feature that differs from the offline pipeline's.

    A feature that redaction changed in what a recorded arm used is not compared: it differs or not.
    """

    max_share: Share = 0.002
    max_redacted_share: Annotated[
        float,
        msgspec.Meta(
            ge=0, le=1, description="Share of requests with a feature that redaction changed, not compared."
        ),
    ] = 0.0
    required: Required = True

    def judge(self, evidence: Evidence, levels: Levels) -> tuple[Verdict, ...]:  # noqa: ARG002  -- one signature
        """One verdict for each arm held against its offline model; the build under test always gets one."""
        return _judge(self, evidence)


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
        return _judge(self, evidence)


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
        return _judge(self, evidence)


Budget = FeatureParity | ScoreParity | DecisionFlips


@dataclass(frozen=True)
class _Count:
    """How many of `n` requests of a pair are hit (None: not comparable), and how many units where known.

    `noise` of the hits are the champion's own noise at the least, and `numbers` were compared by its size.
    `traffic` is the share of the traffic, where requests weigh unequally, and `log` says of how many answers
    there are features at all, where a log has them.
    """

    says: str
    hit: int | None
    n: int
    units_hit: int | None = None
    noise: int = 0
    numbers: tuple[str, ...] = ()
    traffic: Estimate | None = None
    log: LogJoin | UnsetType = UNSET

    @property
    def beyond(self) -> float:
        """The share of the traffic that the budget is held against, 0 where all requests weigh alike.

        Of the champion's own noise as large a part is taken off as of the count.
        """
        return (self.traffic.value or 0.0) * self.left / max(1, self.hit or 0) if self.traffic else 0.0

    def counted(self, units: int) -> Counted:
        """The count as evidence has it; `units` are those of the pair, where they were counted."""
        known = 0 if self.units_hit is None else units
        return Counted(self.hit or 0, self.n, known, self.units_hit or 0, self.traffic)

    @property
    def left(self) -> int:
        """The hits that the budget is held against."""
        return max(0, (self.hit or 0) - self.noise)

    def noise_of(self, captured: int) -> int:
        """The most that may come to be taken off as noise once all of `captured` requests are compared."""
        return (self.noise + 1) * captured // self.n if self.noise else 0

    @property
    def reason(self) -> str:
        """The count in words, with what is left of it where some is noise."""
        found = f"{self.hit:,} of {self.n:,} requests ({(self.hit or 0) / self.n:.2%}) {self.says}"
        if not self.noise:
            return found
        least = (
            f"at least {self.noise:,} of them {'is' if self.noise == 1 else 'are'} the champion's own noise"
        )
        return f"{found}; {least}, {self.left / self.n:.2%} are left"

    @property
    def method(self) -> str:
        """What the count says, and that it is no plain census where noise was let pass."""
        found = claim(self.says, self.counted(0))
        passed = f" Numbers of {', '.join(self.numbers)} count as equal within the champion's own noise."
        off = f" Of these {self.noise:,} are taken off as the champion's own noise, by its lower 95 % limit."
        used = f"{off if self.noise else ''}{passed if self.numbers else ''}"
        return f"{found}{used} So this is no census: it rests on the requests asked twice." if used else found


def _features(pair: PairSummary) -> _Count:
    """Of the requests that both arms were asked for features on, which may be fewer than those scored."""
    n = max((field.compared for field in pair.fields), default=pair.compared)
    units = pair.units_features if n == pair.compared else None
    noise, numbers = pair.noise.features, pair.noise.numbers
    traffic = pair.traffic.features if pair.traffic else None
    return _Count(
        "have a feature that differs",
        pair.feature_mismatches,
        n,
        units,
        noise,
        numbers,
        traffic=traffic,
        log=pair.log,
    )


def _scores(pair: PairSummary) -> _Count:
    return _Count(
        "are scored differently",
        pair.score_mismatches,
        pair.compared,
        pair.units_scores,
        pair.noise.scores,
        traffic=pair.traffic.scores if pair.traffic else None,
    )


def _flips(pair: PairSummary) -> _Count:
    return _Count(
        "are decided differently",
        pair.flips,
        pair.compared,
        pair.units_flips,
        pair.noise.flips,
        traffic=pair.traffic.flips if pair.traffic else None,
    )


def _must_agree(evidence: Evidence) -> tuple[Against, ...]:
    """Whom a score must agree with: an improvement is meant to differ from the champion."""
    return ("offline", "champion") if evidence.parity_release else ("offline",)


def beyond_saving(gate: Budget, evidence: Evidence, *, captured: int) -> int:
    """The requests that fail a required gate whatever else is answered of `captured`; 0 if it is open.

    A count of mismatching requests never falls: it decides once it exceeds the budget of the whole capture,
    and as much noise as that may hold.
    """
    against, count = _policy(gate, evidence)
    mine = [pair for pair in evidence.pairs if pair.under_test and pair.against in against]
    mine = [pair for pair in mine if not evidence.masked(pair.summary.left, pair.summary.right)]
    found = [count(p.summary) for p in mine if _unjudged(gate, p, evidence=evidence) is None]
    lost = [one for one in found if (one.hit or 0) - one.noise_of(captured) > gate.max_share * captured]
    return max((one.left for one in lost if gate.required), default=0)


def _policy(gate: Budget, evidence: Evidence) -> tuple[tuple[Against, ...], Callable[[PairSummary], _Count]]:
    """Whom an arm must agree with by a gate, and what is counted."""
    if isinstance(gate, FeatureParity):
        return ("offline",), _features
    return _must_agree(evidence), _scores if isinstance(gate, ScoreParity) else _flips


def _judge(gate: Budget, evidence: Evidence) -> tuple[Verdict, ...]:
    against, count = _policy(gate, evidence)
    pairs = [pair for pair in evidence.pairs if pair.against in against]
    verdicts = [
        _unjudged(gate, pair, evidence=evidence) or _one(gate, pair, count(pair.summary), evidence=evidence)
        for pair in pairs
    ]
    if not any(pair.under_test for pair in pairs):
        verdicts.append(_unpaired(gate, evidence.under_test, against=against))
    return tuple(verdicts)


def _unjudged(gate: Budget, pair: JudgedPair, *, evidence: Evidence) -> Verdict | None:
    """Why nothing that was counted on a pair is evidence, or nothing.

    An offline arm that answers otherwise alone than in a batch is no reference: what differs from it may be
    right. And of two arms that have few requests in common, those left out may be the ones that differ.
    """
    summary, left = pair.summary, pair.summary.left
    base = _open(gate, pair.arm, required=gate.required and pair.under_test)
    if left in evidence.void():
        return msgspec.structs.replace(
            base,
            fault="harness",
            n=summary.compared,
            reason=f"{left} is no reference for any of {summary.compared:,} requests, "
            "for its pipeline answers otherwise one request at a time than in a batch.",
            needs="a pipeline whose rows do not depend on each other",
        )
    answered = evidence.answered.get(summary.right, 0)
    if 0 < summary.compared < LEAST_COMPARED * answered:
        return msgspec.structs.replace(
            base,
            n=summary.compared,
            reason=f"{left} answered only {summary.compared:,} of the {answered:,} requests that "
            f"{summary.right} answered, at least {LEAST_COMPARED:.0%} are needed.",
            needs=f"a {left} that answers, or required = false on this gate",
        )
    return None


def _rule(gate: Budget, pair: JudgedPair, *, counted: _Count) -> Verdict:
    summary, n, hit = pair.summary, counted.n, counted.hit
    base = _open(gate, pair.arm, required=gate.required and pair.under_test)
    if n == 0:
        both = f"answered by both {summary.left} and {summary.right}"
        return msgspec.structs.replace(
            base,
            reason=f"No feature was compared on {summary.compared:,} requests {both}."
            if summary.compared
            else f"0 requests were {both}.",
            needs="features to compare" if summary.compared else "an answered request",
        )
    if hit is None:
        return msgspec.structs.replace(
            base,
            n=n,
            reason=f"{summary.right} or {summary.left} shows no features on any of {n:,} requests.",
            needs="a feature echo (targets.*.response.features), or required = false on this gate",
        )
    return msgspec.structs.replace(
        base,
        ruling="PASS" if counted.left / n <= gate.max_share else "FAIL",
        fault=None,
        value=counted.left / n,
        n=n,
        reason=f"{counted.reason}; the budget is {gate.max_share:.2%}.",
        method=counted.method,
        evidence=census(base.gate, counted.counted(summary.units)),
    )


def _one(gate: Budget, pair: JudgedPair, counted: _Count, *, evidence: Evidence) -> Verdict:
    """The ruling on the counts, then on what they leave open: weights, redaction, a log, silence."""
    found = of_traffic(_rule(gate, pair, counted=counted), counted.beyond, census=True)
    found = _shown(found, pair.summary, gate=gate)
    found = _masked(found, pair, evidence=evidence)
    return _answered(_logged(found, counted), pair, evidence=evidence)


def _shown(verdict: Verdict, pair: PairSummary, *, gate: Budget) -> Verdict:
    """The same, but no PASS of features that were not compared, for redaction changed what an arm used."""
    if not isinstance(gate, FeatureParity) or verdict.ruling == "FAIL" or not pair.redacted:
        return verdict
    hidden, n = int(pair.redacted), pair.compared
    dark = [field.field for field in pair.fields if not field.compared]
    said = f"redaction changed features that an arm used in {hidden:,} of {n:,} requests: not compared"
    if not dark and hidden <= gate.max_redacted_share * n:
        return msgspec.structs.replace(verdict, reason=f"{verdict.reason} And {said}.")
    never = f", {', '.join(dark[:3])}{' and more' if dark[3:] else ''} in none" if dark else ""
    return msgspec.structs.replace(
        verdict,
        ruling="UNDECIDED",
        fault="evidence",
        reason=f"{verdict.reason.removesuffix('.')}; {said}{never}.",
        needs="a capture that keeps the features, or max_redacted_share on this gate",
    )


def _masked(verdict: Verdict, pair: JudgedPair, *, evidence: Evidence) -> Verdict:
    """The same, but no FAIL that redaction alone may be: a recorded arm answered what was masked since."""
    masked = evidence.masked(pair.summary.left, pair.summary.right)
    hit, limit = round((verdict.value or 0.0) * verdict.n), verdict.limit or 0.0
    if verdict.ruling != "FAIL" or not masked or hit - masked > limit * verdict.n:
        return verdict
    return msgspec.structs.replace(
        verdict,
        ruling="UNDECIDED",
        fault="evidence",
        reason=f"{verdict.reason.removesuffix('.')}; redaction changed what feeds the model in up to "
        f"{masked:,} requests, which were answered before.",
        needs="a capture that keeps what feeds the model",
    )


def _logged(verdict: Verdict, counted: _Count) -> Verdict:
    """The same, but no PASS that hangs on answers which the log of features lacks: what they used may differ.

    Nor do they count as hits: a log that was rotated, sampled or read too soon leaves out rows, not features.
    """
    if counted.log is UNSET or not counted.log.lacking or verdict.ruling == "FAIL":
        return verdict
    lacking, n = counted.log.lacking, counted.log.answers
    if verdict.ruling == "PASS" and counted.left + lacking <= (verdict.limit or 0.0) * n:
        return verdict
    found = f"{verdict.reason.removesuffix('.')}; " if counted.log.found else ""
    needs = (
        "these rows of the log (all of one that is sampled or rotated, or a longer wait_s)"
        if counted.log.found
        else "a log with their ids (targets.*.feature_log: path, id, id_is, joins)"
    )
    return msgspec.structs.replace(
        verdict,
        ruling="UNDECIDED",
        fault="evidence",
        reason=f"{found}{lacking:,} of {n:,} answers are not in the feature log.",
        needs=f"{needs}, or required = false on this gate",
    )


def _answered(verdict: Verdict, pair: JudgedPair, *, evidence: Evidence) -> Verdict:
    """The same, but no PASS that hangs on requests which the arm failed: they may be what it gets wrong."""
    silent = evidence.unanswered.get(pair.summary.right, 0)
    hit = round((verdict.value or 0.0) * verdict.n)
    limit = verdict.limit or 0.0
    if verdict.ruling != "PASS" or hit + silent <= limit * (verdict.n + silent):
        return verdict
    return msgspec.structs.replace(
        verdict,
        ruling="UNDECIDED",
        fault="evidence",
        reason=f"{verdict.reason.removesuffix('.')}; {silent:,} more that {pair.summary.right} failed to "
        "answer may differ too.",
        needs="an answer to these requests",
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
