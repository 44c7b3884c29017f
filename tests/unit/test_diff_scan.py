"""How strongly marks gather in each place."""

import math

import numpy as np
import pytest

from harness.diff.conditions import axis
from harness.diff.scan import PAIRED_FIELDS, Scan, likelihood_ratio, top_fields

N = 400
HOST = np.array([f"h{k % 4}" for k in range(N)], object)
AMOUNT = np.arange(N) / 10.0
COUNTRY = np.array(["DE" if k % 10 < 3 else "US" for k in range(N)], object)
FIELDS = {"host": HOST, "amount": AMOUNT, "country": COUNTRY}


def scan(marks: int) -> Scan:
    """All places of 400 requests that are equally likely to be marked."""
    single = tuple(axis(name, values) for name, values in FIELDS.items())
    paired = tuple(axis(name, values, paired=True) for name, values in FIELDS.items())
    return Scan(single, paired, np.full(N, marks / N), marks)


@pytest.mark.parametrize(
    ("found", "expected", "ratio"),
    [
        (20.0, 10.0, 40.0 * math.log(2.0)),
        (20.0, 5.0, 40.0 * math.log(4.0)),
        (4.0, 0.1, 0.0),
        (12.0, 10.0, 0.0),
        (5.0, 10.0, 0.0),
    ],
)
def test_the_likelihood_ratio_by_hand(found: float, expected: float, ratio: float) -> None:
    """All 20 marks where half are expected; too few, less than twice the rate and too low are no place."""
    made = likelihood_ratio(np.array([found]), np.array([expected]), marks=20.0)
    assert made[0] == pytest.approx(ratio)


def test_the_place_that_has_all_marks_is_the_strongest() -> None:
    """Alone and in each deal on its own."""
    host, anywhere = np.flatnonzero(HOST == "h3")[:20], np.arange(20)
    found = scan(20)
    best = found.by_field(np.stack([host, anywhere]))
    assert best[0, 0] == pytest.approx(40.0 * math.log(4.0))
    assert best[1, 0] == 0.0
    ratios = found.ratios_alone(0, host[None])[0]
    assert str(found.conditions((0,), int(ratios.argmax()))[0]) == "host = h3"


def test_a_conjunction_is_found_by_its_two_fields() -> None:
    """Marks on one host in one country are stronger there than on the host."""
    both = np.flatnonzero((HOST == "h3") & (COUNTRY == "DE"))[:20]
    found = scan(20)
    ratios = found.ratios_together(0, 2, rows=both[None])[0]
    words = " and ".join(map(str, found.conditions((0, 2), int(ratios.argmax()))))
    assert words == "host = h3 and country = DE"
    strongest = found.strongest(both[None])[0]
    assert strongest >= ratios.max() > found.by_field(both[None]).max()


def test_the_excess_of_independent_marks_is_none() -> None:
    """Mean square over expected variance is 1; of marks that fall together five at a time it is 5."""
    rng = np.random.default_rng(3)
    one_by_one = rng.integers(N, size=(2_000, 20))
    assert scan(20).excess(0, one_by_one) == pytest.approx(1.0, abs=0.1)
    together = np.repeat(rng.integers(N, size=(2_000, 4)), 5, axis=1)
    assert scan(20).excess(0, together) == pytest.approx(5.0, abs=0.5)


def test_a_conjunction_varies_as_its_two_fields_do_together() -> None:
    """With a field that is constant in a unit and one that is not: as much as the range is wide."""
    plain = scan(20)
    clustered = Scan(plain.single, plain.paired, plain.weights, 20, extra=4.0, agreement=(1.0, 0.0, 1.0))
    assert clustered.dispersion(0) == 5.0
    assert clustered.dispersion(1) == 1.0
    assert np.allclose(clustered.together(0, 2).dispersion, 5.0)
    mixed = clustered.together(0, 1)
    assert np.all((mixed.dispersion >= 1.0) & (mixed.dispersion <= 5.0))
    assert np.corrcoef(mixed.dispersion, mixed.expected)[0, 1] > 0.9


def test_conjunctions_are_tried_among_the_strongest_fields() -> None:
    """The first four, and only fields that have a place at all."""
    best = np.array([[5.0, 0.0, 4.0, 3.0, 2.0, 1.0], [0.0, 0.0, 0.0, 0.0, 0.0, 1.0]])
    assert top_fields(best).sum(axis=1).tolist() == [PAIRED_FIELDS, 1]
    assert top_fields(best)[0].tolist() == [True, False, True, True, True, False]
