"""The OFFLINE feature pipelines, computed for a whole capture at once.

`build` holds what is known when the booking is made. `build_table` is what the champion was trained on: the
same, but four columns come from the table of bookings as it stands when the hotels have filled them in.
"""

import json
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow.parquet as pq

ZONE = "Europe/Lisbon"
STATED = (
    "hotel",
    "meal",
    "market_segment",
    "distribution_channel",
    "reserved_room_type",
    "deposit_type",
    "customer_type",
    "agent",
)
CATEGORIES = (*STATED, "country", "assigned_room_type")
NUMBERS = (
    "stays_in_weekend_nights",
    "stays_in_week_nights",
    "adults",
    "children",
    "babies",
    "is_repeated_guest",
    "previous_cancellations",
    "previous_bookings_not_canceled",
    "adr",
    "total_of_special_requests",
)
COUNTRY = "PRT"
"""What the country is taken for until the guest shows a passport."""
RECENT_DAYS = 30


def build(requests: pd.DataFrame, data: Path) -> pd.DataFrame:
    """The features of each request as of its booking, on the same index, columns in training order.

    `requests` has a column for each key of the decoded body and a UTC `event_time`; `data` holds
    `bookings.parquet` (agent and booking_date are read) and `categories.json` (the levels seen in training).
    Numbers are float64 with NaN for missing; categories are pandas categoricals with fixed levels.
    """
    return _features(requests, data, later=_at_booking(requests))


def build_table(requests: pd.DataFrame, data: Path) -> pd.DataFrame:
    """The features as the table of bookings has them in the end; bookings are found by `request_id`."""
    columns = ["src_row", "country", "assigned_room_type", "booking_changes", "required_car_parking_spaces"]
    table = pq.read_table(data / "bookings.parquet", columns=columns).to_pandas().set_index("src_row")
    rows = table.loc[requests["request_id"].str.removeprefix("h").astype(int)]
    return _features(requests, data, later=rows.set_index(requests.index))


def _at_booking(requests: pd.DataFrame) -> pd.DataFrame:
    """The columns filled in later as they are at booking: no change, no parking, the reserved room."""
    return pd.DataFrame(
        {
            "country": COUNTRY,
            "assigned_room_type": requests["reserved_room_type"],
            "booking_changes": 0,
            "required_car_parking_spaces": 0,
        },
        index=requests.index,
    )


def _features(requests: pd.DataFrame, data: Path, *, later: pd.DataFrame) -> pd.DataFrame:
    levels = json.loads((data / "categories.json").read_text())
    arrival = pd.to_datetime(requests["arrival_date"]).dt.as_unit("s")
    booked = pd.to_datetime(requests["event_time"], utc=True).dt.tz_convert(ZONE).dt.tz_localize(None)
    day = booked.dt.normalize().dt.as_unit("s")
    columns = {
        **{name: with_levels(requests[name], levels[name]) for name in STATED},
        **{name: with_levels(later[name], levels[name]) for name in CATEGORIES[len(STATED) :]},
        **{name: as_number(requests[name]) for name in NUMBERS},
        "booking_changes": as_number(later["booking_changes"]),
        "required_car_parking_spaces": as_number(later["required_car_parking_spaces"]),
        "lead_time": (arrival - day).dt.days.astype("float64").to_numpy(),
        "arrival_month": arrival.dt.month.astype("float64").to_numpy(),
        "arrival_weekday": arrival.dt.day_of_week.astype("float64").to_numpy(),
        "arrival_at": arrival.dt.tz_localize(ZONE).astype("int64").astype("float64").to_numpy(),
        "agent_bookings_30d": recent_bookings(requests["agent"], day, data=data),
    }
    return pd.DataFrame(columns, index=requests.index)


def as_number(values: pd.Series) -> npt.NDArray[np.float64]:
    """The values as float64, NaN for missing."""
    return np.asarray(pd.to_numeric(values).astype("float64"))


def with_levels(values: pd.Series, levels: list[str]) -> pd.Categorical:
    """The values as a categorical of exactly these levels; null and unseen values are missing."""
    index = pd.Index(levels)
    return pd.Categorical.from_codes(index.get_indexer(pd.Index(values)), categories=index)


def recent_bookings(agents: pd.Series, days: pd.Series, *, data: Path) -> npt.NDArray[np.float64]:
    """How many bookings each agent made on the 30 days before each day (not on it); NaN without an agent.

    An (agent, day) pair packed in one integer is sorted within and across agents, so two binary searches
    answer each request. Example: bookings on the 1st, 1st and 3rd count 3 on the 4th and 1 on the 32nd day.
    """
    log = pq.read_table(data / "bookings.parquet", columns=["agent", "booking_date"]).to_pandas().dropna()
    width = 1 << 20
    made = pd.to_datetime(log["booking_date"]).dt.as_unit("s")
    packed = np.sort(log["agent"].to_numpy(dtype=np.int64) * width + _day_number(made))
    agent = pd.to_numeric(agents).astype("float64")
    asked = agent.fillna(0).to_numpy(dtype=np.int64) * width + _day_number(days)
    counted = np.searchsorted(packed, asked) - np.searchsorted(packed, asked - RECENT_DAYS)
    return np.where(agent.isna(), np.nan, counted.astype(np.float64))


def _day_number(days: pd.Series) -> npt.NDArray[np.int64]:
    return np.asarray(days.astype("int64"), dtype=np.int64) // 86_400
