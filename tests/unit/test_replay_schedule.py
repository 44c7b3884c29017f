"""When requests are due: known schedules, slices and spreading, and what a phase may say."""

import msgspec
import numpy as np
import pytest

from harness.replay.schedule import (
    DEFAULT_PHASES,
    Constant,
    Pace,
    Phase,
    Poisson,
    Recorded,
    Saturate,
    busiest_window,
    plan,
    sampled,
    series,
    spread,
)

S = 1_000_000_000
MS = 1_000_000


def ns(*seconds: float) -> np.ndarray:
    """Times in seconds as int64 ns."""
    return np.array([round(s * S) for s in seconds], np.int64)


@pytest.mark.parametrize(
    ("pace", "seconds", "due"),
    [
        (Recorded(), (5, 6, 8), (0, 1, 3)),
        (Recorded(speed=2.0), (5, 6, 8), (0, 0.5, 1.5)),
        (Recorded(speed=0.5), (5, 6, 8), (0, 2, 6)),
        (Recorded(max_gap_s=1.5), (0, 1, 17, 18), (0, 1, 2.5, 3.5)),
        (Recorded(speed=2.0, max_gap_s=1.5), (0, 1, 17, 18), (0, 0.5, 2, 2.5)),
        (Recorded(), (5,), (0,)),
        (Recorded(), (), ()),
        (Saturate(), (5, 6, 8), (0, 0, 0)),
        (Constant(rate=4), (5, 6, 8, 80), (0, 0.25, 0.5, 0.75)),
        (Constant(rate=3), (1, 1, 1, 1), (0, 0.333333333, 0.666666667, 1)),
        (Poisson(rate=10), (5,), (0,)),
        (Poisson(rate=10), (), ()),
    ],
)
def test_due_times_follow_the_pace(pace: Pace, seconds: tuple[float, ...], due: tuple[float, ...]) -> None:
    """Recorded times are kept, scaled and their silences cut; a closed loop has no times."""
    made = plan(ns(*seconds), Phase(name="p", pace=pace), resolution_ns=1, seed=0)
    assert made.due_ns.tolist() == ns(*due).tolist()


def test_nanoseconds_of_real_dates_survive() -> None:
    """Gaps of single nanoseconds are exact at today's epoch times, where float64 would lose 256 ns."""
    ts = np.array([0, 1, 3, 3], np.int64) + 1_700_000_000_123_456_789
    assert plan(ts, Phase(name="p", pace=Recorded()), resolution_ns=1, seed=0).due_ns.tolist() == [0, 1, 3, 3]


@pytest.mark.parametrize(
    ("seconds", "width", "window"),
    [
        ((0, 1, 2, 10, 10.5, 11, 11.5), 2, (3, 7)),
        ((0, 1, 5, 6), 2, (0, 2)),
        ((0, 1, 2), 1, (0, 1)),
        ((0, 1, 2), 100, (0, 3)),
        ((3, 3, 3), 1, (0, 3)),
        ((), 60, (0, 0)),
    ],
)
def test_the_busiest_window_is_the_fullest_and_of_equals_the_earliest(
    seconds: tuple[float, ...], width: float, window: tuple[int, int]
) -> None:
    """Windows are half open: an arrival exactly `width` later is outside."""
    assert busiest_window(ns(*seconds), width) == window


def test_the_busiest_window_of_an_excerpt_of_the_azure_trace() -> None:
    """The first 16 arrivals of the Azure 2023 code trace: half a second holds five at most, twice."""
    excerpt = ns(
        *(
            0.0,
            0.052,
            0.098189,
            0.140684,
            0.444994,
            0.539187,
            0.698571,
            1.016041,
            1.299312,
            1.299337,
            1.398922,
        ),
        *(1.399087, 29.479069, 29.580407, 29.610325, 29.679153),
    )
    assert busiest_window(excerpt, 0.5) == (0, 5)


def test_slices_are_taken_in_time_order_first_then_busiest() -> None:
    """`first` cuts by time, not by place in the file, and the busiest window is sought in what is left."""
    ts = ns(9, 0, 5, 5.1, 9.1, 9.2)
    phase = Phase(name="p", pace=Recorded(), first=3, busiest_s=1)
    made = plan(ts, phase, resolution_ns=1, seed=0)
    assert made.rows.tolist() == [2, 3]
    assert made.due_ns.tolist() == ns(0, 0.1).tolist()


def test_equal_times_keep_the_order_of_the_capture() -> None:
    """Requests with one timestamp are sent as they stand in the file."""
    made = plan(ns(1, 1, 0, 1), Phase(name="p"), resolution_ns=1, seed=0)
    assert made.rows.tolist() == [2, 0, 1, 3]


@pytest.mark.parametrize(
    ("ticks_ns", "spreads"),
    [(1, False), (MS - 1, False), (MS, True), (S, True)],
)
def test_only_coarse_ticks_are_spread(ticks_ns: int, *, spreads: bool) -> None:
    """Colliding times of a millisecond resolution or coarser move, inside their ticks only."""
    ts = np.repeat(ns(10, 11, 12), 50)
    moved = spread(ts, np.full(len(ts), ticks_ns), seed=1)
    assert bool(np.any(moved != ts)) is spreads
    assert np.all((moved - ts >= 0) & (moved - ts < ticks_ns))
    assert np.all(np.diff(moved) >= 0)


def test_coarse_times_without_collisions_stay() -> None:
    """Millisecond stamps that never collide are taken as they are."""
    ts = ns(1.001, 1.002, 1.007)
    assert spread(ts, np.full(3, MS), seed=1).tolist() == ts.tolist()


def test_the_peak_is_the_most_due_in_any_second() -> None:
    """The bound on requests in flight is derived from it."""
    made = plan(ns(0, 5, 5.2, 5.9, 6.1), Phase(name="p", pace=Recorded()), resolution_ns=1, seed=0)
    assert made.peak == 3


def test_the_default_phases_are_parity_on_everything_then_latency_on_the_busiest_minute() -> None:
    """What runs when a scenario names no phases."""
    parity, latency = DEFAULT_PHASES
    assert (parity.name, parity.pace, parity.busiest_s, parity.features) == ("parity", Saturate(), None, True)
    assert (latency.name, latency.pace, latency.busiest_s) == ("latency", Recorded(), 60)
    assert latency.features is False


def test_a_constant_rate_does_not_drift() -> None:
    """The last of a million requests is due to the nanosecond where the first gap says."""
    made = plan(
        np.zeros(1_000_001, np.int64), Phase(name="p", pace=Constant(rate=3)), resolution_ns=1, seed=0
    )
    assert made.due_ns[-1] == round(1_000_000 / 3 * S)


def test_poisson_arrivals_have_the_rate_and_the_spread_of_their_name() -> None:
    """Gaps average 1 / rate with a standard deviation as large, and another seed draws others."""
    phase = Phase(name="p", pace=Poisson(rate=200))
    one, again, other = (plan(np.zeros(20_000, np.int64), phase, resolution_ns=1, seed=k) for k in (1, 1, 2))
    gaps = np.diff(one.due_ns) / S
    assert gaps.mean() == pytest.approx(1 / 200, rel=0.03)
    assert gaps.std() == pytest.approx(1 / 200, rel=0.05)
    assert one.due_ns.tolist() == again.due_ns.tolist() != other.due_ns.tolist()


def test_a_share_is_drawn_by_the_seed_and_keeps_the_order() -> None:
    """A fifth of a hundred is twenty, the same for a seed, and of anything at least one."""
    rows = np.arange(100, 200, dtype=np.int64)
    drawn = sampled(rows, 0.2, seed=1)
    assert (len(drawn), drawn.tolist()) == (20, sorted(set(drawn.tolist())))
    assert drawn.tolist() == sampled(rows, 0.2, seed=1).tolist() != sampled(rows, 0.2, seed=2).tolist()
    assert sampled(rows[:3], 0.01, seed=1).tolist()[0] in rows[:3]
    assert sampled(rows[:0], 0.5, seed=1).tolist() == []
    made = plan(ns(*range(50)), Phase(name="p", pace=Recorded(), share=0.1), resolution_ns=1, seed=4)
    assert len(made.rows) == 5
    assert made.due_ns.tolist() == ((made.rows - made.rows[0]) * S).tolist()


@pytest.mark.parametrize(
    ("pace", "open_loop"),
    [(Saturate(), False), (Recorded(), True), (Constant(rate=1), True), (Poisson(rate=1), True)],
)
def test_all_but_saturate_are_open_loops(pace: Pace, *, open_loop: bool) -> None:
    """Only there latency is judged."""
    assert Phase(name="p", pace=pace).open_loop is open_loop


@pytest.mark.parametrize(
    ("config", "complaint"),
    [
        ({"name": "p", "pace": {"kind": "recorded", "speed": 0}}, "$.pace.speed"),
        ({"name": "p", "pace": {"kind": "recorded", "max_gap_s": -1}}, "$.pace.max_gap_s"),
        ({"name": "p", "pace": {"kind": "saturate", "connections": 0}}, "$.pace.connections"),
        ({"name": "p", "pace": {"kind": "asap"}}, "asap"),
        ({"name": "p", "paces": {}}, "paces"),
        ({"name": "../p"}, "$.name"),
        ({"name": "p", "first": 0}, "$.first"),
        ({"name": "p", "busiest_s": 0}, "$.busiest_s"),
        ({"name": "p", "pace": {"kind": "constant"}}, "rate"),
        ({"name": "p", "pace": {"kind": "poisson", "rate": 0}}, "$.pace.rate"),
        ({"name": "p", "share": 1.5}, "$.share"),
        ({"name": "p", "arms": "apart?"}, "$.arms"),
        ({"name": "p", "overload": "wait"}, "$.overload"),
    ],
)
def test_a_wrong_phase_names_its_field(config: dict[str, object], complaint: str) -> None:
    """Unknown words and impossible values are refused at load, with their path."""
    with pytest.raises(msgspec.ValidationError, match=complaint.replace("$", r"\$").replace(".", r"\.")):
        msgspec.convert(config, Phase)


def test_a_phase_is_sent_as_often_as_it_has_passes() -> None:
    """The passes have names of their own that no phase can have, and the very same schedule."""
    phase = Phase(name="rush", pace=Poisson(rate=50), passes=3)
    assert [each.name for each in phase.each()] == ["rush", "rush.2", "rush.3"]
    assert {series(each.name) for each in phase.each()} == {"rush"}
    due = [plan(ns(*range(20)), each, resolution_ns=1, seed=7).due_ns.tolist() for each in phase.each()]
    assert due[0] == due[1] == due[2]
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({"name": "rush.2"}, Phase)


def test_a_phase_of_one_pass_is_itself() -> None:
    """Nothing changes for it."""
    assert Phase(name="rush").each() == (Phase(name="rush"),)
