"""How soon tests rule when there is something to find, and how the p95 gates of replayed passes rule."""

import numpy as np
import numpy.typing as npt

from harness.stats import Betting, SlowShareTest, judge_passes, to_unit_interval, tuned_weights
from tests.simulations import slow_share
from tests.simulations.exact import FIXED_DRIFT
from tests.simulations.figures import RATIO, SHARE, Goal, Measured, chunks, generator, row, standard_error
from tests.simulations.processes import betting_stops

ALPHA = 0.05
SCORE_SD, SCORE_SHIFT, SCORE_BOUND = 0.028, 0.0015, 0.1
PHIS = (0.0, 0.4, 0.8)

Floats = npt.NDArray[np.float64]


def score_differences(rng: np.random.Generator, runs: int, n: int) -> Floats:
    """Score differences (Student, 5 degrees of freedom, sd .028, mean .0015) moved to [0, 1]."""
    x = SCORE_SHIFT + SCORE_SD * np.sqrt(3.0 / 5.0) * rng.standard_t(5, size=(runs, n))
    return to_unit_interval(x.ravel(), SCORE_BOUND).reshape(runs, n)


def score_fixed_n(rng: np.random.Generator) -> int:
    """The pairs at which a one-sided z test of the clipped differences, looked at once, has 80 % power."""
    values = score_differences(rng, 1, 2_000_000)[0] - 0.5
    # The mean is known better than a sample tells: clipping is symmetric but for the shift.
    effect = float(0.5 * (values.mean() + SCORE_SHIFT / (2.0 * SCORE_BOUND)))
    return int(np.ceil((FIXED_DRIFT * float(values.std()) / effect) ** 2))


def betting_test(*, tuned_at: int | None) -> Betting:
    """The test of clipped score differences: equal weights, or weights tuned at a planned number of pairs."""
    plain = Betting(m0=0.5, side="greater", alpha=ALPHA)
    if tuned_at is None:
        return plain
    sd = SCORE_SD / (2.0 * SCORE_BOUND)
    weights = tuned_weights(plain.bets, 0.5, side="greater", n_opt=tuned_at, sd=sd, alpha=ALPHA)
    return Betting(m0=0.5, side="greater", alpha=ALPHA, weights=weights)


def betting_ratio(rng: np.random.Generator, runs: int, *, tuned: bool) -> tuple[Measured, float]:
    """Mean pairs over the fixed n, with a horizon of 4 times that, and the share of runs that ruled by it."""
    fixed = score_fixed_n(rng)
    test, horizon = betting_test(tuned_at=fixed if tuned else None), 4 * fixed
    stops = np.concatenate(
        [betting_stops(score_differences(rng, part, horizon), test) for part in chunks(runs, 100)]
    )
    used = np.where(stops > 0, stops, horizon) / fixed
    spread = float(used.std() / np.sqrt(runs))
    return Measured(value=float(used.mean()), spread=spread, runs=runs), float((stops > 0).mean())


def asn_betting(runs: int = 2000) -> list[dict[str, object]]:
    """The mean sample of the betting test, with the weights tuned and equal."""
    tuned, _ = betting_ratio(generator("asn_betting"), runs, tuned=True)
    equal, _ = betting_ratio(generator("asn_betting_equal"), runs, tuned=False)
    what = "mean pairs over fixed n, score differences clipped at 3.6 sd, shift .054 sd, horizon 4 n"
    return [
        row(
            Goal(
                id="asn_betting",
                figure=f"{what}, weights tuned at the fixed n",
                unit=RATIO,
                better="lower",
                floor=1.6,
                aim=1.4,
            ),
            tuned,
        ),
        row(
            Goal(
                id="asn_betting_equal",
                figure=f"{what}, equal weights",
                unit=RATIO,
                better="lower",
                floor=1.6,
                aim=1.4,
            ),
            equal,
        ),
    ]


def pass_rulings(
    rng: np.random.Generator, runs: int, *, n: int, share: float, phi: float
) -> dict[str, float]:
    """The shares of single passes ruled within, over and undecided."""
    counts = slow_share.slow_counts(rng, runs=runs, n=n, share=share, phi=phi)
    return {word: found / runs for word, found in slow_share.rulings(counts, n).items()}


def false_pass_ruling(rng: np.random.Generator, runs: int) -> float:
    """The worst share of false rulings either way, n = 630 and 1,500, phi from 0 to .8, exactly 5 % slow."""
    found = [pass_rulings(rng, runs, n=n, share=0.05, phi=phi) for n in (630, 1500) for phi in PHIS]
    return max(max(one["within"], one["over"]) for one in found)


def five_pass_counts(
    rng: np.random.Generator, runs: int, *, share: float, phi: float, stalls: bool
) -> npt.NDArray[np.int64]:
    """Slow requests in each of 5 passes of 630, (runs, 5); `stalls` adds up to 2 runs of 5-15 slow ones."""
    base = share - 10.0 / 630 if stalls else share
    slow = slow_share.slow_requests(rng, runs=5 * runs, n=630, share=base, phi=phi)
    at = np.arange(630)
    for _ in range(2 if stalls else 0):
        begin, length = rng.integers(0, 630, size=(5 * runs, 1)), rng.integers(5, 16, size=(5 * runs, 1))
        slow |= (at >= begin) & (at < begin + length) & (rng.random((5 * runs, 1)) < 0.5)
    counts: npt.NDArray[np.int64] = slow.sum(axis=1).reshape(runs, 5)
    return counts


def five_pass_rulings(
    rng: np.random.Generator, runs: int, *, share: float, phi: float, stalls: bool = False
) -> dict[str, float]:
    """The shares of sets of 5 passes ruled within, over and undecided."""
    counts = five_pass_counts(rng, runs, share=share, phi=phi, stalls=stalls)
    words = [judge_passes(one.tolist(), [630] * 5, planned=5, rule=SlowShareTest()).ruling for one in counts]
    return {word: words.count(word) / runs for word in ("within", "over", "undecided")}


def false_five_pass_ruling(rng: np.random.Generator, runs: int) -> float:
    """The worst share of false rulings either way over 5 passes: phi 0, .8, .9, and .8 with stalls."""
    found = [five_pass_rulings(rng, runs, share=0.05, phi=phi) for phi in (0.0, 0.8, 0.9)]
    found.append(five_pass_rulings(rng, runs, share=0.05, phi=0.8, stalls=True))
    return max(max(one["within"], one["over"]) for one in found)


def pass_gate(runs: int = 4000) -> list[dict[str, object]]:
    """False rulings and power of the p95 gate of one pass, and of five together."""
    few = max(1, runs // 2)
    return [*one_pass(runs), *five_passes(few)]


def one_pass(runs: int) -> list[dict[str, object]]:
    """The gate of one pass: false rulings, and power at .5, 20 and 10 % slow."""
    worst = Goal(
        id="p95_false",
        figure="p95 gate of a pass, n 630, 1,500, AR(1) phi 0, .4, .8: worst false ruling either way",
        unit=SHARE,
        better="lower",
        floor=0.06,
        aim=0.05,
    )
    rows = [_share_row(worst, false_pass_ruling(generator("p95_false"), runs), runs)]
    for id_, word, slow, floor, aim in (
        ("p95_within", "within", 0.005, 0.95, 0.99),
        ("p95_over20", "over", 0.2, 0.99, 1.0),
        ("p95_over10", "over", 0.1, 0.65, 0.75),
    ):
        figure = f"... power to say {word} at {100 * slow:g} % slow, n 630, phi .8"
        goal = Goal(id=id_, figure=figure, unit=SHARE, better="higher", floor=floor, aim=aim)
        found = pass_rulings(generator(id_), runs, n=630, share=slow, phi=0.8)[word]
        rows.append(_share_row(goal, found, runs))
    return rows


def five_passes(runs: int) -> list[dict[str, object]]:
    """The gate of five passes together: false rulings, and power at 10 % slow."""
    worst = Goal(
        id="p95_passes_false",
        figure="5 passes of 630, phi 0, .8, .9, .8 with random stalls: worst false ruling either way",
        unit=SHARE,
        better="lower",
        floor=0.06,
    )
    power = Goal(
        id="p95_passes_over10",
        figure="... power to say over at 10 % slow, phi .8",
        unit=SHARE,
        better="higher",
    )
    false = false_five_pass_ruling(generator("p95_passes_false"), runs)
    found = five_pass_rulings(generator("p95_passes_over10"), runs, share=0.10, phi=0.8)["over"]
    return [_share_row(worst, false, runs), _share_row(power, found, runs)]


def _share_row(goal: Goal, share: float, runs: int) -> dict[str, object]:
    return row(goal, Measured(value=share, spread=standard_error(share, runs), runs=runs))
