"""A plan in words: effects that are tried unasked, and how their forecast is told."""

import pyarrow as pa
import pytest

from harness.evidence.planning import Decided, Forecast
from harness.run import planning
from tests.kit.some_evidence import plan


@pytest.mark.parametrize(("superiority", "effects"), [(True, (-0.01, 0.0, 0.01)), (False, (0.0, 0.01))])
def test_effects_are_tried_unasked(effects: tuple[float, ...], *, superiority: bool) -> None:
    """What ought to pass, nothing at all, and what ought to fail."""
    assert planning._usual(plan(superiority=superiority)) == effects  # noqa: SLF001  -- the defaults


@pytest.mark.parametrize(
    ("ruling", "needles"),
    [
        (
            "PASS",
            ("PASS 100%, FAIL 0%, open 0%", "expected 90 requests, 9 days", "90.0% by 90 requests, 9 days"),
        ),
        ("UNDECIDED", ("PASS 0%, FAIL 0%, open 100%", "expected more than 8 such captures")),
    ],
)
def test_a_forecast_is_told_in_numbers(ruling: str, needles: tuple[str, ...]) -> None:
    """Requests and days, and what a test that looks once would need."""
    runs = (Decided(ruling, 90, 9, 9),) * 20  # type: ignore[arg-type]  # a ruling
    lines = planning._told(Forecast(0.0, 100, 10, runs), plan(), sd=0.1, gates=3)  # noqa: SLF001  -- the words
    for needle in (*needles, "no harm at all", "a test that looks once needs 858 units", "96.7% by"):
        assert needle in "\n".join(lines)


@pytest.mark.parametrize(
    ("kept", "told"), [([1.0, 1.0], ""), ([1.0, 3.0], ", a sample, drawn from unweighted below (n_eff 2)")]
)
def test_a_plan_says_that_it_draws_a_sample_as_it_is(kept: list[float], told: str) -> None:
    """A plan is no estimate of the traffic."""
    table = pa.table({"sampling_weight": kept, "propensity": pa.nulls(2, pa.float64())})
    assert planning._sampled(table) == told  # noqa: SLF001  -- the words
