"""What is known of a pair's requests beside the answers."""

from harness.diff.case import Context


def test_nothing_need_be_known() -> None:
    """Every part is optional."""
    nothing = Context()
    assert (nothing.label, nothing.service_ns) == (None, None)
    assert (dict(nothing.tags), dict(nothing.answered_by), dict(nothing.extra)) == ({}, {}, {})
