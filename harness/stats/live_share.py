"""The p95 budget on live traffic: bets on the share of slow requests in consecutive blocks.

Live traffic keeps coming, so the test may be looked at after every block. Requests that queue behind each
other are not independent, blocks of a declared length nearly are; the length is fixed before the first look
and never chosen from the slow requests seen (that breaks the level). What crossing rejects is "the share is
at or beyond the limit throughout": a rate that drifts across its limit satisfies neither null, so this is not
for a replayed capture (`slow_share` is). Waudby-Smith, Ramdas, JRSS-B 86 (2024), as in `betting`, on block
means.
"""

import math

import numpy as np
import numpy.typing as npt

from harness.stats._checks import Floats, check_at_least
from harness.stats.betting import Betting, OneSide

DEFAULT_LIMIT = 0.05
DEFAULT_ALPHA = 0.05
DEFAULT_BLOCK = 20

# Fractions of the largest bet: "within" has little to win a block (log(1 / .95) at best), so it bets much;
# "over" may win twentyfold, so it bets little.
_WITHIN_BETS = (0.25, 0.5, 0.75, 0.95)
_OVER_BETS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5)


def live_slow_share(side: OneSide, *, limit: float = DEFAULT_LIMIT, alpha: float = DEFAULT_ALPHA) -> Betting:
    """The test of block means: "less" proves within the limit, "greater" over it. Feed it `block_means`.

    Raises ValueError unless 0 < limit < 1 and 0 < alpha < 1.
    To check: 80 flawless blocks prove "within" .05 at alpha .05, 79 do not.
    """
    bets = _WITHIN_BETS if side == "less" else _OVER_BETS
    return Betting(m0=limit, side=side, alpha=alpha, bets=bets)


def block_means(slow: npt.ArrayLike, *, block: int = DEFAULT_BLOCK) -> tuple[Floats, int]:
    """The share of slow requests in each full block, and how many requests at the end fill none yet.

    `slow` is (requests,) booleans in the order of arrival, timeouts and errors counted as slow. Blocks do not
    span two calls: hand the rest in again with the next requests. Raises ValueError for other types, or block
    < 1. To check: 1, 0, 0, 1, 1 as booleans in blocks of 2 give .5, .5 and 1 left over.
    """
    check_at_least(block, "block", least=1)
    flags = np.asarray(slow)
    if flags.ndim != 1 or flags.dtype != bool:
        raise ValueError(
            f"slow: found shape {flags.shape}, dtype {flags.dtype}, expected a vector of booleans"
        )
    rest = flags.size % block
    whole = flags[: flags.size - rest].reshape(-1, block)
    return whole.mean(axis=1), rest


def fewest_blocks_within(*, limit: float = DEFAULT_LIMIT, alpha: float = DEFAULT_ALPHA) -> int:
    """The number of flawless blocks that prove "within" the limit, the least that can.

    To check: 80 at a limit of .05 and alpha .05; with blocks of 20 that is 1,600 requests.
    """
    test = live_slow_share("less", limit=limit, alpha=alpha)
    least = math.floor(math.log(alpha) / math.log1p(-limit))
    count = max(1, least)
    while not test.update(np.zeros(count)).rejects:
        count += 1
    return count
