"""The real rows behind the scenario: food inspections of Chicago, told as the reviews of a marketplace.

A listing is an establishment, its seller the holder of the licence, a review the city's inspection. The label
is 1 when the review found a critical violation, else 0. The source has days, no times: the list of a week is
made on the Sunday before it, its rows are spread evenly over that day in the order of the hashed licence
(which says nothing), and an outcome is known from the midnight that ends the day of the review.
"""

import json
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq

from scenarios.sources import as_text, over, spread

ZONE = "America/Chicago"
PRODUCTION_FROM = pd.Timestamp("2013-07-14")
"""Lists from this Sunday on are the production traffic, 41 % of the reviews; the others are to learn from."""

CATEGORY_COLUMNS = ("facility_type", "risk", "zip", "ward")
NUMBER_COLUMNS = (
    "consumption_on_premises_incidental_activity",
    "tobacco_retail_over_counter",
    "limited_business_license",
    "public_place_of_amusement",
    "tavern",
    "filling_station",
    "heat_burglary",
    "heat_garbage",
    "heat_sanitation",
)
"""What is known of a listing when it is put on the list: these columns are in the request."""

LATER = (
    "reviewer",
    "seller_reviews",
    "seller_violations",
    "days_since_review",
    "last_minor",
    "zip_violation_rate",
    "ward_violation_rate",
    "age_days",
    "month",
)
"""The features that the table of reviews has as of the review, days after the request."""


def read_reviews(data: Path) -> pd.DataFrame:
    """All reviews in the order they were asked for, with `request_id`, `listed_on` and `event_time` (UTC)."""
    table = pq.read_table(data / "reviews.parquet").to_pandas()
    days = {name: pd.to_datetime(table[name]) for name in ("reviewed_on", "licensed_on")}
    texts = {name: as_text(table[name]) for name in (*CATEGORY_COLUMNS, "police_district", "reviewer")}
    reviews = table.assign(**days, **texts, listed_on=sunday_before(days["reviewed_on"]))
    ordered = reviews.sort_values(["listed_on", "seller", "review_id"], ignore_index=True)
    return ordered.assign(
        request_id=ordered["review_id"].map("r{:07d}".format), event_time=spread(ordered["listed_on"], ZONE)
    )


def sunday_before(days: pd.Series) -> pd.Series:
    """The Sunday before the week (Monday to Sunday) of each day."""
    return days - pd.to_timedelta(days.dt.day_of_week + 1, unit="D")


def outcomes(reviews: pd.DataFrame) -> pd.DataFrame:
    """The outcome of each row and when it became known: columns label (0/1) and label_at (UTC)."""
    found = (reviews["critical"] > 0).astype("int8")
    return pd.DataFrame({"label": found, "label_at": over(reviews["reviewed_on"], ZONE)})


def production(reviews: pd.DataFrame) -> pd.DataFrame:
    """The lists that the endpoint is asked about, on the index 0, 1, ..."""
    return reviews[reviews["listed_on"] >= PRODUCTION_FROM].reset_index(drop=True)


def before_production(reviews: pd.DataFrame) -> pd.DataFrame:
    """The lists to learn from and to be reported on; all their outcomes are known when production begins."""
    return reviews[reviews["listed_on"] < PRODUCTION_FROM]


def bodies(reviews: pd.DataFrame) -> list[bytes]:
    """The JSON body the client sends for each row: what is known when the list is made, in Chicago time."""
    columns = [*CATEGORY_COLUMNS, *NUMBER_COLUMNS]
    content = reviews[columns].astype("object").where(reviews[columns].notna(), None)
    local = reviews["event_time"].dt.tz_convert(ZONE).map(lambda moment: moment.isoformat())
    named = content.assign(
        request_id=reviews["request_id"],
        event_time=local,
        seller=reviews["seller"],
        licensed_on=reviews["licensed_on"].dt.strftime("%Y-%m-%d"),
    )
    ordered = named[["request_id", "event_time", "seller", "licensed_on", *columns]]
    return [json.dumps(row, separators=(",", ":")).encode() for row in ordered.to_dict("records")]


def requests(reviews: pd.DataFrame) -> pd.DataFrame:
    """What an offline pipeline receives: a column for each key of the body, with `event_time` in UTC."""
    decoded = pd.DataFrame([json.loads(body) for body in bodies(reviews)], index=reviews.index)
    return decoded.assign(event_time=reviews["event_time"])
