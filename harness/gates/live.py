"""Gates on a live canary's log: is the traffic split as declared, does it err more, is its p95 in budget?"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from harness.evidence.live_looks import ERRORS, LIMIT, P95, SLOW, SPLIT, STICKY, last
from harness.gates._config import Required
from harness.records import Estimate, Verdict

if TYPE_CHECKING:
    from harness.evidence import Evidence, Levels
    from harness.records import LiveSummary, Look

_MORE = "more traffic of the live canary"
_BY_UNIT = "a comparison by unit, or routing by request; required = false sets this gate aside"


class SampleRatio(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    forbid_unknown_fields=True,
    tag_field="kind",
    tag="sample_ratio",
):
    """The canary of [live] gets the share of the traffic that it was given, or nothing compares the arms.

    Passes once the odds are proven within `live.split_factor` of those declared; a broken split is no fault
    of the build.
    """

    required: Required = True

    def judge(self, evidence: Evidence, levels: Levels) -> tuple[Verdict, ...]:  # noqa: ARG002  -- one signature
        """One verdict where a live canary is configured, none otherwise; a broken split is no NO-GO."""
        live = evidence.live
        if live is None:
            return ()
        base, look = _base("sample_ratio", evidence, required=self.required), last(live, SPLIT)
        if look is None or look.n == 0:
            return (msgspec.structs.replace(base, reason=_nothing(live)),)
        what = "units" if live.sticky else "requests"
        said = (
            f"{_percent(look.estimate)} of {look.units:,} {what} met the challenger, declared "
            f"{live.share:.2%} ({_percent(look.lower)} to {_percent(look.upper)} over all "
            f"{_looks(live, look)})"
        )
        base = msgspec.structs.replace(
            base,
            value=look.estimate,
            unit="share",
            n=look.units,
            method="Dirichlet-multinomial e-process, anytime (Lindon, Malek 2022); "
            + (
                "a unit counts once, by its first request"
                if live.sticky
                else "each request assigned on its own"
            ),
            evidence=(_estimate("share of the challenger", look, unit="share"),),
        )
        if look.refused and look.ruling != "FAIL":
            reason = f"{said}; not ruled: {look.refused}."
            needs = "a log where every request names its arm, and routing as declared in sticky"
            return (msgspec.structs.replace(base, fault="harness", reason=reason, needs=needs),)
        if look.ruling == "FAIL":
            since = _since(live, look)
            reason = f"The split is not as declared since {since}: {said}{_refused_now(look)}."
            return (
                msgspec.structs.replace(base, fault="harness", reason=reason, needs="a split that is kept"),
            )
        if look.ruling == "PASS":
            return (_passed(base, f"{said}."),)
        reason = f"{said}; too few to prove that it is kept."
        return (msgspec.structs.replace(base, reason=reason, needs=_MORE),)


class LiveErrors(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="kind", tag="live_errors"
):
    """The canary of [live] errs (a status outside 200 to 399) no more than (1 + margin) times as often.

    FAIL once any deterioration is proven, be it within the margin. Exact where each request is assigned on
    its own, whatever the base rate does over the day; under sticky routing, or where more than
    `live.max_missing_share` of an arm have no status, nothing is ruled.
    """

    required: Required = True

    def judge(self, evidence: Evidence, levels: Levels) -> tuple[Verdict, ...]:  # noqa: ARG002  -- one signature
        """One verdict where a live canary is configured, none otherwise; a broken split voids it."""
        live = evidence.live
        if live is None:
            return ()
        base, look = _base("live_errors", evidence, required=self.required), last(live, ERRORS)
        if look is None or look.n == 0:
            return (msgspec.structs.replace(base, reason=_nothing(live)),)
        split, c = last(live, SPLIT), live.counts
        base = msgspec.structs.replace(
            base,
            value=look.estimate,
            limit=1.0 + live.error_margin,
            unit="times the champion's rate",
            n=look.n,
            method="conditional binomial on all errors by the declared share of traffic, anytime "
            "(Howard et al. 2021)",
            evidence=(_estimate("error rate, challenger over champion", look, unit="ratio"),),
        )
        if split is not None and split.ruling == "FAIL":
            reason = f"The split of {look.n:,} requests is not as declared, so their errors compare nothing."
            return (
                msgspec.structs.replace(base, fault="harness", reason=reason, needs="a split that is kept"),
            )
        said = (
            f"{c['errors of challenger']:,} errors of {c['challenger']:,} requests of the challenger, "
            f"{c['errors of champion']:,} of {c['champion']:,} of the champion"
        )
        if look.refused and look.ruling != "FAIL":
            needs = "a log with each request's arm and status" if look.refused != STICKY else _BY_UNIT
            return (msgspec.structs.replace(base, reason=f"{said}; not ruled: {look.refused}.", needs=needs),)
        bounds = f"ratio {_number(look.estimate)}, above {_number(look.lower)}, below {_number(look.upper)}"
        return (_ruled(base, live, look=look, said=f"{said}: {bounds} over all {_looks(live, look)}"),)


class LiveP95(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="kind", tag="live_p95"
):
    """95 % of the canary's requests in the log of [live] took no longer than the budget of latency_p95.

    What crossing rejects is "the share of slow requests is at or beyond the limit throughout" (PASS), or "at
    or below it throughout" (FAIL): a rate that drifts across its limit is neither. With `blocks = "units"`
    that share is the mean over units of a unit's own, in its first day. Either way there is no PASS while
    more than the limit of all requests are slow.
    """

    required: Required = True

    def judge(self, evidence: Evidence, levels: Levels) -> tuple[Verdict, ...]:  # noqa: ARG002  -- one signature
        """One verdict where a live canary is configured, none otherwise."""
        live = evidence.live
        if live is None:
            return ()
        base, look = _base("live_p95", evidence, required=self.required), last(live, P95)
        total = live.counts.get("challenger", 0)
        if look is None or total == 0:
            return (msgspec.structs.replace(base, reason=_nothing(live)),)
        base = msgspec.structs.replace(
            base,
            value=look.estimate,
            limit=LIMIT,
            unit=live.measure,
            n=look.n,
            method=f"bets on {live.rule}, declared, anytime (Waudby-Smith, Ramdas 2024); rejects: slow "
            f"{live.measure}, at or beyond the limit throughout; {live.blocks:,} values worth "
            f"{live.effective:,.0f} of equal size",
            evidence=(_estimate("over budget, live", look, unit=live.measure),),
        )
        if look.n == 0:
            reason = f"0 of {total:,} live requests of the challenger are in the declared {live.rule} yet."
            return (msgspec.structs.replace(base, reason=reason),)
        share = live.counts[SLOW] / total
        said = (
            f"{_percent(look.estimate)} over {live.budget_ms:g} ms or failed ({live.measure}), by "
            f"{look.units:,} of the declared {live.rule}, {look.n:,} live requests of the challenger; "
            f"{share:.2%} of all its {total:,}"
        )
        if look.refused and look.ruling != "FAIL":
            reason, needs = (
                f"{said}; not ruled: {look.refused}.",
                "a log with each request's arm, status and latency",
            )
            return (msgspec.structs.replace(base, reason=reason, needs=needs),)
        if look.ruling == "PASS" and share > LIMIT:
            reason = f"{said}: by request that is over the limit, so nothing is passed."
            return (msgspec.structs.replace(base, reason=reason, needs="a faster build"),)
        bounds = f"{_percent(look.lower)} to {_percent(look.upper)} over all {_looks(live, look)}"
        return (_ruled(base, live, look=look, said=f"{said} ({bounds})"),)


def _ruled(verdict: Verdict, live: LiveSummary, *, look: Look, said: str) -> Verdict:
    """The ruling that was reached, at whichever look; it stays."""
    if look.ruling == "UNDECIDED":
        return msgspec.structs.replace(verdict, reason=f"{said}; too close to call.", needs=_MORE)
    word = "over the limit" if look.ruling == "FAIL" else "within the limit"
    reason = f"{said}; {word} since {_since(live, look)}{_refused_now(look)}."
    return msgspec.structs.replace(verdict, ruling=look.ruling, fault=None, needs="", reason=reason)


def _refused_now(look: Look) -> str:
    """What a FAIL of before stands against: a log that no longer tells takes nothing back."""
    return f"; the newest look rules nothing: {look.refused}" if look.refused else ""


def _passed(verdict: Verdict, reason: str) -> Verdict:
    return msgspec.structs.replace(verdict, ruling="PASS", fault=None, needs="", reason=reason)


def _base(gate: str, evidence: Evidence, *, required: bool) -> Verdict:
    return Verdict(
        gate=gate,
        arm=f"{evidence.under_test}, live",
        ruling="UNDECIDED",
        reason="",
        required=required,
        fault="evidence",
        needs=_MORE,
    )


def _nothing(live: LiveSummary) -> str:
    others = live.counts.get("champion", 0)
    neither = live.counts.get("of neither", 0)
    also = f", {neither:,} of neither" if neither else ""
    return f"0 live requests of the challenger until {live.as_of}, {others:,} of the champion{also}."


def _estimate(name: str, look: Look, *, unit: str) -> Estimate:
    return Estimate(
        name=name, value=look.estimate, n=look.units, lower=look.lower, upper=look.upper, unit=unit
    )


def _since(live: LiveSummary, look: Look) -> str:
    return next(x.as_of for x in live.looks if x.test == look.test and x.ruling == look.ruling)


def _looks(live: LiveSummary, newest: Look) -> str:
    n = sum(look.test == newest.test for look in live.looks)
    return f"{n:,} looks" if n != 1 else "1 look"


def _percent(share: float | None) -> str:
    return "no bound" if share is None else f"{share:.2%}"


def _number(value: float | None) -> str:
    return "no bound" if value is None else f"{value:.3g}"
