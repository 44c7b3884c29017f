"""What to do next, in the order of what it gives."""

import pytest
from msgspec.structs import replace

from harness.diagnosis.summary import next_steps
from harness.records import Number, Remedy, Volume


def remedy(action: str, *, flagged: float, guardrail: str = "kept") -> Remedy:
    """A remedy that surely ranks better, with so many flagged a day where 20 are now."""
    return Remedy(
        key=action,
        kind="model",
        action=action,
        gains={"roc_auc": Number(value=0.05, lower=0.01, upper=0.09)},
        volume=Volume(now=20.0, then=flagged, busy_now=40.0, busy_then=2 * flagged, limit=10.0),
        guardrail=guardrail,  # type: ignore[arg-type]
    )


@pytest.mark.parametrize(
    ("flagged", "guardrail", "told"),
    [(25.0, "kept", True), (15.0, "broken", True), (20.0, "broken", False), (25.0, "broken", False)],
)
def test_a_limit_that_is_broken_now_may_stay_broken_by_less(
    flagged: float, guardrail: str, *, told: bool
) -> None:
    """A mended feature is a step forward though reviewers still get too many; more of them is none."""
    steps = next_steps([remedy("mend", flagged=flagged, guardrail=guardrail)], ())
    assert steps == (("mend",) if told else ())


def test_a_dashboard_that_flatters_is_put_right_first() -> None:
    """Mature labels say worse, surely; a number that would stay as it is needs no waiting."""
    lower, same = (Number(value=v, lower=v - 0.01, upper=v + 0.01) for v in (-0.16, 0.0))
    wait = Remedy(key="wait", kind="measurement", action="wait", gains={"roc_auc": lower})
    mend = remedy("mend", flagged=15.0)
    assert next_steps([mend, wait], ()) == ("wait", "mend")
    assert next_steps([mend, replace(wait, gains={"roc_auc": same})], ()) == ("mend",)
