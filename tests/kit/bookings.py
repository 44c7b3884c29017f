"""One booking as a request, and the endpoint's memory for it, small enough to read."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from scenarios.hotel_cancellation.serving_features import CATEGORY_NAMES, COUNT_NAMES, Desk

if TYPE_CHECKING:
    from scenarios.request import Features, Request

LEVELS = {
    **dict.fromkeys(CATEGORY_NAMES, ("A", "B", "C")),
    "hotel": ("City Hotel", "Resort Hotel"),
    "agent": ("9", "240"),
    "country": ("ESP", "PRT"),
    "assigned_room_type": ("A", "B"),
}
TYPICAL = {"adr": {"mean": 100.0, "median": 90.0, "sd": 40.0}}
FEBRUARY = [date(2017, 2, day).toordinal() for day in (1, 15, 27, 28)]


def desk() -> Desk:
    """Agent 9 booked on four days of February 2017, segment B on one in 2015."""
    codes = {name: {level: code for code, level in enumerate(of)} for name, of in LEVELS.items()}
    days = {"agent": {"9": FEBRUARY}, "market_segment": {"B": [1]}, "customer_type": {}, "hotel": {}}
    return Desk(levels=codes, days=days)


def booking(**changes: object) -> Request:
    """A booking of agent 9 at noon of 1 March 2017, for a Wednesday in July."""
    stated = dict.fromkeys(CATEGORY_NAMES, "B") | {"hotel": "City Hotel", "agent": "9"}
    counted: dict[str, object] = dict.fromkeys(COUNT_NAMES, 1)
    told = {"request_id": "h1", "event_time": "2017-03-01T12:00:00+00:00", "arrival_date": "2017-07-05"}
    numbers = {"adr": 75.5, "children": None, "babies": 0, "stays_in_week_nights": 300}
    return {**stated, **counted, **told, **numbers, **changes}


def no_rival(name: str, _features: Features) -> float:
    """A model that scores its name's length: 0.4 for `four`."""
    return len(name) / 10
