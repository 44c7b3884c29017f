"""Random captures in which mismatches come in clusters, with a place, a change in time, or neither."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from harness.diff.conditions import Condition, Field, coded, holds
from harness.diff.texts import Texts

if TYPE_CHECKING:
    from numpy.typing import NDArray

COUNTRIES = np.array(["US", "GB", "FR", "DE", "IT", "NL", "SE", "PT"], object)
DAY_NS = 86_400 * 10**9


@dataclass(frozen=True)
class World:
    """A capture in the order of time: units and times in ns (n,), fields, and its generator."""

    unit: NDArray[np.int64]
    times: NDArray[np.int64]
    fields: dict[str, Field]
    rng: np.random.Generator

    @property
    def units(self) -> int:
        """How many units there may be."""
        return int(self.unit.max()) + 1


def world(seed: int, *, n: int) -> World:
    """Units of unequal size, in sessions or all over; fields of the unit, the request and the time."""
    rng = np.random.default_rng([20_261_123, seed])
    unit = _units(rng, n)
    times = np.sort(rng.integers(0, int(rng.uniform(0.3, 5.0) * DAY_NS), n))
    return World(unit, times, _fields(rng, unit, times=times), rng)


def _units(rng: np.random.Generator, n: int) -> NDArray[np.int64]:
    units = int(rng.integers(n // 40, n // 4))
    busy = rng.lognormal(0.0, rng.uniform(0.2, 1.2), units)
    owners = rng.choice(units, size=n, p=busy / busy.sum())
    if rng.random() < 0.5:
        return np.asarray(owners)
    session = int(rng.integers(2, 30))
    return np.repeat(owners[: n // session + 1], session)[:n]


def _fields(
    rng: np.random.Generator, unit: NDArray[np.int64], *, times: NDArray[np.int64]
) -> dict[str, Field]:
    n, units = len(unit), int(unit.max()) + 1
    size = np.bincount(unit, minlength=units)
    spend = rng.normal(0.0, 0.7, units)
    hosts = np.array([f"h{k}" for k in range(12)], object)
    sticky = rng.random(n) < rng.choice([0.0, 0.9])
    host = np.where(sticky, (unit * 7) % 12, rng.integers(12, size=n))
    found: dict[str, NDArray[Any]] = {
        "country": COUNTRIES[rng.choice(8, size=units, p=[0.3, 0.2, 0.1, 0.1, 0.1, 0.1, 0.05, 0.05])][unit],
        "client": np.array([f"c{k}" for k in rng.integers(60, size=units)], object)[unit],
        "tier": np.where(size > np.quantile(size, 0.9), "batch", "single").astype(object)[unit],
        "host": hosts[host],
        "build": np.where(times > np.quantile(times, 0.65), "b2", "b1").astype(object),
        "amount": np.round(np.exp(rng.normal(4.0, 0.8, n) + spend[unit]), 2),
        "service_ms": rng.gamma(2.0, 15.0, n),
        "hour": (times // (3_600 * 10**9) % 24).astype(float),
        "retries": rng.poisson(0.1, n).astype(float),
    }
    return {name: coded(values) for name, values in found.items()}


def clustered(one: World) -> NDArray[np.bool_]:
    """Mismatches that no field explains: some units have many, each in its own way, some at one stretch."""
    rng, n = one.rng, len(one.unit)
    bad = rng.random(one.units) < rng.choice([0.003, 0.01, 0.05, 0.2])
    rate = rng.beta(1.0, rng.uniform(0.3, 3.0), one.units)
    mismatch = bad[one.unit] & (rng.random(n) < rate[one.unit])
    if rng.random() < 0.5:
        begin = rng.random(one.units)
        # a stretch may run over the end, else there would be fewer mismatches early: a change in time
        mismatch &= (_rank_within(one.unit) - begin[one.unit]) % 1.0 < rng.uniform(0.1, 0.6)
    return np.asarray(mismatch)


def _rank_within(unit: NDArray[np.int64]) -> NDArray[np.float64]:
    """The part of its unit's requests that come before each."""
    order = np.argsort(unit, kind="stable")
    size = np.bincount(unit)
    rank = np.empty(len(unit))
    rank[order] = (np.arange(len(unit)) - np.repeat(np.cumsum(size) - size, size)) / np.repeat(size, size)
    return rank


def numbers(one: World, name: str) -> NDArray[np.float64]:
    """A field that is a number."""
    values = one.fields[name]
    assert not isinstance(values, Texts)
    return values


def true_place(one: World, number: int) -> tuple[Condition, ...]:
    """A place to be found, of nine kinds in turn."""
    rng, amount, hour = one.rng, numbers(one, "amount"), numbers(one, "hour")
    host = Condition("host", level=f"h{rng.integers(12)}")
    country = Condition("country", level=str(rng.choice(COUNTRIES[1:6])))
    dear = Condition("amount", at_least=float(np.quantile(amount, rng.uniform(0.6, 0.95))))
    slow = Condition("service_ms", at_least=float(rng.choice([60.0, 80.0, 100.0])))
    low, high = np.quantile(amount, rng.uniform(0.1, 0.5) + np.array([0.0, 0.15]))
    late = max(np.quantile(hour, rng.uniform(0.6, 0.9)), hour.min() + 1.0)
    kinds: list[tuple[Condition, ...]] = [
        (host,),
        (country,),
        (Condition("build", level="b2"),),
        (dear,),
        (slow,),
        (Condition("amount", at_least=float(low), below=float(high)),),
        (country, Condition("hour", at_least=float(late))),
        (host, dear),
        (country, Condition("build", level="b2")),
    ]
    return kinds[number % len(kinds)]


def placed(one: World, place: tuple[Condition, ...], *, prevalence: float) -> NDArray[np.bool_]:
    """Mismatches of that share of all requests: in the place, of some units, and up to a tenth elsewhere."""
    rng, n = one.rng, len(one.unit)
    wanted, inside = prevalence * n, holds(place, one.fields)
    stray = rng.choice([0.0, 0.05, 0.1])
    hit = inside & (rng.random(one.units) < rng.choice([0.3, 1.0]))[one.unit]
    rate = min(1.0, (1.0 - stray) * wanted / max(1, int(np.count_nonzero(hit))))
    return np.asarray((hit & (rng.random(n) < rate)) | (rng.random(n) < stray * prevalence))


def changed(one: World, *, mismatches: int) -> tuple[NDArray[np.bool_], int, int]:
    """About so many mismatches from some time on, or up to it, or between two; the first row and the last.

    Some units are hit, wholly or in part; up to 2 % of the mismatches are outside.
    """
    rng, n = one.rng, len(one.unit)
    ends = np.sort(rng.uniform(0.03, 0.97, 2))
    kind = rng.choice(["start", "start", "end", "episode"])
    first = 0 if kind == "end" else int(ends[0] * n)
    last = n if kind == "start" else int(max(ends[1], ends[0] + 0.05) * n)
    hit = (rng.random(one.units) < rng.choice([0.2, 0.5, 1.0]))[one.unit]
    hit[:first] = hit[last:] = False
    rate = min(1.0, mismatches / max(1, int(np.count_nonzero(hit))))
    stray = rng.choice([0.0, 0.02]) * mismatches / n
    return (hit & (rng.random(n) < rate)) | (rng.random(n) < stray), first, last
