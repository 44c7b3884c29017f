"""What holds for every capture, every phase, and every place a journal can be torn at."""

import tempfile
from pathlib import Path

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from harness.records import Attempt, Outcome, State
from harness.replay.journal import Journal, compact, compact_parts, read_journal
from harness.replay.resume import is_final, pending
from harness.replay.schedule import (
    Constant,
    Phase,
    Poisson,
    Recorded,
    Saturate,
    Schedule,
    busiest_window,
    plan,
)

S = 1_000_000_000
times = st.lists(st.integers(0, 100 * S), max_size=60)
paces = st.one_of(
    st.builds(Saturate),
    st.builds(Constant, rate=st.floats(0.001, 1e6)),
    st.builds(Poisson, rate=st.floats(0.001, 1e6)),
    st.builds(
        Recorded,
        speed=st.floats(0.01, 100),
        max_gap_s=st.none() | st.floats(0.001, 50),
    ),
)
phases = st.builds(
    Phase,
    name=st.just("p"),
    pace=paces,
    first=st.none() | st.integers(1, 70),
    busiest_s=st.none() | st.floats(0.001, 200),
    share=st.none() | st.floats(0.01, 1),
)
resolutions = st.sampled_from([1, 1000, 1_000_000, S])
headers = st.dictionaries(st.text(max_size=5), st.text(max_size=5), max_size=2)
attempts = st.builds(
    Attempt,
    seq=st.integers(0, 2**62),
    phase=st.text(max_size=5),
    target=st.text(max_size=5),
    attempt=st.integers(0, 2),
    state=st.sampled_from(State),
    due_ns=st.none() | st.integers(0, 2**62),
    headers=headers,
    body=st.binary(max_size=50),
    detail=st.text(max_size=20),
)


def planned(seconds: list[int], phase: Phase, resolution: int, *, seed: int = 0) -> Schedule:
    """The schedule of times on a grid of the resolution."""
    ts = np.array(seconds, np.int64) // resolution * resolution
    return plan(ts, phase, resolution_ns=resolution, seed=seed)


@given(times, phases, resolutions)
def test_due_times_start_at_zero_and_never_fall(seconds: list[int], phase: Phase, resolution: int) -> None:
    """One due time a row; rows are distinct and in the order of their timestamps."""
    made = planned(seconds, phase, resolution)
    due, rows = made.due_ns, made.rows
    assert len(due) == len(rows) == len(set(rows.tolist())) <= len(seconds)
    assert np.all(due[:1] == 0)
    assert np.all(np.diff(due) >= 0)
    ts = np.array(seconds, np.int64)[rows] // resolution
    assert np.all(np.diff(ts) >= 0)


@given(times, phases, resolutions, st.integers(0, 5))
def test_a_schedule_is_a_pure_function(seconds: list[int], phase: Phase, resolution: int, seed: int) -> None:
    """The same capture, phase and seed give the same bytes."""
    one, two = (planned(seconds, phase, resolution, seed=seed) for _ in range(2))
    assert one.rows.tobytes() == two.rows.tobytes()
    assert one.due_ns.tobytes() == two.due_ns.tobytes()


@given(times, resolutions, st.integers(0, 5))
def test_spreading_moves_nothing_by_a_tick_or_more(seconds: list[int], resolution: int, seed: int) -> None:
    """Gaps between requests change by less than one tick of the log."""
    phase = Phase(name="p", pace=Recorded())
    made = planned(seconds, phase, resolution, seed=seed)
    ts = np.sort(np.array(seconds, np.int64) // resolution * resolution)
    assert np.all(np.abs(made.due_ns - (ts - ts[:1])) < resolution)


@given(times, st.floats(0.001, 50))
def test_no_gap_is_longer_than_the_cap(seconds: list[int], cap: float) -> None:
    """And shorter ones are untouched."""
    made = planned(seconds, Phase(name="p", pace=Recorded(max_gap_s=cap)), 1)
    gaps = np.diff(np.sort(np.array(seconds, np.int64)))
    assert np.diff(made.due_ns).tolist() == np.minimum(gaps, round(cap * S)).tolist()


@given(times.filter(bool), st.floats(0.001, 200))
def test_no_window_is_fuller_than_the_busiest(seconds: list[int], width: float) -> None:
    """Counted the slow way, from every arrival, and the earliest of equals wins."""
    ts = np.sort(np.array(seconds, np.int64))
    counts = [int(np.sum((ts >= t) & (ts < t + round(width * S)))) for t in ts]
    start, stop = busiest_window(np.array(seconds, np.int64), width)
    assert stop - start == max(counts)
    assert start == counts.index(max(counts))


@given(st.lists(attempts, max_size=8), st.integers(0, 10_000), st.lists(attempts, max_size=3))
def test_a_journal_torn_anywhere_keeps_its_whole_lines(
    first: list[Attempt], cut: int, second: list[Attempt]
) -> None:
    """Cut at any byte: whole lines are read, the torn one is not, and what is appended later follows them."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "j"
        _write(path, first)
        assert list(read_journal(path)) == first
        kept = path.read_bytes()[: cut % (path.stat().st_size + 1)]
        path.write_bytes(kept)
        whole = first[: kept.count(b"\n")]
        assert list(read_journal(path)) == whole
        _write(path, second)
        assert list(read_journal(path)) == whole + second


few = st.lists(
    st.builds(
        Attempt,
        seq=st.integers(0, 5),
        phase=st.sampled_from(["a", "b"]),
        target=st.sampled_from(["t", "u"]),
        attempt=st.integers(0, 2),
        state=st.sampled_from(State),
        body=st.binary(max_size=3),
    ),
    max_size=25,
)


def _parse(one: Attempt) -> Outcome:
    return Outcome(seq=one.seq, phase=one.phase, target=one.target, state=one.state, body=one.body)


@given(few, st.integers(1, 7), st.sampled_from([None, {"a": "a"}, {"b": "x"}]))
def test_compacting_in_parts_is_compacting(
    lines: list[Attempt], rows: int, passes: dict[str, str] | None
) -> None:
    """Whatever the journal, and however small the parts, the rows are those of the whole."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "j"
        _write(path, lines)
        parts = list(compact_parts(path, _parse, target="t", passes=passes, rows=rows))
    whole = compact(lines, _parse, target="t", passes=passes)
    assert [row for part in parts for row in part.to_pylist()] == whole.to_pylist()
    assert all(0 < part.num_rows <= rows for part in parts)


@given(few)
def test_what_is_pending_is_what_has_no_final_attempt(lines: list[Attempt]) -> None:
    """Counted the slow way, for every request and target."""
    seqs = np.array([4, 0, 2, 9], np.int64)
    left = pending(lines, seqs, phase="a", targets=["t", "u"])
    for target, mask in left.items():
        ended = {one.seq for one in lines if (one.phase, one.target) == ("a", target) and is_final(one)}
        assert mask.tolist() == [seq not in ended for seq in seqs.tolist()]


def _write(path: Path, lines: list[Attempt]) -> None:
    with Journal(path) as journal:
        for one in lines:
            journal.append(one)
