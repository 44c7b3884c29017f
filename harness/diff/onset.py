"""Since when requests mismatch, until when, and how sure that is.

Whether the rate changed at all is asked as `whereabouts` asks for a place, with time as the only field: an
unbroken range of times is a place, and whole units' patterns are dealt anew: a busy user is no change. Where
the change lies is told by the likelihood of every split, flat before the data, row by row in the order
of time (Smith, "A Bayesian approach to inference about a change-point", Biometrika 62, 1975), with
beta-binomial units instead of independent rows (Skellam, JRSS B 10, 1948): a request of a user who never
mismatches later says nothing, one of a user who always does says when.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from harness.diff.conditions import Condition, cuts, ranges
from harness.diff.scan import MIN_MARKS, Scan
from harness.diff.shuffles import Shuffles
from harness.diff.whereabouts import MARKS, SEARCH, Search, adjusted_p, measured

LEVEL = 0.95
#: the likelihood that is kept for it: the rates it stands on are themselves estimated
KEPT = 0.975
#: ends of the ranges of time that are tried, as shares of the requests
SHARES = (0.005, 0.01, *np.linspace(0.02, 0.98, 49), 0.99, 0.995)
#: a range of time may be nearly all of it; a second end must add this to the likelihood ratio
LARGEST, SECOND_END = 0.995, 16.0
REFINED = 3
#: fewer units than this show no change of the service, only of themselves
MIN_UNITS = 3
EVEN, MOST_ALIKE = 1e-6, 0.999


@dataclass(frozen=True)
class Moment:
    """A time in ns with the interval that holds it with probability `LEVEL`."""

    at_ns: int
    lower_ns: int
    upper_ns: int


@dataclass(frozen=True)
class Onset:
    """Requests mismatch more from `start` to `end`; None where that is the first or the last request.

    `during` and `otherwise` are the shares mismatching within and outside, `p` that of no change at all.
    """

    start: Moment | None
    end: Moment | None
    during: float
    otherwise: float
    p: float


def find_onset(
    mismatch: NDArray[np.bool_],
    unit: NDArray[np.int64],
    *,
    event_time_ns: NDArray[np.int64],
    search: Search = SEARCH,
) -> Onset | None:
    """When the mismatch rate rises, falls or both; None where it may be constant (p > alpha).

    bool, codes and int64 ns (n,) in any order.
    """
    marks = int(np.count_nonzero(mismatch))
    if marks < MIN_MARKS or marks == len(mismatch) or len(np.unique(unit[mismatch])) < MIN_UNITS:
        return None
    order = np.argsort(event_time_ns, kind="stable")
    times, bad = event_time_ns[order], mismatch[order]
    _, codes = np.unique(unit[order], return_inverse=True)
    found = _range(bad, codes, since=(times - times[0]).astype(np.float64), search=search)
    if found is None:
        return None
    span, p = found
    return _placed(Timeline(bad, codes, times), _rows(span, times), p=p)


def _range(
    mismatch: NDArray[np.bool_], unit: NDArray[np.int64], *, since: NDArray[np.float64], search: Search
) -> tuple[Condition, float] | None:
    """The range of time in which mismatches gather, one end where that is enough."""
    rng = np.random.default_rng(search.seed)
    marks = np.flatnonzero(mismatch)
    if len(marks) > MARKS:
        marks = np.sort(rng.choice(marks, MARKS, replace=False))
    shuffles = Shuffles.of(unit, marks)
    axis = ranges("time", since, edges=cuts(since, SHARES), one_sided=False)
    scan = Scan((axis,), (), shuffles.weights(unit), len(marks), largest=LARGEST)
    scan = measured(scan, shuffles, rng=rng)
    ratios = scan.ratios_alone(0, marks[None])[0]
    if ratios.max(initial=0.0) <= 0.0:
        return None
    spans = [axis.conditions[place] for place in scan.alone(0).usable]
    cost = SECOND_END * scan.dispersion(0)
    two = np.array([one.two_sided for one in spans])
    best = int(np.argmax(ratios - cost * two))
    strength = np.array([ratios[best], ratios.max()]) / scan.dispersion(0)
    simple, widest = adjusted_p(scan, shuffles, strengths=strength, rng=rng, search=search)
    if simple <= search.alpha:
        return spans[best], float(simple)
    return (spans[int(np.argmax(ratios))], float(widest)) if widest <= search.alpha else None


def _rows(span: Condition, times: NDArray[np.int64]) -> tuple[int, int]:
    """The first row in a range of time and the first after it."""
    since = (times - times[0]).astype(np.float64)
    first = 0 if span.at_least is None else int(np.searchsorted(since, span.at_least))
    last = len(times) if span.below is None else int(np.searchsorted(since, span.below))
    return first, last


@dataclass(frozen=True)
class Timeline:
    """Requests in the order of time: whether each mismatches, its unit and its time in ns."""

    mismatch: NDArray[np.bool_]
    unit: NDArray[np.int64]
    times: NDArray[np.int64]

    def cut(self, first: int, last: int) -> Timeline:
        """The rows from `first` to before `last`."""
        return Timeline(self.mismatch[first:last], self.unit[first:last], self.times[first:last])

    def reversed(self) -> Timeline:
        """Time running backwards: an end is a start."""
        return Timeline(self.mismatch[::-1], self.unit[::-1], -self.times[::-1])


def _placed(line: Timeline, rows: tuple[int, int], *, p: float) -> Onset:
    first, last = rows
    start = end = None
    n = len(line.times)
    if first:
        start, first = _start(line.cut(0, last), first)
    if last < n:
        backwards, after = _start(line.cut(first, n).reversed(), n - last)
        end, last = Moment(-backwards.at_ns, -backwards.upper_ns, -backwards.lower_ns), n - after
    bad, inside = int(np.count_nonzero(line.mismatch)), int(np.count_nonzero(line.mismatch[first:last]))
    during = inside / max(last - first, 1)
    otherwise = (bad - inside) / max(n - (last - first), 1)
    return Onset(start, end, during, otherwise, p)


def _start(line: Timeline, first: int) -> tuple[Moment, int]:
    """When the rate rises, and the first row after that; `first` is where it is about."""
    for _ in range(REFINED):
        likelihood = split_likelihood(line, first)
        before, first = first, int(np.argmax(likelihood))
        if before == first:
            break
    weight = np.exp(likelihood - likelihood.max())
    weight /= weight.sum()
    ranked = np.argsort(-weight, kind="stable")
    count = int(np.searchsorted(np.cumsum(weight[ranked]), KEPT)) + 1
    lowest, highest = int(ranked[:count].min()), int(ranked[:count].max())
    middle = int(np.searchsorted(np.cumsum(weight), 0.5))
    last = len(line.times) - 1
    moment = Moment(
        at_ns=int(line.times[min(middle, last)]),
        lower_ns=int(line.times[max(lowest - 1, 0)]),
        upper_ns=int(line.times[min(highest, last)]),
    )
    return moment, first


def split_likelihood(line: Timeline, first: int) -> NDArray[np.float64]:
    """The log likelihood of a rise before each row and after the last, float64 (n + 1,), up to a constant.

    The rate and the likeness within units of each side are those of a split at `first`. Between requests of
    one time there is no split.
    """
    n = len(line.times)
    before = _predicted(line, line.cut(0, first))
    after = _predicted(line.reversed(), line.cut(first, n))[::-1]
    likelihood = np.concatenate([[0.0], np.cumsum(before - after)])
    likelihood[1:n][line.times[1:] == line.times[:-1]] = -np.inf
    return likelihood


def _predicted(line: Timeline, like: Timeline) -> NDArray[np.float64]:
    """The log probability of each row given the earlier ones of its unit, at rates as in `like`."""
    rate = (np.count_nonzero(like.mismatch) + 0.5) / (len(like.times) + 1.0)
    alike = _alike(like)
    others, others_bad = _others(line)
    chance = (rate * (1.0 - alike) + alike * others_bad) / (1.0 - alike + alike * others)
    return np.asarray(np.log(np.where(line.mismatch, chance, 1.0 - chance)))


def _others(line: Timeline) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """How many earlier rows of its unit each row has, and how many of them mismatch."""
    order = np.argsort(line.unit, kind="stable")
    size = np.bincount(line.unit)
    start = np.repeat(np.cumsum(size) - size, size)
    so_far = np.concatenate([[0], np.cumsum(line.mismatch[order])])
    place = np.arange(len(order))
    others, others_bad = np.empty_like(order), np.empty_like(order)
    others[order] = place - start
    others_bad[order] = so_far[place] - so_far[start]
    return others, others_bad


def _alike(line: Timeline) -> float:
    """How alike the rows of one unit are: the intraclass correlation by moments, within (0, 1)."""
    size = np.bincount(line.unit).astype(np.float64)
    bad = np.bincount(line.unit, line.mismatch)
    rate = float(bad.sum() / max(size.sum(), 1.0))
    pairs = float(np.sum(size * (size - 1.0))) * rate * (1.0 - rate)
    if pairs <= 0.0:
        return EVEN
    excess = float(np.sum((bad - size * rate) ** 2 - size * rate * (1.0 - rate)))
    return min(max(excess / pairs, EVEN), MOST_ALIKE)
