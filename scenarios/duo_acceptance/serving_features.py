"""The features of ONE request, as the endpoint computes them.

Plain Python, no pandas, and nothing shared with the offline pipeline, so that a replay compares two
independent implementations.
"""

import json
import math
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow.parquet as pq

CATEGORY_NAMES = ("agent", "language", "commit_type")
COUNT_NAMES = (
    "title_chars",
    "title_words",
    "title_is_wip",
    *(f"body_{what}" for what in ("chars", "lines", "code_fences", "links", "bullets")),
    *(f"body_{what}" for what in ("has_issue_ref", "has_checkbox", "mentions_test")),
)
AGENT_WINDOW = 200
LARGEST_COUNT = 10**9
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)

Value = float | str | None
Features = dict[str, Value]


class BadRequestError(Exception):
    """The body cannot be scored; the message says what was found and what is expected."""


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

    levels: dict[str, dict[str, int]]
    repos: dict[str, Ledger]
    agents: dict[str, Ledger]


def load_index(data: Path) -> Index:
    """Read `categories.json` and `history.parquet` (sorted by label_at) into memory."""
    levels = json.loads((data / "categories.json").read_text())
    table = pq.read_table(data / "history.parquet")
    stamps = table["label_at"].cast("int64").to_pylist()
    rows = zip(*(table[name].to_pylist() for name in ("repo", "agent", "label")), stamps, strict=True)
    index = Index(
        levels={name: {level: code for code, level in enumerate(of)} for name, of in levels.items()},
        repos={},
        agents={},
    )
    for repo, agent, label, known_at in sorted(rows, key=lambda row: row[3]):
        index.repos.setdefault(repo, Ledger([], [0])).add(known_at, label)
        index.agents.setdefault(agent, Ledger([], [0])).add(known_at, label)
    return index


def read_event_time(body: Mapping[str, object]) -> datetime:
    """The moment of the event in UTC; the text must carry its offset."""
    stamp = text(body, "event_time")
    try:
        moment = datetime.fromisoformat(stamp)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise BadRequestError(
            f"event_time: expected ISO 8601 with an offset (15:00:12-01:00), found {stamp!r:.80}"
        )
    return moment.astimezone(UTC)


def compute(
    body: Mapping[str, object], index: Index, *, event_time: datetime, history_time: datetime
) -> Features:
    """The features by name: levels as text, numbers as float, None for missing or never seen in training."""
    features: Features = {name: level(body, name, levels=index.levels[name]) for name in CATEGORY_NAMES}
    features |= {name: count(body, name) for name in COUNT_NAMES}
    features["hour_of_day"] = float(event_time.hour)
    features["weekday"] = float(event_time.weekday())
    as_of = nanoseconds(history_time)
    repo, agent = index.repos.get(text(body, "repo")), index.agents.get(text(body, "agent"))
    features["repo_accept_rate"] = repo.rate(as_of) if repo else None
    features["agent_accept_rate"] = agent.rate(as_of, AGENT_WINDOW) if agent else None
    return features


def vector(features: Features, index: Index, *, names: Sequence[str]) -> npt.NDArray[np.float64]:
    """One row of shape (1, len(names)) in the model's order of names: levels by code, None as NaN."""
    row = [encode(features[name], index.levels.get(name, {})) for name in names]
    return np.array([row], dtype=np.float64)


def encode(value: Value, codes: Mapping[str, int]) -> float:
    """A feature as the number the model takes."""
    if value is None:
        return math.nan
    return float(codes[value]) if isinstance(value, str) else value


def nanoseconds(moment: datetime) -> int:
    """Nanoseconds since 1970, exact."""
    return (moment - EPOCH) // MICROSECOND * 1000


def wanted(body: Mapping[str, object], name: str) -> object:
    """The value of a required key."""
    if name not in body:
        raise BadRequestError(f"missing key {name!r}")
    return body[name]


def text(body: Mapping[str, object], name: str) -> str:
    """A required text."""
    value = wanted(body, name)
    if not isinstance(value, str):
        raise BadRequestError(f"{name}: expected text, found {value!r:.80}")
    return value


def level(body: Mapping[str, object], name: str, *, levels: Mapping[str, int]) -> str | None:
    """A category as its level, None when it is null or unknown to the model."""
    if wanted(body, name) is None:
        return None
    value = text(body, name)
    return value if value in levels else None


def count(body: Mapping[str, object], name: str) -> float | None:
    """A number, None when it is null."""
    value = wanted(body, name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= LARGEST_COUNT:
        raise BadRequestError(f"{name}: expected null or a number in 0..{LARGEST_COUNT}, found {value!r:.80}")
    return float(value)
