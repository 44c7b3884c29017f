"""Clocks: a time zone on a time, on an hour or a weekday, daylight saving, and plain shifts."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from harness.diff.causes.guessing import guesses, modal_share
from harness.diff.causes.model import Candidate, Evidence, Hypothesis, Mask, function
from harness.diff.causes.wording import higher
from harness.diff.sentences import duration

#: an epoch in seconds, milliseconds, microseconds or nanoseconds lies between 1990 and 2100
_FROM, _TO = 631_152_000.0, 4_102_444_800.0
_UNITS: Final = (1.0, 1e3, 1e6, 1e9)
#: time zones are quarters of an hour away, at most 14 hours from UTC and 26 from each other
_QUARTER: Final = 900.0
_HOUR: Final = 3_600.0
_FARTHEST: Final = 26 * _HOUR
#: the moduli of hours, weekdays, months and minutes; of each the whole range must be inhabited
_MODULI: Final = {7: "days", 12: "", 24: "hours", 60: "minutes", 31: "days", 366: "days", 365: "days"}
#: a few units in the last place of a sum
_LAST_BITS: Final = 1e-15
#: the odds against rows falling into one season by chance
_SEASON_ODDS: Final = 100.0
_HOUR_NS: Final = 3_600 * 10**9


def shift(evidence: Evidence) -> Iterator[Candidate]:
    """The served number is the offline one plus a constant: a time zone, one too many of a count."""
    both = evidence.both
    if not both.any():
        return
    found = guesses(evidence.b[both] - evidence.a[both])
    unit = epoch_unit(evidence)
    for by in found.values:
        cost, name, words = _named(by, unit, whole=evidence.whole.whole_numbers)
        parameters: dict[str, float | str] = {"by": by}
        phrase = f"serves {evidence.label} {higher(by)} than {evidence.other}{words}"
        change, chance = _adding(by), found.chance
        yield Candidate(
            name,
            phrase,
            _added(by),
            cost=cost,
            parameters=parameters,
            chance=chance,
            change=change,
            once=True,
            soft=evidence.whole.decimals is not None,
        )
        if name == "time_shift" and unit and abs(by / unit) == _HOUR:
            yield from _daylight(evidence, _added(by), by=by, chance=chance)


def modular(evidence: Evidence) -> Iterator[Candidate]:
    """The served hour, weekday or month is the offline one plus a constant, modulo its range."""
    both, values = evidence.both, evidence.whole.values
    if not both.any() or not len(values) or not evidence.whole.whole_numbers:
        return
    low, modulus = float(values[0]), len(values)
    if low not in {0.0, 1.0} or modulus not in _MODULI or values[-1] != low + modulus - 1:
        return
    by, chance = modal_share(np.mod(evidence.b[both] - evidence.a[both], modulus))
    if by == 0:
        return
    away = by if by <= modulus / 2 else by - modulus

    def change(a: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.asarray(np.mod(a - low + by, modulus) + low)

    test = function(change)
    hits = test(evidence)
    wraps = float(np.mean(np.abs(change(evidence.whole.crowd) - evidence.whole.crowd) != abs(away)))
    wrapped = hits & (np.abs(evidence.b - evidence.a) != abs(away))
    if not wrapped.any() and np.count_nonzero(hits) * wraps > 5:
        return  # a clock would have passed midnight
    phrase = f"serves {evidence.label} {higher(away)} than {evidence.other}, modulo {modulus}"
    yield Candidate(
        "modular_shift",
        phrase,
        test,
        cost=0.001,
        parameters={"by": by, "modulus": float(modulus)},
        chance=chance,
        once=True,
        soft=True,
    )
    if abs(away) == 1 and modulus == 24:
        yield from _daylight(evidence, test, by=away, chance=chance)


def epoch_unit(evidence: Evidence) -> float | None:
    """How many units of the column make a second where it holds times since 1970, None where it does not."""
    crowd = evidence.whole.crowd
    if not len(crowd):
        return None
    low, high = crowd.min(), crowd.max()
    return next((unit for unit in _UNITS if _FROM * unit <= low and high <= _TO * unit), None)


def _named(by: float, unit: float | None, *, whole: bool) -> tuple[float, str, str]:
    """The cost, the name and further words of a shift."""
    seconds = by / unit if unit else 0.0
    if seconds and seconds % _QUARTER == 0 and abs(seconds) <= _FARTHEST:
        away = duration(round(abs(seconds) * 1e9))
        daylight = " or daylight saving" if abs(seconds) == _HOUR else ""
        return 0.001, "time_shift", f", {away}: time zone{daylight}"
    if whole and not unit and abs(by) == 1.0:
        return 0.002, "off_by_one", f": one {'too many' if by > 0 else 'too few'}"
    return 0.006, "shift", ""


def _adding(by: float) -> Any:  # noqa: ANN401  -- a change, as Candidate takes it
    return lambda a: a + by


def _added(by: float) -> Any:  # noqa: ANN401  -- a test
    """To the last bits of the larger summand, so that a large constant is no shift of small numbers."""

    def test(some: Evidence) -> Mask:
        if not some.both.any():
            return some.both
        return np.asarray(
            some.both & (np.abs(some.a + by - some.b) <= _LAST_BITS * (np.abs(some.a) + abs(by)))
        )

    return test


def _daylight(evidence: Evidence, test: Any, *, by: float, chance: float) -> Iterator[Candidate]:  # noqa: ANN401  -- a test
    """An hour that is wrong in one season only: all its rows lie on one side of the clock change."""
    times = evidence.around.time_ns
    if times is None or not len(times):
        return
    for region, changes in (("Europe", _european), ("America", _american)):
        summer = _in_summer(times, changes)
        hits: Mask = test(evidence)
        inside = summer[evidence.rows[hits]]
        if not len(inside) or inside.any() != inside.all():
            continue
        season = bool(inside[0])
        share = float(np.mean(summer == season))
        if share == 1.0 or share ** len(inside) > 1 / _SEASON_ODDS:
            continue
        when = "daylight saving time" if season else "standard time"
        yield Candidate(
            "daylight_saving",
            f"serves {evidence.label} an hour {'late' if by > 0 else 'early'} in {when} ({region})",
            _in_season(test, summer == season),
            cost=0.0,
            parameters={"by": by, "region": region},
            chance=chance,
        )
        return


def _in_season(test: Any, season: Mask) -> Any:  # noqa: ANN401  -- tests
    return lambda some: test(some) & season[some.rows]


def _in_summer(times: NDArray[np.int64], changes: Any) -> Mask:  # noqa: ANN401  -- one of the two below
    first = dt.datetime.fromtimestamp(int(times.min()) / 1e9, dt.UTC).year
    last = dt.datetime.fromtimestamp(int(times.max()) / 1e9, dt.UTC).year
    if last - first > 100:
        return np.zeros(len(times), bool)
    summer = np.zeros(len(times), bool)
    for year in range(first, last + 1):
        start, end = changes(year)
        summer |= (times >= start) & (times < end)
    return summer


def _european(year: int) -> tuple[int, int]:
    """Last Sundays of March and October, 01:00 UTC, in ns."""
    return _sunday(year, 4, nth=-1) + _HOUR_NS, _sunday(year, 11, nth=-1) + _HOUR_NS


def _american(year: int) -> tuple[int, int]:
    """Second Sunday of March, first of November, 02:00 in New York, in ns."""
    return _sunday(year, 3, nth=2) + 7 * _HOUR_NS, _sunday(year, 11, nth=1) + 6 * _HOUR_NS


def _sunday(year: int, month: int, *, nth: int) -> int:
    """Midnight UTC of the nth Sunday of a month, or of the last one before it for -1."""
    first = dt.datetime(year, month, 1, tzinfo=dt.UTC)
    ahead = (6 - first.weekday()) % 7
    day = first + dt.timedelta(days=ahead + 7 * (nth - 1 if nth > 0 else -1))
    return int(day.timestamp()) * 10**9


SHIFTS: Final[tuple[Hypothesis, ...]] = (shift, modular)
