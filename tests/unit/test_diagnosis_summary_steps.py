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
    assert steps == ((f"mend; flagged a day 20 → {flagged:.0f}",) if told else ())


def test_a_dashboard_that_flatters_is_put_right_first() -> None:
    """Mature labels say worse, surely; a number that would stay as it is needs no waiting."""
    lower, same = (Number(value=v, lower=v - 0.01, upper=v + 0.01) for v in (-0.16, 0.0))
    wait = Remedy(key="wait", kind="measurement", action="wait", gains={"roc_auc": lower})
    mend = remedy("mend", flagged=20.0)
    assert next_steps([mend, wait], ()) == ("wait", "mend")
    assert next_steps([mend, replace(wait, gains={"roc_auc": same})], ()) == ("mend",)


def test_more_flagged_within_the_limit_may_ease_the_busy_day() -> None:
    """Today's busy day is broken: less of it is a step forward, though a few more are flagged on average."""
    queue = Volume(now=7.0, then=7.5, busy_now=44.0, busy_then=42.0, limit=17.0)
    mend = replace(remedy("mend", flagged=1.0, guardrail="broken"), volume=queue, guardrail_now="broken")
    assert next_steps([mend], ()) == ("mend; flagged a day 7 → 7.5",)
    assert next_steps([replace(mend, worsens=True)], ()) == ()


def test_better_probabilities_do_not_stand_before_better_decisions() -> None:
    """A recalibration that takes recall and F1 away is behind a mended feature, and says what it costs."""
    gone = Number(value=-0.2, lower=-0.21, upper=-0.19)
    gains = {"log_loss": gone, "recall": gone, "f1": gone}
    costly = replace(
        remedy("recalibrate", flagged=1.5),
        gains=gains,
        now={"recall": 0.304, "f1": 0.3},
        then={"recall": 0.038, "f1": 0.1},
    )
    mend = remedy("mend", flagged=19.0)
    cost = "at the cost of recall (0.304 → 0.038) and F1 (0.300 → 0.100); flagged a day 20 → 1.5"
    assert next_steps([costly, mend], ()) == ("mend; flagged a day 20 → 19", f"recalibrate, {cost}")
