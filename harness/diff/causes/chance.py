"""How far a share of explained rows is beyond chance."""

from __future__ import annotations

from typing import Final

import numpy as np
from scipy import special

from harness.diff.causes.model import Candidate, Evidence
from harness.stats import wilson_lower

#: how likely luck may be to explain as many rows: about a hundred hypotheses are tried on a feature
_LUCK: Final = 1e-5
#: the share beyond chance that is needed, so many times the chance itself, for scrambling is not all of luck
_LEAST: Final = 0.3
_TIMES: Final = 5.0
#: scrambled rows that a chance rate is measured on, at least and at most
_SCRAMBLED: Final = (400, 2_000)
_SEED: Final = 7


def beyond(hits: int, rows: int, *, chance: float) -> float:
    """The lower bound of the share explained beyond chance, 0 where luck may explain it.

    (bound - chance) / (1 - chance), as in Cohen (1960), Educ. Psychol. Meas. 20, 37-46. To check: 50 of 50
    rows at chance 0.5 give 0.857; 30 of 50 give 0, for luck explains as many with probability 0.10 (binomial
    tail).
    """
    if chance >= 1.0 or special.bdtrc(hits - 1, rows, chance) > _LUCK:
        return 0.0
    share = (wilson_lower(hits, rows) - chance) / (1.0 - chance)
    return share if share >= min(_LEAST, _TIMES * chance) else 0.0


def chance_of(candidate: Candidate, evidence: Evidence) -> float:
    """The share of rows that a candidate explains where the served values belong to other rows.

    Two ways of scrambling, the larger share counts: each row gets the served value of another, or the change
    that another saw. Rows that come out unchanged are no mismatch and do not count.
    """
    if candidate.chance is not None:
        return candidate.chance
    size = len(evidence.rows)
    if not size:
        return 1.0
    times = -(-min(max(size, _SCRAMBLED[0]), _SCRAMBLED[1]) // size)
    generator = np.random.default_rng(_SEED)
    shares = [_share(candidate, evidence, generator=generator, changed=False, times=times)]
    if evidence.numbers:
        shares.append(_share(candidate, evidence, generator=generator, changed=True, times=times))
    return max(shares)


def _share(
    candidate: Candidate, evidence: Evidence, *, generator: np.random.Generator, changed: bool, times: int
) -> float:
    size = len(evidence.rows)
    at_most = min(size, _SCRAMBLED[1])
    to = np.concatenate([generator.permutation(size)[:at_most] for _ in range(times)])
    source = np.concatenate([generator.permutation(size)[:at_most] for _ in range(times)])
    rows = evidence.rows[to]
    if not evidence.numbers:
        served, unchanged = evidence.b_id[source], evidence.b_id[source] == evidence.a_id[to]
    elif changed:
        served = evidence.a[to] + (evidence.b - evidence.a)[source]
        if evidence.whole.decimals is not None:
            served = np.round(served, evidence.whole.decimals)
        unchanged = served == evidence.a[to]
    else:
        served = evidence.b[source]
        unchanged = served == evidence.a[to]
    usable = ~unchanged if not evidence.numbers else ~unchanged & np.isfinite(served)
    if not usable.any():
        return 0.0
    hits = candidate.test(evidence.at(rows[usable], served[usable]))
    return float((np.count_nonzero(hits) + 0.5) / (np.count_nonzero(usable) + 1))
