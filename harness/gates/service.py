"""Gates on what the endpoint did: its errors, and whether it served the model it was meant to."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from harness.evidence import census, claim
from harness.gates._config import Required, Share
from harness.records import TARGET_FAULTS, Verdict

if TYPE_CHECKING:
    from harness.evidence import Evidence, Levels
    from harness.records import Identity, TargetCounts

#: hex digits of a hash that name a model beyond doubt
_MIN_DIGITS = 8


class Errors(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="kind", tag="errors"
):
    """At most this share of requests may fail: HTTP errors, lost connections, timeouts, unusable bodies."""

    max_share: Share = 0.01
    required: Required = True

    def judge(self, evidence: Evidence, levels: Levels) -> tuple[Verdict, ...]:  # noqa: ARG002  -- one signature
        """One verdict for each target, the build under test always among them."""
        return tuple(
            self._one(counts, required=self.required and counts.target == evidence.under_test)
            for counts in evidence.all_targets()
        )

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
        often = f", most often {worst[0]} ({worst[1]:,})" if worst and failed else ""
        share = failed / total
        return msgspec.structs.replace(
            base,
            ruling="PASS" if share <= self.max_share else "FAIL",
            fault=None,
            needs="",
            value=share,
            n=total,
            reason=f"{failed:,} of {total:,} requests failed ({share:.2%}){often}; "
            f"the budget is {self.max_share:.2%}.",
            method=claim("failed", count=failed, n=total, of="requests sent"),
            evidence=census("errors", count=failed, n=total),
        )


class ModelIdentity(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    forbid_unknown_fields=True,
    tag_field="kind",
    tag="model_identity",
):
    """Every answer that names its model must name the one it was meant to come from."""

    required: Required = True

    def judge(self, evidence: Evidence, levels: Levels) -> tuple[Verdict, ...]:  # noqa: ARG002  -- one signature
        """One verdict for each target that must match a model; advisory where the target names none."""
        return tuple(
            self._one(
                identity, identity.expected, required=self.required and identity.arm == evidence.under_test
            )
            for identity in evidence.identities
            if identity.expected is not None
        )

    def _one(self, identity: Identity, expected: str, *, required: bool) -> Verdict:
        total = sum(identity.served.values())
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
            reason=f"All {total:,} answers that name their model name {_short(expected)}.",
        )
        if not total:
            return msgspec.structs.replace(
                verdict,
                ruling="UNDECIDED",
                required=False,
                fault="evidence",
                reason=f"0 answers of {identity.arm} say which model they come from ({identity.source}); "
                "its scores are the only witness.",
                needs="a model hash in the answers",
            )
        if wrong:
            who, n = max(wrong.items(), key=lambda item: item[1])
            return msgspec.structs.replace(
                verdict,
                ruling="FAIL",
                reason=f"{sum(wrong.values()):,} of {total:,} answers come from another model: {n:,} from "
                f"{_short(who)}, expected {_short(expected)}.",
            )
        return verdict


def same_model(served: str, expected: str) -> bool:
    """Whether a served hash names the expected sha256: equal, or a prefix of at least 8 hex digits."""
    hexadecimal = served.strip().lower().removeprefix("sha256:")
    return len(hexadecimal) >= _MIN_DIGITS and expected.lower().startswith(hexadecimal)


def _short(digest: str) -> str:
    return digest[:12]
