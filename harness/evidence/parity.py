"""Parity is a census of the capture: exact counts, and beside them what they say about traffic to come."""

from __future__ import annotations

from dataclasses import dataclass

from harness.records import Estimate
from harness.stats import clopper_pearson_upper

LEVEL = 0.95


@dataclass(frozen=True)
class Counted:
    """An exact count: of `n` requests `count`, of `units` (0: not known) `units_hit`.

    `traffic` is the share of the traffic that these stand for, where they weigh unequally. `once` says where
    requests stand among the n more than once: how many there are, and how many are hit at all. Only those are
    witnesses of traffic to come.
    """

    count: int
    n: int
    units: int = 0
    units_hit: int = 0
    traffic: Estimate | None = None
    once: tuple[int, int] | None = None

    @property
    def upper(self) -> float:
        """The most that the share of traffic to come is, were these requests an independent sample of it."""
        n, count = self.once or (self.n, self.count)
        return clopper_pearson_upper(count, n, level=LEVEL)


def census(name: str, counted: Counted) -> tuple[Estimate, ...]:
    """The exact share, its bound for future traffic by request, and the same by unit where `units` are known.

    Clopper and Pearson (1934), one-sided 95 %. Known: 0 of 1,497 gives at most 0.2 %. Requests that weigh
    unequally are no sample of traffic to come: their share, by weight, and its bound stand first then, and
    the exact counts have none.
    """
    if not counted.n:
        return ()
    bounded, found = counted.traffic is None, [counted.traffic] if counted.traffic else []
    found.append(_share(name, "requests", counted=counted, bounded=bounded))
    if counted.units:
        by_unit = Counted(counted.units_hit, counted.units)
        found.append(_share(f"{name} by unit", "units", counted=by_unit, bounded=bounded))
    return tuple(found)


def claim(says: str, counted: Counted, *, of: str = "distinct requests") -> str:
    """What an exact count says, and what it would if the requests were a sample; nothing of no requests."""
    count, n, traffic = counted.count, counted.n, counted.traffic
    if n == 0:
        return ""
    if traffic is not None and traffic.value is not None and traffic.upper is not None:
        return (
            f"On these {n:,} {of} {count:,} {says}: exact. By their weights that is {traffic.value:.3%} of "
            f"the traffic they stand for ({traffic.note}); if they were kept independently, it is below "
            f"{traffic.upper:.3%} (95 %)."
        )
    again = (
        f"They are {counted.once[0]:,} distinct requests, {counted.once[1]:,} of which did at all. "
        if counted.once
        else ""
    )
    return (
        f"On these {n:,} {of} {count:,} {says}: exact. {again}If they were an independent sample of "
        f"future traffic, the rate is below {counted.upper:.3%} (95 %)."
    )


def _share(name: str, things: str, *, counted: Counted, bounded: bool) -> Estimate:
    count, n = counted.count, counted.n
    traffic = "traffic" if things == "requests" else things
    if not bounded:
        method = "exact count of what was replayed, not weighted"
        return Estimate(
            name=name, value=count / n, n=n, count=count, unit=f"share of {things}", method=method
        )
    return Estimate(
        name=name,
        value=count / n,
        n=n,
        count=count,
        upper=counted.upper,
        level=LEVEL,
        unit=f"share of {things}",
        method=f"exact count; Clopper-Pearson upper bound for future {traffic}"
        + (", by distinct requests that are hit at all" if counted.once else ""),
    )
