"""What stock servers do in silence: which causes are such traps, and which of them spoil every request."""

from __future__ import annotations

import pytest

from harness.diff.traps import ADVICE, advice, spoils_all
from harness.records import Finding


def finding(cause: str, *, requests: int = 10, explained: int = 10) -> Finding:
    """A finding of a cause."""
    return Finding(
        arm="challenger",
        left="offline:m",
        fields=("score",),
        cause=cause,
        sentence="",
        requests=requests,
        explained=explained,
        first_seen="2025-01-01T00:00:00Z",
        last_seen="2025-01-01T00:00:00Z",
    )


def test_each_trap_has_its_advice() -> None:
    """In sentences; a bug of one feature is no trap of the server."""
    assert all(text.endswith(".") and text[0].isupper() for text in ADVICE.values())
    assert "FP64" in advice(finding("truncated_input"))
    assert advice(finding("off_by_one")) == ""


@pytest.mark.parametrize(
    ("cause", "explained", "spoils"),
    [
        ("columns_reversed", 10, True),
        ("columns_reversed", 9, False),
        ("float32_input", 10, False),
        ("missing_key_filled", 10, False),
        ("unexplained", 10, False),
        ("off_by_one", 10, False),
    ],
)
def test_what_spoils_all_reproduces_all(cause: str, explained: int, *, spoils: bool) -> None:
    """To the last request; what only some requests show proves nothing of the others."""
    assert spoils_all(finding(cause, explained=explained)) is spoils
