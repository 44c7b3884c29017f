"""A column then and now: how far its distribution moved, by seven statistics, and whether that is chance.

PSI is held against its own null (`drift_null`), never against 0.25 alone: that rule is shown as words.
Missing cells are a bin, so a column that turns 40 % missing has drifted; levels never seen before are one
too. A column that is empty or constant, or changes its type, says so in `why_not` and stops nothing.
Distances are of the known cells where they need numbers (KS, Wasserstein), and of all bins otherwise.
"""

from __future__ import annotations

import math
import zlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from scipy import stats
from scipy.special import chdtrc, kolmogorov, ndtr, xlogy

from harness.diagnosis._arrays import aligned, codes_of
from harness.diagnosis._threads import at_once
from harness.diagnosis.bins import BINS, Category, column, freeze
from harness.diagnosis.drift_null import Null, dealt_again, is_thin, psi_null, unit_inflation
from harness.diagnosis.ecdf import distances
from harness.errors import HarnessError
from harness.stats import benjamini_hochberg

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy.typing as npt

    from harness.diagnosis._arrays import Codes, Floats, Mask

    Columns = Mapping[str, npt.ArrayLike | Category]

#: the words that users know, by the PSI from which they are used; a convention without error control
RULE_OF_THUMB = ((0.0, "below 0.1"), (0.1, "0.1 to 0.25"), (0.25, "0.25 or more"))
#: up to this many rows Kolmogorov's p is computed exactly
EXACT_KS_ROWS = 2_000


@dataclass(frozen=True, kw_only=True)
class Settings:
    """How drift is judged: false discovery rate `alpha` over the columns, at most `bins` bins of numbers.

    A column is flagged as missing where its missing share moved by `missing_rise` or more, and not by chance.
    """

    alpha: float = 0.05
    bins: int = BINS
    missing_rise: float = 0.01
    seed: int = 0


@dataclass(frozen=True, kw_only=True)
class ColumnDrift:
    """One column: shares missing and never seen, seven statistics with their p, and what follows.

    `kl` is of current from reference, in nats, `jensen_shannon` the distance in nats (square root of the
    divergence), `wasserstein` in the column's unit, `wasserstein_sd` in standard deviations of the reference.
    Numbers that the column does not allow are nan, with the reason in `why_not`. `drifted` is the ruling at
    the false discovery rate over all columns of one table, on PSI against `null`. `retyped` is a column of
    numbers that became one of texts, or the other way: nothing but missing cells can then be compared.
    """

    name: str
    segment: str = ""
    rows: tuple[int, int]
    missing: tuple[float, float]
    missing_p: float = math.nan
    unseen: float = 0.0
    psi: float = math.nan
    null: Null | None = None
    kl: float = math.nan
    jensen_shannon: float = math.nan
    chi2: float = math.nan
    chi2_p: float = math.nan
    ks: float = math.nan
    ks_p: float = math.nan
    wasserstein: float = math.nan
    wasserstein_sd: float = math.nan
    inflation: float = 1.0
    drifted: bool = False
    turned_missing: bool = False
    retyped: bool = False
    why_not: str = ""

    @property
    def rule_of_thumb(self) -> str:
        """Where PSI lies among .1 and .25: shown, and nothing follows from it."""
        return next((words for least, words in reversed(RULE_OF_THUMB) if self.psi >= least), "unknown")

    @property
    def flagged(self) -> bool:
        """Whether a reader should look at this column."""
        return self.drifted or self.turned_missing or self.retyped


def smoothed(counts: Codes) -> Floats:
    """Shares of the bins with half a row added to each (Jeffreys), so that no logarithm is infinite."""
    shares: Floats = (counts + 0.5) / (counts.sum(axis=-1, keepdims=True) + 0.5 * counts.shape[-1])
    return shares


def psi(p: Floats, q: Floats) -> Floats:
    """The population stability index of shares: sum (q - p) log(q / p), over the last axis; symmetric.

    Jeffreys' divergence (1946); Siddiqi, Credit Risk Scorecards (2006). Shares above 0.
    To check: .5 .5 against .8 .2 is .415888.
    """
    return np.asarray(((q - p) * np.log(q / p)).sum(axis=-1), np.float64)


def kullback_leibler(p: Floats, q: Floats) -> float:
    """The divergence of q from p, sum q log(q / p), in nats; inf where p has none of what q has.

    To check: p .5 .5, q .8 .2 is .192745.
    """
    with np.errstate(divide="ignore"):
        return float((xlogy(q, q) - xlogy(q, p)).sum())


def jensen_shannon(p: Floats, q: Floats) -> float:
    """The distance of shares: root of the mean divergence from their middle, in nats; at most sqrt(log 2).

    Lin, IEEE Transactions on Information Theory 37 (1991). To check: .5 .5 against .8 .2 is .225104.
    """
    middle = 0.5 * (p + q)
    return math.sqrt(max(0.0, 0.5 * (kullback_leibler(middle, p) + kullback_leibler(middle, q))))


def chi_squared(reference: Codes, current: Codes) -> tuple[float, float]:
    """Pearson's statistic of two rows of counts, without correction, and its p; bins must be occupied.

    To check: counts 30 70 against 45 55 give 4.8 and .028460.
    """
    table = np.stack([reference, current]).astype(np.float64)
    expected = table.sum(axis=1, keepdims=True) * table.sum(axis=0) / table.sum()
    value = float((np.square(table - expected) / expected).sum())
    return value, chi_squared_p(value, bins=reference.size)


def chi_squared_p(value: float, *, bins: int, inflation: float = 1.0) -> float:
    """How often Pearson's statistic is as large without drift, for rows in units (Rao, Scott 1981)."""
    return float(chdtrc(bins - 1, value / inflation)) if bins > 1 else 1.0


def kolmogorov_p(one: Floats, other: Floats, *, ks: float, inflation: float = 1.0) -> float:
    """How often two samples of one distribution lie as far apart: exact for few rows, else asymptotic."""
    if max(one.size, other.size) <= EXACT_KS_ROWS and inflation == 1.0:
        return float(stats.ks_2samp(one, other, method="exact").pvalue)
    effective = one.size * other.size / (one.size + other.size) / inflation
    if effective > EXACT_KS_ROWS:
        return float(kolmogorov(ks * math.sqrt(effective)))
    return float(np.clip(stats.kstwo.sf(ks, max(1, round(effective))), 0.0, 1.0))


def column_drift(
    reference: npt.ArrayLike | Category,
    current: npt.ArrayLike | Category,
    *,
    name: str,
    settings: Settings | None = None,
    units: tuple[Codes, Codes] | None = None,
) -> ColumnDrift:
    """One column then and now; `units` are both samples' unit codes, which widen the null.

    Raises HarnessError only for what is no column. The ruling `drifted` is left to `drifts`.
    """
    settings = settings or Settings()
    then, now = _of_one_type(column(reference, name), column(current, name))
    if units is not None:
        for side, codes in zip((then, now), units, strict=True):
            aligned(**{name: side.codes if isinstance(side, Category) else side, "units": codes})
    if isinstance(then, Category) != isinstance(now, Category):
        return _of_another_type(then, now, name=name, units=units)
    bins = freeze(then, bins=settings.bins)
    counts = bins.counts(then), bins.counts(now)
    n, m = (int(one.sum()) for one in counts)
    missing = tuple(float(one[-1]) / max(1, int(one.sum())) for one in counts)
    found = ColumnDrift(name=name, rows=(n, m), missing=(missing[0], missing[1]))
    if n == 0 or m == 0:
        return replace(found, why_not=f"no {'reference' if n == 0 else 'current'} rows")
    inflation = 1.0 if units is None else _inflation((bins.places(then), bins.places(now)), units)
    found = _of_counts(found, counts, settings=settings, inflation=inflation)
    if isinstance(then, Category) or isinstance(now, Category):
        return replace(found, unseen=float(counts[1][-2]) / m if isinstance(then, Category) else 0.0)
    return _of_numbers(found, then=then, now=now)


def drifts(
    reference: Columns,
    current: Columns,
    *,
    settings: Settings | None = None,
    units: tuple[npt.ArrayLike, npt.ArrayLike] | None = None,
) -> tuple[ColumnDrift, ...]:
    """Every column of either table, in order of the reference, with the ruling over all of them."""
    settings = settings or Settings()
    codes = _codes(units)
    found = at_once(
        lambda name: _judged(name, (reference, current), settings=settings, units=codes),
        _names(reference, current),
    )
    return ruled(found, settings=settings)


def drifts_by_segment(
    reference: Columns,
    current: Columns,
    *,
    segments: tuple[npt.ArrayLike, npt.ArrayLike],
    settings: Settings | None = None,
    units: tuple[npt.ArrayLike, npt.ArrayLike] | None = None,
) -> tuple[ColumnDrift, ...]:
    """Every column within every segment of either side, each against the same segment of the reference.

    The ruling is over all columns and segments together, so that many segments do not make many alarms.
    `segments` and `units` name those of each row of both sides.
    """
    settings = settings or Settings()
    then, now = (np.asarray(side, object).astype(str) for side in segments)
    codes = _codes(units)
    if codes is not None:
        aligned(segments=then, units=codes[0])
        aligned(segments=now, units=codes[1])
    # Coded once and not in every segment.
    tables = _converted(reference), _converted(current)

    def of_one(segment: str) -> list[ColumnDrift]:
        rows = then == segment, now == segment
        inside = None if codes is None else (codes[0][rows[0]], codes[1][rows[1]])
        judged = (
            _judged(name, tables, settings=settings, units=inside, rows=rows) for name in _names(*tables)
        )
        return [replace(one, segment=segment) for one in judged]

    found = at_once(of_one, [str(one) for one in np.unique(np.concatenate([then, now]))])
    return ruled([one for segment in found for one in segment], settings=settings)


def ruled(found: Sequence[ColumnDrift], *, settings: Settings) -> tuple[ColumnDrift, ...]:
    """The columns with their rulings: Benjamini-Hochberg on PSI, Bonferroni on missing cells."""
    p = np.array([1.0 if one.null is None else one.null.p for one in found])
    drifted = benjamini_hochberg(p, alpha=settings.alpha)
    return tuple(
        replace(
            one,
            drifted=bool(is_drift),
            turned_missing=bool(
                abs(one.missing[1] - one.missing[0]) >= settings.missing_rise
                and one.missing_p <= settings.alpha / len(found)
            ),
        )
        for one, is_drift in zip(found, drifted, strict=True)
    )


def _names(reference: Columns, current: Columns) -> list[str]:
    return list(dict.fromkeys([*reference, *current]))


def _codes(units: tuple[npt.ArrayLike, npt.ArrayLike] | None) -> tuple[Codes, Codes] | None:
    return None if units is None else (codes_of(units[0], "units"), codes_of(units[1], "units"))


def _judged(
    name: str,
    tables: tuple[Columns, Columns],
    *,
    settings: Settings,
    units: tuple[Codes, Codes] | None,
    rows: tuple[Mask, Mask] | None = None,
) -> ColumnDrift:
    """One column of both tables, or of these rows of them; what is wrong with it is said and not raised."""
    nothing = ColumnDrift(name=name, rows=(0, 0), missing=(math.nan, math.nan))
    reference, current = tables
    if name not in reference or name not in current:
        side = "reference" if name not in reference else "current"
        return replace(nothing, why_not=f"not among the {side} columns")
    try:
        then, now = column(reference[name], name), column(current[name], name)
        if rows is not None:
            then, now = _part(then, rows[0], name=name), _part(now, rows[1], name=name)
        return column_drift(then, now, name=name, settings=settings, units=units)
    except HarnessError as error:
        return replace(nothing, why_not=error.sentence())


def _converted(columns: Columns) -> dict[str, npt.ArrayLike | Category]:
    """The columns as they are compared; one that is none stays, and is refused where it is judged."""
    made: dict[str, npt.ArrayLike | Category] = {}
    for name, values in columns.items():
        try:
            made[name] = column(values, name)
        except HarnessError:
            made[name] = values
    return made


def _part(values: Floats | Category, rows: Mask, *, name: str) -> Floats | Category:
    if isinstance(values, Category):
        aligned(**{name: values.codes, "segments": rows})
        return Category(values.codes[rows], values.levels)
    aligned(**{name: values, "segments": rows})
    return values[rows]


def _of_one_type(
    then: Floats | Category, now: Floats | Category
) -> tuple[Floats | Category, Floats | Category]:
    """Both sides, where one without any known cell is taken for the type of the other."""
    if isinstance(then, Category) == isinstance(now, Category):
        return then, now
    if _gone(now).all():
        return then, _nothing_like(then, rows=_gone(now).size)
    return (_nothing_like(now, rows=_gone(then).size), now) if _gone(then).all() else (then, now)


def _nothing_like(one: Floats | Category, *, rows: int) -> Floats | Category:
    return Category(np.full(rows, -1), ()) if isinstance(one, Category) else np.full(rows, math.nan)


def _of_another_type(
    then: Floats | Category, now: Floats | Category, *, name: str, units: tuple[Codes, Codes] | None
) -> ColumnDrift:
    """No statistic compares numbers with texts; missing cells are counted all the same."""
    gone = _gone(then).astype(np.int64), _gone(now).astype(np.int64)
    counts = [np.bincount(side, minlength=2) for side in gone]
    inflation = 1.0 if units is None else _inflation(gone, units)
    words = " to ".join("texts" if isinstance(one, Category) else "numbers" for one in (then, now))
    return ColumnDrift(
        name=name,
        rows=(gone[0].size, gone[1].size),
        missing=(float(gone[0].mean()), float(gone[1].mean())),
        missing_p=_share_p(counts[0], counts[1], inflation=inflation),
        inflation=inflation,
        retyped=True,
        why_not=f"went from {words}",
    )


def _gone(one: Floats | Category) -> Mask:
    """Which cells are missing."""
    return one.codes < 0 if isinstance(one, Category) else np.isnan(one)


def _inflation(places: tuple[Codes, Codes], units: tuple[Codes, Codes]) -> float:
    """The design effect of both samples' bins, each by its part in the null's variance 1/n + 1/m."""
    effects = [unit_inflation(one, unit) for one, unit in zip(places, units, strict=True)]
    parts = [1.0 / unit.size for unit in units]
    return float(np.average(effects, weights=parts))


def _of_counts(
    found: ColumnDrift, counts: tuple[Codes, Codes], *, settings: Settings, inflation: float
) -> ColumnDrift:
    occupied = (counts[0] + counts[1]) > 0
    then, now = counts[0][occupied], counts[1][occupied]
    p, q = smoothed(then), smoothed(now)
    value = float(psi(p, q))
    chi2, _ = chi_squared(then, now)
    thin = is_thin(then, now, inflation=inflation)
    if thin and inflation == 1.0 and then.size > 1:
        rng = np.random.default_rng([settings.seed, zlib.crc32(found.name.encode())])
        null = dealt_again((then, now), lambda a, b: psi(smoothed(a), smoothed(b)), rng=rng)
    else:
        null = psi_null(value, rows=found.rows, bins=then.size, inflation=inflation)
    if thin and inflation > 1.0:
        # Where few units share a bin its logarithm is wild; Pearson's statistic, PSI's limit, is not.
        null = replace(null, p=chi_squared_p(chi2, bins=then.size, inflation=inflation), method="Pearson")
    return replace(
        found,
        psi=value,
        null=null,
        kl=kullback_leibler(p, q),
        jensen_shannon=jensen_shannon(then / then.sum(), now / now.sum()),
        chi2=chi2,
        chi2_p=chi_squared_p(chi2, bins=then.size, inflation=inflation),
        missing_p=_share_p(counts[0], counts[1], inflation=inflation),
        inflation=inflation,
    )


def _share_p(then: Codes, now: Codes, *, inflation: float) -> float:
    """The two-sided p of two missing shares being one, by the pooled z test."""
    n, m = then.sum(), now.sum()
    pooled = (then[-1] + now[-1]) / (n + m)
    if pooled in {0.0, 1.0}:
        return 1.0
    se = math.sqrt(inflation * pooled * (1.0 - pooled) * (1.0 / n + 1.0 / m))
    return float(2.0 * ndtr(-abs(then[-1] / n - now[-1] / m) / se))


def _of_numbers(found: ColumnDrift, *, then: Floats, now: Floats) -> ColumnDrift:
    then, now = (
        one if gone == 0.0 else one[~np.isnan(one)]
        for one, gone in zip((then, now), found.missing, strict=True)
    )
    if not then.size or not now.size:
        return replace(found, why_not=f"no known {'current' if then.size else 'reference'} values")
    apart = distances(then, now)
    with np.errstate(over="ignore", invalid="ignore"):  # infinite or very large values have no deviation
        sd = float(then.std())
    return replace(
        found,
        ks=apart.ks,
        ks_p=kolmogorov_p(then, now, ks=apart.ks, inflation=found.inflation),
        wasserstein=apart.wasserstein,
        wasserstein_sd=apart.wasserstein / sd if sd > 0.0 and math.isfinite(sd) else math.nan,
        why_not="the reference is constant" if then.min() == then.max() else "",
    )
