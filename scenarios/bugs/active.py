"""The bugs that are switched on, each striking only where and when it says."""

import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import anyio.to_thread

from scenarios.bugs.catalogue import Entry
from scenarios.bugs.context import Asked, At, Serving
from scenarios.request import Features, Request, read_event_time, read_request_id

ALWAYS = datetime(1970, 1, 1, tzinfo=UTC)
SCORE = "score"


@dataclass(frozen=True, slots=True, kw_only=True)
class Bug:
    """One bug of the catalogue, on the features it names, with its options, where and when it strikes."""

    name: str
    entry: Entry
    features: tuple[str, ...] = ()
    options: Mapping[str, Any] = field(default_factory=dict)
    rate: float = 1.0
    segment: tuple[str, str] | None = None
    since: datetime = ALWAYS

    def strikes(self, asked: Asked) -> bool:
        """Whether it strikes this request; at a higher rate it strikes the same ones and more."""
        if asked.event_time < self.since:
            return False
        if self.segment and str(asked.request.get(self.segment[0])) != self.segment[1]:
            return False
        return self.rate >= 1 or asked.draw(f"{self.name}:{','.join(self.features)}") < self.rate

    def change(self, features: Features, asked: Asked) -> Features:
        """The features as it leaves them."""
        at = At(self.features, self.options, asked)
        return self.entry.change(features, at) if self.entry.change else features


@dataclass(slots=True)
class Bugs:
    """All bugs of an endpoint; without any it is healthy. It remembers ids and the last request served."""

    active: tuple[Bug, ...] = ()
    typical: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    _attempts: Counter[str] = field(default_factory=Counter)
    _previous: Features = field(default_factory=dict)

    def serve(
        self, request: Request, serving: Serving, *, score_by: Callable[[str, Features], float]
    ) -> tuple[Asked, Features]:
        """A request that has come in, with all that bugs may consult, and its features as served."""
        asked = self._ask(request, serving, score_by=score_by)
        event_time, history_time = self.clocks(asked)
        healthy = serving.features(request, event_time=event_time, history_time=history_time)
        self._previous = healthy
        return asked, self.features(healthy, asked)

    def clocks(self, asked: Asked) -> tuple[datetime, datetime]:
        """The (event time, history time) that the endpoint acts on."""
        early, stale = (self._hours(name, asked) for name in ("event_time_early", "history_stale"))
        return asked.event_time - early, asked.event_time - early - stale

    def features(self, features: Features, asked: Asked) -> Features:
        """The features after every bug that strikes them, in the order the bugs were given."""
        for bug in self.active:
            if SCORE not in bug.features and bug.strikes(asked):
                features = bug.change(features, asked)
        return features

    def score(self, score: float, features: Features, *, asked: Asked) -> float:
        """The score after every bug that strikes it."""
        for bug in self.active:
            if SCORE in bug.features and bug.strikes(asked):
                changed = bug.change(features | {SCORE: score}, asked)[SCORE]
                score = changed if isinstance(changed, float) else score
        return score

    async def delay(self, asked: Asked) -> None:
        """Spend the extra time of the bugs that take some."""
        for bug in self.active:
            if "ms" not in bug.options or not bug.strikes(asked):
                continue
            if bug.options["mode"] == "wait":
                await anyio.to_thread.run_sync(time.sleep, bug.options["ms"] / 1000)
            else:
                time.sleep(bug.options["ms"] / 1000)  # noqa: ASYNC251  -- blocking the event loop is this bug

    def models(self) -> tuple[str, ...]:
        """The other models that bugs score with."""
        return tuple({bug.options["model"] for bug in self.active if "model" in bug.options})

    def _ask(
        self, request: Request, serving: Serving, *, score_by: Callable[[str, Features], float]
    ) -> Asked:
        request_id = read_request_id(request)
        if self.active:
            self._attempts[request_id] += 1
        return Asked(
            request=request,
            request_id=request_id,
            event_time=read_event_time(request),
            history=serving,
            levels=serving.levels,
            score_by=score_by,
            typical=self.typical,
            attempt=self._attempts[request_id] if self.active else 1,
            previous=self._previous,
        )

    def _hours(self, name: str, asked: Asked) -> timedelta:
        struck = (bug for bug in self.active if bug.name == name and bug.strikes(asked))
        return timedelta(hours=sum(bug.options["hours"] for bug in struck))
