"""The p95 budget on live traffic: blocks, the fewest that prove it, and refusals."""

import numpy as np
import pytest

from harness.stats import block_means, fewest_blocks_within, live_slow_share


@pytest.mark.parametrize(
    ("limit", "alpha", "blocks"), [(0.05, 0.05, 80), (0.05, 0.01, 116), (0.01, 0.05, 406)]
)
def test_flawless_blocks_that_prove_within(limit: float, alpha: float, blocks: int) -> None:
    """Where the mean of (1 + bet * limit / (1 - limit))^n over the bets first reaches 1/alpha."""
    bets = np.array([0.25, 0.5, 0.75, 0.95])
    wealth = ((1.0 + bets * limit / (1.0 - limit)) ** np.array([[blocks - 1], [blocks]])).mean(axis=1)
    assert wealth[0] < 1.0 / alpha <= wealth[1]
    assert fewest_blocks_within(limit=limit, alpha=alpha) == blocks
    test = live_slow_share("less", limit=limit, alpha=alpha)
    assert test.update(np.zeros(blocks)).rejects
    assert not test.update(np.zeros(blocks - 1)).rejects


def test_blocks_are_full_and_the_rest_is_counted() -> None:
    """Five requests in blocks of two: two shares and one request left over."""
    means, rest = block_means(np.array([True, False, False, True, True]), block=2)
    assert (means.tolist(), rest) == ([0.5, 0.5], 1)


@pytest.mark.parametrize(("n", "blocks", "rest"), [(0, 0, 0), (19, 0, 19), (20, 1, 0), (45, 2, 5)])
def test_requests_that_fill_no_block_wait(n: int, blocks: int, rest: int) -> None:
    """Fewer than a block of requests is no observation yet."""
    means, left = block_means(np.zeros(n, dtype=bool))
    assert (means.size, left) == (blocks, rest)


def test_a_service_far_over_its_limit_is_found() -> None:
    """30 % slow in each block is over 5 % within ten blocks, and never within."""
    blocks = np.full(10, 0.3)
    assert live_slow_share("greater").update(blocks).rejects
    assert live_slow_share("less").update(blocks).log_e() < 0.0


@pytest.mark.parametrize(
    ("slow", "block", "text"),
    [([0.0, 1.0], 2, "expected a vector of booleans"), ([True], 0, "block: found 0")],
)
def test_unusable_requests_are_refused(slow: list[float], block: int, text: str) -> None:
    """Slow or not is a boolean; a block has at least one request."""
    with pytest.raises(ValueError, match=text):
        block_means(np.array(slow), block=block)
