"""Times of mapped rows: with a zone, with a unit, in a zone that the map declares, in any written form."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import pytest
from msgspec import Raw

from harness.capture.formats.map_times import Clock
from harness.errors import CaptureError

S, MS, US = 10**9, 10**6, 10**3
NOON = 1_750_000_000 * S  # 2025-06-15T15:06:40Z, in Lisbon an hour later
LISBON = ZoneInfo("Europe/Lisbon")


@pytest.mark.parametrize(
    ("value", "word", "found"),
    [
        ("2025-06-15T15:06:40Z", "ts", (NOON, S)),
        (Raw(b"1750000000"), "ts_s", (NOON, S)),
        ("1750000000.5", "ts_s", (NOON + S // 2, MS)),
        ("1750000000000123", "ts_us", (NOON + 123 * US, US)),
        (1_750_000_000_000.25, "ts_ms", (NOON + 250 * US, US)),
        (NOON, "ts_ns", (NOON, 1)),
        ((NOON, MS), "ts", (NOON, MS)),
        ("2025-06-15 16:06:40", "ts", (NOON, S)),
        ("2025-06-15T16:06:40.5", "event_time", (NOON + S // 2, MS)),
        ("2025-10-26 01:30:00", "ts", (1_761_438_600 * S, S)),
    ],
)
def test_times_in_their_forms(value: object, word: str, found: tuple[int, int]) -> None:
    """Exact, each with the resolution that it shows; of an hour that comes twice the first is meant."""
    assert Clock(LISBON).moment(value, word) == found


def test_times_of_parquet_without_a_zone_get_that_of_the_map() -> None:
    """Others have theirs."""
    assert Clock(LISBON).moment((NOON, 1), "ts", naive=True) == (NOON - 3_600 * S, 1)


@pytest.mark.parametrize(
    ("form", "text", "found"),
    [
        ("%d/%b/%Y:%H:%M:%S %z", "15/Jun/2025:17:06:40 +0200", (NOON, S)),
        ("%d.%m.%Y %H:%M:%S.%f", "15.06.2025 16:06:40.25", (NOON + S // 4, US)),
    ],
)
def test_times_as_a_log_writes_them(form: str, text: str, found: tuple[int, int]) -> None:
    """With their zone or in that of the map."""
    assert Clock(LISBON, form).moment(text, "ts") == found


@pytest.mark.parametrize(
    ("clock", "value", "word", "said"),
    [
        (Clock(), "2025-06-15 15:06:40", "ts", 'say zone = "UTC"'),
        (Clock(), "1750000000", "ts", "its word says the unit"),
        (Clock(), None, "ts", "nothing"),
        (Clock(), "x", "ts_s", "is no number"),
        (Clock(), "1e99999999", "ts_s", "is no time"),
        (Clock(), "9" * 500, "ts_s", "is no time"),
        (Clock(), 1_750_000_000_000, "ts_s", "outside the years"),
        (Clock(LISBON), "2025-03-30 01:30:00", "ts", "the clocks go forward"),
        (Clock(LISBON), "yesterday", "ts", "RFC 3339"),
        (Clock(None, "%Y"), "2025", "ts", 'say zone = "UTC"'),
        (Clock(LISBON, "%Y"), "x", "ts", "does not match"),
    ],
)
def test_what_is_no_time_is_said(clock: Clock, value: object, word: str, said: str) -> None:
    """And how to say it."""
    with pytest.raises(CaptureError, match="bad time") as caught:
        clock.moment(value, word)
    assert said in str(caught.value.found)
