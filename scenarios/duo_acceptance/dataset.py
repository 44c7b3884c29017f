"""The real rows behind the scenario: pull requests written by coding agents, and the outcome of each.

A suggestion counts as accepted (1) when it was merged within seven days, else 0. The outcome becomes known at
`label_at = min(closed_at, created_at + 7 days)`, and only rows created early enough before the data was
collected have one ("matured").
"""

import json
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq

from scenarios import sources

WINDOW = pd.Timedelta(days=7)
LAST_MATURED = pd.Timestamp("2025-06-18 20:40:45", tz="UTC")
CLIENT_ZONE = "-01:00"
"""The client stamps local time at UTC-1 (Cape Verde: no summer time), so 16:00Z travels as 15:00-01:00.
A server that drops the offset therefore reads every time one hour early."""

BODY_COLUMNS = (
    "repo",
    "user",
    "agent",
    "language",
    "commit_type",
    "title_chars",
    "title_words",
    "title_is_wip",
    "body_chars",
    "body_lines",
    "body_code_fences",
    "body_links",
    "body_bullets",
    "body_has_issue_ref",
    "body_has_checkbox",
    "body_mentions_test",
)


def read_prs(data: Path) -> pd.DataFrame:
    """All pull requests in the order they were created, times in UTC nanoseconds, categories as text."""
    prs = pq.read_table(data / "aidev_prs.parquet").to_pandas()
    times = {name: prs[name].dt.as_unit("ns") for name in ("created_at", "closed_at", "merged_at")}
    texts = {name: prs[name].astype("object") for name in ("agent", "language", "commit_type")}
    return prs.assign(**times, **texts).sort_values("created_at", kind="stable", ignore_index=True)


def outcomes(prs: pd.DataFrame) -> pd.DataFrame:
    """The outcome of each row and when it became known: columns label (0/1), label_at (UTC), matured (bool).

    Example: created on the 1st and merged on the 9th is a 0 known on the 8th; closed unmerged on the 3rd is
    a 0 known on the 3rd; merged on the 3rd is a 1 known on the 3rd.
    """
    deadline = prs["created_at"] + WINDOW
    closed_in_time = prs["closed_at"].notna() & (prs["closed_at"] <= deadline)
    merged_in_time = prs["merged_at"].notna() & (prs["merged_at"] <= deadline)
    return pd.DataFrame(
        {
            "label": merged_in_time.astype("int8"),
            "label_at": prs["closed_at"].where(closed_in_time, deadline),
            "matured": prs["created_at"] <= LAST_MATURED,
        }
    )


def read_arrivals(data: Path) -> pd.Series:
    """The arrival stamps of the real trace, UTC nanoseconds, ascending."""
    return sources.read_arrivals(data / "arrivals_code.parquet")


def bodies(prs: pd.DataFrame) -> list[bytes]:
    """The JSON body the client sends for each row: raw values only, absent language as null."""
    local = (
        prs["created_at"].dt.tz_convert(f"UTC{CLIENT_ZONE}").dt.strftime(f"%Y-%m-%dT%H:%M:%S{CLIENT_ZONE}")
    )
    content = prs[list(BODY_COLUMNS)].astype("object").where(prs[list(BODY_COLUMNS)].notna(), None)
    named = content.assign(request_id=prs["pr_id"], event_time=local)
    ordered = named[["request_id", *BODY_COLUMNS[:5], "event_time", *BODY_COLUMNS[5:]]]
    return [json.dumps(row, separators=(",", ":")).encode() for row in ordered.to_dict("records")]


def requests(prs: pd.DataFrame, arrivals: pd.Series) -> pd.DataFrame:
    """What an offline pipeline receives: a column for each key of the decoded body, `ts` and `event_time`."""
    decoded = pd.DataFrame([json.loads(body) for body in bodies(prs)])
    return decoded.assign(ts=arrivals.iloc[: len(prs)], event_time=prs["created_at"])
