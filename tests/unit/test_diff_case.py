"""What is known of a pair's requests beside the answers."""

from harness.diff.case import Context


def test_nothing_need_be_known() -> None:
    """Every part is optional."""
    nothing = Context()
    assert (nothing.label, nothing.latency_ns) == (None, None)
    assert (dict(nothing.keys), dict(nothing.extra)) == ({}, {})
