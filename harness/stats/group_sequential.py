"""A test with a planned end and few looks: the smallest sample, as long as the end is kept.

Lan, DeMets, Biometrika 70 (1983); Jennison, Turnbull, "Group Sequential Methods" (2000), chapters 7
(spending, looks at unequal times), 9 (repeated confidence intervals) and 10 (conditional power). For labels
that arrive in batches until a planned number has matured. Valid as far as z is normal with independent
increments (means, win shares, DeLong AUC), at the looks taken, when their times do not depend on what was
seen; going on past the planned end is refused, since it takes an error probability of .05 to .09.
"""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal, Self

from scipy.special import ndtr

from harness.stats._checks import check_at_least, check_names, check_share
from harness.stats.boundaries import bounds_spending
from harness.stats.spending import DEFAULT_SPENDING, Spending

GroupRuling = Literal["crossed", "continue", "ended"]


@dataclass(frozen=True, kw_only=True)
class GroupSequential:
    """Evidence for a positive effect at planned looks; `look` returns the test after the next one.

    `planned` is the information (matured labels, units) at which the test ends, `alpha` the one-sided error
    probability over all looks, `spending` how it is spent; all fixed before the first look. State: the
    `information` and `z` of each look, and whether the last was declared `final`. Looks need not be equally
    spaced, and their number is not fixed. An over-run last look (more labels than planned) spends all that is
    left, at its true information. Raises ValueError unless planned > 0 and 0 < alpha < .5. To check (planned
    500, alpha .025, O'Brien-Fleming): looks at 100, 200, ... have bounds 4.876885, 3.357011, ...
    """

    planned: float
    alpha: float
    spending: Spending = DEFAULT_SPENDING
    information: tuple[float, ...] = ()
    z: tuple[float, ...] = ()
    final: bool = False

    def __post_init__(self) -> None:
        check_at_least(self.planned, "planned", least=math.ulp(0.0))
        check_share(self.alpha, "alpha", below=0.5)
        object.__setattr__(self, "information", tuple(self.information))
        object.__setattr__(self, "z", tuple(self.z))
        if len(self.information) != len(self.z):
            raise ValueError(
                f"z: found {len(self.z)} values for {len(self.information)} looks, expected one a look"
            )

    def look(self, information: float, z: float, *, final: bool = False) -> Self:
        """The test after a look at `information` units with statistic `z`; `final` ends it short of the plan.

        Raises ValueError past the planned end, for information that does not rise, or z that is not finite.
        """
        if self.ended:
            raise ValueError(
                f"information: found a look at {information:g} after the end at {self.information[-1]:g}, "
                "expected none: all of alpha is spent, and going on breaks the promise"
            )
        before = self.information[-1] if self.information else 0.0
        if not (math.isfinite(information) and information > before):
            raise ValueError(f"information: found {information!r}, expected a number above {before:g}")
        if not math.isfinite(z):
            raise ValueError(f"z: found {z!r}, expected a finite number")
        return replace(self, information=(*self.information, information), z=(*self.z, z), final=final)

    @property
    def ended(self) -> bool:
        """Whether the planned information is reached, or the last look was declared final."""
        return self.final or (bool(self.information) and self.information[-1] >= self.planned)

    def bounds(self) -> tuple[float, ...]:
        """The z bound of each look so far; inf where nothing was to be spent yet."""
        spent = list(self.spending.spent([level / self.planned for level in self.information], self.alpha))
        if self.final:
            spent[-1] = self.alpha
        spends = [now - before for now, before in zip(spent, [0.0, *spent], strict=False)]
        return tuple(float(b) for b in bounds_spending(self.information, spends))

    @property
    def crossed(self) -> bool:
        """Whether z reached its bound at any look."""
        return any(z >= bound for z, bound in zip(self.z, self.bounds(), strict=True))

    @property
    def ruling(self) -> GroupRuling:
        """One word: crossed (the effect is positive), ended (the plan is used up) or continue."""
        if self.crossed:
            return "crossed"
        return "ended" if self.ended else "continue"

    def lower_bound(self, estimate: float, se: float) -> float:
        """The repeated confidence bound: the effect is above it at all looks with probability 1 - alpha.

        `estimate` and its standard error at the last look. estimate - bound * se; -inf before the first
        spending look. To check: bound 1.644854 (one look), estimate 1, se .5: .177573.
        """
        check_at_least(se, "se", least=0.0)
        bound = self.bounds()[-1] if self.information else math.inf
        return -math.inf if math.isinf(bound) else estimate - bound * se

    def state(self) -> dict[str, object]:
        """Plan and looks as a mapping that JSON keeps exactly."""
        return asdict(self)

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> Self:
        """The test whose `state()` was `state`; raises ValueError for missing or unknown names."""
        check_names(cls, state)
        check_names(Spending, state["spending"])
        return cls(**{**state, "spending": Spending(**state["spending"])})


def conditional_power(z: float, t: float, *, bound: float, drift: float) -> float:
    """The probability to end above `bound` at t = 1, given z at information share `t` and the drift.

    Phi((z sqrt t + drift (1 - t) - bound) / sqrt(1 - t)), drift being the mean of z at t = 1. Below .1-.2
    under the planned drift, stopping for futility costs little power; it is not binding and leaves alpha as
    it is. Jennison, Turnbull (2000), section 10.2. To check: z = 0 at t = .5, bound 1.644854, drift 2.486475:
    .2851.
    """
    check_share(t, "t")
    return float(ndtr((z * math.sqrt(t) + drift * (1.0 - t) - bound) / math.sqrt(1.0 - t)))
