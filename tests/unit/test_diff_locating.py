"""Where and since when, in a sentence."""

import numpy as np
import pytest
from numpy.random import default_rng

from harness.columns import Pair, Side
from harness.diff.conditions import Condition
from harness.diff.locating import HOUR, SERVICE, Whereabouts, fields_of, locate
from harness.diff.onset import Moment, Onset
from harness.diff.places import Places
from harness.diff.texts import Texts
from harness.diff.whereabouts import Place, Search

N = 6_000
SECOND = 10**9
START = 1_748_596_000 * SECOND
HOST = np.array([f"h{k}" for k in default_rng(31).integers(6, size=N)], object)
USER = np.array([f"u{k}" for k in default_rng(702).integers(900, size=N)], object)
BUILD = np.where(np.arange(N) < 3_000, "b1", "b2").astype(object)
ROW = np.arange(N)
SEARCH = Search(alpha=0.01, shuffles=199)


def places(*, unit: np.ndarray = USER, step: int = SECOND) -> Places:
    """Requests of users on hosts, a step apart."""
    times, scores = START + ROW * step, np.zeros(N)
    return Places.of(
        Pair(
            left=Side("offline:v1", scores, None),
            right=Side("challenger", scores, None),
            seq=ROW,
            request_id=np.array([f"r{k}" for k in ROW], object),
            ts_ns=times,
            event_time_ns=times,
            unit=unit,
            segments={"host": HOST, "build": BUILD},
            unstable=np.zeros(N, bool),
        )
    )


def test_place_and_time_come_in_one_sentence() -> None:
    """The time is that of the place."""
    rows = np.flatnonzero((HOST == "h3") & (ROW >= 2_000))
    found = locate(rows, places(), search=SEARCH)
    assert [str(place) for place in found.places] == ["host = h3"]
    assert found.onset is not None
    assert found.onset.start is not None
    assert abs(found.onset.start.at_ns - (START + 2_000 * SECOND)) < 30 * SECOND
    assert found.sentence().startswith(
        f"only on host = h3 ({len(rows):,} of {len(rows):,} mismatches; "
        f"{100 * found.places[0].rate:.1f} % there, 0 % elsewhere), since 2025-05-30T09:"
    )


def test_a_build_is_a_place_and_its_time_is_told_too() -> None:
    """Within the build nothing changed; over all requests it did."""
    found = locate(
        np.flatnonzero((BUILD == "b2") & (default_rng(703).random(N) < 0.3)), places(), search=SEARCH
    )
    assert [str(place) for place in found.places] == ["build = b2"]
    assert found.onset is not None
    assert found.onset.start is not None
    assert abs(found.onset.start.at_ns - (START + 3_000 * SECOND)) < 60 * SECOND


def test_one_user_is_named_by_name() -> None:
    """The unit's name, not its code; a request without a unit is its own."""
    found = locate(np.flatnonzero(USER == "u17"), places(), search=SEARCH)
    assert found.places[0].conditions == (Condition("unit", level="u17"),)
    assert "only on unit = u17" in found.sentence()


def test_latency_and_further_fields_are_places() -> None:
    """Texts or numbers that the pair does not hold."""
    latency, amount = default_rng(704).gamma(2.0, 15.0, N), default_rng(705).lognormal(4.0, 1.0, N)
    slow = locate(np.flatnonzero(latency >= 80.0), places(), service_ms=latency, search=SEARCH)
    assert [one.field for one in slow.places[0].conditions] == [SERVICE]
    rows = np.flatnonzero(amount >= 150.0)
    dear = locate(rows, places(), extra={"amount": amount, "kind": HOST}, search=SEARCH)
    assert [str(place) for place in dear.places] == ["amount >= 150"]


def test_the_hour_is_a_field_of_a_capture_of_days() -> None:
    """Of hours it would be the time once more."""
    assert set(fields_of(places(), None)) == {"host", "build"}
    days = fields_of(places(step=60 * SECOND), np.full(N, 20.0))
    assert set(days) == {"host", "build", SERVICE, HOUR}
    hour = days[HOUR]
    assert not isinstance(hour, Texts)
    assert (hour.min(), hour.max()) == (0.0, 23.0)


@pytest.mark.parametrize("rows", [np.array([], np.int64), np.flatnonzero(default_rng(706).random(N) < 0.02)])
def test_nothing_is_said_where_nothing_is_known(rows: np.ndarray) -> None:
    """No mismatch, or mismatches all over."""
    found = locate(rows, places(), search=SEARCH)
    assert (found.sentence(), found.found()) == ("", ((), None))


def at(text: str) -> int:
    """A time in ns."""
    return int(np.datetime64(text, "ns").astype(np.int64))


def moment(text: str, lower: str, upper: str) -> Moment:
    """A time and its interval."""
    return Moment(at(text), at(lower), at(upper))


TEN = moment("2025-05-30T10:00:12", "2025-05-30T09:52:01", "2025-05-30T10:07:33")
NOON = moment("2025-05-30T12:00:00", "2025-05-30T11:59:59", "2025-05-30T12:00:01")
NIGHT = moment("2025-05-30T23:59:00", "2025-05-30T23:50:00", "2025-05-31T00:10:00")


@pytest.mark.parametrize(
    ("start", "end", "words"),
    [
        (TEN, None, "since 2025-05-30T10:00Z (95 % interval 09:52–10:07)"),
        (NOON, None, "since 2025-05-30T12:00:00Z (95 % interval 11:59:59–12:00:01)"),
        (None, NOON, "until 2025-05-30T12:00:00Z (95 % interval 11:59:59–12:00:01)"),
        (
            TEN,
            NIGHT,
            (
                "from 2025-05-30T10:00Z (95 % interval 09:52–10:07) to "
                "2025-05-30T23:59Z (95 % interval 2025-05-30T23:50Z–2025-05-31T00:10Z)"
            ),
        ),
    ],
)
def test_a_time_is_as_exact_as_its_interval(start: Moment | None, end: Moment | None, words: str) -> None:
    """To the minute where that is minutes wide, with the day where it is another one."""
    assert Whereabouts(10, (), Onset(start, end, 0.1, 0.0, 0.005)).sentence() == words


@pytest.mark.parametrize(
    ("share", "how"), [(1.0, "only"), (0.99, "only"), (0.9, "mostly"), (0.3, "more often")]
)
def test_how_much_of_it_a_place_has(share: float, how: str) -> None:
    """Only, mostly, or more often than elsewhere."""
    place = Place(
        conditions=(Condition("host", level="h3"), Condition("amount", at_least=120.5)),
        requests=10_000,
        mismatching=round(210 * share),
        rate=0.021 * share,
        elsewhere=0.0005,
        share=share,
        p=0.005,
    )
    bad = round(210 * share)
    there = f"{place.rate * 100:.1f}" if place.rate >= 0.01 else "0.63"
    assert Whereabouts(210, (place,), None).sentence() == (
        f"{how} on host = h3 and amount >= 120.5 ({bad} of 210 mismatches; {there} % there, 0.05 % elsewhere)"
    )


def test_the_report_gets_the_same_as_records() -> None:
    """Conditions as words, times as RFC 3339."""
    place = Place(
        conditions=(Condition("host", level="h3"),),
        requests=100,
        mismatching=10,
        rate=0.1,
        elsewhere=0.0,
        share=1.0,
        p=0.005,
    )
    (one,), onset = Whereabouts(10, (place,), Onset(TEN, None, 0.1, 0.0, 0.005)).found()
    assert (one.conditions, one.requests, one.mismatching, one.p) == (("host = h3",), 100, 10, 0.005)
    assert onset is not None
    assert onset.end is None
    assert onset.start is not None
    assert onset.start.lower == "2025-05-30T09:52:01Z"
