"""Where and when requests differ."""

import numpy as np
import pytest

from harness.columns import Pair, Side
from harness.diff.places import Places, rfc3339, shown
from harness.diff.sentences import LONGEST
from harness.diff.texts import NO_LEVEL

SECOND = 10**9
N = 1_000
START = 1_750_000_000


def places(event_time_ns: np.ndarray, **changes: np.ndarray) -> Places:
    """The surroundings of requests at some event times."""
    n = len(event_time_ns)
    scores = np.zeros(n)
    return Places.of(
        Pair(
            left=Side("offline:v1", scores, None),
            right=Side("challenger", scores, None),
            seq=np.arange(n) + 10,
            request_id=np.array([f"r{i}" for i in range(n)], object),
            ts_ns=event_time_ns,
            event_time_ns=event_time_ns,
            unit=changes.get("unit", np.full(n, None, object)),
            segments={"country": changes["country"]} if "country" in changes else {},
            unstable=np.zeros(n, bool),
        )
    )


SECONDS = places((START + np.arange(N)) * SECOND)


@pytest.mark.parametrize(
    ("ns", "text"),
    [
        (0, "1970-01-01T00:00:00Z"),
        (1_750_000_000 * SECOND, "2025-06-15T15:06:40Z"),
        (1_500_000_000, "1970-01-01T00:00:01.5Z"),
        (1, "1970-01-01T00:00:00.000000001Z"),
        (10 * SECOND, "1970-01-01T00:00:10Z"),
    ],
)
def test_times_are_rfc_3339_in_utc(ns: int, text: str) -> None:
    """To the second where they are whole, else as exact as they are."""
    assert rfc3339(ns) == text


def test_first_and_last_seen_follow_event_time_and_not_the_order_of_rows() -> None:
    """A request that came late may be about an earlier event."""
    found = places(np.array([50, 20, 90]) * SECOND)
    rows = np.array([0, 1])
    assert found.first_seen(rows) == "1970-01-01T00:00:20Z"
    assert found.last_seen(rows) == "1970-01-01T00:00:50Z"
    nothing = np.array([], np.int64)
    assert found.first_seen(nothing) is found.last_seen(nothing) is None


@pytest.mark.parametrize(
    ("first", "words"),
    [
        (0, "since the first request"),
        (9, "since the first request"),
        (10, "since 2025-06-15T15:06:50Z"),
        (999, "since 2025-06-15T15:23:19Z"),
    ],
)
def test_a_bug_in_the_first_hundredth_was_there_from_the_start(first: int, words: str) -> None:
    """Later ones say since when."""
    assert SECONDS.since(np.arange(first, N)) == words


def test_the_only_request_is_the_first() -> None:
    """One request is enough to have a start."""
    assert places(np.array([0])).since(np.array([0])) == "since the first request"


def test_units_are_counted_once_and_requests_without_one_are_their_own() -> None:
    """Two requests of one user are one unit, two anonymous ones are two."""
    found = places(np.arange(5), unit=np.array(["u", "u", None, None, "v"], object))
    assert found.units(np.arange(5)) == 4
    assert found.units(np.array([0, 1])) == 1
    assert found.units(np.array([], np.int64)) == 0


def test_segments_show_their_five_most_frequent_levels() -> None:
    """Most frequent first, by name where they tie; no level is a level of its own."""
    levels = ["a", "b", "b", None, "c", "c", "d", "e", "f", "f"]
    found = places(np.arange(10), country=np.array(levels, object)).by_segment(np.arange(10))
    assert found == {"country": {"b": 2, "c": 2, "f": 2, NO_LEVEL: 1, "a": 1}}
    assert list(found["country"]) == ["b", "c", "f", NO_LEVEL, "a"]


def test_exemplars_are_the_first_five() -> None:
    """By seq, with both sides as text; a field that is left out says so."""
    texts: list[str | None] = ["1", None, "3", "4", "5", "6"]
    found = SECONDS.exemplars(np.arange(2, 8), left=texts, right=texts[::-1])
    assert [(e.seq, e.request_id) for e in found] == [(i + 10, f"r{i}") for i in range(2, 7)]
    assert (found[1].left, found[1].right) == ("missing", "5")


def test_a_long_cell_is_cut() -> None:
    """The report shows the beginning, artefacts keep the whole."""
    assert shown("x" * 10**6) == "x" * LONGEST + "…"
    assert shown("x" * LONGEST) == "x" * LONGEST
