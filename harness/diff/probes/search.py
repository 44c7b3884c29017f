"""Every probe tried on few mismatching requests, the best confirmed on all, the simplest of those named."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from harness.columns import Pair
from harness.diff.bands import Band
from harness.diff.causes import MIN_INPUTS, MIN_ROWS, NAMED, Cause
from harness.diff.damage import Rescore
from harness.diff.probes.afterwards import Found, Moved, afterwards
from harness.diff.probes.asking import asking_probes, fitted_trees, told
from harness.diff.probes.categories import category_probes, fitted_codes
from harness.diff.probes.model import Probed, Scores, layout_of
from harness.diff.probes.orders import fitted_order
from harness.diff.probes.probe import Case, Probe, Sample, predictions
from harness.diff.probes.vectors import fitted_fills, vector_probes
from harness.diff.some_rows import evenly
from harness.stats import wilson_lower

#: share of the requests that a probe reproduces to be named with "mostly"
MOSTLY = 0.8
#: mismatching requests that every probe is tried on, fewer where there are very many probes
TRIED_ROWS = 64
TRIED_VECTORS = 150_000
TRIED_CELLS = 6_000_000
#: mismatching requests from which what a probe chooses is found
FITTED_ROWS = 600
#: requests that the best are compared on, then the best of those confirmed on
COMPARED_ROWS = 1_000
CONFIRMED_ROWS = 20_000
FINALISTS = 24
#: what a probe pays for each thing it chooses, as a share of the requests
PRICE = 0.002
#: how many of those that fit alike are told
TOLD = 3

#: the bits of a double but the last few, which a sigmoid done elsewhere may round otherwise
_EXACT: Final = Band(atol=1e-15, rtol=1e-12)
#: arithmetic in 32 bits from the margin on
_FLOAT32: Final = Band(atol=1e-7, rtol=2.4e-7)


@dataclass(frozen=True)
class Precision:
    """How exactly scores are served, so how exactly a probe must hit: decimals None unless rounded."""

    band: Band = _EXACT
    decimals: int | None = None

    def agree(self, predicted: Scores, served: Scores) -> NDArray[np.bool_]:
        """Which predicted scores come out as served: bool, elementwise, of any shape."""
        if self.decimals is None:
            one, other = np.broadcast_arrays(predicted, served)
            return self.band.holds(one.ravel(), other.ravel()).reshape(one.shape)
        with np.errstate(invalid="ignore"):
            return np.asarray(np.abs(predicted - served) <= 0.5 * 10.0**-self.decimals * (1 + 1e-9))


def precision_of(served: Scores) -> Precision:
    """The precision of served scores: rounded to 3 to 8 decimals, float32, or float64.

    To check: 0.1235 and 0.25 are rounded to 4 decimals; float32(0.1) and float32(0.7) are float32.
    """
    served = served[np.isfinite(served)]
    if len(np.unique(served)) < MIN_INPUTS:
        return Precision()
    for decimals in range(3, 9):
        if np.array_equal(np.round(served, decimals), served):
            return Precision(decimals=decimals)
    with np.errstate(over="ignore"):
        casts = np.array_equal(served.astype(np.float32).astype(np.float64), served)
    return Precision(_FLOAT32) if casts else Precision()


def score_cause(
    pair: Pair, *, rows: NDArray[np.int64], calm: NDArray[np.int64], rescore: Rescore | None, simple: Cause
) -> Cause:
    """Why scores differ on `rows`, where features agree or are not shown; `simple` is the answer so far.

    `calm` are requests that agree in everything; they choose between probes that reproduce `rows` alike.
    A probe is named as causes are: it reproduces 95 % of the requests (80 % with "mostly"), at least 5 of
    them with 3 distinct scores. Probes rank by the lower Wilson bound of that share less a price for what
    they choose. Without a `Probed` model as `rescore` only what needs no model is tried.
    """
    tested = evenly(rows, CONFIRMED_ROWS)
    left, right = pair.left.scores[tested], pair.right.scores[tested]
    found = list(afterwards(Moved(left, right, pair.right.scores[calm]))) if len(tested) else []
    case = _case(pair, rescore)
    if case is not None:
        found = [*_of_model(case, tested, calm=calm), *found]
    best = max((f for f in found if _supported(f, left)), key=_rank, default=None)
    if best is None or np.mean(best.hits) < MOSTLY:
        return simple
    if _rank(best) < wilson_lower(simple.explained * len(tested) // len(rows), len(tested)):
        return simple
    most = "" if np.mean(best.hits) >= NAMED else "mostly "
    of = f" (tried on {len(tested):,} requests)" if len(tested) < len(rows) else ""
    return Cause(best.name, f"{most}{best.phrase}{of}", int(np.count_nonzero(best.hits)))


def _case(pair: Pair, rescore: Rescore | None) -> Case | None:
    """The pair with its model, where that can be asked and knows the features."""
    if not isinstance(rescore, Probed):
        return None
    layout = layout_of(rescore)
    return None if layout is None else Case(pair, rescore, layout)


def _of_model(case: Case, tested: NDArray[np.int64], *, calm: NDArray[np.int64]) -> list[Found]:
    """The best probe of the model, with those that fit alike in its phrase; none where nothing fits."""
    offline, served = case.pair.left.scores[tested], case.pair.right.scores[tested]
    precision = precision_of(served)
    unlike = tested[~precision.agree(offline, served)]  # what rounding alone explains supports no probe
    if len(unlike) < max(MIN_ROWS, (1 - NAMED) * len(tested)):
        return []
    trial = _Trial(case, unlike, precision)
    finalists = trial.finalists()
    if not finalists:
        return []
    named = _named(trial, finalists, calm=case.at(evenly(calm, COMPARED_ROWS)))
    hits = precision.agree(predictions([named.probe], case.at(tested))[0], served)
    rounds = "" if precision.decimals is None else f" and rounds the score to {precision.decimals} decimals"
    return [Found(named.name, f"{named.phrase}{rounds}", hits, named.probe.cost)]


@dataclass(frozen=True)
class _Named:
    """A probe with the name and the phrase it is told by."""

    probe: Probe
    name: str
    phrase: str


@dataclass(frozen=True)
class _Trial:
    """Mismatching requests to try probes on, and how exactly a probe must hit."""

    case: Case
    rows: NDArray[np.int64]
    precision: Precision

    def sample(self, at_most: int) -> Sample:
        """Some of the requests, evenly spread."""
        return self.case.at(evenly(self.rows, at_most))

    def hits(self, probes: Sequence[Probe], sample: Sample) -> NDArray[np.int64]:
        """How many of some requests each probe reproduces: int64 (probes,)."""
        return np.asarray(self.precision.agree(predictions(probes, sample), sample.served).sum(axis=1))

    def finalists(self) -> list[Probe]:
        """The probes that reproduce at least half of a few requests, the best first.

        None where the model does not even give the offline scores again: then it is another one.
        """
        model, layout = self.case.model, self.case.layout
        probes = [*asking_probes(model), *vector_probes(layout), *category_probes(layout)]
        each = min(TRIED_VECTORS, TRIED_CELLS // len(layout.names)) // len(probes)
        few = self.sample(int(np.clip(each, 2 * MIN_ROWS, TRIED_ROWS)))
        if not _EXACT.holds(model.predict(few.vectors), few.offline).all():
            return []
        hits = self.hits(probes, few)
        if hits.max() < len(few):
            more = self.sample(FITTED_ROWS)
            fitted = [
                *fitted_trees(few, self.agree),
                *fitted_order(more, self.agree),
                *fitted_fills(more, self.agree),
                *fitted_codes(more, self.agree),
            ]
            probes += fitted
            hits = np.concatenate([hits, self.hits(fitted, few)])
        kept = sorted(np.flatnonzero(2 * hits >= len(few)), key=lambda k: (-hits[k], probes[k].cost))
        return [probes[k] for k in kept[:FINALISTS]]

    def agree(self, predicted: Scores, served: Scores) -> NDArray[np.bool_]:
        """Which predicted scores come out as served."""
        return self.precision.agree(predicted, served)


def _named(trial: _Trial, finalists: Sequence[Probe], *, calm: Sample) -> _Named:
    """The finalist that reproduces most; of several the cheapest, then the one that leaves `calm` as it is.

    Those which cannot be told from it by any request are told with it.
    """
    sample = trial.sample(COMPARED_ROWS)
    hits = trial.hits(finalists, sample)
    quiet = trial.hits(finalists, calm) if len(calm) else np.zeros(len(finalists), np.int64)
    standing = [
        (wilson_lower(int(h), len(sample)) - PRICE * probe.cost, int(q))
        for h, q, probe in zip(hits, quiet, finalists, strict=True)
    ]
    best = max(standing)
    name, phrase = told(finalists[standing.index(best)], sample)
    alike = [p.phrase for p, its in zip(finalists, standing, strict=True) if its == best]
    others = [each for each in dict.fromkeys(alike[1:]) if each != alike[0]]
    return _Named(finalists[standing.index(best)], name, phrase + _or(others))


def _or(phrases: Sequence[str]) -> str:
    if not phrases:
        return ""
    more = f"; {len(phrases) - TOLD + 1:,} more" if len(phrases) >= TOLD else ""
    return f" (or, with the same scores here: {'; '.join(phrases[: TOLD - 1])}{more})"


def _rank(found: Found) -> float:
    return wilson_lower(int(np.count_nonzero(found.hits)), len(found.hits)) - PRICE * found.cost


def _supported(found: Found, offline: Scores) -> bool:
    return (
        bool(np.count_nonzero(found.hits) >= MIN_ROWS) and len(np.unique(offline[found.hits])) >= MIN_INPUTS
    )
