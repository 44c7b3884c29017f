"""Values that are not there."""

import numpy as np
import pytest
from numpy.random import default_rng

from harness.columns import Column, Kind
from harness.diff.causes import Surroundings, name_causes
from tests.kit.struck import AMOUNT, COUNT, HIT, LEVELS, RARE, SIGNED, N, causes_of, column, evidence

SLOW = default_rng(1401).lognormal(3, 0.5, N) * 1e6


def blanked(kind: Kind, hit: np.ndarray, values: np.ndarray = AMOUNT) -> Column:
    """The column with cells of one kind without value where it is hit."""
    kinds = np.where(hit, kind, Kind.VALUE).astype(np.uint8)
    return Column("number", np.where(hit, np.nan, values), kinds)


@pytest.mark.parametrize(
    ("served", "name", "value"),
    [
        (np.full(N, -999.0), "constant", -999.0),
        (np.full(N, AMOUNT.mean()), "mean_fill", AMOUNT.mean()),
        (np.full(N, np.median(AMOUNT)), "median_fill", np.median(AMOUNT)),
    ],
)
def test_constants_are_told_by_their_value(served: np.ndarray, name: str, value: float) -> None:
    """The mean and the median have names of their own."""
    (cause,) = causes_of(AMOUNT, served, hit=RARE)
    assert cause.name == name
    assert cause.parameters["value"] == pytest.approx(value)


@pytest.mark.parametrize(("cut", "bound"), [(np.minimum, 25.0), (np.maximum, 15.0)])
def test_a_bound_is_no_constant(cut: np.ufunc, bound: float) -> None:
    """All affected values lie beyond it, which a constant would not care about."""
    (cause,) = causes_of(AMOUNT, cut(AMOUNT, bound), hit=HIT)
    assert (cause.name, cause.parameters) == ("clip", {"bound": bound})
    assert causes_of(AMOUNT, np.full(N, bound))[0].name == "constant"


def test_missing_values_are_filled() -> None:
    """Only where the offline value is empty."""
    left = blanked(Kind.NULL, RARE)
    (cause,) = name_causes(evidence(left, column(np.where(RARE, -1.0, AMOUNT))))
    assert (cause.name, cause.parameters) == ("fill", {"value": -1.0})


@pytest.mark.parametrize(
    ("kind", "name"), [(Kind.NAN, "nan"), (Kind.NULL, "null"), (Kind.MISSING, "missing")]
)
def test_lost_zeros_are_told_from_lost_values(kind: Kind, name: str) -> None:
    """Zeros alone vanish: far too many to be luck."""
    (zeros,) = name_causes(evidence(column(COUNT), blanked(kind, (COUNT == 0), COUNT)))
    (values,) = name_causes(evidence(column(COUNT), blanked(kind, RARE, COUNT)))
    assert (zeros.name, values.name) == ("lost_zero", name)


def test_a_timeout_is_told_by_its_latency() -> None:
    """The affected requests are the slowest, whether they get a default or nothing."""
    slowest = np.quantile(SLOW, 0.98) <= SLOW
    around = Surroundings(service_ns=SLOW)
    (default,) = causes_of(AMOUNT, np.full(N, -1.0), hit=slowest, around=around)
    (nothing,) = name_causes(evidence(column(AMOUNT), blanked(Kind.NAN, slowest), around))
    (others,) = causes_of(AMOUNT, np.full(N, -1.0), hit=RARE, around=around)
    assert (default.name, default.parameters) == ("timeout_fill", {"value": -1.0})
    assert (nothing.name, others.name) == ("timeout_fill", "constant")


@pytest.mark.parametrize("value", ["__UNK__", "other", ""])
def test_many_levels_in_one_are_a_bucket(value: str) -> None:
    """A level that stands for all the unknown; a constant too, to the last bit."""
    (cause,) = causes_of(LEVELS, np.full(N, value, object))
    assert (cause.name, cause.parameters, cause.tied) == ("unknown_bucket", {"value": value}, ("constant",))


def test_the_most_frequent_value_is_no_constant() -> None:
    """Noise on few values has a mode, too."""
    noise = default_rng(1402).poisson(4, N).astype(float)
    assert causes_of(COUNT, noise, hit=RARE)[0].name == "unexplained"
    assert causes_of(SIGNED, default_rng(1403).normal(size=N))[0].name == "unexplained"
