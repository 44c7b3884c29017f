"""Two arms' p95 (or another quantile) compared on independent traffic, looked at as often as one likes.

Howard, Ramdas, "Sequential estimation of quantiles with applications to A/B testing and best-arm
identification", Bernoulli 28 (2022), on A/B tests. For each candidate value x of the quantile both arms have
a beta-binomial e-process on the number of values at or below x; the comparison keeps the least favourable x.
Ties are handled by the counts below and at x. Exact for independent values; requests that queue behind each
other are not. Conservative: where requests are paired, compare them pair by pair (`paired_differences`).
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize_scalar

from harness.stats._checks import Floats, check_at_least, check_same_tuning, check_share, finite_vector
from harness.stats.beta_binomial import beta_binomial_log_e, tuned_prior
from harness.stats.confseq import AsymptoticCS, Side
from harness.stats.units import mean_influence, unit_sums

Counts = npt.NDArray[np.int64]


@dataclass(frozen=True, kw_only=True)
class QuantileTest:
    """The tuning: the quantile `q` (.95 for p95), the planned number of values an arm `n_opt`, and `alpha`.

    Raises ValueError unless 0 < q < 1, n_opt > 0 and 0 < alpha < .5.
    To check (q .5, n_opt 100, alpha .05): 1..1000 against the same shifted by 85 differ with p = .0838055.
    """

    q: float = 0.95
    n_opt: float = 1000.0
    alpha: float = 0.05

    def __post_init__(self) -> None:
        check_share(self.q, "q")
        check_share(self.alpha, "alpha", below=0.5)
        check_at_least(self.n_opt, "n_opt", least=math.ulp(0.0))

    def log_e_different(self, one: npt.ArrayLike, other: npt.ArrayLike) -> float:
        """The log evidence that the quantiles of two arms differ: min over x of E1(x) E2(x), two-sided."""
        first, second = np.sort(finite_vector(one, "one")), np.sort(finite_vector(other, "other"))
        at = np.unique(np.concatenate([first, second]))
        if not at.size:
            return 0.0
        return float((self._either_side(first, at) + self._either_side(second, at)).min())

    def log_e_not_worse(self, champion: npt.ArrayLike, challenger: npt.ArrayLike, *, margin: float) -> float:
        """The log evidence that the challenger's quantile is below the champion's plus `margin` (same unit).

        Null: it is at least that. Then at x = the champion's quantile + margin, "the shifted champion has
        less than q at or below x" and "the challenger has more than q below x" are both false, so both
        e-values are fair there and so is their mean; min over x of (E1(x) + E2(x)) / 2. Their product would
        never decide: one of the two is always 0. To check: arms of no values, or a margin far below the true
        difference, give at most 0.
        """
        shifted = np.sort(finite_vector(champion, "champion") + margin)
        slower = np.sort(finite_vector(challenger, "challenger"))
        at = np.concatenate([[-np.inf], np.unique(shifted)])
        below_q = self._side(np.searchsorted(shifted, at, "right"), shifted.size, side="less")
        above_q = self._side(np.searchsorted(slower, at, "left"), slower.size, side="greater")
        return float(np.logaddexp(below_q, above_q).min()) - math.log(2.0)

    def _side(self, count: Counts, n: int, *, side: Side) -> Floats:
        prior = tuned_prior(self.q, n_opt=self.n_opt, alpha=self.alpha, side=side)
        return beta_binomial_log_e(count, n, p0=self.q, side=side, prior=prior)

    def _either_side(self, ordered: Floats, at: Floats) -> Floats:
        """The least evidence over the counts between "below x" and "at or below x", for each x."""
        n = ordered.size
        if n == 0:
            return np.zeros(at.size)
        below, upto = np.searchsorted(ordered, at, "left"), np.searchsorted(ordered, at, "right")
        prior = tuned_prior(self.q, n_opt=self.n_opt, alpha=self.alpha, side="two-sided")
        calmest = minimize_scalar(
            lambda k: float(beta_binomial_log_e(k, n, p0=self.q, side="two-sided", prior=prior)),
            bounds=(0.0, float(n)),
            method="bounded",
            options={"xatol": 1e-9 * n},
        ).x
        return beta_binomial_log_e(np.clip(calmest, below, upto), n, p0=self.q, side="two-sided", prior=prior)


@dataclass(frozen=True, kw_only=True)
class TwoSampleQuantile:
    """Both arms' values as integer histograms, so that shards merge and a run resumes by adding counts.

    A value counts at the next multiple of `resolution` at or above it (in the values' unit), so the claim is
    about values rounded up. State: `champion` and `challenger`, pairs (ticks, count) in rising order. Raises
    ValueError unless resolution > 0. To check: values .94 and .96 at resolution .1 are one tick, 10.
    """

    test: QuantileTest
    resolution: float
    champion: tuple[tuple[int, int], ...] = ()
    challenger: tuple[tuple[int, int], ...] = ()

    def __post_init__(self) -> None:
        check_at_least(self.resolution, "resolution", least=math.ulp(0.0))
        object.__setattr__(self, "champion", _histogram(self.champion))
        object.__setattr__(self, "challenger", _histogram(self.challenger))

    def update(self, champion: npt.ArrayLike, challenger: npt.ArrayLike) -> Self:
        """The state after more values of either arm, in any order; an arm may have none."""
        old, new = (
            finite_vector(v, name) for v, name in ((champion, "champion"), (challenger, "challenger"))
        )
        return replace(
            self,
            champion=(*self.champion, *((t, 1) for t in self._ticks(old))),
            challenger=(*self.challenger, *((t, 1) for t in self._ticks(new))),
        )

    def merge(self, other: Self) -> Self:
        """The state over the values of both, different ones; raises ValueError when the tuning differs."""
        check_same_tuning((self.test, self.resolution), (other.test, other.resolution))
        return replace(
            self,
            champion=(*self.champion, *other.champion),
            challenger=(*self.challenger, *other.challenger),
        )

    def log_e_different(self) -> float:
        """The log evidence now that the quantiles differ; it rejects at log(1/alpha)."""
        return self.test.log_e_different(self._values(self.champion), self._values(self.challenger))

    def log_e_not_worse(self, margin: float) -> float:
        """The log evidence now that the challenger's quantile is less than the champion's plus `margin`."""
        return self.test.log_e_not_worse(
            self._values(self.champion), self._values(self.challenger), margin=margin
        )

    def state(self) -> dict[str, object]:
        """Tuning and state as a mapping of numbers and lists that JSON keeps exactly."""
        return {
            "q": self.test.q,
            "n_opt": self.test.n_opt,
            "alpha": self.test.alpha,
            "resolution": self.resolution,
            "champion": [list(pair) for pair in self.champion],
            "challenger": [list(pair) for pair in self.challenger],
        }

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> Self:
        """The comparison whose `state()` was `state`; raises ValueError for missing or unknown names."""
        expected = {"q", "n_opt", "alpha", "resolution", "champion", "challenger"}
        if set(state) != expected:
            raise ValueError(f"state: found the names {sorted(state)}, expected {sorted(expected)}")
        test = QuantileTest(q=state["q"], n_opt=state["n_opt"], alpha=state["alpha"])
        return cls(
            test=test,
            resolution=state["resolution"],
            champion=state["champion"],
            challenger=state["challenger"],
        )

    def _ticks(self, values: Floats) -> list[int]:
        ticks: list[int] = np.ceil(values / self.resolution).astype(np.int64).tolist()
        return ticks

    def _values(self, histogram: tuple[tuple[int, int], ...]) -> Floats:
        table = np.array(histogram, np.int64).reshape(-1, 2)
        return np.repeat(table[:, 0] * self.resolution, table[:, 1])


def paired_differences(
    champion: npt.ArrayLike,
    challenger: npt.ArrayLike,
    *,
    unit_codes: npt.ArrayLike,
    n_opt: float,
    alpha: float,
) -> AsymptoticCS:
    """The confidence sequence for the mean difference (challenger minus champion, same requests), by unit.

    All three are (requests,); a request that failed in either arm has no difference and must be left out or
    counted at its time limit before. Hold the verdict back until `enough_units`. Raises ValueError for shapes
    that differ or NaN. To check: equal latencies are `identical`.
    """
    old, new = finite_vector(champion, "champion"), finite_vector(challenger, "challenger")
    if old.shape != new.shape:
        raise ValueError(f"challenger: found shape {new.shape}, expected {old.shape} as the champion")
    sums = unit_sums(new - old, unit_codes)
    return AsymptoticCS(n_opt, alpha).update(mean_influence(sums.sums, sums.counts))


def _histogram(pairs: Iterable[Sequence[int]]) -> tuple[tuple[int, int], ...]:
    table = np.array(list(pairs), np.int64).reshape(-1, 2)
    ticks, where = np.unique(table[:, 0], return_inverse=True)
    if table.size and table[:, 1].min() < 1:
        raise ValueError(f"counts: found {table[:, 1].min()}, expected at least 1 a tick")
    counts = np.bincount(where, weights=table[:, 1]).astype(np.int64) if table.size else ticks
    return tuple((int(t), int(c)) for t, c in zip(ticks, counts, strict=True))
