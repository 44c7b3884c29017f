"""Label gates: is the challenger not worse, or better, than the champion on labels that have matured?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import msgspec

from harness.gates._config import Required
from harness.records import Verdict
from harness.weighting import STATED

if TYPE_CHECKING:
    from harness.evidence import Evidence, Levels
    from harness.records import Look, QualitySummary


class LabelGuardrail(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    forbid_unknown_fields=True,
    tag_field="kind",
    tag="label_guardrail",
):
    """On each guardrail of [labels.outcomes] the challenger is worse by less than the margin.

    PASS once that is proven (the upper bound is below the margin), FAIL once any deterioration is proven (the
    lower bound is above 0), even one within the margin: a build that is shown to be worse does not go. In a
    parity release the success outcomes are guardrails too.
    """

    required: Required = True

    def judge(self, evidence: Evidence, levels: Levels) -> tuple[Verdict, ...]:  # noqa: ARG002  -- one signature
        """One verdict for each guardrail; a watched outcome has one that does not count."""
        return tuple(
            _guardrail(quality, evidence, required=self.required and quality.role != "watched")
            for quality in evidence.quality
            if not quality.superiority
        )


class LabelImprovement(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    forbid_unknown_fields=True,
    tag_field="kind",
    tag="label_improvement",
):
    """The challenger is better on at least one success outcome, and shown worse on none of them."""

    min_days: Annotated[
        float,
        msgspec.Meta(ge=0, description="full days of matured requests that were compared before a GO"),
    ] = 7.0
    required: Required = True

    def judge(self, evidence: Evidence, levels: Levels) -> tuple[Verdict, ...]:  # noqa: ARG002  -- one signature
        """One verdict in an improvement release, none in a parity release."""
        if evidence.parity_release:
            return ()
        tried = [quality for quality in evidence.quality if quality.superiority]
        base = _base("label_improvement", evidence, required=self.required)
        if not tried:
            lacking = (
                f"none of {len(evidence.quality):,} outcomes of [labels] has the role success"
                if evidence.quality
                else "0 labels: the scenario has no [labels]"
            )
            return (msgspec.structs.replace(base, reason=f"{lacking}."),)
        found = [self._tried(base, quality) for quality in tried]
        # Worse on any is a NO-GO; else better on any is enough; else the first says what it waits for.
        for ruling in ("FAIL", "PASS", "UNDECIDED"):
            named = [verdict for verdict in found if verdict.ruling == ruling]
            if named:
                return (named[0],)
        return (base,)

    def _tried(self, base: Verdict, quality: QualitySummary) -> Verdict:
        last = quality.looks[-1] if quality.looks else None
        if last is not None and last.ruling == "FAIL":
            return _ruled(base, quality, last=last)
        lacking = missing(quality)
        if lacking or last is None:
            return msgspec.structs.replace(base, reason=lacking or _nothing(quality))
        if last.ruling != "PASS" or last.refused:
            verdict = _with_look(base, quality, look=last)
            return msgspec.structs.replace(verdict, needs=_needs(quality, last))
        if quality.full_days < self.min_days:
            short = f"{quality.full_days:,} of {self.min_days:g} full days of matured labels"
            verdict = _with_look(base, quality, look=last)
            return msgspec.structs.replace(verdict, needs=f"a longer time: {short} so far")
        return _ruled(base, quality, last=last)


def missing(quality: QualitySummary) -> str:
    """Why requests that should be compared and are not void the comparison, or nothing."""
    matured, absent = quality.counts["matured"], quality.counts["matured without label"]
    unanswered = quality.counts.get("labelled but not answered by both", 0)
    if absent + unanswered <= quality.max_missing_share * matured:
        return ""
    lost = [f"{absent:,} of {matured:,} matured requests have no label"] if absent else []
    if unanswered:
        lost.append(f"{unanswered:,} of {matured:,} were not answered by both arms")
    return f"{quality.name}: {' and '.join(lost)}, at most {quality.max_missing_share:.0%} may."


def _guardrail(quality: QualitySummary, evidence: Evidence, *, required: bool) -> Verdict:
    """A deterioration, once shown, fails whatever comes later; a PASS needs the labels to be there."""
    base = _base("label_guardrail", evidence, required=required)
    base = msgspec.structs.replace(base, arm=f"{base.arm}, {quality.name}")
    last = quality.looks[-1] if quality.looks else None
    if last is not None and last.ruling == "FAIL":
        return _ruled(base, quality, last=last)
    lacking = missing(quality) or ("" if last or quality.identical else _nothing(quality))
    if lacking:
        return msgspec.structs.replace(base, reason=lacking)
    if quality.identical or last is None:
        return _identity(base, quality)
    if last.ruling == "PASS" and not last.refused:  # what is latched still needs its evidence
        return _ruled(base, quality, last=last)
    verdict = _with_look(base, quality, look=last)
    return msgspec.structs.replace(verdict, needs=_needs(quality, last))


def _needs(quality: QualitySummary, last: Look) -> str:
    """What is missing: a statement, time while requests are not matured, another capture once all are."""
    if last.final:
        return f"another test: {quality.name} has reached its planned end without a decision"
    if last.refused.endswith(STATED):
        return STATED
    waiting = quality.counts["not matured"]
    if waiting:
        return f"more matured labels ({waiting:,} requests are not matured yet)"
    much = f", about {quality.ahead.units:,} units would" if quality.ahead else ""
    return f"a larger capture: this capture cannot decide with the {last.units:,} units it has{much}"


def _nothing(quality: QualitySummary) -> str:
    waiting = quality.counts["not matured"]
    return (
        f"{quality.name}: 0 matured labels of requests that both arms answered; "
        f"{waiting:,} requests are not matured yet."
    )


def _base(gate: str, evidence: Evidence, *, required: bool) -> Verdict:
    return Verdict(
        gate=gate,
        arm=evidence.under_test,
        ruling="UNDECIDED",
        reason="",
        required=required,
        fault="evidence",
        needs="matured labels",
    )


def _identity(verdict: Verdict, quality: QualitySummary) -> Verdict:
    n = quality.counts["compared"]
    return msgspec.structs.replace(
        verdict,
        ruling="PASS",
        fault=None,
        needs="",
        n=n,
        value=0.0,
        reason=f"{quality.name}: champion and challenger score every request identically, {n:,} labelled "
        "ones among them: equal by identity.",
        method="identity, not a test",
    )


def _ruled(verdict: Verdict, quality: QualitySummary, *, last: Look) -> Verdict:
    """The ruling that was reached, at whichever look; it stays."""
    ruled = next(look for look in quality.looks if look.ruling == last.ruling)
    shown = _with_look(verdict, quality, look=ruled)
    passed = "better" if quality.superiority else "within the margin"
    word = "worse" if last.ruling == "FAIL" else passed
    by_now = "" if last is ruled else f"; by now {_signed(last.estimate)} on {last.n:,}"
    reason = f"{shown.reason.removesuffix('.')}, {word} since {ruled.as_of}{by_now}."
    return msgspec.structs.replace(shown, ruling=last.ruling, fault=None, needs="", reason=reason)


def _with_look(verdict: Verdict, quality: QualitySummary, *, look: Look) -> Verdict:
    estimate = quality.estimate
    bounds = f"above {_signed(look.lower)}, below {_signed(look.upper)}"
    refused = f"; nothing is ruled: {look.refused}" if look.refused else ""
    return msgspec.structs.replace(
        verdict,
        value=look.estimate,
        limit=0.0 if quality.superiority else quality.margin,
        n=look.n,
        unit=estimate.unit if estimate else "",
        method=estimate.method if estimate else "",
        evidence=(estimate,) if estimate else (),
        reason=f"{quality.measure}: {_signed(look.estimate)} ({bounds}) on {look.n:,} requests of "
        f"{look.units:,} units, {len(quality.looks):,} looks{refused}.",
        needs="more matured labels",
    )


def _signed(value: float | None) -> str:
    return "no bound" if value is None else f"{value:+.4f}"
