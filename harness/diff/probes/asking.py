"""Probes of the model itself: raw score, number of trees, early stop, another registered model."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from harness.diff.probes.model import Matrix, Probed, Scores
from harness.diff.probes.probe import Agree, Call, Probe, Sample
from harness.diff.sentences import number

#: numbers of trees tried, spread evenly over more
MOST_COUNTS = 1_000
#: trees walked to find the number of trees
MOST_WALKED = 40_000_000
#: what LightGBM does unless told otherwise: every 10 trees, a margin of 10
USUAL_STOP = (10, 10.0)


def asking_probes(model: Probed) -> Iterator[Probe]:
    """The model asked for something else, and every other model of the scenario."""
    yield Probe("raw_score", "serves the raw score instead of the probability", call=Call(raw=True))
    for name in model.others:
        yield Probe("another_model", f"scores with {name} instead of {model.name}", other=name)
    if model.trees > 1:
        yield Probe("first_tree_skipped", "leaves out the first tree", call=Call(first=1))
        yield Probe("last_tree_skipped", "leaves out the last tree", call=Call(trees=model.trees - 1))
        yield _stopping(USUAL_STOP, cost=0)


def fitted_trees(sample: Sample, agree: Agree) -> list[Probe]:
    """How many first trees reproduce these requests: as many for all, or for each, as an early stop does."""
    trees = sample.case.model.trees
    if trees < 3:
        return []
    counts = np.unique(np.linspace(1, trees - 1, min(MOST_COUNTS, trees - 1)).astype(np.int64))
    sample = sample.case.at(sample.places[:: 1 + len(sample) * len(counts) * trees // MOST_WALKED])
    predict = sample.case.model.predict
    scores = np.stack([predict(sample.vectors, trees=int(count)) for count in counts])
    hits = agree(scores, sample.served)
    most = int(np.argmax(hits.sum(axis=1)))
    if not hits[most].any():
        return []
    phrase = f"uses the first {counts[most]:,} of {trees:,} trees"
    few = Probe("fewer_trees", phrase, cost=1, call=Call(trees=int(counts[most])))
    return [few, *_early(sample, counts, hits=hits)]


def told(probe: Probe, sample: Sample) -> tuple[str, str]:
    """The name and phrase of a probe; another model that begins with this one is this with all its trees."""
    model = sample.case.model
    if not probe.other or model.others[probe.other].trees <= model.trees:
        return probe.name, probe.phrase
    other = model.others[probe.other]
    start = other.scores(sample.seq, model.trees)
    if not _same(start, sample.offline):
        return probe.name, probe.phrase
    return "all_trees", f"uses all {other.trees:,} trees of {probe.other} instead of the best {model.trees:,}"


def _early(sample: Sample, counts: NDArray[np.int64], *, hits: NDArray[np.bool_]) -> list[Probe]:
    """The early stop that ends each request where it ended; margins are twice the raw score, without a sign.

    Every request that stops has a wider margin there than any that goes on: the bound lies between, and is
    taken as round as it can be.
    """
    stopped = hits.any(axis=0)
    ends = counts[np.argmax(hits, axis=0)]
    every = int(np.gcd.reduce(ends[stopped]))
    if len(np.unique(ends[stopped])) < 2:
        return []
    checks = np.arange(every, int(ends[stopped].max()) + 1, every)
    margins = np.stack([_margins(sample, int(count)) for count in checks])
    last = np.where(stopped, ends, checks[-1] + 1)
    on = margins[checks[:, None] < last]
    at_end = margins[checks[:, None] == last]
    if not len(on) or not len(at_end) or on.max() >= at_end.min():
        return []
    return [_stopping((every, _roundest(float(on.max()), float(at_end.min()))), cost=2)]


def _stopping(stop: tuple[int, float], *, cost: int) -> Probe:
    phrase = f"stops early at margins above {number(stop[1])} (pred_early_stop, every {stop[0]:,} trees)"
    return Probe("early_stop", phrase, cost, call=Call(stop=stop))


def _margins(sample: Sample, trees: int) -> Matrix:
    return np.abs(2 * sample.case.model.predict(sample.vectors, raw=True, trees=trees))


def _roundest(low: float, high: float) -> float:
    """The number with the fewest decimals from low (included) to high; low itself where there is none."""
    for decimals in range(6):
        rounded = float(np.ceil(low * 10**decimals) / 10**decimals)
        if low <= rounded < high:
            return rounded
    return low


def _same(one: Scores, two: Scores) -> bool:
    return bool(np.array_equal(one, two, equal_nan=True))
