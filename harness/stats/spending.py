"""What a group-sequential test may have spent of its error probability by a share t of its information."""

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
from scipy.special import ndtr, ndtri

from harness.stats._checks import Floats, check_at_least, check_share

SpendingKind = Literal["obrien-fleming", "pocock", "power"]


@dataclass(frozen=True, kw_only=True)
class Spending:
    """A spending function (Lan, DeMets, Biometrika 70, 1983): what of alpha may be spent by share t.

    "obrien-fleming" 2 - 2 Phi(Phi^-1(1 - alpha/2) / sqrt t): almost nothing early, nearly the whole level
    last; "pocock" alpha log(1 + (e - 1) t): about the same bound at each look; "power" alpha t^rho (Kim,
    DeMets, Biometrika 74 (1987)), between them. The default, power with rho 2, stops earlier than
    O'Brien-Fleming when there is an effect and ends a little later when there is little. Raises ValueError
    for another kind, or rho <= 0. To check (alpha .025, t = .2): obrien-fleming 5.0e-7, power with rho 2
    .001.
    """

    kind: SpendingKind = "power"
    rho: float = 2.0

    def __post_init__(self) -> None:
        check_at_least(self.rho, "rho", least=math.ulp(0.0))
        if self.kind not in {"obrien-fleming", "pocock", "power"}:
            raise ValueError(f"kind: found {self.kind!r}, expected 'obrien-fleming', 'pocock' or 'power'")

    def spent(self, t: npt.ArrayLike, alpha: float) -> Floats:
        """The error probability spent by the information shares `t` >= 0; from t = 1 on it is `alpha`."""
        check_share(alpha, "alpha")
        share = np.minimum(np.asarray(t, np.float64), 1.0)
        if not (share >= 0.0).all():
            raise ValueError(f"t: found {share.min():g}, expected shares of information of at least 0")
        spent: Floats
        if self.kind == "pocock":
            spent = alpha * np.log1p((math.e - 1.0) * share)
        elif self.kind == "power":
            spent = alpha * share**self.rho
        else:
            with np.errstate(divide="ignore"):
                spent = 2.0 * ndtr(ndtri(alpha / 2.0) / np.sqrt(share))
        return spent


DEFAULT_SPENDING = Spending()
