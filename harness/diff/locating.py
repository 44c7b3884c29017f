"""Where and since when some requests mismatch, in one sentence: places by their fields, then the time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from harness.diff.conditions import Condition, Field, coded
from harness.diff.onset import Moment, Onset, find_onset
from harness.diff.places import Places, rfc3339
from harness.diff.sentences import percent
from harness.diff.whereabouts import SEARCH, UNIT, Place, Search, find_places
from harness.records import MomentFound, OnsetFound, PlaceFound

SERVICE, HOUR = "service_ms", "hour (UTC)"
#: with so many days the hour is a field of its own; with fewer it is the time once more
DAYS = 2
#: from this share of the mismatches on a place has them "only", or "mostly"
ONLY, MOSTLY = 0.99, 0.5
_SECOND = 10**9
_HOUR, _DAY = 3_600 * _SECOND, 86_400 * _SECOND


@dataclass(frozen=True)
class Whereabouts:
    """The places of `mismatches` requests, strongest first, and when it changed; both may be unknown."""

    mismatches: int
    places: tuple[Place, ...]
    onset: Onset | None

    def sentence(self) -> str:
        """Where and since when, for the end of a sentence; empty where neither is known.

        To read: `only on host = h3 (212 of 212 mismatches; 2.1 % there, 0 % elsewhere), since
        2025-05-30T10:00Z (95 % interval 09:52–10:07)`.
        """
        where = [_told(place, self.mismatches) for place in self.places]
        return ", ".join([*where, *([_when(self.onset)] if self.onset else [])])

    def found(self) -> tuple[tuple[PlaceFound, ...], OnsetFound | None]:
        """The same as records of the report."""
        places = tuple(
            PlaceFound(
                conditions=tuple(map(str, place.conditions)),
                requests=place.requests,
                mismatching=place.mismatching,
                rate=place.rate,
                elsewhere=place.elsewhere,
                share=place.share,
                p=place.p,
            )
            for place in self.places
        )
        return places, _recorded(self.onset) if self.onset else None


def locate(
    rows: NDArray[np.int64],
    places: Places,
    *,
    service_ms: NDArray[np.float64] | None = None,
    extra: Mapping[str, Field] | None = None,
    search: Search = SEARCH,
) -> Whereabouts:
    """Where and since when the mismatching `rows` of a pair are.

    Fields are its segments, the service time (n,) in ms from written to done (NaN where not known), the hour
    of a capture of two days or more, and `extra` ones: texts or numbers (n,) by name. The time is that of
    the first place.
    """
    mismatch = np.zeros(len(places.unit), bool)
    mismatch[rows] = True
    more = {name: coded(values) for name, values in (extra or {}).items()}
    fields = fields_of(places, service_ms) | more
    order = np.argsort(places.pair.event_time_ns, kind="stable")
    ordered = {name: values[order] for name, values in fields.items()}
    found = find_places(mismatch[order], places.unit[order], fields=ordered, search=search)
    # A place that has them all says it all; what else goes with it is about that place.
    found = tuple(place for place in found if place.share >= ONLY)[:1] or found
    named = tuple(_with_name(place, places) for place in found)
    return Whereabouts(
        len(rows), named, _onset(mismatch, places, inside=_inside(found, fields=fields, places=places))
    )


def fields_of(places: Places, service_ms: NDArray[np.float64] | None) -> dict[str, Field]:
    """What is known of every request: its segments, the service time, the hour where it is not the time."""
    fields: dict[str, Field] = dict(places.segments)
    if service_ms is not None:
        fields[SERVICE] = np.asarray(service_ms, np.float64)
    times = places.pair.event_time_ns
    if len(times) and times.max() - times.min() >= DAYS * _DAY:
        fields[HOUR] = (times % _DAY // _HOUR).astype(np.float64)
    return fields


def _inside(found: tuple[Place, ...], *, fields: Mapping[str, Field], places: Places) -> NDArray[np.bool_]:
    if not found:
        return np.ones(len(places.unit), bool)
    if found[0].p is None:
        return np.asarray(places.unit == int(found[0].conditions[0].level or 0))
    return found[0].holds(fields)


def _onset(mismatch: NDArray[np.bool_], places: Places, *, inside: NDArray[np.bool_]) -> Onset | None:
    """When it changed in that place, or everywhere: a build that is the place did not change itself."""
    times = places.pair.event_time_ns
    here = find_onset(mismatch[inside], places.unit[inside], event_time_ns=times[inside])
    return here if here or inside.all() else find_onset(mismatch, places.unit, event_time_ns=times)


def _with_name(place: Place, places: Places) -> Place:
    """One unit by its name instead of its code."""
    if place.p is not None:
        return place
    row = int(np.argmax(places.unit == int(place.conditions[0].level or 0)))
    name = places.pair.unit[row]
    label = str(places.pair.request_id[row] if name is None else name)
    return replace(place, conditions=(Condition(UNIT, level=label),))


def _told(place: Place, mismatches: int) -> str:
    how = "only" if place.share >= ONLY else "mostly" if place.share >= MOSTLY else "more often"
    there = percent(place.mismatching, place.requests)
    # `elsewhere` is a rate already, told with the digits of the other one
    elsewhere = percent(round(place.elsewhere * 10**9), 10**9)
    counts = f"{place.mismatching:,} of {mismatches:,} mismatches; {there} there, {elsewhere} elsewhere"
    return f"{how} on {place} ({counts})"


def _when(onset: Onset) -> str:
    if onset.start and onset.end:
        return f"from {_moment(onset.start)} to {_moment(onset.end)}"
    if onset.start:
        return f"since {_moment(onset.start)}"
    return f"until {_moment(onset.end)}" if onset.end else ""


def _moment(moment: Moment) -> str:
    """A time as exact as its interval is: to the minute where that is minutes wide, else to the second."""
    digits = 16 if moment.upper_ns - moment.lower_ns >= 120 * _SECOND else 19
    at, lower, upper = (
        str(np.datetime_as_string(np.datetime64(ns, "ns"), unit="ns"))[:digits]
        for ns in (moment.at_ns, moment.lower_ns, moment.upper_ns)
    )
    if lower[:10] == upper[:10] == at[:10]:
        return f"{at}Z (95 % interval {lower[11:]}–{upper[11:]})"
    return f"{at}Z (95 % interval {lower}Z–{upper}Z)"


def _recorded(onset: Onset) -> OnsetFound:
    return OnsetFound(
        start=_stamped(onset.start),
        end=_stamped(onset.end),
        during=onset.during,
        otherwise=onset.otherwise,
        p=onset.p,
    )


def _stamped(moment: Moment | None) -> MomentFound | None:
    if moment is None:
        return None
    return MomentFound(
        at=rfc3339(moment.at_ns), lower=rfc3339(moment.lower_ns), upper=rfc3339(moment.upper_ns)
    )
