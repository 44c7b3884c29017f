"""Gates on what the endpoint did: its errors, and whether it served the model it was meant to."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from harness.evidence import Counted, census, claim
from harness.gates._config import Required, Share, of_traffic
from harness.records import TARGET_FAULTS, State, Verdict

if TYPE_CHECKING:
    from harness.evidence import Evidence, Levels
    from harness.records import Identity, TargetCounts

#: hex digits of a hash that name a model beyond doubt
_MIN_DIGITS = 8


class Errors(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="kind", tag="errors"
):
    """At most this share of requests may fail: HTTP errors, lost connections, timeouts, unusable bodies.

    A target for whose sake a phase was stopped fails in any case.
    """

    max_share: Share = 0.01
    required: Required = True

    def judge(self, evidence: Evidence, levels: Levels) -> tuple[Verdict, ...]:  # noqa: ARG002  -- one signature
        """One verdict for each target, the build under test always among them."""
        stopped = {note.blamed: f"phase {note.phase}: {note.stopped}" for note in evidence.phases}
        verdicts = (
            self._one(counts, required=self.required and counts.target == evidence.under_test)
            for counts in evidence.all_targets()
        )
        return tuple(
            _stopped(self._by_phase(_refused(verdict, evidence), evidence), stopped.get(verdict.arm, ""))
            for verdict in verdicts
        )

    def _by_phase(self, verdict: Verdict, evidence: Evidence) -> Verdict:
        """The budget holds in each phase too: a clean pass does not thin out a failing one."""
        for each in evidence.latency:
            sent = each.requests - each.lost - each.spared
            # what was not sent could all have been answered
            planned = max(1, sent + each.spared)
            if (
                verdict.ruling == "PASS"
                and each.target == verdict.arm
                and each.failed / planned > self.max_share
            ):
                share = f"{each.failed:,} of {sent:,} requests of phase {each.phase} failed"
                reason = (
                    f"{share} ({each.failed / sent:.2%}); the budget is {self.max_share:.2%} in each phase."
                )
                return msgspec.structs.replace(
                    verdict, ruling="FAIL", value=each.failed / sent, n=sent, reason=reason
                )
        return verdict

    def _one(self, counts: TargetCounts, *, required: bool) -> Verdict:
        failed = sum(n for state, n in counts.states.items() if state in TARGET_FAULTS)
        total = failed + counts.states.get("ok", 0)
        base = Verdict(
            gate="errors",
            arm=counts.target,
            ruling="UNDECIDED",
            reason=f"0 requests reached {counts.target}.",
            required=required,
            fault="evidence",
            limit=self.max_share,
            unit="share",
            needs="a request that reached the target",
        )
        if total == 0:
            return base
        worst = max(counts.details.items(), key=lambda item: item[1], default=None)
        # the reasons are of all that did not end well: of failures alone where nothing else went wrong
        mixed = counts.states.keys() - TARGET_FAULTS - {State.OK, State.NOT_NEEDED}
        often = f", most often {worst[0]} ({worst[1]:,})" if worst and failed and not mixed else ""
        share = failed / total
        # what was not sent could all have been answered, so it thins out what was
        least = failed / (total + counts.states.get(State.NOT_NEEDED, 0))
        once = (counts.requests, counts.requests_failed or 0) if counts.requests else None
        counted = Counted(
            failed, total, counts.units, counts.units_failed, traffic=counts.failed_traffic or None, once=once
        )
        verdict = msgspec.structs.replace(
            base,
            ruling="PASS" if least <= self.max_share else "FAIL",
            fault=None,
            needs="",
            value=share,
            n=total,
            reason=f"{failed:,} of {total:,} requests failed ({share:.2%}){often}; "
            f"the budget is {self.max_share:.2%}.",
            method=claim("failed", counted, of="requests sent"),
            evidence=census("errors", counted),
        )
        return (
            verdict if not counts.failed_traffic else of_traffic(verdict, counts.failed_traffic.value or 0.0)
        )


def _refused(verdict: Verdict, evidence: Evidence) -> Verdict:
    """A build that failed every one of its first requests fails, however many more were planned.

    It is concluded, not counted, and the reason says so: the rest was not sent.
    """
    over = next((note for note in evidence.phases if note.decided == verdict.gate), None)
    mine = verdict.arm == evidence.under_test and verdict.value == 1
    if over is None or verdict.ruling != "PASS" or not mine:
        return verdict
    told = f"concluded from these {verdict.n:,}, for the rest of phase {over.phase} was not sent"
    other = "Where the scenario asks it wrongly (url, protocol, headers, response), it is not the build's"
    reason = f"{verdict.reason.removesuffix('.')}; {told}. {other}."
    return msgspec.structs.replace(verdict, ruling="FAIL", reason=reason)


def _stopped(verdict: Verdict, why: str) -> Verdict:
    """A target that had to be left alone fails, however few of all requests had failed until then."""
    if not why:
        return verdict
    reason = f"The target was in trouble and was left alone, {why}. {verdict.reason}"
    return msgspec.structs.replace(verdict, ruling="FAIL", fault=None, needs="", reason=reason)


class ModelIdentity(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    forbid_unknown_fields=True,
    tag_field="kind",
    tag="model_identity",
):
    """Every answer must name the model it was meant to come from, by the sha256 of the model's file.

    Eight or more of its hex digits are enough. Advisory for a service that names no model in any answer,
    where the scenario does not say that it would: its selector `response.model` is "" or the default. What
    the scenario declares as `model_identity` is told, and never passes; another model than expected fails.
    """

    required: Required = True

    def judge(self, evidence: Evidence, levels: Levels) -> tuple[Verdict, ...]:  # noqa: ARG002  -- one signature
        """One verdict for each target that must match a model, over all of its answers."""
        return tuple(
            self._one(
                identity, identity.expected, required=self.required and identity.arm == evidence.under_test
            )
            for identity in evidence.identities
            if identity.expected is not None
        )

    def _one(self, identity: Identity, expected: str, *, required: bool) -> Verdict:
        named = sum(identity.served.values())
        total = max(identity.answered, named)
        wrong = {who: n for who, n in identity.served.items() if not same_model(who, expected)}
        verdict = Verdict(
            gate="model_identity",
            arm=identity.arm,
            ruling="PASS",
            required=required,
            n=total,
            value=sum(wrong.values()) / total if total else None,
            limit=0.0,
            unit="share",
            reason=f"All {total:,} answers name {_short(expected)} as their model.",
        )
        if wrong:
            who, n = max(wrong.items(), key=lambda item: item[1])
            return msgspec.structs.replace(
                verdict,
                ruling="FAIL",
                reason=f"{sum(wrong.values()):,} of {total:,} answers come from another model: {n:,} from "
                f"{_short(who)}, expected {_short(expected)}.",
            )
        if named == total > 0:
            return verdict
        if identity.vouched and not same_model(identity.vouched, expected):
            return msgspec.structs.replace(
                verdict,
                ruling="FAIL",
                reason=f"The scenario declares {_short(identity.vouched)} as the model of {identity.arm}, "
                f"expected {_short(expected)}.",
            )
        witness = "" if named or identity.declared else "; its scores are the only witness"
        if identity.vouched and not named:
            witness = f"; {_short(identity.vouched)} is {identity.witness}{witness}"
        return msgspec.structs.replace(
            verdict,
            ruling="UNDECIDED",
            required=required and (named > 0 or identity.declared),
            fault="evidence",
            reason=f"{named:,} of {total:,} answers of {identity.arm} say which model they come from "
            f"({identity.source}){witness}.",
            needs="the sha256 of the model file in every answer (targets.*.response.model)",
        )


def same_model(served: str, expected: str) -> bool:
    """Whether a served hash names the expected sha256: equal, or a prefix of at least 8 hex digits."""
    hexadecimal = served.strip().lower().removeprefix("sha256:")
    return len(hexadecimal) >= _MIN_DIGITS and expected.lower().startswith(hexadecimal)


def _short(digest: str) -> str:
    return digest[:12]
