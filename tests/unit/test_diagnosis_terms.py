"""The names of metrics and steps: every one that the ladder has, in three registers."""

from harness.diagnosis.influence import NAMES
from harness.diagnosis.rungs import CONCEPT, SEEN, UNSEEN
from harness.diagnosis.samples import CHANGES, LEAKS, OFFLINE, REPEATED, REPORTED, UNTIMELY
from harness.diagnosis.terms import METRICS, STEPS


def test_every_metric_and_every_step_has_its_name() -> None:
    """None is missing, none is left over."""
    steps = {REPORTED, REPEATED, UNTIMELY, LEAKS, SEEN, CONCEPT, UNSEEN, OFFLINE, *CHANGES}
    assert set(METRICS) == set(NAMES)
    assert set(STEPS) == steps


def test_each_register_names_each_step_once() -> None:
    """Two steps are never called alike."""
    for words in zip(*STEPS.values(), strict=True):
        assert len(set(words)) == len(STEPS)
