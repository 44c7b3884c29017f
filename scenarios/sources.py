"""Making requests of a public table: its days as moments in the place's own time zone, its codes as texts."""

from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq


def midnight(days: pd.Series, zone: str) -> pd.Series:
    """The start of each day (naive midnights) in the zone, UTC nanoseconds."""
    return days.dt.tz_localize(zone).dt.tz_convert("UTC").dt.as_unit("ns")


def spread(days: pd.Series, zone: str) -> pd.Series:
    """A moment for each row, UTC, whole seconds: evenly over its day in the order of the rows.

    Example: three rows of a day are at 4, 12 and 20 h; a day with a change of the clock has 23 or 25 hours.
    """
    start, end = (midnight(days + pd.Timedelta(days=n), zone) for n in (0, 1))
    day = days.groupby(days)
    share = (2 * day.cumcount() + 1) / (2 * day.transform("size"))
    seconds = np.floor((end - start).dt.total_seconds() * share)
    return start + pd.to_timedelta(seconds, unit="s").dt.as_unit("ns")


def over(days: pd.Series, zone: str) -> pd.Series:
    """The midnight that ends each day in the zone, UTC nanoseconds."""
    return midnight(days + pd.Timedelta(days=1), zone)


def as_text(values: pd.Series) -> pd.Series:
    """Text of each value, the code 9.0 as "9", missing as None."""
    whole = values.astype("Int64") if pd.api.types.is_numeric_dtype(values) else values
    texts = [None if pd.isna(value) else str(value) for value in whole]
    return pd.Series(texts, index=values.index, dtype=object)


def read_arrivals(path: Path) -> pd.Series:
    """The arrival stamps of a real trace (column `ts`), UTC nanoseconds, ascending."""
    stamps = pq.read_table(path).to_pandas()["ts"].dt.as_unit("ns")
    return stamps.sort_values(kind="stable", ignore_index=True)
