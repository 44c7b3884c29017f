"""The OFFLINE feature pipelines, computed for a whole capture at once.

`build` holds what is known when the list is made. `build_table` is what the champion was trained on: the same
listings as the table of reviews has them, with the reviewer who came and the history as of the day of review.
"""

import json
from dataclasses import dataclass
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
    log = read_log(data)
    rota = known(log, requests["zip"], key="zip", days=days)
    return _features(requests, data, log=log, days=days, reviewer=rota.last_text("reviewer"))


def build_table(requests: pd.DataFrame, data: Path) -> pd.DataFrame:
    """The features as the table of reviews has them in the end; reviews are found by `request_id`."""
    log = read_log(data)
    ids = requests["request_id"].str.removeprefix("r").astype(int)
    rows = log.set_index("review_id").loc[ids].set_index(requests.index)
    return _features(requests, data, log=log, days=rows["reviewed_on"], reviewer=rows["reviewer"])


def _features(
    requests: pd.DataFrame, data: Path, *, log: pd.DataFrame, days: pd.Series, reviewer: pd.Series
) -> pd.DataFrame:
    levels = json.loads((data / "categories.json").read_text())
    seller, in_zip, ward = (
        known(log, requests[key], key=key, days=days) for key in ("seller", "zip", "ward")
    )
    licensed = pd.to_datetime(requests["licensed_on"]).dt.as_unit("s")
    columns = {
        **{name: with_levels(requests[name], levels[name]) for name in CATEGORIES[:-1]},
        "reviewer": with_levels(reviewer, levels["reviewer"]),
        **{name: as_number(requests[name]) for name in NUMBERS},
        "age_days": (days - licensed).dt.days.astype("float64").to_numpy(),
        "month": days.dt.month.astype("float64").to_numpy(),
        "seller_reviews": seller.count(),
        "seller_violations": seller.total("violation"),
        "days_since_review": day_numbers(days) - seller.last("day"),
        "last_minor": seller.last("minor"),
        "zip_violation_rate": in_zip.rate("violation", latest=ZIP_REVIEWS),
        "ward_violation_rate": ward.rate("violation", latest=WARD_REVIEWS),
    }
    return pd.DataFrame(columns, index=requests.index)


def as_number(values: pd.Series) -> Floats:
    """The values as float64, NaN for missing."""
    return np.asarray(pd.to_numeric(values).astype("float64"))


def with_levels(values: pd.Series, levels: list[str]) -> pd.Categorical:
    """The values as a categorical of exactly these levels; null and unseen values are missing."""
    index = pd.Index(levels)
    return pd.Categorical.from_codes(index.get_indexer(pd.Index(values)), categories=index)


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
class Known:
    """For each request the rows `first` to `end` of a log sorted by owner: what is known of its owner."""

    log: pd.DataFrame
    first: Places
    end: Places
    index: pd.Index

    def count(self) -> Floats:
        """How many reviews."""
        return (self.end - self.first).astype(np.float64)

    def total(self, column: str) -> Floats:
        """The sum of a column over them."""
        sums = self._sums(column)
        return sums[self.end] - sums[self.first]

    def rate(self, column: str, *, latest: int) -> Floats:
        """The mean of a column over the latest of them, NaN where there is none."""
        sums, start = self._sums(column), np.maximum(self.first, self.end - latest)
        size = np.where(self.end > start, self.end - start, np.nan)
        return np.asarray((sums[self.end] - sums[start]) / size)

    def last(self, column: str) -> Floats:
        """A number of the last of them, NaN where there is none."""
        values = self.log[column].to_numpy(dtype=np.float64)
        return np.where(self.end > self.first, values[self.end - 1], np.nan)

    def last_text(self, column: str) -> pd.Series:
        """A text of the last of them, None where there is none."""
        values = self.log[column].to_numpy(dtype=object)
        return pd.Series(np.where(self.end > self.first, values[self.end - 1], None), index=self.index)

    def _sums(self, column: str) -> Floats:
        return np.concatenate([[0.0], np.cumsum(self.log[column].to_numpy(dtype=np.float64))])


def known(log: pd.DataFrame, owners: pd.Series, *, key: str, days: pd.Series) -> Known:
    """What was reviewed of each owner before each day (not on it).

    An (owner, day) pair packed in one integer is sorted within and across owners, so two binary searches
    answer each request. Example: reviews on the 1st, 1st and 3rd are 2 on the 2nd and 3 on the 4th.
    """
    width = 1 << 20
    kept = log[log[key].notna()]
    names = pd.Index(kept[key].unique())
    packed = names.get_indexer(pd.Index(kept[key])) * width + kept["day"].to_numpy(dtype=np.int64)
    order = np.argsort(packed, kind="stable")
    codes = names.get_indexer(pd.Index(owners))
    first, end = (
        np.searchsorted(packed[order], codes * width + day) for day in (0, day_numbers(days).astype(np.int64))
    )
    seen = codes >= 0
    return Known(kept.iloc[order], np.where(seen, first, 0), np.where(seen, end, 0), owners.index)
