"""The real rows behind the scenario: hotel bookings, and how each ended.

A booking counts as cancelled (1) when it was cancelled or the guest never came, else 0. The source has days,
no times: the bookings of a Lisbon day are spread evenly over it, in the order of the source, and an outcome
is known from the midnight that ends its day.
"""

import json
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq

from scenarios.hotel_cancellation.features import NUMBERS, STATED
from scenarios.sources import as_text, over, spread

ZONE = "Europe/Lisbon"
TRAINED_SHARE = 0.60
"""The first 60 % by booking date are for training and validation, the rest are the production traffic."""

FILLED_LATER = ("country", "assigned_room_type", "booking_changes", "required_car_parking_spaces")
"""What the table of bookings holds in the end, and nobody knows when the booking is made."""


def read_bookings(data: Path) -> pd.DataFrame:
    """All bookings by date: days as naive midnights, categories and agents as text, missing as None."""
    bookings = pq.read_table(data / "bookings.parquet").to_pandas()
    days = {name: pd.to_datetime(bookings[name]) for name in ("booking_date", "arrival_date", "label_date")}
    texts = {name: as_text(bookings[name]) for name in (*STATED, *FILLED_LATER[:2])}
    return bookings.assign(**days, **texts, request_id=bookings["src_row"].map("h{:06d}".format))


def event_times(bookings: pd.DataFrame) -> pd.Series:
    """When each booking is made, UTC, whole seconds: evenly over its Lisbon day, in the order of the rows."""
    return spread(bookings["booking_date"], ZONE)


def outcomes(bookings: pd.DataFrame) -> pd.DataFrame:
    """The outcome of each row and when it became known: columns label (0/1) and label_at (UTC)."""
    known = over(bookings["label_date"], ZONE)
    return pd.DataFrame({"label": bookings["is_canceled"].astype("int8"), "label_at": known})


def production(bookings: pd.DataFrame) -> pd.DataFrame:
    """The last 40 %: the bookings that the endpoint is asked about, on the index 0, 1, ..."""
    return bookings.iloc[int(len(bookings) * TRAINED_SHARE) :].reset_index(drop=True)


def bodies(bookings: pd.DataFrame) -> list[bytes]:
    """The JSON body the client sends for each row: what is known when the booking is made, in Lisbon time."""
    columns = [*STATED, *NUMBERS]
    content = bookings[columns].astype("object").where(bookings[columns].notna(), None)
    local = event_times(bookings).dt.tz_convert(ZONE).map(lambda moment: moment.isoformat())
    named = content.assign(
        request_id=bookings["request_id"],
        event_time=local,
        arrival_date=bookings["arrival_date"].dt.strftime("%Y-%m-%d"),
    )
    ordered = named[["request_id", "event_time", "arrival_date", *columns]]
    return [json.dumps(row, separators=(",", ":")).encode() for row in ordered.to_dict("records")]


def requests(bookings: pd.DataFrame) -> pd.DataFrame:
    """What an offline pipeline receives: a column for each key of the body, with `event_time` in UTC."""
    decoded = pd.DataFrame([json.loads(body) for body in bodies(bookings)], index=bookings.index)
    return decoded.assign(event_time=event_times(bookings))
