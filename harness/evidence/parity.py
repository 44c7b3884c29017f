"""Parity is a census of the capture: exact counts, and beside them what they say about traffic to come."""

from __future__ import annotations

from harness.records import Estimate
from harness.stats import clopper_pearson_upper

LEVEL = 0.95


def census(name: str, *, count: int, n: int, units: int = 0, units_hit: int = 0) -> tuple[Estimate, ...]:
    """The exact share, its bound for future traffic by request, and the same by unit where `units` are known.

    Clopper and Pearson (1934), one-sided 95 %. Known: 0 of 1,497 gives at most 0.2 %.
    """
    found = [_share(name, "requests", count=count, n=n)] if n else []
    if n and units:
        found.append(_share(f"{name} by unit", "units", count=units_hit, n=units))
    return tuple(found)


def claim(says: str, *, count: int, n: int, of: str = "distinct requests") -> str:
    """What an exact count says, and what it would if the requests were a sample; nothing of no requests."""
    if n == 0:
        return ""
    upper = clopper_pearson_upper(count, n, level=LEVEL)
    return (
        f"On these {n:,} {of} {count:,} {says}: exact. If they were an independent sample of "
        f"future traffic, the rate is below {upper:.3%} (95 %)."
    )


def _share(name: str, things: str, *, count: int, n: int) -> Estimate:
    traffic = "traffic" if things == "requests" else things
    return Estimate(
        name=name,
        value=count / n,
        n=n,
        count=count,
        upper=clopper_pearson_upper(count, n, level=LEVEL),
        level=LEVEL,
        unit=f"share of {things}",
        method=f"exact count; Clopper-Pearson upper bound for future {traffic}",
    )
