"""Reasons of failures, counted without the values that they show."""

from __future__ import annotations

import pytest

from harness.run.reasons import reasons


@pytest.mark.parametrize(
    ("details", "told"),
    [
        ([], {}),
        (["score is text '0.1'"] * 2, {"score is text '0.1'": 2}),
        (
            ["score is text '0.2'", "score is text '0.1'", 'score is text "it\'s"', "score is null"],
            {'score is text, such as "it\'s"': 3, "score is null": 1},
        ),
        (["score is text 'b'", "score is text 'a'", "score is text 'b'"], {"score is text, such as 'b'": 3}),
        (["score is true", "score is false"], {"score is true or false": 2}),
        (["score is false"], {"score is false": 1}),
        (["HTTP 500: is text 'a' here", "HTTP 500"], {"HTTP 500: is text 'a' here": 1, "HTTP 500": 1}),
    ],
)
def test_one_reason_of_many_values_is_one(details: list[str], told: dict[str, int]) -> None:
    """With the value that is seen most; one value alone is told as it is."""
    assert reasons(details) == told
