"""What the gates may look at: summaries and estimates, never raw rows."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from harness.records import TargetCounts

if TYPE_CHECKING:
    from harness.records import (
        Identity,
        LatencySummary,
        LiveSummary,
        PairSummary,
        PhaseNote,
        QualitySummary,
        SinglesCheck,
    )

Against = Literal["offline", "champion"]

#: what an offline arm is called: the model's name after this
OFFLINE = "offline:"


@dataclass(frozen=True)
class JudgedPair:
    """A comparison with its standing: whom the arm is held against, and whether it is under test."""

    summary: PairSummary
    against: Against
    under_test: bool

    @property
    def arm(self) -> str:
        """The compared arms in words, the arm under judgement first."""
        return f"{self.summary.right} vs {self.summary.left}"


@dataclass(frozen=True)
class Unrecorded:
    """Calls that the recorder of a service had to drop, by reason, of all `calls` that it saw.

    `allowed` is the share of a capture that may be bad. `unknown` says that there are counts which nobody
    could write or read: how many calls were dropped is then not known.
    """

    dropped: dict[str, int]
    calls: int
    allowed: float
    unknown: bool = False


@dataclass(frozen=True)
class Evidence:
    """All evidence of a run at one `as_of`; `under_test` is the name of the challenger.

    `left_out` counts the captured requests that redaction took out of the run for what they hold.

    `singles` says, by offline model, how many requests were also built alone and which came out otherwise.
    `parity_release` says that the build claims to be the same model. `answered` counts, by target, the
    captured requests that it answered, `unanswered` those that it failed whenever it was asked. `unrecorded`
    is there where a live recorder dropped calls. `recorded` names the targets whose answers production gave:
    to requests as they were before any redaction.
    """

    under_test: str
    parity_release: bool
    pairs: tuple[JudgedPair, ...]
    targets: tuple[TargetCounts, ...]
    latency: tuple[LatencySummary, ...]
    phases: tuple[PhaseNote, ...]
    identities: tuple[Identity, ...]
    singles: dict[str, SinglesCheck]
    answered: dict[str, int]
    quality: tuple[QualitySummary, ...]
    live: LiveSummary | None = None
    left_out: int = 0
    unanswered: dict[str, int] = field(default_factory=dict)
    unrecorded: Unrecorded | None = None
    recorded: frozenset[str] = frozenset()

    def all_targets(self) -> tuple[TargetCounts, ...]:
        """The counts of every target; a build under test that was sent nothing has empty ones, not none."""
        if any(counts.target == self.under_test for counts in self.targets):
            return self.targets
        return (*self.targets, TargetCounts(target=self.under_test, states={}))

    def void(self) -> frozenset[str]:
        """The offline arms that are no reference: alone a request comes out otherwise than in a batch."""
        return frozenset(OFFLINE + model for model, check in self.singles.items() if check.found)

    def masked(self, *arms: str) -> int:
        """The most requests on which redaction may set these arms apart: where one alone was recorded.

        The others were asked, or scored, with what redaction put in the place of an input of the model.
        """
        if len(self.recorded.intersection(arms)) != 1:
            return 0
        places = (one for check in self.singles.values() for one in check.redacted)
        inputs = {
            one.place: one.requests for one in places if not one.place.startswith(("features:", "answer:"))
        }
        return sum(inputs.values())

    def references(self) -> tuple[str, ...]:
        """The offline models that the build under test is held against."""
        return tuple(
            pair.summary.left.removeprefix(OFFLINE)
            for pair in self.pairs
            if pair.under_test and pair.against == "offline"
        )


@dataclass(frozen=True)
class Levels:
    """The error probabilities of one test: `go` to pass it, `nogo` to fail it (already split)."""

    go: float
    nogo: float
