"""The features of ONE booking, as the endpoint computes them.

Plain Python, no pandas, and nothing shared with the offline pipelines, so that a replay compares two
independent implementations.
"""

import json
from bisect import bisect_left
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time
from pathlib import Path
from zoneinfo import ZoneInfo

import pyarrow.parquet as pq

from scenarios.request import Features, Kinds, Levels, Request, Value, count, level, read_date, text

LISBON = ZoneInfo("Europe/Lisbon")
UNTOLD_COUNTRY = "PRT"
WINDOW_DAYS = 30
KEYS = ("agent", "market_segment", "customer_type", "hotel")
"""What bookings are counted by; the model asks for agents only, a bug may confuse them."""

CATEGORY_NAMES = (
    "hotel",
    "meal",
    "market_segment",
    "distribution_channel",
    "reserved_room_type",
    "deposit_type",
    "customer_type",
    "agent",
)
COUNT_NAMES = (
    "stays_in_weekend_nights",
    "stays_in_week_nights",
    *("adults", "children", "babies"),
    *("is_repeated_guest", "previous_cancellations", "previous_bookings_not_canceled"),
    *("adr", "total_of_special_requests"),
)
KINDS: Kinds = {
    **dict.fromkeys((*CATEGORY_NAMES[:-1], "country", "assigned_room_type"), ("category",)),
    "agent": ("category", "numeral"),
    **dict.fromkeys(COUNT_NAMES, ("number",)),
    **dict.fromkeys(("booking_changes", "required_car_parking_spaces", "lead_time"), ("number",)),
    "arrival_month": ("number",),
    "arrival_weekday": ("number", "weekday"),
    "arrival_at": ("number", "epoch"),
    "agent_bookings_30d": ("number", "history"),
}
"""What kind of value each feature is, which says what bugs it can have."""


@dataclass(frozen=True, slots=True)
class Desk:
    """All the endpoint keeps in memory: category levels, and the sorted booking days by key and its value."""

    levels: Levels
    days: Mapping[str, Mapping[str, list[int]]]
    kinds: Kinds = field(default_factory=lambda: KINDS)
    keys: tuple[str, ...] = KEYS

    def features(self, request: Request, *, event_time: datetime, history_time: datetime) -> Features:
        """The features by name: levels as text, numbers as float, None for missing or unseen in training."""
        stated = {name: level(request, name, levels=self.levels[name]) for name in CATEGORY_NAMES}
        numbers = {name: count(request, name) for name in COUNT_NAMES}
        arrival = read_date(request, "arrival_date")
        at_booking = {
            "country": self._known("country", UNTOLD_COUNTRY),
            "assigned_room_type": self._known("assigned_room_type", text(request, "reserved_room_type")),
            "booking_changes": 0.0,
            "required_car_parking_spaces": 0.0,
        }
        derived = {
            "lead_time": float((arrival - lisbon_day(event_time)).days),
            "arrival_month": float(arrival.month),
            "arrival_weekday": float(arrival.weekday()),
            "arrival_at": datetime.combine(arrival, time(), LISBON).timestamp(),
            "agent_bookings_30d": self.recall("agent_bookings_30d", request, as_of=history_time),
        }
        return {**stated, **at_booking, **numbers, **derived}

    def recall(
        self,
        feature: str,  # noqa: ARG002  -- there is one history feature
        request: Request,
        *,
        as_of: datetime,
        key: str = "",
        window: float | None = None,
    ) -> Value:
        """How many bookings its agent (or another key) made on the 30 (or `window`) days before `as_of`."""
        owner = request.get(key or "agent")
        if not isinstance(owner, str):
            return None
        made, today = self.days[key or "agent"].get(owner, []), lisbon_day(as_of).toordinal()
        days = WINDOW_DAYS if window is None else int(window)
        return float(bisect_left(made, today) - bisect_left(made, today - days))

    def _known(self, name: str, value: str) -> str | None:
        return value if value in self.levels[name] else None


def load_desk(data: Path) -> Desk:
    """Read `categories.json` and the keys and days of `bookings.parquet` into memory."""
    levels = json.loads((data / "categories.json").read_text())
    log = pq.read_table(data / "bookings.parquet", columns=["booking_date", *KEYS]).to_pydict()
    made = [day.toordinal() for day in log["booking_date"]]
    return Desk(
        levels={name: {level: code for code, level in enumerate(of)} for name, of in levels.items()},
        days={key: _days_of(log[key], made) for key in KEYS},
    )


def _days_of(owners: list[object], made: list[int]) -> dict[str, list[int]]:
    days: dict[str, list[int]] = {}
    for day, owner in sorted(zip(made, owners, strict=True), key=lambda pair: pair[0]):
        if owner is not None:
            days.setdefault(str(owner), []).append(day)
    return days


def lisbon_day(moment: datetime) -> date:
    """The day in Lisbon at a moment."""
    return moment.astimezone(LISBON).date()
