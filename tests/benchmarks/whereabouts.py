"""Where and since when, on random captures: how often a place or a time is right, and how often invented."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.stats import hypergeom

from harness.diff.conditions import Condition, Field, axis, holds
from harness.diff.onset import Moment, Onset, find_onset
from harness.diff.whereabouts import UNIT, find_places
from harness.stats import clopper_pearson_interval
from tests.benchmarks.clustered_worlds import World, changed, clustered, placed, true_place, world
from tests.benchmarks.figures import Goal, Row, Rows, row

if TYPE_CHECKING:
    from numpy.typing import NDArray

NULLS, PLACED, CHANGED = 1_250, 270, 500
#: first seeds of worlds that no test and no tuning has used
NULL_SEED, PLACED_SEED, CHANGED_SEED, FEW_SEED = 1_000_000, 2_000_000, 3_000_000, 4_000_000
ENOUGH, NEAR, LEAST = 250, 0.01, 5
#: a place that fewer units show cannot be told from these units
FEWEST = 8
ALIKE = 0.9

FALSE = Goal(
    id="false_place",
    figure="captures with mismatches clustered by unit that no field explains: a place is named all the same",
    unit="%",
    better="lower",
    floor=5,
    aim=1,
)
FISHER = Goal(
    id="false_place_fisher",
    figure="the same captures, Fisher's exact test on requests for each level and range, BH at 5 %",
    unit="%",
    better="lower",
)
FALSE_ONSET = Goal(
    id="false_onset",
    figure="the same captures: a change in time is named all the same",
    unit="%",
    better="lower",
    floor=5,
    aim=1,
)
FOUND = Goal(
    id="place_found",
    figure="host, country, build, range, latency and conjunctions at .1 % and 1 % of the requests: the true "
    "place, seen in 8 units or more, is named first (its fields, 90 % the same requests)",
    unit="%",
    better="higher",
    floor=90,
    aim=97,
)
FIRST = Goal(
    id="first_seen",
    figure="change of the rate with 250 mismatches or more: all its ends told within 1 % of the capture",
    unit="%",
    better="higher",
    floor=90,
    aim=97,
)
COVERED = Goal(
    id="first_seen_coverage",
    figure="change told with 30 to 249 mismatches: its 95 % interval holds the true time",
    unit="%",
    better="higher",
    floor=95,
    aim=95,
)


def share(goal: Goal, hits: list[bool], *, told: str = "") -> Row:
    """The share of hits in percent, with the width of its 95 % interval as spread."""
    low, high = clopper_pearson_interval(sum(hits), len(hits))
    made = row(goal, [100.0 * sum(hits) / len(hits)], told=told)
    return {**made, "spread": round(100.0 * (high - low), 2), "runs": len(hits)}


def false_rows(worlds: int = NULLS) -> Rows:
    """Captures in which no field and no time matters."""
    ours, fishers, times = [], [], []
    for seed in range(NULL_SEED, NULL_SEED + worlds):
        one = world(seed, n=int(np.random.default_rng(seed).integers(3_000, 20_000)))
        mismatch = clustered(one)
        if np.count_nonzero(mismatch) < LEAST:
            continue
        places = find_places(mismatch, one.unit, fields=one.fields)
        ours.append(any(place.conditions[0].field != UNIT for place in places))
        fishers.append(fisher_names(mismatch, one.fields))
        times.append(find_onset(mismatch, one.unit, event_time_ns=one.times) is not None)
    return [share(FALSE, ours), share(FISHER, fishers), share(FALSE_ONSET, times)]


def fisher_names(mismatch: NDArray[np.bool_], fields: dict[str, Field]) -> bool:
    """Whether Fisher's one-sided exact test, requests taken as independent, finds any place (BH at 5 %)."""
    found = []
    for name, values in fields.items():
        one = axis(name, values, paired=True)
        requests = one.members @ np.bincount(one.cells, minlength=one.size)
        bad = one.members @ np.bincount(one.cells, mismatch, minlength=one.size)
        found.append(hypergeom.sf(bad - 1, len(mismatch), np.count_nonzero(mismatch), requests))
    p = np.sort(np.concatenate(found))
    return bool(np.any(p <= 0.05 * np.arange(1, len(p) + 1) / len(p)))


def found_rows(worlds: int = PLACED) -> Rows:
    """Captures with one true place."""
    hits: dict[float, list[bool]] = {0.001: [], 0.01: []}
    for number in range(worlds):
        for prevalence, seen in hits.items():
            one = world(PLACED_SEED + number, n=40_000)
            place = true_place(one, number)
            mismatch = placed(one, place, prevalence=prevalence)
            if len(np.unique(one.unit[mismatch & holds(place, one.fields)])) < FEWEST:
                continue
            places = find_places(mismatch, one.unit, fields=one.fields)
            seen.append(bool(places) and same(places[0].conditions, place, one))
    told = ", ".join(f"{100 * np.mean(seen):.1f} % at {100 * at:g} %" for at, seen in hits.items())
    return [share(FOUND, [hit for seen in hits.values() for hit in seen], told=told)]


def same(named: tuple[Condition, ...], true: tuple[Condition, ...], one: World) -> bool:
    """Whether they are on the same fields and nearly the same requests."""
    if {c.field for c in named} != {c.field for c in true}:
        return False
    a, b = holds(named, one.fields), holds(true, one.fields)
    return bool(np.count_nonzero(a & b) >= ALIKE * np.count_nonzero(a | b))


def change_rows(worlds: int = CHANGED) -> Rows:
    """Captures in which the rate rises, falls or both."""
    near, missed = [], 0
    for seed in range(CHANGED_SEED, CHANGED_SEED + worlds):
        one = world(seed, n=20_000)
        mismatch, first, last = changed(one, mismatches=int(one.rng.integers(260, 1_500)))
        if np.count_nonzero(mismatch) >= ENOUGH:
            onset = find_onset(mismatch, one.unit, event_time_ns=one.times)
            missed += onset is None
            near.append(onset is not None and is_near(onset, one.times, rows=(first, last)))
    held: list[bool] = []
    for seed in range(FEW_SEED, FEW_SEED + worlds):
        one = world(seed, n=20_000)
        mismatch, first, last = changed(one, mismatches=int(one.rng.integers(30, 240)))
        onset = find_onset(mismatch, one.unit, event_time_ns=one.times)
        held += [] if onset is None else intervals_hold(onset, one.times, rows=(first, last))
    return [share(FIRST, near, told=f"{missed} not told"), share(COVERED, held)]


def is_near(onset: Onset, times: NDArray[np.int64], *, rows: tuple[int, int]) -> bool:
    """Whether it has the ends that it should have, each within 1 % of the requests."""
    n = len(times)
    told = [
        0 if onset.start is None else int(np.searchsorted(times, onset.start.at_ns)),
        n if onset.end is None else int(np.searchsorted(times, onset.end.at_ns)),
    ]
    return all(abs(ours - true) <= NEAR * n for ours, true in zip(told, rows, strict=True))


def intervals_hold(onset: Onset, times: NDArray[np.int64], *, rows: tuple[int, int]) -> list[bool]:
    """For each end told and there: whether its interval meets the gap in which the change took place."""
    held = []
    for moment, change in zip((onset.start, onset.end), rows, strict=True):
        if moment is not None and 0 < change < len(times):
            held.append(_holds(moment, int(times[change - 1]), int(times[change])))
    return held


def _holds(moment: Moment, before: int, after: int) -> bool:
    return moment.lower_ns <= after and moment.upper_ns >= before
