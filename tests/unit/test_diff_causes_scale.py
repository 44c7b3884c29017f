"""Units: factors, lines, factors by a field, norms."""

import numpy as np
import pytest
from numpy.random import default_rng

from harness.columns import Column
from harness.diff.causes import Surroundings
from harness.diff.causes.scale import affine, norm, scale
from tests.kit.struck import AMOUNT, COUNT, COUNTRY, RARE, SHARE, SIGNED, N, causes_of, column, evidence


@pytest.mark.parametrize(
    ("factor", "words"),
    [
        (1000.0, "serves x as 1,000 times offline (such as milliseconds for seconds)"),
        (1 / 60, "serves x as 1/60 of offline (hours for minutes, or minutes for seconds)"),
        (np.pi, "serves x as 3.14159 times offline"),
        (2.54, "serves x as 2.54 times offline (centimetres for inches)"),
    ],
)
def test_a_factor_is_fitted_and_translated(factor: float, words: str) -> None:
    """Rare or not, the factor is found to nine digits and said in words."""
    (cause,) = causes_of(AMOUNT, AMOUNT * factor, hit=RARE)
    assert (cause.name, cause.phrase) == ("scale", words)
    assert cause.parameters["factor"] == pytest.approx(factor, rel=1e-8)


@pytest.mark.parametrize(
    ("slope", "intercept", "words"),
    [
        (1.8, 32.0, "Fahrenheit for Celsius"),
        (1 / SIGNED.std(), -SIGNED.mean() / SIGNED.std(), "standardised once more"),
        (0.37, -11.5, "0.37 × offline − 11.5"),
    ],
)
def test_a_line_is_fitted(slope: float, intercept: float, words: str) -> None:
    """Two constants, and what they usually mean."""
    (cause,) = causes_of(SIGNED, SIGNED * slope + intercept, hit=RARE)
    assert cause.name == "affine"
    assert words in cause.phrase
    assert cause.parameters["slope"] == pytest.approx(slope)
    assert cause.parameters["intercept"] == pytest.approx(intercept)


def test_a_factor_that_depends_on_a_field_is_one_cause() -> None:
    """Each level has its own, and the right field is named among several."""
    by = np.select([COUNTRY == "IN", COUNTRY == "DE"], [83.1, 0.92], 1.0)
    around = Surroundings(
        segments={"host": default_rng(1801).choice(["a", "b", "c"], N).astype(object), "country": COUNTRY}
    )
    (cause,) = causes_of(AMOUNT, AMOUNT * by, around=around)
    assert (cause.name, cause.parameters["field"]) == ("scale_by", "country")
    assert (cause.parameters["IN"], cause.parameters["DE"]) == (83.1, 0.92)


def test_one_factor_everywhere_does_not_depend_on_a_field() -> None:
    """The simpler cause is named."""
    (cause,) = causes_of(AMOUNT, AMOUNT * 100 / 3, around=Surroundings(segments={"country": COUNTRY}))
    assert cause.name == "scale"


@pytest.mark.parametrize(("kind", "order"), [("length", 2), ("sum", 1), ("largest", np.inf)])
def test_a_vector_brought_to_norm_one(kind: str, order: float) -> None:
    """Its features are found among their neighbours, whatever they are called."""
    vectors = default_rng(1802).normal(size=(4, N))
    columns = {"before": column(AMOUNT), "x": column(vectors[0])}
    columns |= {f"y{k}": column(vectors[k]) for k in (1, 2, 3)} | {"after": column(COUNT)}
    served = vectors[0] / np.linalg.norm(vectors, ord=order, axis=0)
    cause = causes_of(vectors[0], served, around=Surroundings(columns=columns))[0]
    assert (cause.name, cause.parameters["norm"]) == ("norm", kind)
    assert cause.phrase.endswith("of x to y3")


@pytest.mark.parametrize(("offline", "served"), [(1.0, 2.2e-311), (1e300, 1e-300), (1e-300, 1e300)])
def test_a_quotient_beyond_all_doubles_is_no_factor(offline: float, served: float) -> None:
    """Values whose quotient over- or underflows are told without a cause, and without an error."""
    sides = [Column("number", np.full(6, value), np.zeros(6, np.uint8)) for value in (offline, served)]
    with np.errstate(over="ignore"):
        assert list(scale(evidence(sides[0], sides[1]))) == []


def test_zeros_are_no_factor_and_noise_is_no_line() -> None:
    """A factor of 0 would explain a zero fill, and some line goes through any two rows."""
    assert list(scale(evidence(column(AMOUNT), column(np.zeros(N))))) == []
    assert list(affine(evidence(column(SIGNED), column(default_rng(1803).normal(size=N))))) == []
    assert list(norm(evidence(column(SHARE), column(SIGNED)))) == []
