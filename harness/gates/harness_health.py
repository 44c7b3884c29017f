"""Gates on the harness itself: what it lost, whether its offline reference is one. They void, never blame."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import msgspec

from harness.gates._config import Required, Share
from harness.records import ANSWERED_FOR, State, Verdict

if TYPE_CHECKING:
    from harness.evidence import Evidence, Levels, Unrecorded
    from harness.records import PhaseNote, SinglesCheck, TargetCounts

#: states of requests that the harness did not lose: answered for, or left out once FAIL was certain
_KEPT = ANSWERED_FOR | {State.NOT_NEEDED}
#: redacted places that are told one by one
_TOLD = 3


class Completeness(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    forbid_unknown_fields=True,
    tag_field="kind",
    tag="completeness",
):
    """At most this share of the scheduled requests may be lost by the harness: shed, not sent, abandoned.

    And of the calls that a live recorder saw no more may be dropped than `max_bad_share` of the capture.
    """

    max_share: Share = 0.001
    required: Required = True

    def judge(self, evidence: Evidence, levels: Levels) -> tuple[Verdict, ...]:  # noqa: ARG002  -- one signature
        """One verdict for each target; too much lost is the harness's fault and leaves no valid evidence.

        A planned parity phase that was left out is one more, UNDECIDED: what it would have shown is unknown.
        So is the capture, where its recorder dropped calls.
        """
        verdicts = tuple(
            _with_left_out(
                self._one(counts, required=self.required and counts.target == evidence.under_test),
                evidence.left_out,
            )
            for counts in evidence.all_targets()
        ) + tuple(
            self._left_out(note)
            for note in evidence.phases
            if not note.ran and not note.open_loop and evidence.under_test in note.targets
        )
        return (*verdicts, self._recorded(evidence.unrecorded)) if evidence.unrecorded else verdicts

    def _recorded(self, lost: Unrecorded) -> Verdict:
        """What a recorder drops is dropped when the service is busiest, so it is no random share."""
        dropped = sum(lost.dropped.values())
        share = dropped / lost.calls
        ok = share <= lost.allowed and not lost.unknown
        often = sorted(lost.dropped.items(), key=lambda item: (-item[1], item[0]))
        reasons = ", ".join(f"{reason} {count:,}" for reason, count in often)
        limit = f"max_bad_share of the capture is {lost.allowed:.2%}"
        needs = "a capture whose recorder keeps up, or a larger max_bad_share under [capture]"
        if lost.unknown:
            limit, needs = "how many in all is not known", "a capture whose recorder could write its counts"
        return Verdict(
            gate="completeness",
            arm="capture",
            ruling="PASS" if ok else "UNDECIDED",
            required=self.required,
            fault=None if ok else "evidence",
            value=share,
            limit=lost.allowed,
            unit="share",
            n=lost.calls,
            reason=f"The recorder dropped {dropped:,} of {lost.calls:,} calls ({share:.2%}: {reasons}), "
            f"which nothing here speaks for; {limit}.",
            needs="" if ok else needs,
        )

    def _left_out(self, note: PhaseNote) -> Verdict:
        return Verdict(
            gate="completeness",
            arm=f"phase {note.phase}",
            ruling="UNDECIDED",
            required=self.required,
            fault="evidence",
            limit=self.max_share,
            unit="share",
            reason=f"NOT RUN: 0 requests of phase {note.phase} were sent, {note.reason}.",
            needs=f"a run with phase {note.phase}",
        )

    def _one(self, counts: TargetCounts, *, required: bool) -> Verdict:
        total = sum(n for state, n in counts.states.items() if state != State.NOT_NEEDED)
        lost = sum(n for state, n in counts.states.items() if state not in _KEPT)
        share = lost / total if total else 1.0
        ok = total > 0 and share <= self.max_share
        return Verdict(
            gate="completeness",
            arm=counts.target,
            ruling="PASS" if ok else "UNDECIDED",
            required=required,
            fault=None if ok else "harness",
            value=share,
            limit=self.max_share,
            unit="share",
            n=total,
            reason=f"The harness lost {lost:,} of {total:,} requests ({share:.2%}); "
            f"the budget is {self.max_share:.2%}.",
            needs="" if ok else "a run that loses fewer requests" if total else "a run that sends requests",
        )


def _with_left_out(verdict: Verdict, left_out: int) -> Verdict:
    """The verdict with what redaction took out of the run: chosen by content, so nothing stands for them."""
    if not left_out:
        return verdict
    said = f"Redaction left {left_out:,} captured requests out for what they hold: nothing is said of them."
    return msgspec.structs.replace(verdict, reason=f"{verdict.reason} {said}")


class OfflineReference(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    forbid_unknown_fields=True,
    tag_field="kind",
    tag="offline_reference",
):
    """The offline pipeline gives a request the same features alone as in a batch, or it is no reference.

    It is none either for requests whose redacted values feed the model: there both sides read what
    redaction put in.
    """

    required: Required = True
    max_redacted_share: Annotated[
        float,
        msgspec.Meta(
            ge=0, le=1, description="Share of requests of which a value that feeds the model may be redacted."
        ),
    ] = 0.0

    def judge(self, evidence: Evidence, levels: Levels) -> tuple[Verdict, ...]:  # noqa: ARG002  -- one signature
        """One verdict for each offline model, required for those that the build under test must match."""
        ours = evidence.references()
        return tuple(
            self._one(model, evidence.singles.get(model), required=self.required and model in ours)
            for model in dict.fromkeys((*evidence.singles, *ours))
        )

    def _one(self, model: str, check: SinglesCheck | None, *, required: bool) -> Verdict:
        n = check.checked if check else 0
        verdict = Verdict(
            gate="offline_reference",
            arm=model,
            ruling="PASS",
            required=required,
            n=n,
            reason=f"All {n:,} requests that were built one at a time agree with the batch to the last bit.",
        )
        if check is not None and check.found:
            return msgspec.structs.replace(
                verdict,
                ruling="UNDECIDED",
                fault="harness",
                reason=f"The offline pipeline of {model} answers otherwise one request at a time than in a "
                f"batch ({len(check.found):,} cells of {n:,} requests): {check.found[0]}.",
                needs="a pipeline whose rows do not depend on each other",
            )
        if check is not None and check.redacted:
            verdict = self._redacted(verdict, check)
        if n == 0 and verdict.ruling == "PASS":
            return msgspec.structs.replace(
                verdict,
                ruling="UNDECIDED",
                fault="evidence",
                reason=f"0 requests were built one at a time through the offline pipeline of {model}.",
                needs="models.*.singles above 0, or required = false on this gate",
            )
        return verdict

    def _redacted(self, verdict: Verdict, check: SinglesCheck) -> Verdict:
        """The verdict with what it cannot say; without a PASS where that is too much."""
        said = " ".join(
            f"{one.requests:,} of {one.of:,} requests: {one.place} was redacted and feeds "
            f"{', '.join(one.features) or 'features of the model'}: parity on it says nothing."
            for one in check.redacted[:_TOLD]
        )
        more = len(check.redacted) - _TOLD
        said += f" And {more:,} more places." if more > 0 else ""
        worst = min(sum(one.requests / one.of for one in check.redacted), 1.0)
        if worst <= self.max_redacted_share:
            return msgspec.structs.replace(verdict, reason=f"{verdict.reason} {said}")
        return msgspec.structs.replace(
            verdict,
            ruling="UNDECIDED",
            fault="evidence",
            value=worst,
            limit=self.max_redacted_share,
            unit="share",
            reason=said,
            needs="a capture that keeps what feeds the model, or max_redacted_share on this gate",
        )
