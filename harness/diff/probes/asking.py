"""Probes of the model itself: raw score, number of trees, early stop, another registered model."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from harness.diff.probes.model import Probed, Scores
from harness.diff.probes.probe import Agree, Call, Probe, Sample

#: numbers of trees tried, spread evenly over more; each is tried on few requests only
MOST_COUNTS = 1_000
COUNTED_ROWS = 16


def asking_probes(model: Probed) -> Iterator[Probe]:
    """The model asked for something else, and every other model of the scenario."""
    yield Probe("raw_score", "serves the raw score instead of the probability", call=Call(raw=True))
    for name in model.others:
        yield Probe("another_model", f"scores with {name} instead of {model.name}", other=name)
    if model.trees > 1:
        yield Probe("first_tree_skipped", "leaves out the first tree", call=Call(first=1))
        yield Probe("last_tree_skipped", "leaves out the last tree", call=Call(trees=model.trees - 1))
        yield Probe("early_stop", "stops early at wide margins (pred_early_stop)", call=Call(early_stop=True))


def fitted_trees(sample: Sample, agree: Agree) -> list[Probe]:
    """The number of first trees that reproduces most of these requests, if any."""
    trees = sample.case.model.trees
    counts = np.unique(np.linspace(1, trees - 2, min(MOST_COUNTS, max(0, trees - 2))).astype(np.int64))
    few = sample.case.at(sample.places[:COUNTED_ROWS])
    hits = [_hits(few, int(count), agree=agree) for count in counts]
    if not any(hits):
        return []
    count = int(counts[int(np.argmax(hits))])
    phrase = f"uses the first {count:,} of {trees:,} trees"
    return [Probe("fewer_trees", phrase, cost=1, call=Call(trees=count))]


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


def _same(one: Scores, two: Scores) -> bool:
    return bool(np.array_equal(one, two, equal_nan=True))


def _hits(sample: Sample, trees: int, *, agree: Agree) -> int:
    scores = sample.case.model.predict(sample.vectors, trees=trees)
    return int(np.count_nonzero(agree(scores, sample.served)))
