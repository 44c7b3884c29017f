"""The features of ONE request, as the endpoint computes them.

Plain Python, no pandas, and nothing shared with the offline pipeline, so that a replay compares two
independent implementations.
"""

import json
from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import pyarrow.parquet as pq

from scenarios.request import Features, Kinds, Levels, Request, Value, count, level, nanoseconds, text

CATEGORY_NAMES = ("agent", "language", "commit_type")
COUNT_NAMES = (
    "title_chars",
    "title_words",
    "title_is_wip",
    *(f"body_{what}" for what in ("chars", "lines", "code_fences", "links", "bullets")),
    *(f"body_{what}" for what in ("has_issue_ref", "has_checkbox", "mentions_test")),
)
AGENT_WINDOW = 200
KEYS = ("repo", "agent")
KINDS: Kinds = {
    **dict.fromkeys(CATEGORY_NAMES, ("category",)),
    **dict.fromkeys(COUNT_NAMES, ("number",)),
    "hour_of_day": ("number", "hour"),
    "weekday": ("number", "weekday"),
    **dict.fromkeys(("repo_accept_rate", "agent_accept_rate"), ("number", "history")),
}
"""What kind of value each feature is, which says what bugs it can have."""


@dataclass(frozen=True, slots=True)
class Ledger:
    """The outcomes of one repository or agent in the order they became known."""

    known_at: list[int]
    accepted: list[int]

    def add(self, known_at: int, label: int) -> None:
        """Append one outcome that became known no earlier than the others (ns since 1970)."""
        self.known_at.append(known_at)
        self.accepted.append(self.accepted[-1] + label)

    def rate(self, as_of: int, window: int | None = None) -> float | None:
        """The share accepted among the (last `window`) outcomes known at `as_of`; None when there is none."""
        end = bisect_right(self.known_at, as_of)
        start = 0 if window is None else max(0, end - window)
        return (self.accepted[end] - self.accepted[start]) / (end - start) if end > start else None


@dataclass(frozen=True, slots=True)
class Index:
    """All the endpoint keeps in memory: category levels, and outcomes by repository and by agent."""

    levels: Levels
    ledgers: Mapping[str, dict[str, Ledger]]
    kinds: Kinds = field(default_factory=lambda: KINDS)
    keys: tuple[str, ...] = KEYS

    def features(self, request: Request, *, event_time: datetime, history_time: datetime) -> Features:
        """The features by name: levels as text, numbers as float, None for missing or unseen in training."""
        features: Features = {name: level(request, name, levels=self.levels[name]) for name in CATEGORY_NAMES}
        features |= {name: count(request, name) for name in COUNT_NAMES}
        features["hour_of_day"] = float(event_time.hour)
        features["weekday"] = float(event_time.weekday())
        rates = ("repo_accept_rate", "agent_accept_rate")
        return features | {name: self.recall(name, request, as_of=history_time) for name in rates}

    def recall(
        self,
        feature: str,
        request: Request,
        *,
        as_of: datetime,
        key: str = "",
        window: float | None = None,
    ) -> Value:
        """The share accepted of the outcomes known at `as_of` of the feature's owner, or of another key."""
        own, usual = ("repo", None) if feature == "repo_accept_rate" else ("agent", AGENT_WINDOW)
        ledger = self.ledgers[key or own].get(text(request, key or own))
        return ledger.rate(nanoseconds(as_of), usual if window is None else int(window)) if ledger else None


def load_index(data: Path) -> Index:
    """Read `categories.json` and `history.parquet` (sorted by label_at) into memory."""
    levels = json.loads((data / "categories.json").read_text())
    table = pq.read_table(data / "history.parquet")
    stamps = table["label_at"].cast("int64").to_pylist()
    rows = zip(*(table[name].to_pylist() for name in ("repo", "agent", "label")), stamps, strict=True)
    ledgers: dict[str, dict[str, Ledger]] = {key: {} for key in KEYS}
    for repo, agent, label, known_at in sorted(rows, key=lambda row: row[3]):
        ledgers["repo"].setdefault(repo, Ledger([], [0])).add(known_at, label)
        ledgers["agent"].setdefault(agent, Ledger([], [0])).add(known_at, label)
    codes = {name: {level: code for code, level in enumerate(of)} for name, of in levels.items()}
    return Index(levels=codes, ledgers=ledgers)
