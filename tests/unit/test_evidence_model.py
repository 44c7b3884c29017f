"""What gates may look at: the build under test is always among what they see."""

from harness.records import TargetCounts
from tests.kit.some_evidence import champion, evidence, nothing, offline, own


def test_a_build_that_was_sent_nothing_is_counted_as_such() -> None:
    """An absent target has empty counts, so that a gate cannot skip it; a present one is not doubled."""
    assert nothing().all_targets() == (TargetCounts(target="challenger", states={}),)
    assert [t.target for t in evidence().all_targets()] == ["champion", "challenger"]


def test_the_references_are_those_the_build_is_held_against() -> None:
    """The champion's own offline model, and the champion, are no reference of the challenger."""
    found = evidence(pairs=(offline(), own(), champion()))
    assert found.references() == ("new",)
    assert nothing().references() == ()
