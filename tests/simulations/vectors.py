"""Numbers published or printed by other packages, beside what this room gives for the same call.

Two errors are kept of each: against the digits as printed, and beyond one unit in the last printed digit.
Some of the sources cut instead of rounding, so a printed .013021 stands for anything from .013021 to .013022.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from harness.stats import (
    AsymptoticCS,
    QuantileTest,
    SampleRatio,
    Spending,
    best_rho,
    beta_binomial_log_e,
    e_bh,
    log_mixture,
    mixture_bound,
    rate_bounds,
    spending_bounds,
    tuned_prior,
)
from harness.stats.confseq import Side
from tests.simulations.figures import RATIO, Goal, Measured, row


@dataclass(frozen=True, kw_only=True)
class Vector:
    """One number: where it is from, as printed there, and ours."""

    source: str
    printed: str
    ours: float

    @property
    def error(self) -> float:
        """The relative error against the digits as printed; absolute where they are 0."""
        theirs = float(self.printed)
        return abs(self.ours - theirs) / (abs(theirs) or 1.0)

    @property
    def error_beyond_print(self) -> float:
        """The same, of what is left of the difference beyond one unit in the last printed digit."""
        theirs = float(self.printed)
        beyond = max(0.0, abs(self.ours - theirs) - _last_digit(self.printed))
        return beyond / (abs(theirs) or 1.0)


def _last_digit(printed: str) -> float:
    digits, _, exponent = printed.partition("e")
    decimals = len(digits.partition(".")[2])
    return 10.0 ** (int(exponent or 0) - decimals)


def confseq_vectors() -> Iterator[Vector]:
    """The unit tests of confseq (values of its reference implementation in R) and its printed intervals."""

    def made(printed: str, ours: float) -> Vector:
        return Vector(source="confseq", printed=printed, ours=ours)

    yield made("12.60056", best_rho(100, 0.05, sides=2))
    yield made("-0.6510052", log_mixture(10, 100, rho=best_rho(100, 0.05, sides=2), sides=2))
    yield made("-0.06502391", log_mixture(10, 100, rho=best_rho(100, 0.05, sides=1), sides=1))
    yield made("30.35209", mixture_bound(100, 0.05, rho=best_rho(100, 0.05, sides=2), sides=2))
    yield made("27.66071", mixture_bound(100, 0.05, rho=best_rho(100, 0.05, sides=1), sides=1))
    yield made("-0.6941012", _binomial_mixture(10.0, 100.0, g=0.2, side="two-sided"))
    yield made("-0.07134019", _binomial_mixture(10.0, 100.0, g=0.2, side="greater"))
    yield made("31.4308", binomial_mixture_bound(100.0, g=0.2, v_opt=100.0, side="two-sided"))
    yield made("28.41238", binomial_mixture_bound(100.0, g=0.2, v_opt=100.0, side="greater"))
    for n, one, two in (
        (100, "8.91791", "9.75724"),
        (1000, "20.20721", "22.58093"),
        (10_000, "66.19471", "72.75191"),
        (100_000, "229.81584", "248.14817"),
    ):
        yield made(one, binomial_mixture_bound(n * 0.0475, g=0.05, v_opt=47.5, side="greater"))
        yield made(two, binomial_mixture_bound(n * 0.0475, g=0.05, v_opt=47.5, side="two-sided"))
    for k, n, n_opt, low, high in (
        (700, 1000, 100, "0.651629", "0.745949"),
        (15, 50, 50, "0.129556", "0.511896"),
        (5, 50, 50, "0.013021", "0.269264"),
        (1, 50, 50, "0", "0.13489"),
        (100, 200, 1, "0.328923", "0.671076"),
    ):
        found = rate_bounds(k, n, side="two-sided", n_opt=n_opt, alpha=0.05)
        yield made(low, found[0])
        yield made(high, found[1])
    values = np.arange(1.0, 1001.0)
    for q, shift, p in (
        (0.5, 70, "0.814704"),
        (0.5, 85, "0.0838055"),
        (0.5, 100, "0.0054947"),
        (0.9, 55, "0.0340463"),
    ):
        evidence = QuantileTest(q=q, n_opt=100, alpha=0.05).log_e_different(values, values + shift)
        yield made(p, math.exp(-max(0.0, evidence)))


def gsdesign_vectors() -> Iterator[Vector]:
    """Bounds printed by the C core of gsDesign 3.11 (one-sided, r = 18, tolerance 1e-9)."""
    obf, pocock = Spending(kind="obrien-fleming"), Spending(kind="pocock")
    equal = {k: np.arange(1, k + 1) / k for k in (2, 3, 4, 5, 10)}
    cases = (
        (obf, 0.025, equal[5], "4.876885 3.357011 2.680280 2.289817 2.031032"),
        (obf, 0.05, equal[5], "4.229195 2.888136 2.298090 1.961822 1.739705"),
        (obf, 0.025, equal[2], "2.962588 1.968596"),
        (obf, 0.025, equal[3], "3.710303 2.511427 1.993048"),
        (obf, 0.025, equal[4], "4.332634 2.963131 2.359044 2.014090"),
        (
            obf,
            0.025,
            equal[10],
            "6.991341 4.876886 3.929681 3.367080 2.989330 2.714808 2.504077 2.335829 2.197504 2.081176",
        ),
        (obf, 0.025, np.array([0.1, 0.35, 0.6, 0.8, 1.0]), "6.991341 3.612789 2.673239 2.289196 2.030851"),
        (pocock, 0.025, equal[5], "2.437977 2.426814 2.410194 2.396649 2.386000"),
        (pocock, 0.05, equal[5], "2.176211 2.143748 2.113285 2.089599 2.070998"),
        (Spending(kind="power", rho=2.0), 0.025, equal[5], "3.090232 2.714112 2.472777 2.279863 2.114028"),
        (Spending(kind="power", rho=3.0), 0.025, equal[5], "3.540084 2.974310 2.604514 2.306357 2.045480"),
    )
    for spending, alpha, looks, printed in cases:
        bounds = spending_bounds(looks, alpha=alpha, spending=spending)
        for theirs, ours in zip(printed.split(), bounds, strict=True):
            yield Vector(source="gsDesign", printed=theirs, ours=float(ours))


def spotify_vectors() -> Iterator[Vector]:
    """Bounds of spotify-confidence, which integrates on a coarser grid of its own: 1e-4 is asked of these."""
    looks = np.arange(1, 6) / 5
    for rho, printed in (
        (2.0, "3.090232 2.714078 2.472737 2.279811 2.113968"),
        (3.0, "3.540084 2.974302 2.604483 2.306318 2.045434"),
    ):
        bounds = spending_bounds(looks, alpha=0.025, spending=Spending(kind="power", rho=rho))
        for theirs, ours in zip(printed.split(), bounds, strict=True):
            yield Vector(source="spotify-confidence", printed=theirs, ours=float(ours))


def other_vectors() -> Iterator[Vector]:
    """Half-widths of gbstats and confseq (standard deviation 1), e-values of savvi, rejections of ville."""
    for n, two, one in (
        (100, "0.66943886", "0.65046415"),
        (1000, "0.10637547", "0.09870583"),
        (5000, "0.04292434", "0.03911815"),
        (50_000, "0.01449743", "0.01334932"),
        (1_000_000, "0.00365654", "0.00342918"),
    ):
        sequence = AsymptoticCS(5000, 0.05, n=n, mean=0.0, m2=n - 1.0, nonzero=n)
        yield Vector(source="gbstats", printed=two, ours=sequence.interval()[1])
        yield Vector(source="confseq", printed=one, ours=sequence.upper_bound())
    # The relative lift of two arms (sum, sum of squares, n) from the tests of gbstats: a mean, then a
    # proportion, whose variance has the divisor n there.
    for first, second, tuning, ddof, low, high in (
        ((1396.87, 52377.9767, 3000), (2422.7, 134698.29, 3461), 1000, 1, "-0.55844", "1.56516"),
        ((1396.0, 1396.0, 3000), (2422.0, 2422.0, 3461), 5000, 0, "0.40098", "0.60675"),
    ):
        found = _relative_lift(first, second, n_opt=tuning, ddof=ddof)
        yield Vector(source="gbstats", printed=low, ours=found[0])
        yield Vector(source="gbstats", printed=high, ours=found[1])
    for counts, shares, printed in (
        ((60, 25), (0.5, 0.5), "20.9135938638733"),
        ((900, 100), (0.95, 0.05), "43922566.98563"),
    ):
        evidence = SampleRatio(shares=shares, concentration=100.0).add(counts).log_e()
        yield Vector(source="savvi", printed=printed, ours=math.exp(evidence))
    rejected = e_bh(np.log([1.2, 30.0, 55.0, 3.0, 100.0, 400.0]), alpha=0.05)
    for theirs, ours in zip((0, 1, 1, 0, 1, 1), rejected, strict=True):
        yield Vector(source="ville e-BH", printed=str(theirs), ours=float(ours))


def _relative_lift(
    one: tuple[float, float, int], other: tuple[float, float, int], *, n_opt: float, ddof: int
) -> tuple[float, float]:
    """The two-sided interval of mean(other) / mean(one) - 1, from each arm's sum, sum of squares and n."""
    (a, a_squares, n_a), (b, b_squares, n_b) = one, other
    mean_a, mean_b = a / n_a, b / n_b
    variance_a = (a_squares - a * mean_a) / (n_a - ddof) / n_a
    variance_b = (b_squares - b * mean_b) / (n_b - ddof) / n_b
    variance = variance_b / mean_a**2 + variance_a * mean_b**2 / mean_a**4
    n = n_a + n_b
    lift = mean_b / mean_a - 1.0
    return AsymptoticCS(n_opt, 0.05, n=n, mean=lift, m2=variance * n * (n - 1), nonzero=n).interval()


def all_vectors() -> list[Vector]:
    """Every vector that is held to 1e-5."""
    return [*confseq_vectors(), *gsdesign_vectors(), *other_vectors()]


def rows() -> list[dict[str, object]]:
    """The largest errors over all vectors."""
    vectors, spotify = all_vectors(), list(spotify_vectors())
    what = f"largest relative error of {len(vectors)} numbers of confseq, gsDesign, gbstats, savvi and ville"
    beyond = Goal(
        id="vectors",
        figure=f"{what}, beyond one unit in the last digit that the source prints",
        unit=RATIO,
        better="lower",
        floor=1e-5,
        aim=1e-9,
    )
    raw = Goal(
        id="vectors_as_printed",
        figure=f"{what}, against the digits as printed (the worst is .013021, cut from .0130218)",
        unit=RATIO,
        better="lower",
        floor=1e-5,
    )
    coarse = Goal(
        id="vectors_spotify",
        figure="largest relative error against spotify-confidence, whose own grid is 3e-5 off",
        unit=RATIO,
        better="lower",
        floor=1e-4,
    )
    return [
        row(beyond, Measured(value=max(v.error_beyond_print for v in vectors))),
        row(raw, Measured(value=max(v.error for v in vectors))),
        row(coarse, Measured(value=max(v.error for v in spotify))),
    ]


def _binomial_mixture(s: float, v: float, *, g: float, side: Side, v_opt: float = 100.0) -> float:
    """What confseq calls beta_binomial_log_mixture: g the null rate, s the excess, v the variance."""
    variance = g * (1.0 - g)
    n = v / variance
    prior = tuned_prior(g, n_opt=v_opt / variance, alpha=0.05, side=side)
    return float(beta_binomial_log_e(n * g + s, n, p0=g, side=side, prior=prior))


def binomial_mixture_bound(v: float, *, g: float, v_opt: float, side: Side) -> float:
    """The beta_binomial_mixture_bound of confseq: the least excess that rejects at .05, by bisection."""
    low, high = 0.0, v / g
    for _ in range(80):
        middle = 0.5 * (low + high)
        if _binomial_mixture(middle, v, g=g, side=side, v_opt=v_opt) < math.log(20.0):
            low = middle
        else:
            high = middle
    return high
