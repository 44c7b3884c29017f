"""Times of a mapped row: RFC 3339, numbers of a unit, any written form; those without a zone get theirs."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from zoneinfo import ZoneInfo

from harness.capture import times
from harness.capture.formats.map_config import UNITS_NS
from harness.capture.formats.map_values import LONGEST_NUMBER, as_written
from harness.capture.formats.pieces import broken, epoch

_NUMBER = re.compile(r"[+-]?\d+\.?\d*(?:[eE][+-]?\d+)?")
_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001  -- of times without a zone, until theirs is known
_MINUTE_NS = 60 * times.SECOND_NS


@dataclass(frozen=True)
class Clock:
    """How times are written where they are no RFC 3339 with a zone; `naive` columns of Parquet have none."""

    zone: ZoneInfo | None = None
    time_format: str | None = None

    def moment(self, value: object, word: str, *, naive: bool = False) -> tuple[int, int]:
        """The instant in ns and its resolution in ns; `word` says the unit of a number by its end.

        In the hour that a zone has twice the earlier is meant. Raises `broken("bad time")`.
        """
        unit = next((ns for end, ns in UNITS_NS.items() if word.endswith(end)), None)
        try:
            if value is None:
                raise ValueError("nothing")  # noqa: TRY301  -- told like every other bad time, below
            if isinstance(value, tuple):
                ns = _in_zone(value[0], self.zone) if naive and self.zone else value[0]
                return epoch(ns, word), value[1]
            if isinstance(value, str) and self.time_format is not None and unit is None:
                return self._as_written(value)
            spelled = as_written(value)
            return _ticks(spelled, unit) if unit is not None else self._text(spelled)
        except ValueError as error:
            raise broken("bad time", f"{word}: {error}") from error

    def _as_written(self, spelled: str) -> tuple[int, int]:
        found = datetime.strptime(spelled, self.time_format or "")  # noqa: DTZ007  -- its zone is seen to below
        naive = found.replace(tzinfo=None) - _EPOCH
        ns = (naive.days * 86_400 + naive.seconds) * times.SECOND_NS + naive.microseconds * 1_000
        offset = found.utcoffset()
        if offset is not None:
            ns -= int(offset.total_seconds()) * times.SECOND_NS
        elif self.zone is not None:
            ns = _in_zone(ns, self.zone)
        else:
            raise ValueError(f'{times.clip(spelled)} has no zone; say zone = "UTC" in the map')
        fine = "%f" in (self.time_format or "")
        return times.in_range(ns, spelled), 1_000 if fine else times.SECOND_NS

    def _text(self, spelled: str) -> tuple[int, int]:
        if _NUMBER.fullmatch(spelled):
            raise ValueError(f"{times.clip(spelled)} is a number; its word says the unit, as ts_ms")
        try:
            return times.parse(spelled)
        except ValueError as error:
            if "has no zone" not in str(error):
                raise
            if self.zone is None:
                raise ValueError(f'{times.clip(spelled)} has no zone; say zone = "UTC" in the map') from error
        ns, resolution_ns = times.parse(f"{spelled}Z")
        return times.in_range(_in_zone(ns, self.zone), spelled), resolution_ns


def _ticks(spelled: str, unit_ns: int) -> tuple[int, int]:
    """A number of units since the epoch, exact; its resolution is by the thousand, as its digits show."""
    try:
        exact = Decimal(spelled if len(spelled) <= LONGEST_NUMBER else "NaN")
    except InvalidOperation as error:
        raise ValueError(f"{times.clip(spelled)} is no number") from error
    if not exact.is_finite() or not 0 <= exact <= times.MAX_NS:
        raise ValueError(f"{times.clip(spelled)} is no time")
    exponent = exact.normalize().as_tuple().exponent
    digits = max(0, -exponent) if isinstance(exponent, int) else 0
    ns = times.in_range(int(exact * unit_ns), spelled)
    return ns, max(1, unit_ns // 10 ** (3 * min(3, -(-digits // 3))))


def _in_zone(ns: int, zone: ZoneInfo) -> int:
    """The instant of a local time that is given as if it were UTC."""
    return ns - _offset_ns(ns // _MINUTE_NS, zone)


@lru_cache(maxsize=4_096)  # traffic is nearly in time order, so most rows share their minute
def _offset_ns(minute: int, zone: ZoneInfo) -> int:
    local = _EPOCH + timedelta(minutes=minute)
    there = local.replace(tzinfo=zone)
    if there.astimezone(UTC).astimezone(zone).replace(tzinfo=None) != local:
        raise ValueError(f"{local} does not exist in {zone.key}: the clocks go forward there")
    offset = there.utcoffset() or timedelta()
    return int(offset.total_seconds()) * times.SECOND_NS
