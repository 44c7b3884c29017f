"""The OFFLINE feature pipelines, computed for a whole capture at once.

`build` holds what is known when the list is made. `build_table` is what the champion was trained on: the same
listings as the table of reviews has them, with the reviewer who came and the history as of the day of review.
"""

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow.parquet as pq

ZONE = "America/Chicago"
CATEGORIES = ("facility_type", "risk", "zip", "ward", "reviewer")
NUMBERS = (
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
ZIP_REVIEWS, WARD_REVIEWS = 50, 100
"""Over how many of the latest reviews of a zip code or a ward the share with a violation is taken."""

WIDTH = 1 << 20
"""More than any number of a day, so that an owner's code times this plus a day sorts by both."""

Floats = npt.NDArray[np.float64]
Places = npt.NDArray[np.int64]


def build(requests: pd.DataFrame, data: Path) -> pd.DataFrame:
    """The features of each request as of its list, on the same index, columns in training order.

    `requests` has a column for each key of the decoded body and a UTC `event_time`; `data` holds
    `reviews.parquet` (the log of all reviews) and `categories.json` (the levels seen in training). A review
    counts from the day after it. Numbers are float64 with NaN for missing; categories are pandas categoricals
    with fixed levels.
    """
    moments = pd.to_datetime(requests["event_time"], utc=True).dt.tz_convert(ZONE)
    days = moments.dt.tz_localize(None).dt.normalize().dt.as_unit("s")
    rota = known(data, "zip", owners=requests["zip"], days=days)
    return _features(requests, data, days=days, reviewer=rota.last_reviewer())


def build_table(requests: pd.DataFrame, data: Path) -> pd.DataFrame:
    """The features as the table of reviews has them in the end; reviews are found by `request_id`."""
    ids = requests["request_id"].str.removeprefix("r").astype(int)
    rows = read_log(data).set_index("review_id").loc[ids].set_index(requests.index)
    return _features(requests, data, days=rows["reviewed_on"], reviewer=rows["reviewer"])


def _features(requests: pd.DataFrame, data: Path, *, days: pd.Series, reviewer: pd.Series) -> pd.DataFrame:
    levels = json.loads((data / "categories.json").read_text())
    licensed = pd.to_datetime(requests["licensed_on"]).dt.as_unit("s")
    seller, in_zip, ward = (
        known(data, key, owners=requests[key], days=days) for key in ("seller", "zip", "ward")
    )
    columns = {
        **{name: with_levels(requests[name], levels[name]) for name in CATEGORIES[:-1]},
        "reviewer": with_levels(reviewer, levels["reviewer"]),
        **{name: as_number(requests[name]) for name in NUMBERS},
        "age_days": (days - licensed).dt.days.astype("float64").to_numpy(),
        "month": days.dt.month.astype("float64").to_numpy(),
        "seller_reviews": seller.count(),
        "seller_violations": seller.violations(),
        "days_since_review": day_numbers(days) - seller.last(seller.shelf.days),
        "last_minor": seller.last(seller.shelf.minors),
        "zip_violation_rate": in_zip.violation_rate(latest=ZIP_REVIEWS),
        "ward_violation_rate": ward.violation_rate(latest=WARD_REVIEWS),
    }
    return pd.DataFrame(columns, index=requests.index)


def as_number(values: pd.Series) -> Floats:
    """The values as float64, NaN for missing."""
    return np.asarray(pd.to_numeric(values).astype("float64"))


def with_levels(values: pd.Series, levels: list[str]) -> pd.Categorical:
    """The values as a categorical of exactly these levels; null and unseen values are missing."""
    index = pd.Index(levels)
    return pd.Categorical.from_codes(index.get_indexer(pd.Index(values)), categories=index)


@cache
def read_log(data: Path) -> pd.DataFrame:
    """All reviews by day: seller, zip and ward as text, `day` a number, `violation` 0 or 1."""
    columns = ["review_id", "reviewed_on", "seller", "zip", "ward", "reviewer", "critical", "minor"]
    log = pq.read_table(data / "reviews.parquet", columns=columns).to_pandas()
    days = pd.to_datetime(log["reviewed_on"]).dt.as_unit("s")
    texts = {name: log[name].astype("Int64").astype("string") for name in ("zip", "ward")}
    told = log.assign(**texts, reviewed_on=days, day=day_numbers(days), violation=log["critical"] > 0)
    return told.sort_values(["reviewed_on", "review_id"], ignore_index=True)


def day_numbers(days: pd.Series) -> Floats:
    """Days since 1970, as float64."""
    return np.asarray(days.dt.as_unit("s").astype("int64") // 86_400, dtype=np.float64)


@dataclass(frozen=True)
class Shelf:
    """The log sorted by owner and day; `packed` holds both in one integer, `violations` a running sum."""

    owners: pd.Index
    packed: Places
    days: Floats
    minors: Floats
    reviewers: npt.NDArray[np.object_]
    violations: Floats


@cache
def shelved(data: Path, key: str) -> Shelf:
    """The log by `key`: seller, zip or ward; reviews without one are on no shelf."""
    log = read_log(data).dropna(subset=key)
    owners = pd.Index(log[key].unique())
    packed = owners.get_indexer(pd.Index(log[key])) * WIDTH + log["day"].to_numpy(dtype=np.int64)
    order = np.argsort(packed, kind="stable")
    days, minors, found = (
        log[name].to_numpy(dtype=np.float64)[order] for name in ("day", "minor", "violation")
    )
    reviewers = log["reviewer"].to_numpy(dtype=object)[order]
    return Shelf(owners, packed[order], days, minors, reviewers, np.concatenate([[0.0], np.cumsum(found)]))


@dataclass(frozen=True)
class Known:
    """For each request what was reviewed of its owner: the places `first` up to `end` of a shelf."""

    shelf: Shelf
    first: Places
    end: Places

    def count(self) -> Floats:
        """How many reviews."""
        return (self.end - self.first).astype(np.float64)

    def violations(self) -> Floats:
        """How many of them found one."""
        return self.shelf.violations[self.end] - self.shelf.violations[self.first]

    def violation_rate(self, *, latest: int) -> Floats:
        """The share of the latest of them that did, NaN where there is none."""
        some = Known(self.shelf, np.maximum(self.first, self.end - latest), self.end)
        return some.violations() / np.where(some.count() > 0, some.count(), np.nan)

    def last(self, values: Floats) -> Floats:
        """A number of the last of them, NaN where there is none."""
        return np.where(self.end > self.first, values[self.end - 1], np.nan)

    def last_reviewer(self) -> pd.Series:
        """Who made the last of them, None where there is none."""
        last = pd.Series(self.shelf.reviewers[self.end - 1])
        return last.where(self.end > self.first, None)


def known(data: Path, key: str, *, owners: pd.Series, days: pd.Series) -> Known:
    """What was reviewed of each owner before each day (not on it).

    Two binary searches answer each request. Example: reviews on the 1st, 1st and 3rd are 2 on the 2nd and 3
    on the 4th; of an owner that is missing or on no shelf nothing is known.
    """
    shelf = shelved(data, key)
    codes = shelf.owners.get_indexer(pd.Index(owners))
    first, end = (
        np.searchsorted(shelf.packed, codes * WIDTH + day) for day in (0, day_numbers(days).astype(np.int64))
    )
    return Known(shelf, np.where(codes < 0, 0, first), np.where(codes < 0, 0, end))
