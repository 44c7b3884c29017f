"""What a bug may consult: one request with its moment, its history, and chance that is the same each time."""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Protocol, Self

from scenarios.request import Features, Kinds, Levels, Request, Value


class History(Protocol):
    """Looks up a feature that counts what happened before."""

    def recall(
        self,
        feature: str,
        request: Request,
        *,
        as_of: datetime,
        key: str = "",
        window: float | None = None,
    ) -> Value:
        """The feature as of a moment; by another key of the request, or over another window, where given."""
        ...


class Ground(Protocol):
    """What bugs can strike: features of some kind, and the fields by which a history may be looked up."""

    @property
    def kinds(self) -> Kinds:
        """What kind of value each feature is."""
        ...

    @property
    def keys(self) -> tuple[str, ...]:
        """The fields of a request that own a history."""
        ...


class Serving(History, Ground, Protocol):
    """A scenario's own serving code: the features of one request, and what they are made of."""

    @property
    def levels(self) -> Levels:
        """The levels of each category with their codes."""
        ...

    def features(self, request: Request, *, event_time: datetime, history_time: datetime) -> Features:
        """The features by name, as of the event, their history as of `history_time`."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One request as the bugs see it.

    `attempt` counts from 1 how often this id was asked, `previous` are the features of the request served
    before this one: both depend on the order of the requests, everything else on the request alone.
    """

    request: Request
    request_id: str
    event_time: datetime
    history: History
    levels: Levels
    score_by: Callable[[str, Features], float]
    typical: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    attempt: int = 1
    previous: Features = field(default_factory=dict)

    def draw(self, salt: str) -> float:
        """A number in [0, 1), always the same for a salt and a request id, and spread evenly over ids."""
        digest = hashlib.blake2b(f"{salt}|{self.request_id}".encode(), digest_size=8).digest()
        return (int.from_bytes(digest) >> 11) / (1 << 53)


@dataclass(frozen=True, slots=True)
class At:
    """Where a bug strikes: the features it names, its options, and the request."""

    names: tuple[str, ...]
    options: Mapping[str, Any]
    asked: Asked

    @property
    def feature(self) -> str:
        """The one feature, for a bug that takes features one by one."""
        return self.names[0]

    def on(self, name: str) -> Self:
        """The same at one of the features."""
        return replace(self, names=(name,))

    def typical(self, what: str, option: str = "") -> float:
        """The option if it is given, else the feature's `mean`, `median` or `sd` over the capture."""
        given = self.options.get(option)
        return float(self.asked.typical[self.feature][what] if given is None else given)
