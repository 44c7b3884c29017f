"""Where a build stands: what its latest run says, in the words that every protocol is made of.

Nothing but a GO that can be read, or an approval of this very verdict where those count, is a pass.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Literal

from harness.report import words
from harness.run.catalogue import RunEntry, Skipped, age

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from harness.records import Word
    from harness.run.catalogue import Listing

State = Literal["pass", "fail", "inconclusive", "pending", "unknown"]
Key = tuple[str, str]
Latest = dict[Key, RunEntry | Skipped]
#: the worst first
_ORDER: tuple[State, ...] = ("fail", "inconclusive", "pending", "unknown", "pass")
_SAYS: Mapping[Word, State] = {
    "GO": "pass",
    "NO-GO": "fail",
    "WAIT": "inconclusive",
    "INVALID": "inconclusive",
}
_LONGEST_REASON = 240


@dataclass(frozen=True)
class Standing:
    """What is known of a build in a scenario; `again` says that an evaluation may be started."""

    state: State
    reason: str
    scenario: str = ""
    build: str = ""
    word: str = ""
    run_id: str = ""
    compared: int = 0
    approved: bool = False
    again: bool = False

    @property
    def final(self) -> bool:
        """Whether waiting changes nothing."""
        return self.state in {"pass", "fail", "inconclusive"}

    def line(self) -> str:
        """On one line of at most 1 kB: "NO-GO: 292 decisions flip (shop, run 2026…)"."""
        where = words.joined((self.scenario, f"run {self.run_id}" if self.run_id else ""), ", ")
        told = f"{self.word or self.state}: {self.reason}"
        return words.clipped(f"{told} ({words.clipped(where, 120)})" if where else told, 480)[:480]


def latest(listing: Listing) -> Latest:
    """The newest run of each scenario and build, whole or not: a newer one that is broken hides a GO.

    One whose build cannot be read hides those of every build that its scenario was run on before.
    """
    found: Latest = {}
    entries: list[RunEntry | Skipped] = [*listing.runs, *listing.skipped]
    for entry in sorted(entries, key=age):
        if isinstance(entry, Skipped) and entry.build is None:
            hidden = [build for scenario, build in found if scenario == entry.scenario]
            found |= {(entry.scenario, build): replace(entry, build=build) for build in hidden}
        elif entry.build:
            found[entry.scenario, entry.build] = entry
    return found


def of(entry: RunEntry | Skipped, *, now: datetime, limit_s: float, approvals: bool) -> Standing:
    """The standing of a build by its newest run; one unfinished for longer than `limit_s` was cut."""
    if isinstance(entry, RunEntry):
        return _judged(entry, approvals=approvals)
    going = entry.kind == "unfinished" and _age_s(entry.created_at, now) < limit_s
    told = "the run is not finished" if going else f"the latest run cannot be read: {entry.reason}"
    return Standing(
        state="pending" if going else "inconclusive",
        reason=words.clipped(told, _LONGEST_REASON),
        scenario=entry.scenario,
        build=entry.build or "",
        run_id=entry.run_id,
        again=not going and entry.kind != "newer",
    )


def _judged(entry: RunEntry, *, approvals: bool) -> Standing:
    pardoned = approvals and entry.approved and entry.word != "GO"
    reason = words.sentence(entry.decision.headline)
    if pardoned:
        by = next(one.by for one in reversed(entry.approvals) if one.stands)
        reason = f"{entry.word} approved by {words.clipped(by, 60)}; {reason}"
    return Standing(
        state="pass" if pardoned else _SAYS[entry.word],
        reason=words.clipped(reason, _LONGEST_REASON),
        scenario=entry.scenario,
        build=entry.build,
        word=entry.word,
        run_id=entry.run_id,
        compared=entry.compared,
        approved=entry.approved,
    )


def _age_s(created_at: str, now: datetime) -> float:
    """Seconds since a time; endless where it cannot be read."""
    try:
        since = datetime.fromisoformat(created_at)
    except ValueError:
        return float("inf")
    return (now - (since if since.tzinfo else since.replace(tzinfo=UTC))).total_seconds()


def worst(standings: Iterable[Standing], *, build: str) -> Standing:
    """The worst of some standings; of none, unknown."""
    nothing = Standing(state="unknown", reason="no run of this build", build=build, again=True)
    return min(standings, key=lambda one: _ORDER.index(one.state), default=nothing)
