"""What a decision takes here and with other packages, each on its own task, without chance."""

import math
from collections.abc import Callable

from harness.stats import (
    AsymptoticCS,
    BetaBinomial,
    SampleRatio,
    Spending,
    crossing_probabilities,
    mean_trials,
    sequential_mcnemar,
)
from harness.stats.normal_mixture import best_rho, mixture_bound
from tests.simulations.exact import MCNEMAR_FIXED_N, SLOW_FIXED_N, group_sequential_ratio
from tests.simulations.figures import REQUESTS, Goal, Measured, row

ALPHA = 0.05


def first_n(enough: Callable[[int], bool], most: int = 1_000_000) -> int:
    """The least n from 1 to `most` at which `enough(n)` holds; it must keep holding from there on."""
    low, high = 0, most
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return high


def wins_needed_by_ville() -> float:
    """The BernoulliTest of ville: two-sided, uniform prior; mean pairs at a win share of .56."""
    test = BetaBinomial(p0=0.5, side="two-sided", alpha=ALPHA, a=1.0, b=1.0)
    return mean_trials(crossing_probabilities(test, 0.56, horizon=4 * MCNEMAR_FIXED_N))


def wins_needed_here() -> float:
    """The one-sided tuned test on the same task."""
    test = sequential_mcnemar(n_opt=MCNEMAR_FIXED_N, alpha=ALPHA)
    return mean_trials(crossing_probabilities(test, 0.56, horizon=4 * MCNEMAR_FIXED_N))


def slow_requests_by_ville() -> int:
    """The QuantileCS of ville (variance 1/4 for every quantile): n at which a share of .065 excludes .05."""
    rho = best_rho(500 / 4, ALPHA, sides=2)
    return first_n(lambda n: 0.015 * n >= mixture_bound(n / 4, ALPHA, rho=rho, sides=2))


def slow_requests_here() -> int:
    """The beta-binomial test on the same task, the share seen exactly .065."""
    test = BetaBinomial.tuned(0.05, "greater", n_opt=1000, alpha=ALPHA)
    return first_n(lambda n: float(test.log_e_of(0.065 * n, n)) >= math.log(1.0 / ALPHA), 20_000)


def tenth_of_a_deviation(*, closed_form: bool) -> int:
    """Units at which a mean of .1 standard deviations excludes 0 one-sided, planned for 1,000.

    The closed form is that of gbstats (Waudby-Smith et al. 2024, equation 134); ours is the exact mixture.
    """
    if not closed_form:
        return first_n(
            lambda n: AsymptoticCS(1000, ALPHA, n=n, mean=0.1, m2=n - 1.0, nonzero=n).lower_bound() >= 0.0
        )
    rho2 = 1.0 / best_rho(1000, ALPHA, sides=1)

    def half_width(n: int) -> float:
        v = n * rho2 + 1.0
        return math.sqrt(2.0 * v / (n * n * rho2) * math.log1p(math.sqrt(v) / (2.0 * ALPHA)))

    return first_n(lambda n: half_width(n) <= 0.1)


def two_sided_sequence() -> int:
    """The same by a two-sided sequence, as avlm, drconfseq and mSPRT give it."""
    return first_n(
        lambda n: AsymptoticCS(1000, ALPHA, n=n, mean=0.1, m2=n - 1.0, nonzero=n).interval()[0] >= 0.0
    )


def split_52_48() -> int:
    """Requests at which a split of 52 to 48 instead of even is found at .001; savvi has the same e-value."""
    even = SampleRatio(shares=(0.5, 0.5))
    return first_n(lambda n: even.add((math.floor(0.52 * n), n - math.floor(0.52 * n))).rejects, 200_000)


def sample_sizes() -> list[dict[str, object]]:
    """One row a package and task; the sizes are what each needs on the same data."""
    obf = group_sequential_ratio(Spending(kind="obrien-fleming"))
    sizes = (
        (
            "size_wins_fixed",
            "discordant pairs, win share .56: fixed n of 80 % power (statsmodels), one look",
            MCNEMAR_FIXED_N,
        ),
        ("size_wins_ville", "... mean by ville BernoulliTest, a look at each", wins_needed_by_ville()),
        (
            "size_wins_here",
            "... mean by our sequential McNemar (confseq's number with the same tuning)",
            wins_needed_here(),
        ),
        (
            "size_wins_gst_obf",
            "... mean by 5 looks, O'Brien-Fleming (gsDesign, rpact: same bounds)",
            obf * MCNEMAR_FIXED_N,
        ),
        (
            "size_wins_gst_here",
            "... mean by 5 looks, power rho 2, our default (spotify-confidence: same bounds to 3e-5)",
            group_sequential_ratio(Spending()) * MCNEMAR_FIXED_N,
        ),
        (
            "size_slow_fixed",
            "requests to show 6.5 % slow is above 5 %: fixed n of 80 % power, one look",
            SLOW_FIXED_N,
        ),
        ("size_slow_ville", "... by ville QuantileCS when 6.5 % are seen", slow_requests_by_ville()),
        (
            "size_slow_here",
            "... by our rate test when 6.5 % are seen (confseq: the same)",
            slow_requests_here(),
        ),
        (
            "size_mean_gbstats",
            "units to show a mean of .1 sd is above 0: gbstats one-sided closed form",
            tenth_of_a_deviation(closed_form=True),
        ),
        ("size_mean_two_sided", "... by a two-sided sequence (avlm, drconfseq, mSPRT)", two_sided_sequence()),
        ("size_mean_here", "... by our one-sided exact mixture", tenth_of_a_deviation(closed_form=False)),
        (
            "size_split_here",
            "requests to find a 52 : 48 split at alpha .001 (savvi: the same e-value)",
            split_52_48(),
        ),
    )
    return [
        row(Goal(id=id_, figure=figure, unit=REQUESTS, better="lower"), Measured(value=float(value)))
        for id_, figure, value in sizes
    ]
