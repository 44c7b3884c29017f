"""Reading one decoded request, and handing its features to the model: as every reference endpoint does it."""

import math
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta

import numpy as np
import numpy.typing as npt

LARGEST_COUNT = 10**9
LONGEST_ID = 128
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)

Value = float | str | None
Features = dict[str, Value]
Request = Mapping[str, object]
Levels = Mapping[str, Mapping[str, int]]
"""Of each category, the code of every level that the model knows."""
Kinds = Mapping[str, tuple[str, ...]]
"""Of each feature, what it is: number, category, epoch, hour, weekday, history, numeral."""


class BadRequestError(Exception):
    """The body cannot be scored; the message says what was found and what is expected."""


def wanted(request: Request, name: str) -> object:
    """The value of a required key."""
    if name not in request:
        raise BadRequestError(f"missing key {name!r}")
    return request[name]


def text(request: Request, name: str) -> str:
    """A required text."""
    value = wanted(request, name)
    if not isinstance(value, str):
        raise BadRequestError(f"{name}: expected text, found {value!r:.80}")
    return value


def level(request: Request, name: str, *, levels: Mapping[str, int]) -> str | None:
    """A category as its level, None when it is null or unknown to the model."""
    if wanted(request, name) is None:
        return None
    value = text(request, name)
    return value if value in levels else None


def count(request: Request, name: str) -> float | None:
    """A number, None when it is null."""
    value = wanted(request, name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= LARGEST_COUNT:
        raise BadRequestError(f"{name}: expected null or a number in 0..{LARGEST_COUNT}, found {value!r:.80}")
    return float(value)


def read_event_time(request: Request) -> datetime:
    """The moment of the event in UTC; the text must carry its offset."""
    stamp = text(request, "event_time")
    try:
        moment = datetime.fromisoformat(stamp)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise BadRequestError(
            f"event_time: expected ISO 8601 with an offset (15:00:12-01:00), found {stamp!r:.80}"
        )
    return moment.astimezone(UTC)


def read_date(request: Request, name: str) -> date:
    """A required day, 2017-03-01."""
    stamp = text(request, name)
    try:
        return date.fromisoformat(stamp)
    except ValueError:
        raise BadRequestError(f"{name}: expected a day (2017-03-01), found {stamp!r:.80}") from None


def read_request_id(request: Request) -> str:
    """The request id, safe to send back in a header."""
    request_id = text(request, "request_id")
    if not (0 < len(request_id) <= LONGEST_ID and request_id.isascii() and request_id.isprintable()):
        message = (
            f"request_id: expected 1 to {LONGEST_ID} printable ASCII characters, found {request_id!r:.80}"
        )
        raise BadRequestError(message)
    return request_id


def vector(features: Features, levels: Levels, *, names: Sequence[str]) -> npt.NDArray[np.float64]:
    """One row of shape (1, len(names)) in the model's order of names; what is absent is missing, so NaN."""
    row = [encode(features.get(name), levels.get(name, {})) for name in names]
    return np.array([row], dtype=np.float64)


def encode(value: Value, codes: Mapping[str, int]) -> float:
    """A feature as the number the model takes: a level by its code, NaN for missing and unknown levels."""
    if value is None:
        return math.nan
    return float(codes.get(value, math.nan)) if isinstance(value, str) else value


def spelled(value: Value) -> Value:
    """A feature as the echo holds it: JSON has no NaN and no infinity, so they travel as text."""
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    return value


def nanoseconds(moment: datetime) -> int:
    """Nanoseconds since 1970, exact."""
    return (moment - EPOCH) // MICROSECOND * 1000
