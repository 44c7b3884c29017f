"""The log of a live canary as columns: who answered, what failed, how long it took."""

from __future__ import annotations

from typing import Any

import msgspec
import numpy as np
import pyarrow as pa
import pytest

from harness import columns
from harness.evidence import LiveConfig
from harness.evidence.live import CHALLENGER, CHAMPION, LiveLog, periods, read, units_by_arm

HOUR = 3_600 * 10**9


def captured(*rows: dict[str, Any]) -> pa.Table:
    """A captured table with these rows and nothing else."""
    whole = [dict.fromkeys(columns.CAPTURE.names) | row for row in rows]
    return pa.Table.from_pylist(whole, schema=columns.CAPTURE)


def row(ts: int, who: str | None, *, status: int | None = 200, ms: float | None = 5.0) -> dict[str, Any]:
    """One request of the log."""
    return {
        "ts_ns": ts,
        "served_by": [("endpoint", who)] if who else [],
        "segments": [("variant", who)] if who else [],
        "recorded_status": status,
        "recorded_latency_ns": None if ms is None else round(ms * 1e6),
        "recorded_latency_kind": None if ms is None else "service",
    }


def log(*rows: dict[str, Any], units: list[int] | None = None, **config: Any) -> LiveLog:  # noqa: ANN401  -- any field
    """What is read of some rows, each of a unit of its own unless said."""
    codes = np.array(units or range(len(rows)), dtype=np.int64)
    return read(captured(*rows), LiveConfig(share=0.05, **config), unit=codes)


def test_requests_are_read_in_order_of_time() -> None:
    """By arm, whatever the order of the file; those of neither arm are counted and left out."""
    found = log(row(3, "challenger"), row(1, "champion"), row(2, "shadow"), row(0, None))
    assert found.ts_ns.tolist() == [1, 3]
    assert found.arm.tolist() == [CHAMPION, CHALLENGER]
    assert (found.neither, found.kinds) == (2, ("service",))


@pytest.mark.parametrize("arm", ["served_by.endpoint", "segments.variant"])
def test_the_scenario_names_what_tells_the_arm(arm: str) -> None:
    """A key of served_by, or a segment (which JMESPath may have read out of the body)."""
    found = log(row(0, "b"), row(1, "a"), arm=arm, challenger="b", champion="a")
    assert found.arm.tolist() == [CHALLENGER, CHAMPION]


@pytest.mark.parametrize("arm", ["endpoint", "body.x", "served_by."])
def test_another_place_is_refused(arm: str) -> None:
    """Only what the capture keeps of each request can tell."""
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({"share": 0.05, "arm": arm}, LiveConfig)


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (200, False),
        (204, False),
        (302, False),
        (399, False),
        (400, True),
        (422, True),
        (503, True),
        (0, True),
    ],
)
def test_any_status_but_success_is_an_error(status: int, *, error: bool) -> None:
    """A canary that refuses every request with 422 errs; the clients' own faults meet both arms."""
    found = log(row(0, "challenger", status=status))
    assert (found.error.tolist(), found.unlogged.tolist()) == ([error], [False])


def test_a_status_that_was_not_recorded_is_neither_error_nor_success() -> None:
    """It is not known, and counted by arm."""
    found = log(row(0, "challenger", status=None), row(1, "champion", status=None))
    assert (found.error.tolist(), found.unlogged.tolist()) == ([False, False], [True, True])
    assert found.counts()["champion without status"] == 1


def test_what_is_in_the_log_is_counted_by_arm() -> None:
    """Errors, statuses and latencies that are missing, and units that met both arms."""
    found = log(
        row(0, "champion"),
        row(1, "challenger", ms=None),
        row(2, "challenger", status=500, ms=None),
        row(3, "champion", status=500),
        row(4, "champion", status=None),
        row(5, None),
        units=[0, 1, 1, 1, 0, 0],
    ).counts()
    assert found == {
        "challenger": 2,
        "champion": 3,
        "of neither": 1,
        "units": 2,
        "units in both arms": 1,
        "errors of challenger": 1,
        "errors of champion": 1,
        "challenger without status": 0,
        "champion without status": 1,
        "challenger without latency": 1,
    }


def test_a_unit_counts_by_its_first_request() -> None:
    """The position of each unit's first request, and how many moved."""
    rows = (row(k, who) for k, who in enumerate(["champion", "challenger", "challenger", "champion"]))
    first, moved = units_by_arm(log(*rows, units=[5, 6, 5, 6]))
    assert (first.tolist(), moved) == ([0, 1], 2)


def test_midnight_begins_a_day() -> None:
    """An hour is named by its end, and its first moment belongs to it."""
    assert periods(np.array([0, HOUR - 1, HOUR, HOUR + 1]), HOUR).tolist() == [1, 1, 2, 2]


def test_a_look_sees_nothing_of_later() -> None:
    """Up to a time, that time left out."""
    found = log(*(row(k, "champion") for k in range(5)), *(row(k, None) for k in (4, 1, 0)))
    assert found.until(2).ts_ns.tolist() == [0, 1]
    assert [found.until(ns).neither for ns in (0, 1, 2, 9)] == [0, 1, 2, 3]
    assert len(found.until(0).arm) == 0
