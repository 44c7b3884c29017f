"""The asymptotic confidence sequence: published half-widths, exact duality, identity, state and refusals."""

import json
import math

import numpy as np
import pytest

from harness.stats import AsymptoticCS
from harness.stats.confseq import Side

EMPTY = AsymptoticCS(5000, 0.05)


def of_unit_spread(n: int) -> AsymptoticCS:
    """A sequence after `n` units of mean 0 and standard deviation 1."""
    return AsymptoticCS(5000, 0.05, n=n, mean=0.0, m2=n - 1.0, nonzero=n)


@pytest.mark.parametrize(
    ("n", "two_sided", "one_sided"),
    [
        (100, 0.66943886, 0.65046415),
        (1000, 0.10637547, 0.09870583),
        (5000, 0.04292434, 0.03911815),
        (50000, 0.01449743, 0.01334932),
        (1000000, 0.00365654, 0.00342918),
    ],
)
def test_half_widths_have_the_published_values(n: int, two_sided: float, one_sided: float) -> None:
    """The two-sided of gbstats and the one-sided half-widths of confseq, printed to eight decimals."""
    sequence = of_unit_spread(n)
    assert sequence.interval() == pytest.approx((-two_sided, two_sided), abs=6e-9)
    assert sequence.upper_bound() == pytest.approx(one_sided, abs=6e-9)
    assert sequence.lower_bound() == pytest.approx(-one_sided, abs=6e-9)


def test_state_holds_the_sample_moments() -> None:
    """n, mean and standard deviation (divisor n - 1) are those of the values."""
    sequence = EMPTY.update([1.0, 2.0, 4.0, 0.0])
    assert (sequence.n, sequence.nonzero) == (4, 3)
    assert sequence.mean == pytest.approx(1.75)
    assert sequence.sd == pytest.approx(np.std([1.0, 2.0, 4.0, 0.0], ddof=1))


@pytest.mark.parametrize("side", ["greater", "less"])
def test_one_sided_evidence_crosses_exactly_at_the_bound(side: Side) -> None:
    """Evidence reaches log(1/alpha) at the one-sided bound and not a little beyond it."""
    sequence = AsymptoticCS(200, 0.05).update(np.linspace(-1.0, 1.4, 150))
    bound = sequence.lower_bound() if side == "greater" else sequence.upper_bound()
    inward = 1e-6 if side == "greater" else -1e-6
    assert sequence.log_e(bound, side) == pytest.approx(math.log(20), abs=1e-8)
    assert sequence.log_e(bound + inward, side) < math.log(20) < sequence.log_e(bound - inward, side)


def test_two_sided_evidence_crosses_exactly_at_both_ends() -> None:
    """Evidence is log(1/alpha) at either end of the interval and below it between."""
    sequence = AsymptoticCS(200, 0.05).update(np.linspace(-1.0, 1.4, 150))
    low, high = sequence.interval()
    assert sequence.log_e(low, "two-sided") == pytest.approx(math.log(20))
    assert sequence.log_e(high, "two-sided") == pytest.approx(math.log(20))
    assert sequence.log_e(sequence.mean, "two-sided") < 0.0


def test_swapping_the_arms_swaps_the_sides() -> None:
    """Negated differences give the mirrored interval and the evidence of the other side."""
    values = np.array([0.3, -0.1, 0.7, 0.2, 0.05, -0.4])
    one, other = AsymptoticCS(100, 0.05).update(values), AsymptoticCS(100, 0.05).update(-values)
    low, high = one.interval()
    assert other.interval() == (-high, -low)
    assert one.log_e(0.0, "greater") == other.log_e(0.0, "less")


def test_all_zero_differences_are_identical_and_prove_nothing_by_test() -> None:
    """Zero everywhere is identity; the interval is unbounded, and nothing is divided by zero."""
    sequence = EMPTY.update(np.zeros(500))
    assert sequence.identical
    assert sequence.interval() == (-math.inf, math.inf)
    assert (sequence.lower_bound(), sequence.upper_bound()) == (-math.inf, math.inf)
    assert sequence.log_e(-0.01, "greater") == 0.0


@pytest.mark.parametrize(
    "values", [[], [0.1] * 300, [7.0], [1e-200, -1e-200]], ids=["none", "equal", "one", "cancelling"]
)
def test_no_spread_is_no_interval_and_no_identity(values: list[float]) -> None:
    """No units, one, equal values, or differences too small to square: no bound, and not identical."""
    sequence = EMPTY.update(values)
    assert not sequence.identical
    assert sequence.interval() == (-math.inf, math.inf)
    assert sequence.log_e(0.0, "greater") == 0.0


def test_identity_ends_with_the_first_difference() -> None:
    """One unit that differs is enough."""
    assert not EMPTY.update(np.zeros(500)).update([1e-9]).identical


def test_update_leaves_the_sequence_as_it_was() -> None:
    """Each update returns the next sequence; the one before still describes its own look."""
    before = EMPTY.update([1.0, 2.0])
    after = before.update([9.0])
    assert (before.n, after.n) == (2, 3)
    assert before == EMPTY.update([1.0, 2.0])


def test_state_survives_json_exactly() -> None:
    """A sequence resumed from its JSON state is the same sequence, to the last bit."""
    sequence = EMPTY.update([0.1, 0.2, -0.7])
    assert AsymptoticCS.from_state(json.loads(json.dumps(sequence.state()))) == sequence


@pytest.mark.parametrize("state", [{}, {"n_opt": 1.0}, {**of_unit_spread(9).state(), "seed": 1.0}])
def test_a_state_of_other_names_is_refused(state: dict[str, float]) -> None:
    """Missing or unknown names raise ValueError with both lists."""
    with pytest.raises(ValueError, match="state: found the names"):
        AsymptoticCS.from_state(state)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("n", -1),
        ("m2", math.nan),
        ("m2", -1.0),
        ("mean", math.inf),
        ("nonzero", 99),
        ("n_opt", 0),
        ("alpha", 0.5),
    ],
)
def test_a_damaged_state_is_refused_by_name(name: str, value: float) -> None:
    """A value that no run can produce raises ValueError that names it."""
    with pytest.raises(ValueError, match=f"^{name}: found"):
        AsymptoticCS.from_state({**of_unit_spread(9).state(), name: value})


def test_other_tuning_does_not_merge() -> None:
    """Sequences with another n_opt or alpha are other tests."""
    with pytest.raises(ValueError, match="different tuning are different tests"):
        AsymptoticCS(100, 0.05).merge(AsymptoticCS(200, 0.05))


@pytest.mark.parametrize(
    ("batch", "text"),
    [
        ([1.0, math.nan], r"batch: found 1 NaN or infinite of 2 values \(first at position 1\)"),
        ([[1.0]], "expected one dimension"),
        (["1"], "expected numbers"),
    ],
)
def test_unusable_batches_are_refused(batch: object, text: str) -> None:
    """NaN, another shape or text raise ValueError with what was found."""
    with pytest.raises(ValueError, match=text):
        EMPTY.update(batch)  # type: ignore[arg-type]
