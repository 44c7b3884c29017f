"""A shifted clock is found by building the features again, and told from everything else."""

from collections.abc import Callable

import numpy as np
import pytest
from numpy.random import default_rng

from harness.columns import Column, Kind
from harness.diff.cells import Judged, judge
from harness.diff.event_time import SHIFTS, TimeShift, find_time_shift
from harness.diff.scores import as_column
from harness.diff.tolerance import Tolerances

HOUR_NS = 3_600 * 10**9
N = 3_000
EVENT_NS = 1_750_000_000 * 10**9 + np.sort(default_rng(3).integers(0, 14 * 24 * HOUR_NS, N))
SEQ = np.arange(N) + 100  # seq is not the row: some captured requests have no pair
HISTORY_NS = np.sort(EVENT_NS[0] + default_rng(902).integers(-24 * HOUR_NS, 14 * 24 * HOUR_NS, 500))


def build(when_ns: np.ndarray) -> dict[str, Column]:
    """Hour, weekday and how many events of a history came before: three features of time."""
    hours = when_ns // HOUR_NS
    return {
        "hour": as_column((hours % 24).astype(float)),
        "weekday": as_column((hours // 24 % 7).astype(float)),
        "seen": as_column(np.searchsorted(HISTORY_NS, when_ns).astype(float)),
    }


def rebuild(seq: np.ndarray, shift_ns: int) -> dict[str, Column]:
    """The features of some requests, with their event time shifted."""
    return build(EVENT_NS[seq - SEQ[0]] + shift_ns)


def compared(served: dict[str, Column], offline: dict[str, Column] | None = None) -> list[Judged]:
    """Each feature judged."""
    offline = offline or build(EVENT_NS)
    return [judge(offline[name], served[name], name=name, tolerances=Tolerances()) for name in offline]


def find(judged: list[Judged]) -> TimeShift | None:
    """The shift found with the pipeline above."""
    return find_time_shift(judged, seq=SEQ, event_time_ns=EVENT_NS, rebuild=rebuild)


def served_from(start: int, shift_ns: int) -> dict[str, Column]:
    """What an arm serves that reads event time shifted, from one request on."""
    return build(EVENT_NS + np.where(np.arange(N) >= start, shift_ns, 0))


@pytest.mark.parametrize("shift_ns", SHIFTS)
@pytest.mark.parametrize("start", [0, 2_900])
def test_each_shift_is_found(shift_ns: int, start: int) -> None:
    """Every shift that is tried is named, with all features it explains and every one of their rows."""
    judged = compared(served_from(start, shift_ns))
    found = find(judged)
    assert found is not None
    assert found.shift_ns == shift_ns
    assert found.fields == tuple(one.field for one in judged if len(one.rows))
    assert found.tried == found.explained == len(found.rows)
    assert found.rows.min() >= start
    assert found.unmoved == ()


def shuffled(column: Column) -> Column:
    """The values of other rows."""
    return as_column(default_rng(1).permutation(column.values))


@pytest.mark.parametrize(
    "spoil",
    [
        pytest.param(lambda served: served | {"seen": shuffled(served["seen"])}, id="noise"),
        pytest.param(lambda served: served | {"seen": as_column(np.full(N, -1.0))}, id="constant"),
        pytest.param(
            lambda served: (
                served | {"seen": Column("number", np.full(N, np.nan), np.full(N, Kind.MISSING, np.uint8))}
            ),
            id="missing",
        ),
    ],
)
def test_another_bug_in_another_feature_does_not_hide_it(
    spoil: Callable[[dict[str, Column]], dict[str, Column]],
) -> None:
    """The shift explains its features alone, even where the other bug is on every request."""
    found = find(compared(spoil(served_from(2_000, -HOUR_NS))))
    assert found is not None
    assert (found.shift_ns, found.fields) == (-HOUR_NS, ("hour", "weekday"))
    assert found.explained == len(found.rows) == N - 2_000


@pytest.mark.parametrize(
    "served",
    [
        pytest.param({name: shuffled(c) for name, c in build(EVENT_NS).items()}, id="noise"),
        pytest.param(build(EVENT_NS - 45 * HOUR_NS // 60), id="45-minutes"),
        pytest.param(
            build(EVENT_NS - 45 * HOUR_NS // 60) | {"seen": build(EVENT_NS)["seen"]}, id="45-minutes-clock"
        ),
        pytest.param(build(EVENT_NS), id="equal"),
        pytest.param(served_from(N - 2, -HOUR_NS), id="two-rows"),
    ],
)
def test_what_no_shift_explains_is_left_alone(served: dict[str, Column]) -> None:
    """Noise, a shift that is not tried, and too few rows name nothing."""
    assert find(compared(served)) is None


def test_a_feature_that_cannot_be_rebuilt_does_not_belong() -> None:
    """Only what was built again can be reproduced."""

    def partial(seq: np.ndarray, shift_ns: int) -> dict[str, Column]:
        return {"hour": rebuild(seq, shift_ns)["hour"]}

    found = find_time_shift(
        compared(served_from(0, HOUR_NS)), seq=SEQ, event_time_ns=EVENT_NS, rebuild=partial
    )
    assert found is not None
    assert found.fields == ("hour",)


def test_many_rows_are_sampled_evenly_and_said_to_be(monkeypatch: pytest.MonkeyPatch) -> None:
    """Above the limit the shift is confirmed on a part, whose size is told."""
    monkeypatch.setattr("harness.diff.event_time.CONFIRMED_ROWS", 300)
    found = find(compared(served_from(0, -HOUR_NS)))
    assert isinstance(found, TimeShift)
    assert len(found.rows) == N
    assert 150 <= found.tried == found.explained <= 300


def test_a_true_shift_stops_the_search_early() -> None:
    """The features are built again a handful of times, not for every shift."""
    calls: list[tuple[int, int]] = []

    def counting(seq: np.ndarray, shift_ns: int) -> dict[str, Column]:
        calls.append((len(seq), shift_ns))
        return rebuild(seq, shift_ns)

    find_time_shift(compared(served_from(0, -HOUR_NS)), seq=SEQ, event_time_ns=EVENT_NS, rebuild=counting)
    assert [shift_ns for _, shift_ns in calls] == [-HOUR_NS // 2, HOUR_NS // 2, -HOUR_NS, -HOUR_NS]
    assert max(n for n, _ in calls[:-1]) <= 64


def test_features_that_stay_on_time_are_told() -> None:
    """A history that is an hour old is no wrong clock: hour and weekday would have moved, too."""
    served = build(EVENT_NS) | {"seen": build(EVENT_NS - HOUR_NS)["seen"]}
    found = find(compared(served))
    assert found is not None
    assert (found.shift_ns, found.fields, found.unmoved) == (-HOUR_NS, ("seen",), ("hour", "weekday"))


def test_a_bug_on_some_requests_only_is_still_one_shift() -> None:
    """One host of three reads the time shifted: the others do not speak against it."""
    served = build(EVENT_NS - np.where(default_rng(2).random(N) < 1 / 3, HOUR_NS, 0))
    found = find(compared(served))
    assert found is not None
    assert (found.shift_ns, found.fields) == (-HOUR_NS, ("hour", "weekday", "seen"))
    assert found.tried == found.explained == len(found.rows)


def test_a_clock_wrong_for_some_minutes_is_another_shift() -> None:
    """Hours alone, wrong in the first 45 minutes of each: one hour early would move the others too."""

    def clock(when_ns: np.ndarray) -> dict[str, Column]:
        return {name: column for name, column in build(when_ns).items() if name != "seen"}

    def again(seq: np.ndarray, shift_ns: int) -> dict[str, Column]:
        return clock(EVENT_NS[seq - SEQ[0]] + shift_ns)

    judged = compared(clock(EVENT_NS - 45 * HOUR_NS // 60), clock(EVENT_NS))
    assert find_time_shift(judged, seq=SEQ, event_time_ns=EVENT_NS, rebuild=again) is None
