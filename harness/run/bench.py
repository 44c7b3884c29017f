"""One finding on the bench: a changed request goes to the endpoint and to the reference, and is judged."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Protocol

from harness import capture
from harness.columns import Column, Side
from harness.diff.findings import SCORE_FIELD
from harness.diff.persistence import Rebuilt, Seen, Symptom, see
from harness.errors import CaptureError, PipelineError
from harness.records import CapturedRequest, Finding, Outcome, State
from harness.replay.message import Message
from harness.run.rows import served_side
from replayers.offline import frame, to_columns

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd

    from harness.diff.tolerance import Tolerances
    from harness.run.probing import Asker
    from replayers.offline import OfflineReplayer

#: how often a request is sent that is said to be answered differently each time
TIMES = 3
NONDETERMINISTIC = "nondeterministic"


@dataclass(frozen=True)
class Truth:
    """What the reference gives for one request, or why it gives nothing."""

    side: Side | None
    why: str = ""
    rebuilt: Rebuilt | None = None


class Reference(Protocol):
    """The arm that a finding is told against."""

    async def truth(self, request: CapturedRequest) -> Truth:
        """What it gives for this request."""


@dataclass(frozen=True)
class Offline:
    """The offline model: features of this one request alone, as a service sees it, and their score."""

    replayer: OfflineReplayer

    async def truth(self, request: CapturedRequest) -> Truth:
        """Features and score, and the features at other event times."""
        rows = frame(capture.to_table([request]))
        try:
            scored = self.replayer.score(rows)
        except PipelineError as error:
            return Truth(
                None, why=error.what.replace("the feature pipeline raised", "the offline pipeline raises")
            )
        arm = f"offline:{self.replayer.name}"
        side = Side(arm, scored.scores, to_columns(scored.features))
        return Truth(side, rebuilt=partial(self._rebuilt, rows))

    def _rebuilt(self, rows: pd.DataFrame, shift_ns: int) -> Mapping[str, Column]:
        """The features at another time; none where the pipeline raises there."""
        try:
            return self.replayer.rebuild(rows, shift_ns)
        except PipelineError:
            return {}


@dataclass(frozen=True)
class Live:
    """The champion, asked beside the challenger; `known` types its features."""

    asker: Asker
    known: Mapping[str, Column]

    async def truth(self, request: CapturedRequest) -> Truth:
        """What it answers."""
        try:
            message = Message.of(self.asker.arm.prepare(request, features=True))
        except CaptureError as error:
            return Truth(None, why=f"the champion cannot be asked: {error.what}")
        outcome = await self.asker.ask(message, request)
        if outcome is None or outcome.state is not State.OK:
            return Truth(None, why=_refusal(outcome, "the champion"))
        return Truth(_side(self.asker, outcome, known=self.known, asked=True))


@dataclass(frozen=True)
class Probe:
    """What one request showed: the fields of the finding that still differ as they did, or why none does."""

    fields: tuple[str, ...]
    why: str
    seen: Seen | None = None


@dataclass
class Bench:
    """Everything that a request is held against; `symptom` the exemplar as it is today.

    Requests are remembered, so that none is sent twice for nothing.
    """

    finding: Finding
    asker: Asker
    reference: Reference
    tolerances: Tolerances
    symptom: Symptom | None = None
    known: dict[bytes, Probe] = field(default_factory=dict)

    def settle_on(self, seen: Seen) -> None:
        """From now on a request shows the finding where it does so as this one, the last probed, did."""
        self.symptom = Symptom(self.finding.cause, self.finding.fields, seen)

    @property
    def times(self) -> int:
        """How often each request is sent."""
        return TIMES if self.finding.cause == NONDETERMINISTIC else 1

    async def probe(self, request: CapturedRequest, message: Message) -> Probe:
        """What this request shows; the reference is asked first, for it costs the endpoint nothing."""
        data = message.encode()
        if data not in self.known:
            found = await self._probe(request, message)
            if found.seen is None and self.asker.budget.stopped:
                return found  # not sent, so nothing to remember
            self.known[data] = found
        return self.known[data]

    async def _probe(self, request: CapturedRequest, message: Message) -> Probe:
        truth = await self.reference.truth(request)
        if truth.side is None:
            return Probe((), truth.why)
        outcomes = [await self.asker.ask(message, request) for _ in range(self.times)]
        last = outcomes[-1]
        if last is None or last.state is not State.OK:
            return Probe((), _refusal(last, "the service"))
        target = self.asker.arm.target
        right = _side(
            self.asker,
            last,
            known=truth.side.features or {},
            asked=target.shows_features
            and all(name.lower() in message.headers for name in target.debug_headers),
        )
        unstable = len({each.score for each in outcomes if each is not None}) > 1
        seen = see(truth.side, right, tolerances=self.tolerances, unstable=unstable, rebuilt=truth.rebuilt)
        fields = self._showing(seen)
        return Probe(fields, "" if fields else self._why_not(seen), seen)

    def _showing(self, seen: Seen) -> tuple[str, ...]:
        cause, fields = self.finding.cause, self.finding.fields
        if self.symptom is None and fields == (SCORE_FIELD,) and len(seen.kinds) > 1:
            return ()  # the score differs because a feature does, which is another finding
        if cause == NONDETERMINISTIC and seen.kinds.get(SCORE_FIELD) != cause:
            return ()
        if self.symptom is None:
            return tuple(name for name in fields if name in seen.kinds)
        return self.symptom.shown(seen)

    def _why_not(self, seen: Seen) -> str:
        """Why a request that was answered does not show the finding."""
        if any(name in seen.kinds for name in self.finding.fields):
            return "something else differs"
        name = self.finding.fields[0]
        if name != SCORE_FIELD and name not in seen.right:
            return "the service shows no features"
        return "served as expected"


def _refusal(outcome: Outcome | None, who: str) -> str:
    if outcome is None:
        return "not tried any more"
    return f"{who} answers {outcome.detail or outcome.state}"


def _side(asker: Asker, outcome: Outcome, *, known: Mapping[str, Column], asked: bool) -> Side:
    return served_side(asker.arm.name, (outcome.score, outcome.features), known=known, asked=asked)
