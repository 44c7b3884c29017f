"""Label shift is named only where both tests pass, and BBSE is right exactly then."""

import numpy as np
import pytest

from harness.diagnosis.label_shift import Scored, black_box_shift, label_shift
from harness.errors import HarnessError


def drawn(n: int, *, rate: float, seed: int, lift: float = 2.0) -> Scored:
    """Labels at a rate, scores normal around `lift` for positives and 0 for negatives."""
    rng = np.random.default_rng(seed)
    labels = (rng.random(n) < rate).astype(float)
    return Scored(labels=labels, scores=labels * lift + rng.normal(size=n))


def test_a_moved_share_alone_is_label_shift() -> None:
    """.2 to .4 with the same scores given the label; weights q(y) / p(y)."""
    found = label_shift(drawn(4000, rate=0.2, seed=11), drawn(4000, rate=0.4, seed=12))
    assert found.holds
    assert found.weights == pytest.approx((0.75, 2.0), abs=0.1)
    assert found.why_not == ""


@pytest.mark.parametrize(
    ("current", "why"),
    [
        (drawn(4000, rate=0.2, seed=3), "the share of positives did not move"),
        (drawn(4000, rate=0.4, seed=3, lift=1.0), "scores of positives moved"),
        (drawn(100, rate=0.05, seed=3), "fewer than 30 positives"),
        (Scored(labels=[], scores=[]), "no labels on one side"),
        (Scored(labels=[1.0] * 100, scores=[1.0] * 100), "scores of positives moved"),
    ],
)
def test_what_speaks_against_it(current: Scored, why: str) -> None:
    """Each is refused with its reason, and has no weights."""
    found = label_shift(drawn(4000, rate=0.2, seed=1), current)
    assert not found.holds
    assert found.weights is None
    assert why in found.why_not


def test_bbse_finds_the_share_under_label_shift() -> None:
    """.4, from the scores alone."""
    current = drawn(20_000, rate=0.4, seed=2)
    found = black_box_shift(drawn(20_000, rate=0.2, seed=1), current.scores, threshold=1.0)
    assert found.positive_rate == pytest.approx(0.4, abs=0.02)


def test_bbse_is_refused_where_decisions_say_nothing() -> None:
    """A threshold that flags everything, or no rows."""
    with pytest.raises(HarnessError, match="decisions do not tell the labels apart"):
        black_box_shift(drawn(500, rate=0.2, seed=1), [0.5, 0.7], threshold=-100.0)
    with pytest.raises(HarnessError, match="has no rows"):
        black_box_shift(Scored(labels=[], scores=[]), [0.5, 0.7], threshold=0.0)


def test_lengths_must_agree() -> None:
    """A label for each score."""
    with pytest.raises(HarnessError, match="different lengths"):
        label_shift(Scored(labels=[0.0, 1.0], scores=[0.5]), drawn(10, rate=0.5, seed=1))


def test_the_tests_hold_their_level() -> None:
    """Of 200 pairs with the same scores given the label, about 5 % are refused by either test at .05."""
    pairs = [
        label_shift(drawn(800, rate=0.2, seed=2 * k), drawn(800, rate=0.4, seed=2 * k + 1))
        for k in range(200)
    ]
    for p in ([one.positives_p for one in pairs], [one.negatives_p for one in pairs]):
        assert np.mean(np.array(p) < 0.05) < 0.05 + 4 * 0.0154


def test_rows_in_units_count_less() -> None:
    """Every row five times under its own unit is no more evidence than once."""
    few = drawn(300, rate=0.2, seed=5), drawn(300, rate=0.27, seed=6)
    five = [
        Scored(labels=np.repeat(side.labels, 5), scores=np.repeat(side.scores, 5), units=np.arange(1500) // 5)
        for side in few
    ]
    once, again = label_shift(*few), label_shift(*five)
    assert again.base_rate_p == pytest.approx(once.base_rate_p, rel=0.2)
    assert again.apart == pytest.approx(once.apart, rel=0.1)
