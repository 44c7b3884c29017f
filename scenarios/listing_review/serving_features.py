"""The features of ONE listing, as the endpoint computes them.

Plain Python, no pandas, and nothing shared with the offline pipelines, so that a replay compares two
independent implementations.
"""

import json
from bisect import bisect_left
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pyarrow.parquet as pq

from scenarios.request import Features, Kinds, Levels, Request, Value, count, level, read_date

CHICAGO = ZoneInfo("America/Chicago")
KEYS = ("seller", "zip", "ward")
STATED = ("facility_type", "risk", "zip", "ward")
COUNTS = (
    *("consumption_on_premises_incidental_activity", "tobacco_retail_over_counter"),
    *("limited_business_license", "public_place_of_amusement", "tavern", "filling_station"),
    *("heat_burglary", "heat_garbage", "heat_sanitation"),
)


@dataclass(frozen=True, slots=True)
class Ledger:
    """The reviews of one seller, zip code or ward by day, with running sums of those with a violation."""

    days: list[int] = field(default_factory=list)
    violations: list[int] = field(default_factory=lambda: [0])
    minors: list[int] = field(default_factory=list)
    reviewers: list[str] = field(default_factory=list)

    def add(self, review: Mapping[str, Any]) -> None:
        """Append a review that is no earlier than the others."""
        self.days.append(review["reviewed_on"].toordinal())
        self.violations.append(self.violations[-1] + (review["critical"] > 0))
        self.minors.append(review["minor"])
        self.reviewers.append(review["reviewer"])


@dataclass(frozen=True, slots=True)
class Known:
    """The reviews of a ledger that a feature may know: places `start` up to `end`, as of the day `today`."""

    ledger: Ledger
    start: int
    end: int
    today: int

    def reviews(self) -> float:
        """How many."""
        return float(self.end - self.start)

    def violations(self) -> float:
        """How many of them found a critical violation."""
        return float(self.ledger.violations[self.end] - self.ledger.violations[self.start])

    def violation_rate(self) -> Value:
        """The share of them that did; None when there is none."""
        return self.violations() / self.reviews() if self.end > self.start else None

    def days_since(self) -> Value:
        """Days since the last of them; None when there is none."""
        return float(self.today - self.ledger.days[self.end - 1]) if self.end > self.start else None

    def last_minor(self) -> Value:
        """Minor violations that the last of them found; None when there is none."""
        return float(self.ledger.minors[self.end - 1]) if self.end > self.start else None

    def last_reviewer(self) -> Value:
        """Who made the last of them; None when there is none."""
        return self.ledger.reviewers[self.end - 1] if self.end > self.start else None


@dataclass(frozen=True, slots=True)
class Lookup:
    """How a feature is looked up: whose reviews, over how many of the latest, and what is taken of them."""

    key: str
    take: Callable[[Known], Value]
    latest: int | None = None


LOOKUPS = {
    "seller_reviews": Lookup("seller", Known.reviews),
    "seller_violations": Lookup("seller", Known.violations),
    "days_since_review": Lookup("seller", Known.days_since),
    "last_minor": Lookup("seller", Known.last_minor),
    "zip_violation_rate": Lookup("zip", Known.violation_rate, latest=50),
    "ward_violation_rate": Lookup("ward", Known.violation_rate, latest=100),
    "reviewer": Lookup("zip", Known.last_reviewer),
}
KINDS: Kinds = {
    **dict.fromkeys(("facility_type", "risk"), ("category",)),
    **dict.fromkeys(("zip", "ward"), ("category", "numeral")),
    "reviewer": ("category", "history"),
    **dict.fromkeys((*COUNTS, "age_days", "month"), ("number",)),
    **dict.fromkeys([name for name in LOOKUPS if name != "reviewer"], ("number", "history")),
}
"""What kind of value each feature is, which says what bugs it can have."""


@dataclass(frozen=True, slots=True)
class Archive:
    """All the endpoint keeps in memory: category levels, and the reviews by key and its value."""

    levels: Levels
    ledgers: Mapping[str, Mapping[str, Ledger]]
    kinds: Kinds = field(default_factory=lambda: KINDS)
    keys: tuple[str, ...] = KEYS

    def features(self, request: Request, *, event_time: datetime, history_time: datetime) -> Features:
        """The features by name: levels as text, numbers as float, None for missing or unseen in training."""
        today = chicago_day(event_time)
        stated = {name: level(request, name, levels=self.levels[name]) for name in STATED}
        numbers = {name: count(request, name) for name in COUNTS}
        derived = {
            "age_days": float((today - read_date(request, "licensed_on")).days),
            "month": float(today.month),
        }
        past = {name: self.recall(name, request, as_of=history_time) for name in LOOKUPS}
        return {**stated, **numbers, **derived, **past}

    def recall(
        self,
        feature: str,
        request: Request,
        *,
        as_of: datetime,
        key: str = "",
        window: float | None = None,
    ) -> Value:
        """A feature of the reviews of its owner (or another key) before the day of `as_of`.

        Over the latest of them: all, or as many as the feature takes, or `window`.
        """
        lookup = LOOKUPS[feature]
        owner, today = request.get(key or lookup.key), chicago_day(as_of).toordinal()
        ledgers = self.ledgers[key or lookup.key]
        ledger = ledgers.get(owner, Ledger()) if isinstance(owner, str) else Ledger()
        end = bisect_left(ledger.days, today)
        latest = lookup.latest if window is None else int(window)
        start = 0 if latest is None else max(0, end - latest)
        return lookup.take(Known(ledger, start, end, today))


def load_archive(data: Path) -> Archive:
    """Read `categories.json` and the log `reviews.parquet` into memory."""
    levels = json.loads((data / "categories.json").read_text())
    columns = ["reviewed_on", "review_id", *KEYS, "critical", "minor", "reviewer"]
    log = pq.read_table(data / "reviews.parquet", columns=columns).to_pylist()
    ledgers: dict[str, dict[str, Ledger]] = {key: {} for key in KEYS}
    for review in sorted(log, key=lambda review: (review["reviewed_on"], review["review_id"])):
        for key in KEYS:
            if review[key] is not None:
                ledgers[key].setdefault(str(review[key]), Ledger()).add(review)
    codes = {name: {level: code for code, level in enumerate(of)} for name, of in levels.items()}
    return Archive(levels=codes, ledgers=ledgers)


def chicago_day(moment: datetime) -> date:
    """The day in Chicago at a moment."""
    return moment.astimezone(CHICAGO).date()
