"""When two builds on one host are measured one after another, and the queueing theory behind it."""

import pytest

from harness.replay.contention import arms_for, mean_wait
from harness.replay.schedule import Constant, Phase, Recorded, Saturate

LATENCY = Phase(name="latency", pace=Recorded())


@pytest.mark.parametrize(
    ("load", "cores", "wait"),
    [
        (0.0, 4, 0.0),
        (0.5, 1, 1.0),
        (0.9, 1, 9.0),
        (1.0, 2, 1 / 3),
        (2.0, 2, float("inf")),
        (3.0, 1, float("inf")),
    ],
)
def test_the_mean_wait_is_erlangs(load: float, cores: int, wait: float) -> None:
    """M/M/1 waits load / (1 - load) service times; M/M/2 at load 1 waits a third; a full host forever."""
    assert mean_wait(load, cores) == pytest.approx(wait)


@pytest.mark.parametrize(
    ("peak", "service_ms", "cores", "in_flight", "arms"),
    [
        (10, 5.0, 2, 1, "together"),
        (50, 5.0, 2, 1, "together"),
        (100, 5.0, 2, 1, "apart"),
        (300, 5.0, 2, 1, "apart"),
        (100, 5.0, 16, 1, "together"),
        (50, 40.0, 2, 8, "together"),
        (50, 40.0, 2, 1, "apart"),
    ],
)
def test_arms_are_set_apart_where_they_would_contend(
    *, peak: float, service_ms: float, cores: int, in_flight: int, arms: str
) -> None:
    """By the waiting that sharing adds; what was waiting when it was measured is not work."""
    service = {"champion": service_ms, "challenger": service_ms}
    chosen, why = arms_for(LATENCY, peak, service_ms_by_target=service, cores=cores, in_flight=in_flight)
    assert chosen == arms
    assert f"{peak:,.0f} requests/s" in why


@pytest.mark.parametrize(
    ("phase", "service", "expected"),
    [
        (Phase(name="p", pace=Recorded(), arms="apart"), {}, ("apart", "the scenario says so")),
        (
            Phase(name="p", pace=Recorded(), arms="together"),
            {"a": 900.0, "b": 900.0},
            ("together", "says so"),
        ),
        (Phase(name="p", pace=Saturate()), {"a": 900.0, "b": 900.0}, ("together", "closed loop")),
        (Phase(name="p", pace=Constant(rate=5)), {"a": 900.0}, ("together", "no two targets")),
    ],
)
def test_what_needs_no_measurement_says_why(
    phase: Phase, service: dict[str, float], expected: tuple[str, str]
) -> None:
    """The scenario's own word, a closed loop, a single target."""
    chosen, why = arms_for(phase, 1000, service_ms_by_target=service, cores=1)
    assert (chosen, expected[1] in why) == (expected[0], True)
