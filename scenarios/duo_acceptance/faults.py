"""Serving bugs that can be switched on, each from a given event time on: `name:key=value,key=value`.

event_time_early:hours=1[,since=T]   the offset of event_time is dropped: the time is read hours early
history_stale:hours=1[,since=T]      the outcome history is hours behind
slow:ms=25,mode=block|wait[,since=T] extra work that blocks the event loop, or waits in a thread pool
"""

import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import anyio.to_thread

ALWAYS = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class EventTimeEarly:
    """The event time, and with it the history, is read `hours` early."""

    hours: float
    since: datetime = ALWAYS


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryStale:
    """The history is as of `hours` before the event; the event time itself is right."""

    hours: float
    since: datetime = ALWAYS


@dataclass(frozen=True, slots=True, kw_only=True)
class Slow:
    """Each request takes `ms` longer, in the event loop (`block`) or in a thread pool (`wait`)."""

    ms: float
    mode: str
    since: datetime = ALWAYS

    def __post_init__(self) -> None:
        if self.mode not in {"block", "wait"}:
            raise ValueError(f"mode: expected block or wait, found {self.mode!r}")


Fault = EventTimeEarly | HistoryStale | Slow
KINDS: dict[str, type[Fault]] = {
    "event_time_early": EventTimeEarly,
    "history_stale": HistoryStale,
    "slow": Slow,
}


@dataclass(frozen=True, slots=True)
class Faults:
    """The faults in force; without any, the endpoint is healthy."""

    active: tuple[Fault, ...] = field(default=())

    def read_times(self, event_time: datetime) -> tuple[datetime, datetime]:
        """The (event time, history time) the endpoint acts on, given the true event time."""
        early = self._hours(EventTimeEarly, event_time)
        stale = self._hours(HistoryStale, event_time)
        return event_time - early, event_time - early - stale

    async def delay(self, event_time: datetime) -> None:
        """Spend the extra time of the slow faults in force."""
        for fault in self.active:
            if not isinstance(fault, Slow) or event_time < fault.since:
                continue
            if fault.mode == "wait":
                await anyio.to_thread.run_sync(time.sleep, fault.ms / 1000)
            else:
                time.sleep(fault.ms / 1000)  # noqa: ASYNC251  -- blocking the event loop is this fault

    def _hours(self, kind: type[EventTimeEarly | HistoryStale], event_time: datetime) -> timedelta:
        hours = (f.hours for f in self.active if isinstance(f, kind) and event_time >= f.since)
        return timedelta(hours=sum(hours))


def parse_fault(text: str) -> Fault:
    """A fault from its text; ValueError says what is wrong and what is expected."""
    name, _, rest = text.partition(":")
    if name not in KINDS:
        raise ValueError(f"unknown fault {name!r}; known: {', '.join(KINDS)}")
    pairs = dict(part.partition("=")[::2] for part in rest.split(",") if part)
    given: dict[str, Any] = {key: _value(key, value) for key, value in pairs.items()}
    try:
        return KINDS[name](**given)
    except TypeError as error:
        raise ValueError(f"fault {text!r}: {str(error).partition(' ')[2]}") from error


def parse_faults(texts: Iterable[str]) -> Faults:
    """All faults given on the command line."""
    return Faults(tuple(parse_fault(text) for text in texts))


def _value(key: str, value: str) -> object:
    if key == "mode":
        return value
    if key != "since":
        return float(value)
    moment = datetime.fromisoformat(value)
    if moment.tzinfo is None:
        raise ValueError(
            f"since: expected a time with an offset, such as 2025-03-03T09:00:00Z, found {value!r}"
        )
    return moment
