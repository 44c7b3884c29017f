"""Times: text to ns and back, exactly, with the resolution that the digits show."""

import pytest

from harness.capture import times


@pytest.mark.parametrize(
    ("text", "ns", "resolution_ns"),
    [
        ("1970-01-01T00:00:00Z", 0, 10**9),
        ("1970-01-01T01:00:00.5+01:00", 500_000_000, 10**6),
        ("1970-01-01T00:00:01.123Z", 1_123_000_000, 10**6),
        ("1970-01-01T00:00:01.1234Z", 1_123_400_000, 10**3),
        ("1970-01-01T00:00:01.123456Z", 1_123_456_000, 10**3),
        ("1970-01-01T00:00:01.123456789Z", 1_123_456_789, 1),
        ("2025-06-18T20:40:45Z", 1_750_279_245_000_000_000, 10**9),
        ("2025-06-18t22:40:45z", 1_750_286_445_000_000_000, 10**9),
        ("2025-06-18 18:10:45-02:30", 1_750_279_245_000_000_000, 10**9),
        ("2024-02-29T00:00:00-00:00", 1_709_164_800_000_000_000, 10**9),
        ("2262-04-11T23:47:16.854775807Z", 2**63 - 1, 1),
    ],
)
def test_a_time_is_read_to_the_ns(text: str, ns: int, resolution_ns: int) -> None:
    """An offset is converted to UTC, and the digits give the resolution."""
    assert times.parse(text) == (ns, resolution_ns)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("2025-06-18T20:40:45", "has no zone"),
        ("2025-06-18", "not an RFC 3339 time"),
        ("18.06.2025 20:40:45Z", "not an RFC 3339 time"),
        ("2025-06-18T20:40:45.Z", "not an RFC 3339 time"),
        ("2025-06-18T20:40:45.1234567890Z", "not an RFC 3339 time"),
        ("2025-06-18T24:00:00Z", "not an RFC 3339 time"),
        ("2025-06-18T20:40:60Z", "not an RFC 3339 time"),
        ("٢٠٢٥-06-18T20:40:45Z", "not an RFC 3339 time"),
        ("1750279245", "not an RFC 3339 time"),
        ("", "not an RFC 3339 time"),
        ("2025-02-29T20:40:45Z", "no moment of the calendar"),
        ("2025-06-18T20:40:45+99:00", "no moment of the calendar"),
        ("1969-12-31T23:59:59.999999999Z", "outside the years 1970-2262"),
        ("2262-04-11T23:47:16.854775808Z", "outside the years 1970-2262"),
        ("0001-01-01T00:00:00+23:59", "outside the years 1970-2262"),
    ],
)
def test_what_is_no_time_is_told_why(text: str, why: str) -> None:
    """A time without zone is refused as such: guessing UTC is the bug that the harness looks for."""
    with pytest.raises(ValueError, match=why):
        times.parse(text)


@pytest.mark.parametrize(
    ("seconds", "ns"),
    [
        (0, 0),
        (1_750_279_245, 1_750_279_245_000_000_000),
        (1_750_000_000.25, 1_750_000_000_250_000_000),
        (1_750_000_000.123456, 1_750_000_000_123_456_000),
        (0.1, 100_000_000),
    ],
)
def test_epoch_seconds_are_exact_to_their_digits(seconds: float, ns: int) -> None:
    """A float of seconds means its shortest decimal, not its binary neighbour."""
    assert times.from_epoch_seconds(seconds) == ns


@pytest.mark.parametrize("seconds", [float("nan"), float("inf"), -1, 1e18])
def test_epoch_seconds_out_of_range_are_refused(seconds: float) -> None:
    """Milliseconds taken for seconds, NaN and times before 1970 are no times."""
    with pytest.raises(ValueError, match=r"not a time|outside"):
        times.from_epoch_seconds(seconds)


@pytest.mark.parametrize(
    ("ns", "text"),
    [
        (0, "1970-01-01T00:00:00Z"),
        (1_750_279_245_000_000_000, "2025-06-18T20:40:45Z"),
        (1_750_279_245_120_000_000, "2025-06-18T20:40:45.12Z"),
        (1, "1970-01-01T00:00:00.000000001Z"),
    ],
)
def test_a_time_is_written_with_the_decimals_it_needs(ns: int, text: str) -> None:
    """What is written reads back as the same ns."""
    assert times.rfc3339(ns) == text
    assert times.parse(text)[0] == ns


def test_a_long_text_is_clipped() -> None:
    """One hostile value cannot fill the screen."""
    assert len(times.clip("x" * 10_000)) < 100
    assert times.clip("x") == times.clip(b"x") == "'x'"
    assert times.clip({"a": None, "b": [1, True]}) == '{"a":null,"b":[1,true]}'
    assert times.clip(list(range(99)), 5) == "[0,1,…"


def test_one_of_a_thing_is_no_plural() -> None:
    """A number goes with its noun."""
    assert times.counted(1, "row") == "1 row"
    assert times.counted(1_314, "row") == "1,314 rows"
    assert times.counted(0, "body", "bodies") == "0 bodies"
