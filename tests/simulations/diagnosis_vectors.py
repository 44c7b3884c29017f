"""Evidently's, NannyML's, scikit-learn's and statsmodels' numbers beside ours, on the same two small tables.

Other packages bin by rules of their own: those are followed here, so that the distances are compared and not
the bins. Evidently: at most 20 distinct values are bins themselves, else Sturges' equal widths over both
samples; for PSI and KL an empty bin gets 1e-4, after which KL is renormalised. NannyML: Doane's widths on the
reference, and a bin for what lies outside. `rows()` is what results/simulations keeps of it.
"""

from __future__ import annotations

import csv
import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from harness.diagnosis.bins import Category, column, freeze
from harness.diagnosis.calibration import calibration_error, recalibration_line, spiegelhalter
from harness.diagnosis.delong import delong
from harness.diagnosis.drift import (
    chi_squared,
    column_drift,
    jensen_shannon,
    kolmogorov_p,
    kullback_leibler,
    psi,
    smoothed,
)
from harness.diagnosis.drift_null import psi_null
from harness.diagnosis.ecdf import distances
from harness.diagnosis.label_shift import Scored, black_box_shift
from harness.diagnosis.recalibrators import fit
from harness.diagnosis.unlabelled import expected_metrics
from tests.simulations.figures import RATIO, Goal, Measured, row

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]
    Table = dict[str, npt.NDArray[Any]]

FOLDER = Path(__file__).parents[1] / "vectors"
NUMBERS = ("x", "k", "score")
THRESHOLD = 0.6


@dataclass(frozen=True, kw_only=True)
class Vector:
    """One number: where it is from, theirs and ours."""

    source: str
    name: str
    theirs: float
    ours: float

    @property
    def error(self) -> float:
        """The relative error; absolute where theirs is 0."""
        return abs(self.ours - self.theirs) / (abs(self.theirs) or 1.0)


def table(name: str) -> Table:
    """The columns of one of the two tables; `cat` is text."""
    with (FOLDER / f"scored_{name}.csv").open(encoding="utf-8") as file:
        read = list(csv.DictReader(file))
    return {
        key: np.array([one[key] for one in read], object if key == "cat" else np.float64) for key in read[0]
    }


def printed(name: str) -> dict[str, Any]:
    """What a package printed."""
    found: dict[str, Any] = json.loads((FOLDER / f"scored_{name}.json").read_text(encoding="utf-8"))
    return found


def evidently_shares(then: npt.NDArray[Any], now: npt.NDArray[Any]) -> tuple[Floats, Floats]:
    """Shares in Evidently's bins."""
    both = np.concatenate([then, now])
    values = np.unique(both.astype(str) if both.dtype == object else both)
    if both.dtype == object or values.size <= 20:
        return _value_shares(then, values), _value_shares(now, values)
    edges = np.histogram_bin_edges(both, bins="sturges")
    return np.histogram(then, edges)[0] / then.size, np.histogram(now, edges)[0] / now.size


def nannyml_shares(then: npt.NDArray[Any], now: npt.NDArray[Any]) -> tuple[Floats, Floats]:
    """Shares in NannyML's bins, the last for what the reference does not have."""
    texts = then.dtype == object
    values = np.unique(then.astype(str) if texts else then)
    if texts or (values.size <= 50 and values.size <= 0.1 * then.size):
        p, q = _value_shares(then, values), _value_shares(now, values)
    else:
        edges = np.histogram_bin_edges(then, bins="doane")
        p, q = np.histogram(then, edges)[0] / then.size, np.histogram(now, edges)[0] / now.size
    left = 1.0 - q.sum()
    return (np.append(p, 0.0), np.append(q, left)) if left > 0.0 else (p, q)


def _value_shares(column_: npt.NDArray[Any], values: npt.NDArray[Any]) -> Floats:
    mine = column_.astype(str) if column_.dtype == object else column_
    return np.array([np.count_nonzero(mine == value) for value in values]) / mine.size


def filled(shares: Floats) -> Floats:
    """Shares as Evidently fills them for PSI and KL: 1e-4 for an empty bin, not renormalised."""
    least = shares[shares > 0.0].min()
    return np.where(shares == 0.0, 1e-4 if least > 1e-4 else least / 1e6, shares)


def evidently_vectors() -> Iterator[Vector]:
    """PSI, KL, Jensen-Shannon (nats), Wasserstein in standard deviations, KS p."""
    then, now, theirs = table("reference"), table("current"), printed("evidently")

    def made(name: str, what: str, ours: float) -> Vector:
        return Vector(source="Evidently", name=f"{what} {name}", theirs=theirs[name][what], ours=ours)

    for name in (*NUMBERS, "cat"):
        p, q = evidently_shares(then[name], now[name])
        yield made(name, "js", jensen_shannon(p, q))
        p, q = filled(p), filled(q)
        yield made(name, "psi", float(psi(p, q)))
        yield made(name, "kl", kullback_leibler(q / q.sum(), p / p.sum()))
    for name in NUMBERS:
        found = column_drift(then[name], now[name], name=name)
        yield made(name, "wasserstein_norm", found.wasserstein_sd)
        yield made(name, "ks_p", kolmogorov_p(then[name], now[name], ks=found.ks))


def nannyml_vectors() -> Iterator[Vector]:
    """Jensen-Shannon (bits), Wasserstein, KS, chi-squared, ECE of equal mass."""
    then, now, theirs = table("reference"), table("current"), printed("nannyml")

    def made(name: str, ours: float) -> Vector:
        return Vector(source="NannyML", name=name, theirs=theirs["drift"][name], ours=ours)

    for name in (*NUMBERS, "cat"):
        bits = jensen_shannon(*nannyml_shares(then[name], now[name])) / np.sqrt(np.log(2.0))
        yield made(f"{name}|jensen_shannon", float(bits))
    for name in NUMBERS:
        apart = distances(then[name], now[name])
        yield made(f"{name}|wasserstein", apart.wasserstein)
        yield made(f"{name}|kolmogorov_smirnov", apart.ks)
    counts = [_level_counts(side["cat"], sorted({*then["cat"], *now["cat"]})) for side in (then, now)]
    yield made("cat|chi2", chi_squared(counts[0], counts[1])[0])
    for short, side in (("ref", then), ("cur", now)):
        ece = calibration_error(side["y"], side["score"]).ece
        name = f"ece10_equal_mass_{short}"
        yield Vector(source="NannyML", name=name, theirs=theirs[name], ours=ece)


def _level_counts(values: npt.NDArray[Any], levels: list[str]) -> npt.NDArray[np.int64]:
    coded = column(values, "cat")
    assert isinstance(coded, Category)
    return np.array([np.count_nonzero(values == level) for level in levels], np.int64)


def scikit_vectors() -> Iterator[Vector]:
    """Calibration, DeLong, PSI on the reference's deciles with its null, BBSE."""
    then, now, theirs = table("reference"), table("current"), printed("sklearn")
    for short, side in (("ref", then), ("cur", now)):
        line = recalibration_line(side["y"], side["score"])
        error = calibration_error(side["y"], side["score"])
        z, auc = spiegelhalter(side["y"], side["score"]), delong(side["y"], side["score"])
        ours = {
            "ece10_mass_argsort": error.ece,
            "mass10_plugin_l2sq": error.squared,
            "mass10_debiased_l2sq": error.debiased,
            "mass10_debiased_l2": error.root,
            "spiegelhalter_z": z.value,
            "spiegelhalter_p": z.p,
            "recal_intercept": line.intercept,
            "recal_slope": line.slope,
            "calib_in_the_large": line.in_the_large,
            "cox_LR_chi2_2df": line.test.value,
            "roc_auc": auc.value,
            "auc_delong_se": auc.se,
        }
        for name, value in ours.items():
            yield Vector(
                source="scikit-learn, statsmodels",
                name=f"{name} {short}",
                theirs=theirs[short][name],
                ours=value,
            )
    yield from _psi_vectors(then, now, theirs=theirs)
    shift = black_box_shift(Scored(labels=then["y"], scores=then["score"]), now["score"], threshold=THRESHOLD)
    for name, printed_, value in (
        ("bbse w0", theirs["bbse"]["w"][0], shift.weights[0]),
        ("bbse w1", theirs["bbse"]["w"][1], shift.weights[1]),
        ("bbse q", theirs["bbse"]["q_hat_pos"], shift.positive_rate),
    ):
        yield Vector(source="published formulas", name=name, theirs=printed_, ours=value)


def _psi_vectors(then: Table, now: Table, *, theirs: dict[str, Any]) -> Iterator[Vector]:
    null = psi_null(0.1, rows=(1200, 1000), bins=10)
    for name in ("x", "score"):
        bins = freeze(then[name])
        counts = [bins.counts(side[name])[:-1] for side in (then, now)]
        value = float(psi(smoothed(counts[0]), smoothed(counts[1])))
        key = f"{name}_q10_jeffreys0.5"
        yield Vector(source="published formulas", name=f"psi {key}", theirs=theirs["psi"][key], ours=value)
    for key, value in (("null_mean_B10", null.mean), ("null_q95_B10", null.q95)):
        yield Vector(source="published formulas", name=key, theirs=theirs["psi"][key], ours=value)


def cbpe_vectors() -> Iterator[Vector]:
    """The confidence-based estimate of seven metrics; NannyML rounds to 5 decimals on the way."""
    then, now, theirs = table("reference"), table("current"), printed("nannyml")["cbpe"]
    map_ = fit("isotonic", labels=then["y"], scores=then["score"])
    ours = expected_metrics(map_(now["score"]), now["score"], threshold=THRESHOLD)
    for name, one in theirs.items():
        yield Vector(source="NannyML", name=f"cbpe {name}", theirs=one["value"], ours=getattr(ours, name))


def all_vectors() -> list[Vector]:
    """Every number but those of CBPE."""
    return [*evidently_vectors(), *nannyml_vectors(), *scikit_vectors()]


def rows() -> list[dict[str, object]]:
    """The largest relative error over all vectors, and over those of CBPE."""
    every, cbpe = all_vectors(), list(cbpe_vectors())
    exact = Goal(
        id="vectors",
        figure=f"largest relative error of {len(every)} numbers of Evidently, NannyML, scikit-learn and "
        "statsmodels: PSI, KL, JS, Wasserstein, KS, chi-squared, ECE, Spiegelhalter, recalibration, DeLong",
        unit=RATIO,
        better="lower",
        floor=1e-8,
        aim=1e-9,
    )
    rounded = Goal(
        id="vectors_cbpe",
        figure=f"the same of {len(cbpe)} CBPE estimates of NannyML, which rounds to 5 decimals on the way",
        unit=RATIO,
        better="lower",
        floor=1e-8,
    )
    return [
        row(exact, Measured(value=max(v.error for v in every))),
        row(rounded, Measured(value=max(v.error for v in cbpe))),
    ]
