"""Less noise from what was known before: subtract what an earlier covariate explains of a difference.

Deng, Xu, Kohavi, Walker, "Improving the sensitivity of online controlled experiments by utilizing
pre-experiment data" (CUPED), WSDM 2013, section 3: x - theta (c - mean c). To keep a sequential promise
theta comes from earlier data only: `Cuped` adjusts a batch with what it learned before, then learns. The mean
of the covariate must be known, not estimated from the batch: in a replay the covariate (say the difference of
the scores) is known for every captured request while its label is not. With a mean that is off by d the
estimate is off by theta d.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Self

import numpy as np
import numpy.typing as npt

from harness.stats._checks import Floats, check_at_least, check_names, check_same_tuning, finite_vector


@dataclass(frozen=True, kw_only=True)
class Cuped:
    """The adjustment with a known `covariate_mean`, and what was learned so far: counts and centred sums.

    State: `n` values, means of value and covariate, centred sums `covariate_m2` and `cross`. To check: after
    learning values 1, 2, 3 with covariates 10, 20, 30, theta is .1.
    """

    covariate_mean: float
    n: int = 0
    mean: float = 0.0
    learned_covariate_mean: float = 0.0
    covariate_m2: float = 0.0
    cross: float = 0.0

    def __post_init__(self) -> None:
        check_at_least(self.n, "n", least=0)
        check_at_least(self.covariate_m2, "covariate_m2", least=0.0)
        finite_vector([self.covariate_mean, self.mean, self.learned_covariate_mean, self.cross], "state")

    @property
    def theta(self) -> float:
        """The slope of value on covariate learned so far; 0.0 (no adjustment) without spread in it."""
        return self.cross / self.covariate_m2 if self.covariate_m2 > 0.0 else 0.0

    def adjust(self, values: npt.ArrayLike, covariates: npt.ArrayLike) -> Floats:
        """The values less what their covariates explain, with theta as learned before; (values,)."""
        x, c = _pair(values, covariates)
        return x - self.theta * (c - self.covariate_mean)

    def learn(self, values: npt.ArrayLike, covariates: npt.ArrayLike) -> Self:
        """The adjustment after learning from this batch, which must have been adjusted already."""
        x, c = _pair(values, covariates)
        if not x.size:
            return self
        x_mean, c_mean = float(x.mean()), float(c.mean())
        batch = replace(
            self,
            n=x.size,
            mean=x_mean,
            learned_covariate_mean=c_mean,
            covariate_m2=float(np.square(c - c_mean).sum()),
            cross=float(((x - x_mean) * (c - c_mean)).sum()),
        )
        return self.merge(batch)

    def merge(self, other: Self) -> Self:
        """What both learned, from different values; raises ValueError when the covariate mean differs."""
        check_same_tuning(self.covariate_mean, other.covariate_mean)
        n = self.n + other.n
        if n == 0:
            return self
        gap, c_gap = other.mean - self.mean, other.learned_covariate_mean - self.learned_covariate_mean
        both = self.n * other.n / n
        return replace(
            self,
            n=n,
            mean=self.mean + gap * other.n / n,
            learned_covariate_mean=self.learned_covariate_mean + c_gap * other.n / n,
            covariate_m2=self.covariate_m2 + other.covariate_m2 + c_gap * c_gap * both,
            cross=self.cross + other.cross + gap * c_gap * both,
        )

    def state(self) -> dict[str, float]:
        """Tuning and state as a flat mapping of numbers that JSON keeps exactly."""
        return asdict(self)

    @classmethod
    def from_state(cls, state: Mapping[str, float]) -> Self:
        """The adjustment whose `state()` was `state`; raises ValueError for missing or unknown names."""
        check_names(cls, state)
        return cls(**{**state, "n": int(state["n"])})  # type: ignore[arg-type]


def _pair(values: npt.ArrayLike, covariates: npt.ArrayLike) -> tuple[Floats, Floats]:
    x, c = finite_vector(values, "values"), finite_vector(covariates, "covariates")
    if x.shape != c.shape:
        raise ValueError(f"covariates: found shape {c.shape}, expected {x.shape} as the values")
    return x, c
